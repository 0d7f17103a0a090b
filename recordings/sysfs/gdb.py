"""A word of a guest's memory, read and written through QEMU's GDB stub."""

from __future__ import annotations

import socket
from pathlib import Path

WORD = 4


class GdbError(Exception):
    """The stub refused, or said what it never should."""


class Stub:
    """A connection to the stub. The guest stands still from its beginning to its end."""

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, *_: object) -> None:
        """Detach, which lets the guest go on."""
        self.ask("D")
        self.stream.close()
        self.socket.close()

    def ask(self, command: str) -> str:
        self.socket.sendall(packet(command))
        while (said := self._answer(command)).startswith("T"):
            pass  # The guest has stopped, since we are here. QEMU says so up to 7.2, unasked.
        return said

    def _answer(self, command: str) -> str:
        while (byte := self.stream.read(1)) == b"+":
            pass
        said = bytearray()
        while byte and (byte := self.stream.read(1)) not in (b"#", b""):
            said += byte
        if not byte:
            raise GdbError(f"{command}: the stub hung up")
        self.stream.read(2)  # the sum: nothing is lost on a local socket
        self.socket.sendall(b"+")
        return said.decode("ascii")

    def read_word(self, address: int) -> int:
        return int.from_bytes(bytes.fromhex(self.ask(f"m{address:x},{WORD}")), "little")

    def write_word(self, address: int, value: int) -> None:
        said = self.ask(f"M{address:x},{WORD}:{value.to_bytes(WORD, 'little').hex()}")
        if said != "OK" or self.read_word(address) != value:
            raise GdbError(f"the word at {address:#x} cannot be written: {said}")


def packet(command: str) -> bytes:
    """``$command#sum``, the sum of its bytes in two hex digits."""
    return f"${command}#{sum(command.encode()) & 0xFF:02x}".encode()
