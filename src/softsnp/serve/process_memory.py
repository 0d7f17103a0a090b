"""The memory of another process, read and written with process_vm_readv(2) and _writev(2)."""

from __future__ import annotations

import ctypes
import errno
from typing import Final

SMALL: Final = 4096
"""Bytes that go through a buffer which is there already."""
ADDRESS_END: Final = 1 << 64


class _Extent(ctypes.Structure):
    """The kernel's struct iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Transfer:
    """The two system calls and what they need again and again. For one thread."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._read = libc.process_vm_readv
        self._write = libc.process_vm_writev
        for function in (self._read, self._write):
            function.restype = ctypes.c_ssize_t
        self._buffer = ctypes.create_string_buffer(SMALL)
        self._address = ctypes.addressof(self._buffer)
        self._near = _Extent()
        self._far = _Extent()
        self._near_pointer = ctypes.byref(self._near)
        self._far_pointer = ctypes.byref(self._far)
        self._one = ctypes.c_ulong(1)
        self._none = ctypes.c_ulong(0)

    def read(self, pid: int, address: int, length: int) -> bytes:
        if length == 0:
            return b""
        self._aim(pid, address, length)
        if length <= SMALL:
            self._run(self._read, pid, self._address, address, length)
            return ctypes.string_at(self._address, length)
        buffer = (ctypes.c_char * length)()
        self._run(self._read, pid, ctypes.addressof(buffer), address, length)
        return buffer.raw

    def write(self, pid: int, address: int, data: bytes) -> None:
        length = len(data)
        if length == 0:
            return
        self._aim(pid, address, length)
        if length <= SMALL:
            ctypes.memmove(self._address, data, length)
            self._run(self._write, pid, self._address, address, length)
            return
        buffer = (ctypes.c_char * length).from_buffer_copy(data)
        self._run(self._write, pid, ctypes.addressof(buffer), address, length)

    def _aim(self, pid: int, address: int, length: int) -> None:
        if pid <= 0 or address < 0 or length < 0 or address + length > ADDRESS_END:
            raise OSError(errno.EFAULT, f"no {length} bytes at {address:#x} of process {pid}")

    def _run(
        self, function: ctypes._NamedFuncPointer, pid: int, near: int, far: int, length: int
    ) -> None:
        self._near.base, self._near.length = near, length
        self._far.base, self._far.length = far, length
        moved = function(
            pid, self._near_pointer, self._one, self._far_pointer, self._one, self._none
        )
        if moved != length:
            why = ctypes.get_errno() if moved < 0 else errno.EFAULT
            raise OSError(
                errno.EFAULT,
                f"{length} bytes at {far:#x} of process {pid}: {errno.errorcode.get(why, why)}",
            )


class ProcessMemory:
    """One process's memory, while a call of it waits for its answer. Else nothing is there."""

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
