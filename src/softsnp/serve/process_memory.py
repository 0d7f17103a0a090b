"""The memory of another process, read and written with process_vm_readv(2) and _writev(2)."""

from __future__ import annotations

import ctypes
import errno
from struct import Struct
from typing import Any, Final

SMALL: Final = 4096
"""Bytes that go through a buffer which is there already."""
LARGEST: Final = 1 << 26
"""Bytes that are read at once: far more than the kernel itself would allocate."""
ADDRESS_END: Final = 1 << 64
EXTENTS: Final = Struct("<QQQQ")
"""Two of the kernel's struct iovec, ours and theirs: address and length of each."""


class Transfer:
    """The two system calls, and what they need again and again. For one thread."""

    def __init__(self) -> None:
        self.moves = 0
        """How many transfers have begun, and how many have ended: odd while there is one."""
        libc = ctypes.CDLL(None)
        self._read = libc.process_vm_readv
        self._write = libc.process_vm_writev
        for function in (self._read, self._write):
            function.restype = ctypes.c_ssize_t
        self._buffer = ctypes.create_string_buffer(SMALL)
        self._address = ctypes.addressof(self._buffer)
        self._extents = ctypes.create_string_buffer(EXTENTS.size)
        near = ctypes.addressof(self._extents)
        far = near + EXTENTS.size // 2
        # Made once: converting numbers takes ctypes as long as the system call takes.
        self._near, self._far = ctypes.c_void_p(near), ctypes.c_void_p(far)
        self._one, self._none = ctypes.c_ulong(1), ctypes.c_ulong(0)

    def read(self, pid: int, address: int, length: int) -> bytes:
        if 0 < length <= SMALL:
            self._run(self._read, pid, self._address, address, length)
            return ctypes.string_at(self._address, length)
        if length == 0:
            return b""
        if _possible(pid, address, length) > LARGEST:
            raise OSError(errno.ENOMEM, f"{length} bytes are more than any command takes")
        buffer = (ctypes.c_char * length)()
        self._run(self._read, pid, ctypes.addressof(buffer), address, length)
        return buffer.raw

    def write(self, pid: int, address: int, data: bytes) -> None:
        length = len(data)
        if 0 < length <= SMALL:
            ctypes.memmove(self._address, data, length)
            self._run(self._write, pid, self._address, address, length)
        elif length:
            buffer = (ctypes.c_char * length).from_buffer_copy(data)
            self._run(self._write, pid, ctypes.addressof(buffer), address, length)

    def _run(self, function: Any, pid: int, near: int, far: int, length: int) -> None:
        _possible(pid, far, length)
        EXTENTS.pack_into(self._extents, 0, near, length, far, length)
        # Whatever else than all of it moves, the kernel's copy_from_user() would say EFAULT.
        self.moves += 1
        moved = function(pid, self._near, self._one, self._far, self._one, self._none)
        self.moves += 1
        if moved != length:
            raise OSError(errno.EFAULT, f"not {length} bytes at {far:#x} of process {pid}")


def _possible(pid: int, address: int, length: int) -> int:
    """The length, if it is one, in the memory of somebody."""
    if pid <= 0 or address < 0 or length < 0 or address + length > ADDRESS_END:
        raise OSError(errno.EFAULT, f"no {length} bytes at {address:#x} of process {pid}")
    return length


class ProcessMemory:
    """One process's memory, while a call of it waits for its answer; else nothing is there."""

    __slots__ = ("_transfer", "pid")

    def __init__(self, transfer: Transfer, pid: int) -> None:
        self._transfer = transfer
        self.pid = pid
        """A process or a thread of it; 0: none."""

    def read(self, address: int, length: int) -> bytes:
        return self._transfer.read(self.pid, address, length)

    def write(self, address: int, data: bytes) -> None:
        self._transfer.write(self.pid, address, data)

    def close(self) -> None:
        """The process may end now, and its number go to another."""
        self.pid = 0
