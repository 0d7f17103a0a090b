"""A kernel in QEMU's software emulation, and the probe in it that does what it is asked."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from errno import errorcode
from pathlib import Path
from typing import Protocol

from .gdb import Stub

QEMU = "qemu-system-x86_64"
COMMAND = (
    f"{QEMU} -accel tcg -icount shift=1,sleep=off -cpu max -m 512 -nodefaults -display none "
    "-no-reboot"
)
"""With -icount the guest's clock counts instructions: how busy the host is does not show in it."""
KERNEL_COMMAND_LINE = "console=ttyS0 panic=-1 nokaslr nopti"
"""The last two: so that an address from /proc/kallsyms is one that the GDB stub can use."""
SLOW = 600
"""Milliseconds. Nothing here takes as long, but for a wait that the kernel means."""
BOOT_SECONDS, ANSWER_SECONDS = 400.0, 200.0


class MachineError(Exception):
    """The machine did not boot, or fell silent."""


class Closing(Protocol):
    def close(self) -> None: ...


@dataclass(frozen=True)
class Answer:
    """What one open() and one read() or write() came to."""

    result: str
    """"0" or the name of the error, as "-EBUSY"."""
    slow: bool
    read: str


def parse(line: str) -> Answer:
    """An answer of the probe: the error's number, milliseconds, and what was read, in hex."""
    words = line.split()
    if len(words) != 3 or not (words[0].isdecimal() and words[1].isdecimal()):
        raise MachineError(f"not an answer: {line!r}")
    number, took, said = int(words[0]), int(words[1]), words[2]
    return Answer(
        result=f"-{errorcode[number]}" if number else "0",
        slow=took > SLOW,
        read="" if said == "-" else bytes.fromhex(said).decode(),
    )


def ask(verb: str, path: str, value: str | None = None) -> str:
    """A line that the probe understands."""
    words = [verb, path] if value is None else [verb, path, value.encode().hex() or "-"]
    return " ".join(words) + "\n"


class Machine:
    """One boot, from its beginning to its end."""

    def __init__(
        self, kernel: Path, initramfs: Path, cpus: str, parameters: str, directory: Path
    ) -> None:
        self.directory = directory
        self.held = self.held_at = 0
        self.ends: list[Closing] = []
        here = {name: directory / name for name in ("probe", "gdb", "console", "qemu")}
        port = socket.socket(socket.AF_UNIX)
        port.bind(str(here["probe"]))
        port.listen()
        port.settimeout(BOOT_SECONDS)
        command = [*COMMAND.split(), "-smp", cpus, "-kernel", str(kernel)]
        command += ["-initrd", str(initramfs), "-append", f"{KERNEL_COMMAND_LINE} {parameters}"]
        command += ["-serial", f"file:{here['console']}"]
        command += ["-chardev", f"socket,id=probe,path={here['probe']}", "-serial", "chardev:probe"]
        command += ["-chardev", f"socket,id=gdb,path={here['gdb']},server=on,wait=off"]
        command += ["-gdb", "chardev:gdb"]
        with here["qemu"].open("w") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=said)
        try:
            self.port, _ = port.accept()
            self.ends.append(self.port)
            self.port.settimeout(BOOT_SECONDS)
            self.lines = self.port.makefile("r", encoding="ascii")
            self.ends.append(self.lines)
            self._answer("boot")
            self.port.settimeout(ANSWER_SECONDS)
        except BaseException:
            self.close()
            raise
        finally:
            port.close()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill it; its memory is all that there is to lose."""
        self.process.kill()
        self.process.wait()
        for end in self.ends:
            end.close()

    def read(self, path: str) -> Answer:
        return self._ask("r", path)

    def write(self, path: str, value: str) -> Answer:
        return self._ask("w", path, value)

    def create(self, path: str, value: str) -> Answer:
        """A write as a shell's redirection does it: what is not there would be created."""
        return self._ask("c", path, value)

    def hold(self, count: int) -> None:
        """What ``count`` calls of cpu_hotplug_disable() leave behind: they do nothing else."""
        if not self.held_at:
            self.held_at = int(self._ask("k", "cpu_hotplug_disabled").read, 16)
        with Stub(self.directory / "gdb") as stub:
            if (found := stub.read_word(self.held_at)) != self.held:
                raise MachineError(f"cpu_hotplug_disabled is {found}, and should be {self.held}")
            stub.write_word(self.held_at, count)
        self.held = count

    def _ask(self, verb: str, path: str, value: str | None = None) -> Answer:
        line = ask(verb, path, value)
        self.port.sendall(line.encode())
        return self._answer(line)

    def _answer(self, what: str) -> Answer:
        with suppress(TimeoutError):
            if line := self.lines.readline():
                return parse(line)
        logs = [self.directory / name for name in ("qemu", "console")]
        said = [log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists()]
        last = "\n".join("".join(said).splitlines()[-15:])
        raise MachineError(
            f"no answer to {what!r}; the last lines that QEMU and the kernel said:\n{last}"
        )


def version() -> str:
    """QEMU's own words."""
    done = subprocess.run([QEMU, "--version"], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[0]
