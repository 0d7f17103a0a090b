"""Python clients, in a host of a few files."""

from __future__ import annotations

import sys

import pytest

from . import clients
from .conftest import Host


@pytest.mark.parametrize(
    "name",
    [
        function.__name__
        for function in (
            clients.nested_pointers,
            clients.output_of_an_error,
            clients.bad_pointers,
            clients.pointer_into_a_file,
            clients.every_position,
            clients.many_at_once,
            clients.one_number_for_all,
            clients.polling,
            clients.a_caught_signal,
            clients.an_interruptible_call,
            clients.killed_while_it_waits,
        )
    ],
)
def test_client(any_host: Host, name: str) -> None:
    ran = any_host(sys.executable, "-m", "tests.serve.namespace.clients", name)
    assert (ran.returncode, ran.stderr) == (0, "")
