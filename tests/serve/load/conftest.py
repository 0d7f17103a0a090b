"""Where the machine lets us have a host."""

from __future__ import annotations

import pytest

from tests.serve.namespace.conftest import skip_unless_possible


@pytest.fixture(scope="session", autouse=True)
def _a_host_is_possible() -> None:
    skip_unless_possible()
