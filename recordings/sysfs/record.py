"""Record anew: ``python -m recordings.sysfs.record OUT.json``, from the checkout's root.

It downloads a kernel of Debian's, boots it under QEMU's software emulation once for every plan,
does what the plan says, and writes down what the kernel answered.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from . import debian, initramfs
from .machine import COMMAND, KERNEL_COMMAND_LINE, Answer, Machine, version
from .plan import NOT_RECORDED, ONLINE, PLANS, Hold, Plan, Read, Write
from .recording import Operation, State, cpus, dump, line_of

CACHE = Path("build/recordings")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recordings.sysfs.record")
    parser.add_argument("out", type=Path, help="the recording")
    parser.add_argument("--suite", default="trixie", help="whose newest kernel; default: trixie")
    parser.add_argument("--cache", type=Path, default=CACHE, help=f"packages; default: {CACHE}")
    given = parser.parse_args()
    package = debian.newest(given.suite)
    print(f"{package.name} {package.version}")
    deb = debian.download(package, given.cache)
    with tempfile.TemporaryDirectory() as directory:
        recording = record(package, deb, Path(directory))
    given.out.write_text(dump(recording), encoding="utf-8")


def record(package: debian.Package, deb: Path, directory: Path) -> dict[str, Any]:
    """Every plan, on the kernel of a package."""
    kernel = debian.unpack_kernel(deb, directory)
    archive = initramfs.build(directory)
    machines = []
    release = ""
    for plan in PLANS:
        print(f"{plan.name}: {plan.why}")
        release, machine = follow(plan, kernel, archive, directory)
        machines.append(machine)
    return {
        "kernel": release,
        "package": f"{package.name} {package.version}",
        "emulator": version(),
        "command": f"{COMMAND} -smp SMP",
        "kernel command line": KERNEL_COMMAND_LINE,
        "not recorded": NOT_RECORDED,
        "machines": machines,
    }


def follow(plan: Plan, kernel: Path, archive: Path, directory: Path) -> tuple[str, dict[str, Any]]:
    """The kernel's release, and one plan as it is written down."""
    with (
        tempfile.TemporaryDirectory(dir=directory) as here,
        Machine(kernel, archive, plan.smp, plan.parameters, Path(here)) as machine,
    ):
        release = machine.read("/proc/sys/kernel/osrelease").read.strip()
        number = machine.read("cpu0/hotplug/state").read.strip()
        start = before = look(machine, 0)
        lines: list[dict[str, Any]] = []
        for planned in plan.operations:
            if isinstance(planned, Hold):
                machine.hold(planned.count)
                after = look(machine, planned.count)
                lines.append({"do": "hold", "then": before.changes(after)})
            else:
                value = _value(planned, number)
                answer = _do(machine, planned, value)
                after = look(machine, before.hold)
                lines.append(line_of(_told(planned, value, answer, before, after)))
            before = after
    told = {"name": plan.name, "why": plan.why, "smp": plan.smp, "parameters": plan.parameters}
    return release, {**told, "start": vars(start), "operations": lines}


def look(machine: Machine, hold: int) -> State:
    """The state that the machine is in now."""
    online, present, possible = (
        machine.read(mask).read.strip() for mask in ("online", "present", "possible")
    )
    devices = [
        machine.read(f"cpu{cpu}/online").read.strip() or "-" for cpu in sorted(cpus(possible))
    ]
    smt = machine.read("smt/control").read.strip()
    return State(online, present, possible, "".join(devices), smt, hold)


def _value(planned: Read | Write, number: str) -> str:
    if isinstance(planned, Read):
        return ""
    return number if planned.value == ONLINE else planned.value


def _do(machine: Machine, planned: Read | Write, value: str) -> Answer:
    if isinstance(planned, Read):
        return machine.read(planned.path)
    return (machine.create if planned.creating else machine.write)(planned.path, value)


def _told(
    planned: Read | Write, value: str, answer: Answer, before: State, after: State
) -> Operation:
    if isinstance(planned, Read):
        verb, value = "read", answer.read
    else:
        verb = "create" if planned.creating else "write"
    return Operation(verb, planned.path, value, answer.result, answer.slow, before, after)


if __name__ == "__main__":
    main()
