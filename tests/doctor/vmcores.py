"""Vmcores of a kernel that QEMU boots, and the moments at which they are taken."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recordings.sysfs import initramfs
from recordings.sysfs.gdb import Stub, packet
from recordings.sysfs.machine import QEMU, Machine

LOADER = r"""
/* Inserts ccp, and becomes the probe. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	char *const probe[] = { "/init", NULL };
	int file = open("/ccp.ko", O_RDONLY);

	if (file < 0 || syscall(SYS_finit_module, file, "", 0))
		return 1; /* the kernel panics, and says so on its console */
	return execv(probe[0], probe);
}
"""
SMP = "4,cores=2,threads=2"
PARAMETERS = "rdinit=/load suspend.pm_test_delay=0"
"""A test of suspend goes as far as it is told to, and back at once."""
EHDR, PHDR = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
ELF64, CORE, X86_64, PT_LOAD, PT_NOTE = b"\x7fELF\x02\x01\x01", 4, 62, 1, 4
DUMP_SECONDS = 100.0


def require_tools() -> None:
    for tool in (QEMU, "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def archive_with(module: Path, directory: Path) -> Path:
    """The probe's initramfs, with a second archive behind it: the module, and what inserts it."""
    source, loader = directory / "load.c", directory / "load"
    source.write_text(LOADER)
    command = ["gcc", "-static", "-O1", "-Wall", "-Werror", "-o", str(loader), str(source)]
    subprocess.run(command, check=True)
    archive = initramfs.build(directory)
    with archive.open("ab") as file:
        file.write(initramfs.entry("load", initramfs.REGULAR, loader.read_bytes()))
        file.write(initramfs.entry(module.name, initramfs.REGULAR, module.read_bytes()))
        file.write(initramfs.entry("TRAILER!!!", 0))
    return archive


class Booted:
    """A kernel with ccp in it, on two cores of two threads. The vmlinux itself is booted."""

    def __init__(self, vmlinux: Path, ccp: Path, directory: Path) -> None:
        self.directory = directory
        self.files = [str(vmlinux), str(ccp)]
        self.writers = ThreadPoolExecutor(1)
        self.machine = Machine(vmlinux, archive_with(ccp, directory), SMP, PARAMETERS, directory)
        place, size = self.machine.read("/sys/kernel/vmcoreinfo").read.split()
        self.note = int(place, 16), int(size, 16)
        """Where the kernel has VMCOREINFO, in physical memory: (address, bytes)."""

    def __enter__(self) -> Booted:
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.close()  # and with it ends whoever waits for an answer
        self.writers.shutdown()

    def dump(self, stub: Stub) -> Path:
        """As QEMU writes it of a guest that has not told it where VMCOREINFO is."""
        core = self.directory / "core"
        stub.socket.settimeout(DUMP_SECONDS)
        said = stub.ask("qRcmd," + f"dump-guest-memory {core}".encode().hex())
        assert said == "OK", f"QEMU's monitor: {said}"
        return core

    def core(self, stub: Stub) -> Path:
        """As it is where the guest has told."""
        core = self.dump(stub)
        add_note(core, self.vmcoreinfo(core))
        return core

    def vmcoreinfo(self, core: Path) -> bytes:
        address, size = self.note
        return physical(core, address, size)

    def still(self) -> Stub:
        """The guest stands still as long as this is open."""
        return Stub(self.directory / "gdb")

    def in_the_middle(self, path: str, value: str, *functions: str) -> Iterator[Stub]:
        """A write, and the guest still where the kernel comes to each of these functions."""
        places = [self.address(function) for function in functions]
        with self.still() as stub:
            for place in places:
                assert stub.ask(f"Z1,{place:x},1") == "OK"
            written = self.writers.submit(self.machine.write, path, value)
            for place in places:
                stub.socket.sendall(packet("c"))
                assert stub._answer("c").startswith("T05")
                yield stub
                assert stub.ask(f"z1,{place:x},1") == "OK"
        assert written.result().result == "0"

    def address(self, symbol: str) -> int:
        return int(self.machine._ask("k", symbol).read, 16)


# --- ELF -----------------------------------------------------------------------------------------


def headers(core: bytes) -> list[tuple[int, ...]]:
    """(type, flags, offset, virtual, physical, bytes in the file, in memory, alignment)."""
    header = EHDR.unpack_from(core)
    at, size, count = header[5], header[9], header[10]
    return [PHDR.unpack_from(core, at + size * number) for number in range(count)]


def physical(core: Path, address: int, size: int) -> bytes:
    """Out of the guest's memory."""
    with core.open("rb") as file:
        for kind, _, offset, _, start, length, _, _ in headers(file.read(4096)):
            if kind == PT_LOAD and start <= address < start + length:
                file.seek(offset + address - start)
                return file.read(size)
    raise AssertionError(f"{core} has no memory at {address:#x}")


def add_note(core: Path, note: bytes) -> None:
    """One more note, as QEMU's vmcoreinfo device would have had it written."""
    with core.open("r+b") as file:
        head = file.read(4096)
        number, found = next(
            (number, h) for number, h in enumerate(headers(head)) if h[0] == PT_NOTE
        )
        file.seek(found[2])
        notes = file.read(found[5]) + note
        end = file.seek(0, 2)
        file.write(notes)
        file.seek(EHDR.unpack_from(head)[5] + PHDR.size * number)
        file.write(PHDR.pack(PT_NOTE, 0, end, 0, 0, len(notes), len(notes), 1))


def core_of(note: bytes, memory: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A whole core of this note and this memory, (physical address, content), and no more."""
    count = 1 + len(memory)
    end = EHDR.size + PHDR.size * count
    told = [PHDR.pack(PT_NOTE, 0, end, 0, 0, len(note), len(note), 1)]
    contents = [note]
    for start, content in memory:
        end += len(contents[-1])
        told.append(PHDR.pack(PT_LOAD, 7, end, 0, start, len(content), len(content), 1))
        contents.append(content)
    ident = ELF64.ljust(16, b"\0")
    header = EHDR.pack(ident, CORE, X86_64, 1, 0, EHDR.size, 0, 0, 64, PHDR.size, count, 0, 0, 0)
    return header + b"".join(told) + b"".join(contents)
