"""Calls of /dev/sev's ioctl: every command in every state, with good and bad arguments."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl, Status

from .user import ARGUMENT, DATA, EDGE, FIRST, KERNEL, LAST, NOTHING, READ_ONLY, SECOND, UserMemory

ERROR_BEFORE = 0xDDDDDDDD
"""What ``error`` holds before a call."""
ISSUE = struct.Struct("<IQI")  # command, pointer, error
NO_ANSWER = "no answer"
LOAD_KVM = "modprobe kvm-amd"


@dataclass(frozen=True)
class Case:
    """One call. Addresses are those of ``user``."""

    state: str
    command: int
    what: str
    pointer: int = DATA
    data: bytes = b""
    """What lies at the pointer, as far as there is memory."""
    writable: bool = True
    """Whether /dev/sev is open for writing."""
    number: int = SEV_ISSUE_CMD
    argument: int = ARGUMENT
    failing: tuple[tuple[str, int], ...] = ()
    """Firmware commands and the status that each answers with."""
    no_answer: bool = False

    @property
    def name(self) -> str:
        known = self.command < len(Ioctl)
        command = Ioctl(self.command).name if known else f"command {self.command:#x}"
        return f"{self.state}: {command}: {self.what}"

    def memory(self) -> UserMemory:
        memory = UserMemory()
        memory.put(self.pointer, self.data)
        memory.put(self.argument, ISSUE.pack(self.command, self.pointer, ERROR_BEFORE))
        memory.begin()
        return memory


FLUSHLESS = Case(
    "", Ioctl.PEK_GEN.value, "", failing=(("DF_FLUSH", Status.HWERROR_PLATFORM.value),)
)
RESET = Case("", Ioctl.FACTORY_RESET.value, "")
DEAD = Case("", Ioctl.PLATFORM_STATUS.value, "", no_answer=True)
STATES: dict[str, tuple[Case | str, ...]] = {
    "nothing is initialized": (),
    "legacy SEV": (FLUSHLESS,),
    "SNP": (LOAD_KVM, RESET),
    "both": (LOAD_KVM,),
    "dead": (LOAD_KVM, DEAD),
}
"""What is done before the call: other calls, and LOAD_KVM."""
MAILBOX = {
    Ioctl.FACTORY_RESET: ("FACTORY_RESET", "PLATFORM_STATUS", "SHUTDOWN"),
    Ioctl.PLATFORM_STATUS: ("PLATFORM_STATUS",),
    Ioctl.PEK_GEN: ("PEK_GEN",),
    Ioctl.PEK_CSR: ("PEK_CSR",),
    Ioctl.PDH_GEN: ("PDH_GEN",),
    Ioctl.PDH_CERT_EXPORT: ("PDH_CERT_EXPORT",),
    Ioctl.PEK_CERT_IMPORT: ("PEK_CERT_IMPORT",),
    Ioctl.GET_ID: ("GET_ID",),
    Ioctl.GET_ID2: ("GET_ID",),
    Ioctl.SNP_PLATFORM_STATUS: ("SNP_PLATFORM_STATUS",),
    Ioctl.SNP_COMMIT: ("SNP_COMMIT",),
    Ioctl.SNP_SET_CONFIG: ("SNP_CONFIG",),
    Ioctl.SNP_VLEK_LOAD: ("SNP_VLEK_LOAD",),
}
"""The firmware commands of an ioctl whose status its caller may hear of."""
LEGACY_INIT = ("INIT_EX", "DF_FLUSH", "SHUTDOWN", "SNP_SHUTDOWN_EX")
"""What an ioctl that brings legacy SEV up asks besides."""
STATUSES = (Status.INVALID_PLATFORM_STATE, Status.INVALID_LEN)
UNKNOWN_STATUS = 0x1234
LONGEST = 16 << 10
"""Bytes of a certificate."""


def good(asked: Ioctl) -> bytes:
    """A struct with which the command can do something."""
    if asked in (Ioctl.PEK_CSR, Ioctl.GET_ID2):
        return struct.pack("<QI", FIRST, 4096)
    if asked in (Ioctl.PDH_CERT_EXPORT, Ioctl.PEK_CERT_IMPORT):
        return struct.pack("<QIQI", FIRST, 2084, SECOND, 6252)
    if asked is Ioctl.SNP_SET_CONFIG:
        return bytes(range(64))
    if asked is Ioctl.SNP_VLEK_LOAD:
        return struct.pack("<IB3xQ", 16, 0, FIRST)
    return b""


def cases() -> Iterator[Case]:
    for state in STATES:
        for command in (*range(14), 0xFF, 0x80000000, 0xFFFFFFFF):
            yield from _of_any(state, command)
        for asked in Ioctl:
            yield from _firmware(state, asked)
        yield from _certificate_request(state)
        yield from _export(state)
        yield from _import(state)
        yield from _identifier(state)
        yield from _vlek(state)


def _of_any(state: str, command: int) -> Iterator[Case]:
    """What can be wrong with a call of any command."""
    data = good(Ioctl(command)) if command < len(Ioctl) else b""

    def case(what: str, **more: object) -> Case:
        return Case(state, command, what, **{"data": data, **more})  # type: ignore[arg-type]

    yield case("a good call")
    yield case("a file that is read-only", writable=False)
    for what, pointer in (
        ("no pointer", 0),
        ("a pointer to nothing", NOTHING),
        ("a pointer to read-only memory", READ_ONLY),
        ("a pointer to where memory ends after 8 bytes", EDGE - 8),
        ("a pointer into the kernel", KERNEL),
        ("a pointer to the last address", LAST),
    ):
        yield case(what, pointer=pointer)
    yield case("a read-only file, and no pointer", writable=False, pointer=0)
    yield case("a read-only file, and a pointer to nothing", writable=False, pointer=NOTHING)
    if state in ("nothing is initialized", "both"):
        yield case("another number of an ioctl", number=SEV_ISSUE_CMD + 1)
        yield case("an argument in read-only memory", argument=READ_ONLY + 64)
        yield case("an argument that is not there", argument=NOTHING)
        yield case("an argument that ends after 8 bytes", argument=EDGE - 8)


def _firmware(state: str, asked: Ioctl) -> Iterator[Case]:
    """What the firmware may answer."""
    data = good(asked)
    for command in MAILBOX[asked]:
        for status in (*(each.value for each in STATUSES), UNKNOWN_STATUS):
            failing = ((command, status),)
            what = f"{command} answers {status:#x}"
            yield Case(state, asked.value, what, data=data, failing=failing)
    wants_sev = asked.name.startswith(("PEK_", "PDH_"))
    for command in LEGACY_INIT if wants_sev else ():
        failing = ((command, Status.HWERROR_PLATFORM.value),)
        yield Case(state, asked.value, f"{command} fails", data=data, failing=failing)
    yield Case(state, asked.value, "no answer", data=data, no_answer=True)


def _lengths(longest: int) -> tuple[int, ...]:
    return (0, 1, 63, 64, 2083, 2084, 4096, 4097, longest, longest + 1, 0xFFFFFFFF)


def _certificate_request(state: str) -> Iterator[Case]:
    for place in (0, FIRST, NOTHING, READ_ONLY, EDGE - 1000, KERNEL):
        for length in _lengths(LONGEST):
            data = struct.pack("<QI", place, length)
            what = f"{length} bytes at {place:#x}"
            yield Case(state, Ioctl.PEK_CSR.value, what, data=data)
    data = struct.pack("<QI", FIRST, 4096)
    yield Case(state, Ioctl.PEK_CSR.value, "its struct is read-only", pointer=READ_ONLY, data=data)


def _identifier(state: str) -> Iterator[Case]:
    for place in (0, FIRST, NOTHING, READ_ONLY, EDGE - 8, KERNEL):
        for length in _lengths(4 << 20):
            data = struct.pack("<QI", place, length)
            what = f"{length} bytes at {place:#x}"
            yield Case(state, Ioctl.GET_ID2.value, what, data=data)
    for left in (0, 8, 64, 127):
        what = f"memory ends after {left} bytes"
        yield Case(state, Ioctl.GET_ID.value, what, pointer=EDGE - left)


def _export(state: str) -> Iterator[Case]:
    for first, length, second, more in (
        (0, 0, 0, 0),
        (0, 2084, 0, 6252),
        (0, 2084, SECOND, 6252),
        (FIRST, 0, SECOND, 6252),
        (FIRST, 2084, 0, 6252),
        (FIRST, 2084, SECOND, 0),
        (FIRST, 0, SECOND, 0),
        (FIRST, 2084, SECOND, 6252),
        (FIRST, 2083, SECOND, 6252),
        (FIRST, 2084, SECOND, 6251),
        (FIRST, 1, SECOND, 1),
        (FIRST, 1000, SECOND, 1000),
        (FIRST, 4096, SECOND, LONGEST),
        (FIRST, 4097, SECOND, 6252),
        (FIRST, LONGEST, SECOND, LONGEST),
        (FIRST, LONGEST + 1, SECOND, 6252),
        (FIRST, 2084, SECOND, LONGEST + 1),
        (FIRST, 0xFFFFFFFF, SECOND, 0xFFFFFFFF),
        (FIRST, 0, SECOND, 0xFFFFFFFF),
        (NOTHING, 2084, SECOND, 6252),
        (FIRST, 2084, NOTHING, 6252),
        (NOTHING, 2084, NOTHING, 6252),
        (NOTHING, 1, NOTHING, 1),
        (READ_ONLY, 2084, SECOND, 6252),
        (FIRST, 2084, READ_ONLY, 6252),
        (EDGE - 100, 2084, SECOND, 6252),
        (FIRST, 2084, EDGE - 100, 6252),
        (KERNEL, 2084, KERNEL, 6252),
        (FIRST, 2084, FIRST, 6252),
    ):
        data = struct.pack("<QIQI", first, length, second, more)
        what = f"{length} bytes at {first:#x}, {more} at {second:#x}"
        yield Case(state, Ioctl.PDH_CERT_EXPORT.value, what, data=data)
        if length in (0, 2084):
            what += ", a read-only file"
            yield Case(state, Ioctl.PDH_CERT_EXPORT.value, what, data=data, writable=False)
    what = "its struct is read-only"
    data = good(Ioctl.PDH_CERT_EXPORT)
    yield Case(state, Ioctl.PDH_CERT_EXPORT.value, what, pointer=READ_ONLY, data=data)


def _import(state: str) -> Iterator[Case]:
    for first, length, second, more in (
        (0, 2084, SECOND, 2084),
        (FIRST, 0, SECOND, 2084),
        (FIRST, 1, SECOND, 1),
        (FIRST, LONGEST, SECOND, LONGEST),
        (FIRST, LONGEST + 1, SECOND, 2084),
        (FIRST, 2084, SECOND, LONGEST + 1),
        (FIRST, 0xFFFFFFFF, SECOND, 2084),
        (FIRST, 2084, 0, 2084),
        (FIRST, 2084, SECOND, 0),
        (NOTHING, 2084, SECOND, 2084),
        (FIRST, 2084, NOTHING, 2084),
        (NOTHING, 2084, 0, 0),
        (NOTHING, LONGEST + 1, 0, 0),
        (READ_ONLY, 2084, READ_ONLY, 2084),
        (EDGE - 100, 2084, SECOND, 2084),
        (FIRST, 2084, KERNEL, 2084),
    ):
        data = struct.pack("<QIQI", first, length, second, more)
        what = f"{length} bytes at {first:#x}, {more} at {second:#x}"
        yield Case(state, Ioctl.PEK_CERT_IMPORT.value, what, data=data)


def _vlek(state: str) -> Iterator[Case]:
    for length, version, reserved, place in (
        (0, 0, b"", FIRST),
        (15, 0, b"", FIRST),
        (17, 0, b"", FIRST),
        (0xFFFFFFFF, 0, b"", FIRST),
        (16, 1, b"", FIRST),
        (16, 255, b"", FIRST),
        (16, 0, b"\x01\x02\x03", FIRST),
        (16, 0, b"", 0),
        (16, 0, b"", NOTHING),
        (16, 0, b"", READ_ONLY),
        (16, 0, b"", EDGE - 431),
        (16, 0, b"", EDGE - 432),
        (16, 0, b"", KERNEL),
        (15, 1, b"", NOTHING),
    ):
        data = struct.pack("<IB3sQ", length, version, reserved, place)
        what = f"length {length}, version {version}, reserved {reserved.hex() or '0'}"
        what += f", hashstick at {place:#x}"
        yield Case(state, Ioctl.SNP_VLEK_LOAD.value, what, data=data)
        if not place or length == 15:
            what += ", a read-only file"
            yield Case(state, Ioctl.SNP_VLEK_LOAD.value, what, data=data, writable=False)
