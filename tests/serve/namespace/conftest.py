"""A small host with real clients, where the machine lets us have one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULE = "tests.serve.namespace.small_host"
PATIENCE = 60
"""Seconds, before a test is given up."""

Ran = subprocess.CompletedProcess[str]
Host = Callable[..., Ran]
Options = tuple[str, ...]


def command_line(*command: str, options: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, "-m", MODULE, *options, "--", *command]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def run(*command: str, options: tuple[str, ...] = ()) -> Ran:
    """A command in a host of its own."""
    return subprocess.run(
        command_line(*command, options=options),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
    )


def skip_unless_possible(options: tuple[str, ...] = ()) -> None:
    ran = run("true", options=options)
    if ran.returncode and "NamespaceError" in ran.stderr:
        pytest.skip(ran.stderr.partition("NamespaceError: ")[2].strip().replace("\n", ";"))


@pytest.fixture(scope="session")
def host() -> Host:
    """Runs a command in a host of its own."""
    skip_unless_possible()
    return run


@pytest.fixture(scope="session", params=["as it is", "user namespace"])
def any_options(request: pytest.FixtureRequest) -> Options:
    """A host in the way that suits this user, and one in a user namespace."""
    options = ("--userns",) if request.param == "user namespace" else ()
    skip_unless_possible(options)
    return options


@pytest.fixture(scope="session")
def any_host(any_options: Options) -> Host:
    """Runs a command in a host of its own, of either kind."""

    def run_with(*command: str) -> Ran:
        return run(*command, options=any_options)

    return run_with
