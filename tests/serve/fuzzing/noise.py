"""What goes on beside the ioctls: CPUs come and go, registers are written, modules are loaded."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from errno import EBUSY, EINVAL, EIO, ENOENT, ENXIO, errorcode
from pathlib import Path
from random import Random
from typing import Final

from .report import Report

CPUS: Final = Path("/sys/devices/system/cpu")
CONTROL: Final = "/dev/softsnp/ctl"
REGISTERS: Final = (0x10, 0x1B, 0x8B, 0xC0000080, 0xC0010010, 0xC0010015, 0xC001001A, 0xC001001D,
                    0xC0010117, 0xC0010131, 0xC0010132, 0xC0010133, 0xC0010139)  # fmt: skip
LSCPU: Final = "lscpu"
"""Of util-linux 2.38: dereferences NULL if a CPU goes offline between its looks at it."""
TOOLS: Final = (
    ("chcpu", "-d", "{cpu}"),
    ("chcpu", "-e", "{cpu}"),
    (LSCPU,),
    ("rdmsr", "-a", "0xc0010010"),
    ("modprobe", "-r", "kvm_amd"),
    ("modprobe", "kvm_amd"),
    ("rmmod", "ccp"),
    ("dmesg",),
)
REQUESTS: Final = (
    *(b'{"do": "%s"}\n' % verb for verb in (b"status", b"tasks", b"modules", b"faults", b"heal")),
    b"\n", b"{}\n", b"[]\n", b"null\n", b"\xff\xfe\n", b'{"do": 1}\n', b"[" * 100_000 + b"\n",
    b'{"do": "status", "with": {"x": 1}}\n', b'{"do": "offline", "with": {"cpu": 1e400}}\n',
    b'{"do": "offline", "with": {"cpu": [[]]}}\n', b'{"do": "inject", "with": {"what": {}}}\n',
    b'{"do": "step", "with": {"lane": "nobody"}}\n', b'{"do": "go", "with": []}\n',
    b'{"do": "stage-firmware", "with": {"version": "' + b"9" * 5000 + b'.1.1"}}\n',
    b'{"do": "stage-firmware", "with": {"snp": "' + b"9" * 5000 + b'"}}\n',
    b'{"do": "kexec-load", "with": {"append": "maxcpus=' + b"9" * 5000 + b'"}}\n',
    b'{"do": "modprobe", "with": {"module": null}}\n', b'{"do": "trace"',
    b'{"do": "inject", "with": {"what": "SNP_CONFIG", "status": "\\ud800"}}\n',
    b'{"do": "status", "id": "\\ud800"}\n', b'{"do": ["status"]}\n', b"x" * (1 << 20) + b"x\n",
)  # fmt: skip
"""For the control channel: none of them changes anything."""


class Noise:
    """Random doings, one after another."""

    def __init__(self, seed: str, cpus: int) -> None:
        self.random = Random(seed)
        self.cpus = cpus
        self.report = Report()
        self.kinds: dict[str, Callable[[], None]] = {
            "online": self._online,
            "register": self._register,
            "tool": self._tool,
            "control": self._control,
        }

    def one(self) -> None:
        kind = self.random.choices(list(self.kinds), (40, 50, 6, 4))[0]
        self.kinds[kind]()

    def _expect(self, what: str, allowed: tuple[int, ...], do: Callable[[], object]) -> None:
        try:
            do()
            came = 0
        except OSError as error:
            came = error.errno or 0
        name = errorcode.get(came, "done")
        self.report.count(f"{what} {name}")
        if came and came not in allowed:
            self.report.add(f"{what}: {name}, errno {came}")

    def _online(self) -> None:
        text = self.random.choice(("0", "1", "0\n", "1\n", "2", "", "x" * 5000))
        cpu = self.random.randrange(1, self.cpus)
        path = CPUS / f"cpu{cpu}/online"
        self._expect("write online", (EBUSY, EINVAL), lambda: _write(path, text.encode()))

    def _register(self) -> None:
        random = self.random
        number = random.choice(REGISTERS) if random.random() < 0.7 else random.getrandbits(32)
        length = random.choice((8, 8, 8, 8, 16, 4, 0, 7))
        path = Path(f"/dev/cpu/{random.randrange(self.cpus)}/msr")
        allowed = EIO, ENXIO, ENOENT, EINVAL
        if random.random() < 0.5:
            self._expect("read register", allowed, lambda: _read_at(path, number, length))
        else:
            data = random.randbytes(length) if random.random() < 0.5 else bytes(length)
            self._expect("write register", allowed, lambda: _write_at(path, number, data))

    def _tool(self) -> None:
        tool = self.random.choice(TOOLS)
        cpu = str(self.random.randrange(1, self.cpus))
        command = [word.format(cpu=cpu) for word in tool]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=120, check=False)
        except FileNotFoundError:
            self.report.count(f"{tool[0]} is not here")
        except subprocess.TimeoutExpired:
            self.report.add(f"{' '.join(command)} does not end")
        else:
            self.report.count(f"{tool[0]} exits with {ran.returncode}")
            if (ran.returncode < 0 and tool[0] != LSCPU) or b"the host ended" in ran.stderr:
                self.report.add(f"{' '.join(command)}: {ran.returncode}: {ran.stderr!r}")

    def _control(self) -> None:
        """Whatever is said to it, it lives on."""
        request = self.random.choice(REQUESTS)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(120)
            try:
                connection.connect(CONTROL)
                connection.sendall(request)
                if self.random.random() < 0.7 and request.endswith(b"\n"):
                    connection.recv(1 << 16)
            except (BrokenPipeError, ConnectionResetError):
                self.report.count("control hung up")
            except OSError as error:
                self.report.add(f"control, {request[:60]!r}: {error!r}")
            else:
                self.report.count("control answered")


def _write(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, data)
    finally:
        os.close(file)


def _read_at(path: Path, offset: int, length: int) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.pread(file, length, offset)
    finally:
        os.close(file)


def _write_at(path: Path, offset: int, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(file, data, offset)
    finally:
        os.close(file)
