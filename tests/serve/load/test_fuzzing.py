"""Twenty thousand random calls; ``python -m tests.serve.fuzzing`` makes more of them."""

from __future__ import annotations

import pytest

from tests.serve.fuzzing.outside import fuzz

CALLS = 3400
SEED = 6
HOSTS: dict[str, tuple[str, ...]] = {
    "linux-7.3": (),
    "ioctls that require SNP": ("--ioctls", "require"),
    "ioctls that bracket SNP": ("--ioctls", "bracket", "--generation", "turin"),
    "linux-6.12": (
        *("--design", "linux-6.12", "--firmware", "legacy"),
        *("--generation", "milan", "--user-namespace"),
    ),
    "rmpopt-v10": ("--design", "rmpopt-v10"),
}


@pytest.mark.parametrize("name", HOSTS)
def test_random_calls(name: str) -> None:
    found = fuzz(CALLS, SEED, HOSTS[name])
    assert found.wrong() == []
    assert (
        found.report.calls >= CALLS * 0.9
    )  # all but those that would have touched Python's memory
