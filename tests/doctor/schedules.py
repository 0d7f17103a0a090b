"""On a virtual host: random operations and faults, and what the doctor says after each, beside what
the specification says of its own state. ``python -m tests.doctor.schedules SEED COUNT``, inside.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from random import Random
from typing import Any

from softsnp.doctor import kernel_level
from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.judge import Verdict
from softsnp.doctor.observe import observe
from softsnp.serve.control import ControlError, ask

CTL = Path("/dev/softsnp/ctl")
MSR = "/dev/cpu/{}/msr"
SYSCFG, MFDM = 0xC001_0010, 1 << 19
FAULTS = (
    "any command",
    "SNP_INIT_EX",
    "SNP_SHUTDOWN_EX",
    "SNP_SHUTDOWN_EX, halfway",
    "SNP_DF_FLUSH",
)
SAID = {
    "violated": (Verdict.VIOLATED,),
    "holds": (Verdict.HOLDS, Verdict.NOT_EXERCISED),
    "not exercised": (Verdict.HOLDS, Verdict.NOT_EXERCISED),
}


def do(random: Random, cpus: int) -> str:
    """Something that somebody might do next; what it was."""
    things: list[tuple[str, dict[str, str | int]]] = [
        ("offline", {"cpu": random.randrange(1, cpus)}),
        ("online", {"cpu": random.randrange(1, cpus)}),
        ("rmmod", {"module": "kvm-amd"}),
        ("rmmod", {"module": "ccp"}),
        ("modprobe", {"module": "ccp"}),
        ("modprobe", {"module": "kvm-amd"}),
        ("modprobe", {"module": "kvm-amd"}),
        ("start-guest", {}),
        ("stop-guest", {}),
        ("suspend", {}),
        ("test-suspend", {}),
        ("hibernate", {}),
        ("kexec", {"append": random.choice(["", "maxcpus=2", "nosmt", "nr_cpus=2"])}),
        ("inject", {"what": random.choice(FAULTS)}),
        ("smt", {"to": random.choice(["on", "off"])}),
        ("mfdm", {"cpu": random.randrange(cpus)}),
        ("power-cycle", {}),
    ]
    verb, given = random.choice(things)
    if verb == "power-cycle" and random.random() < 0.7:
        return "nothing"
    try:
        if verb == "smt":
            Path("/sys/devices/system/cpu/smt/control").write_text(str(given["to"]))
        elif verb == "mfdm":
            write_mfdm(int(given["cpu"]), random.random() < 0.5)
        else:
            ask(CTL, verb, **given)
    except (OSError, ControlError):
        return f"{verb} {given}, refused"
    return f"{verb} {given}"


def write_mfdm(cpu: int, on: bool) -> None:
    device = os.open(MSR.format(cpu), os.O_RDWR)
    try:
        value = int.from_bytes(os.pread(device, 8, SYSCFG), "little")
        value = value | MFDM if on else value & ~MFDM
        os.pwrite(device, value.to_bytes(8, "little"), SYSCFG)
    finally:
        os.close(device)


def look(memory: bool) -> tuple[dict[str, Verdict], dict[str, str]]:
    """(what the doctor says, what the specification says) of each property of one state."""
    level = kernel_level.virtual_variables if memory else None
    diagnosis = diagnose(observe("virtual", kernel_level=level))
    return {j.prop.name: j.verdict for j in diagnosis.judgements}, ask(CTL, "properties")


def main(seed: str, count: str) -> None:
    random = Random(seed)
    cpus = len([*Path("/dev/cpu").iterdir()])
    told: dict[str, Any] = {"wrong": [], "decided": {}, "open": {}, "violated": {}}
    done = []
    for turn in range(int(count)):
        done.append(do(random, cpus))
        said, true = look(memory=turn % 4 != 3)
        for name, verdict in true.items():
            decided = said[name] not in (Verdict.UNKNOWN, Verdict.NOT_CHECKED)
            if decided and said[name] not in SAID[verdict]:
                told["wrong"].append([name, said[name].value, verdict, done[-6:]])
            kind = "decided" if decided else "open"
            told[kind][name] = told[kind].get(name, 0) + 1
            if verdict == "violated" and decided:
                told["violated"][name] = told["violated"].get(name, 0) + 1
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
