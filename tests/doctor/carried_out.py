"""Undertakings carried out on a virtual host in this process: what each step of them breaks."""

from __future__ import annotations

from itertools import product

from softsnp.abi import msr
from softsnp.abi.sev import Command
from softsnp.doctor.facts import Known, Observation, Reading
from softsnp.lang import Always, Never
from softsnp.lang.world import World
from softsnp.operate.beginning import IOCTLS, Undertaking
from softsnp.run.driver import LiveDriver
from softsnp.run.task import Task
from softsnp.serve.circumstances import LIVE, Circumstances
from softsnp.serve.command_line import parse
from softsnp.serve.firmware import FirmwareProfile
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.host import VirtualHost
from softsnp.serve.power_on import chip_seed, power_on
from softsnp.serve.verbs.looking import variables
from softsnp.spec.catalog import DESIGNS
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.init.main import CommandLine
from softsnp.spec.properties import PROPERTIES

CPUS = 4
LINES = {
    CommandLine.NOTHING: "",
    CommandLine.MAXCPUS: "maxcpus=2",
    CommandLine.NR_CPUS: "nr_cpus=3",
    CommandLine.NOSMT: "nosmt",
}
BITS = {msr.SYSCFG_SNP_EN: "snp_en", msr.SYSCFG_VMPL_EN: "vmpl_en", msr.SYSCFG_MFDM: "mfdm"}
RECOVERIES: tuple[tuple[str, ...], ...] = (
    (),
    ("modprobe ccp", "modprobe kvm-amd"),
    ("rmmod kvm-amd", "modprobe kvm-amd"),
    ("rmmod kvm-amd", "rmmod ccp", "modprobe ccp", "modprobe kvm-amd"),
    ("online 1", "online 2", "online 3", "rmmod kvm-amd", "modprobe kvm-amd"),
    ("smt on", "online 1", "online 2", "online 3", "rmmod kvm-amd", "modprobe kvm-amd"),
    ("kexec", "modprobe kvm-amd"),
    ("rmmod kvm-amd", "kexec", "modprobe kvm-amd"),
    ("kexec", "modprobe kvm-amd", "rmmod kvm-amd", "modprobe kvm-amd"),
    ("smt on", "online 1", "online 2", "online 3", "kexec", "modprobe kvm-amd"),
)
"""What one would try to have SNP up again, short of a reset."""


SEEDS = range(8)
"""On which CPU a task runs, and other things that nobody orders, hang on the seed."""


def booted(design: str, firmware: str, smt: bool, seed: int = 0) -> VirtualHost:
    circumstances = Circumstances(
        DESIGNS[design], {"design": design}, GENERATIONS["genoa"], firmware, CPUS,
        {**LIVE, "smt": smt}, seed,
    )  # fmt: skip
    profile = FirmwareProfile(x86_snp_shutdown=firmware != "legacy")
    host = VirtualHost(circumstances, power_on(GENERATIONS["genoa"], chip_seed(0), None, profile))
    host.boot()
    return host


def observation_of(host: VirtualHost) -> Observation:
    """What the doctor would see of it, its memory included. That it sees just this is tested on
    hosts with files.
    """
    everyone = range(host.topology.cpus)

    def those(bit: str) -> int:
        return sum(1 << cpu for cpu in everyone if host.cpu(cpu, bit))

    control = getattr(host.scalar("cpu_smt_control"), "name", "")
    shown = {"ENABLED": "on", "DISABLED": "off", "FORCE_DISABLED": "forceoff"}[control]
    if host.topology.threads == 1:
        shown = "notsupported"
    facts: dict[str, int | bool | str] = {
        **variables(host, {}),
        "vendor": "AuthenticAMD",
        "cpu-has-snp": True,
        "release": host.circumstances.release,
        "possible": (1 << host.topology.cpus) - 1,
        "present": those("present"),
        "online": those("online"),
        "second-threads": those("sibling"),
        "smt-control": shown,
        "ccp-loaded": bool(host.scalar("ccp_loaded")),
        "kvm-amd-loaded": bool(host.scalar("kvm_amd")),
        "kvm-amd-sev": bool(host.scalar("sev_enabled")),
        "kvm-amd-sev-snp": bool(host.scalar("sev_snp_enabled")),
        "sev-state": int(host.scalar("sev_state") is State.INIT),
        "snp-state": int(host.scalar("snp_state") is State.INIT),
        "snp-guests": int(bool(host.scalar("guest_pages_assigned"))),
        "snp-rmp-initialized": bool(host.scalar("rmp_initialized")),
    }
    found = Observation("virtual", 0.0, ("interfaces", "kernel"))
    found.facts = {name: Known(value, "the host", 0.0) for name, value in facts.items()}
    for cpu in everyone:
        values = {
            "syscfg": sum(bit for bit, name in BITS.items() if host.cpu(cpu, name)),
            "vm-hsave-pa": 0x1000 * host.cpu(cpu, "hsave"),
            "efer": msr.EFER_SVME * host.cpu(cpu, "svme"),
            "rmpopt-base": int(host.cpu(cpu, "rmpopt_base")),
        }
        for name, value in values.items():
            reading = Reading(1 << cpu, Known(value, "the host", 0.0))
            found.registers.setdefault(name, []).append(reading)
    return found


class Watcher:
    """What is broken at any step that was not before."""

    def __init__(self, host: VirtualHost) -> None:
        self.host = host
        self.already = self._violated()
        self.broken: set[str] = set()
        host.plane.live.observers.append(self)

    def _violated(self) -> set[str]:
        spec = self.host.plane.spec
        spec.begin_step(-1, atomic="a property is not a step")
        return {p.name for p in PROPERTIES if isinstance(p, Always) and p.judge(spec)[1]}

    def __call__(self, task: Task, driver: LiveDriver, before: World) -> None:
        self.broken |= self._violated() - self.already
        for prop in PROPERTIES:
            if isinstance(prop, Never) and prop.never in driver.events:
                self.broken.add(prop.name)


def carry_out(host: VirtualHost, undertaking: Undertaking) -> set[str]:
    """What it breaks of what can be seen step by step."""
    watcher = Watcher(host)
    host.autoload = False
    for operation in undertaking.operations:
        perform(host, operation, LINES[undertaking.line])
    host.plane.live.observers.remove(watcher)
    return watcher.broken


def perform(host: VirtualHost, operation: str, line: str = "") -> None:
    """To its end. A CPU is the last one that is as the operation wants it."""
    if operation in IOCTLS:
        command: Command = IOCTLS[operation]
        host.plane.begin({"call": "sev_ioctl", "command": command.name, "operation": operation})
    elif operation == "modprobe ccp" and host.scalar("ccp_loaded"):
        return
    else:
        if operation == "kexec":
            host.decider.line = parse(line, CPUS) if line else host.boot_line
        name, _, number = operation.partition("line ")
        cpu = int(number) if number else _last(host, operation)
        host.perform(f"{name}line" if number else operation, cpu=cpu)
    host.settle()


def _last(host: VirtualHost, operation: str) -> int | None:
    online = operation == "offline"
    those = [
        cpu
        for cpu in range(1, host.topology.cpus)
        if host.cpu(cpu, "present") and host.cpu(cpu, "online") == online
    ]
    return those[-1] if those else None


def comes_up(host: VirtualHost) -> bool:
    """Whether SNP is up, says everybody."""
    return host.scalar("snp_state") is State.INIT and bool(host.scalar("snp_initialized"))


def recovers(design: str, firmware: str, smt: bool, undertaking: Undertaking) -> bool:
    """Whether some recovery brings SNP up after what was undertaken."""
    for recovery, seed in product(RECOVERIES, SEEDS):
        host = booted(design, firmware, smt, seed)
        carry_out(host, undertaking)
        for operation in recovery:
            perform(host, operation)
        if comes_up(host):
            return True
    return False
