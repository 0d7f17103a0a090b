"""The memory of another process."""

from __future__ import annotations

import ctypes
import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.process_memory import ProcessMemory, Transfer


@given(st.binary(max_size=10_000), st.integers(0, 100))
def test_what_is_written_is_read(data: bytes, offset: int) -> None:
    memory = ProcessMemory(Transfer(), os.getpid())
    there = ctypes.create_string_buffer(10_200)
    address = ctypes.addressof(there) + offset
    memory.write(address, data)
    assert memory.read(address, len(data)) == data
    assert there.raw == bytes(offset) + data + bytes(10_200 - offset - len(data))


@pytest.mark.parametrize(
    ("address", "length"),
    [(0, 1), (8, 5000), (2**64 - 8, 16), (2**64, 1), (-8, 8), (2**63, 8), (4096, -1)],
)
def test_what_is_not_there_is_efault(address: int, length: int) -> None:
    memory = ProcessMemory(Transfer(), os.getpid())
    with pytest.raises(OSError) as raised:
        memory.read(address, length)
    assert raised.value.errno == errno.EFAULT
    if length > 0:
        with pytest.raises(OSError) as raised:
            memory.write(address, bytes(length))
        assert raised.value.errno == errno.EFAULT


def test_nothing_at_all_is_moved_from_anywhere() -> None:
    memory = ProcessMemory(Transfer(), os.getpid())
    assert memory.read(0, 0) == b""
    memory.write(0, b"")


def test_no_length_makes_the_server_run_out_of_memory() -> None:
    memory = ProcessMemory(Transfer(), os.getpid())
    with pytest.raises(OSError) as raised:
        memory.read(4096, 1 << 40)
    assert raised.value.errno == errno.ENOMEM


def test_a_call_that_is_answered_has_no_memory() -> None:
    there = ctypes.create_string_buffer(8)
    memory = ProcessMemory(Transfer(), os.getpid())
    memory.close()
    with pytest.raises(OSError) as raised:
        memory.read(ctypes.addressof(there), 8)
    assert raised.value.errno == errno.EFAULT
