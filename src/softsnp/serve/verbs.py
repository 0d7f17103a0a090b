"""What ``softsnp ctl`` can ask of a running host. Names, parameters and results are documented."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from errno import errorcode
from typing import Any

from softsnp.abi.sev import Status
from softsnp.lang.position import frames
from softsnp.lang.telling import c_function, doc_of, holds
from softsnp.run.recording import Recording
from softsnp.run.task import ENDED, Task
from softsnp.spec.linux.init.main import CommandLine

from .control_plane import HostDecider
from .faults import FAULTS, Injected
from .firmware import FirmwareImage, wrap_vlek
from .host import VirtualHost

Reply = Callable[[Any], None]
Arguments = Mapping[str, Any]


class VerbError(Exception):
    """A request that cannot be done. One clear message; ``errno`` if the kernel refused it."""

    def __init__(self, message: str, errno: str = "") -> None:
        super().__init__(message)
        self.errno = errno


@dataclass(frozen=True)
class Verb:
    """One request: what it does, and what it takes (name to sentence; * at the end: may lack)."""

    sentence: str
    run: Callable[[VirtualHost, Arguments, Reply, Callable[[VerbError], None]], None]
    takes: dict[str, str] = field(default_factory=dict)


def at_once(do: Callable[[VirtualHost, Arguments], Any]) -> Any:
    """A verb that answers at once."""

    def run(host: VirtualHost, args: Arguments, reply: Reply, fail: Any) -> None:
        reply(do(host, args))

    return run


def operation(name: Callable[[Arguments], str] | str, about_a_cpu: bool = False) -> Any:
    """A verb that begins an operation of the specification and answers when that has ended."""

    def run(
        host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
    ) -> None:
        asked = name if isinstance(name, str) else name(args)
        cpu = cpu_of(host, args) if about_a_cpu else None

        def done(result: Any) -> None:
            if result is ENDED:
                reply({"ended": "with its kernel"})
            elif result is not None and result < 0:
                fail(refused(asked, -result))
            else:
                reply({})

        try:
            host.perform(asked, done, cpu)
        except OSError as error:
            raise refused(asked, error.errno or 0) from None

    return run


def refused(what: str, number: int) -> VerbError:
    name = errorcode.get(number, str(number))
    return VerbError(f"{what}: {name}", name)


def cpu_of(host: VirtualHost, args: Arguments) -> int:
    number = number_of(args, "cpu")
    if not 0 <= number < host.topology.cpus:
        raise VerbError(f"cpu wants a number from 0 to {host.topology.cpus - 1}; got {number}")
    return number


def number_of(args: Arguments, name: str) -> int:
    try:
        return int(str(args[name]), 0)
    except ValueError:
        raise VerbError(f"{name} wants a number; got {args[name]!r}") from None


def is_number(text: str) -> bool:
    """A decimal one, and not one that Python refuses for its length."""
    return text.isdecimal() and len(text) < 10


# --- looking --------------------------------------------------------------------------------------


def status(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    plane, platform, tcbs = host.plane, host.platform(), host.firmware.tcbs
    return {
        **host.circumstances.header(),
        "online": [c for c in range(host.topology.cpus) if host.cpu(c, "online")],
        "present": [c for c in range(host.topology.cpus) if host.cpu(c, "present")],
        "snp_en": [c for c in range(host.topology.cpus) if host.cpu(c, "snp_en")],
        "modules": [name for name, _, _ in host.loaded()],
        "sev": "INIT" if platform.sev_initialized else "UNINIT",
        "snp": "INIT" if platform.snp_initialized else "UNINIT",
        "snp_initialized": plane.scalar("snp_initialized"),
        "psp_dead": plane.scalar("psp_dead"),
        "guests": platform.snp_guests,
        "tcb": {
            "running": str(tcbs.running),
            "committed": str(tcbs.committed),
            "reported": str(tcbs.reported),
        },
        "firmware_version": str(tcbs.image.version),
        "steps": host.steps,
        "tasks": tasks(host, args),
        "faults": faults(host, args),
    }


def tasks(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [_told(host, task) for task in host.plane.live.tasks]


def _told(host: VirtualHost, task: Task) -> dict[str, Any]:
    spec, live = host.plane.spec, host.plane.live
    functions = [
        c_function(doc_of(spec, frame.f_code)) or frame.f_code.co_name
        for frame in frames(task.coroutine)
        if "/softsnp/lang/" not in frame.f_code.co_filename
    ]
    can = live.can_step(task)
    return {
        "lane": task.lane,
        "operation": task.begin.get("operation", task.begin.get("activity", "")),
        "function": functions[-1] if functions else "",
        "resting": task.resting,
        "paused": task.paused,
        "waits": "" if can else task.step.what,
        "holds": list(holds(spec, task.number)),
        "failed": task.failed,
    }


def modules(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [{"name": n, "used": used, "by": list(by)} for n, used, by in host.loaded()]


def faults(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [{"what": f.what, "status": f.status, "times": f.times} for f in host.faults.waiting]


def trace(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    recording = Recording(host.circumstances.header(), host.start, tuple(host.recorded))
    return recording.to_json()


# --- faults ---------------------------------------------------------------------------------------


def inject(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    what = str(args["what"])
    if what not in FAULTS:
        raise VerbError(f"no fault {what!r}; there are {', '.join(FAULTS)}")
    given = str(args.get("status", Status.HWERROR_PLATFORM.name))
    if given in Status.__members__:
        value = Status[given].value
    else:
        try:
            value = int(given, 0)
        except ValueError:
            raise VerbError(f"status wants a number or a name of one; got {given!r}") from None
    times = number_of(args, "times") if "times" in args else 1
    if not 0 < value < 1 << 16 or times < 1:
        raise VerbError(f"status wants 1 to 65535, times 1 or more; got {value} and {times}")
    host.faults.add(Injected(what, value, times))
    return faults(host, args)


def heal(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    host.faults.clear()
    return []


# --- kernels and power ----------------------------------------------------------------------------


def kexec_load(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    command_line(host, str(args.get("append", "")))
    host.kexec_loaded = True
    return {}


def kexec(
    host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
) -> None:
    if "append" in args or not host.kexec_loaded:
        kexec_load(host, args)
    operation("kexec")(host, args, reply, fail)


def command_line(host: VirtualHost, text: str) -> None:
    """What the next kernel is told of CPUs. Raises VerbError for what the specification lacks."""
    decider = host.plane.decider
    assert isinstance(decider, HostDecider)
    decider.command_line, decider.maxcpus = CommandLine.NOTHING, 0
    there = host.plane.count("listed")
    for word in text.split():
        name, _, value = word.partition("=")
        if decider.command_line is not CommandLine.NOTHING:
            raise VerbError(f"one of maxcpus=, nr_cpus= and nosmt at a time; got {text!r}")
        if name == "maxcpus" and is_number(value) and int(value) >= 1:
            decider.command_line, decider.maxcpus = CommandLine.MAXCPUS, int(value)
        elif name == "nr_cpus" and value == str(there - 1):
            decider.command_line = CommandLine.NR_CPUS
        elif word == "nosmt":
            decider.command_line = CommandLine.NOSMT
        else:
            raise VerbError(
                f"append wants maxcpus=N, nosmt or nr_cpus={there - 1} (the specification knows "
                f"one CPU less, not more); got {word!r}"
            )


def power_cycle(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    host.power_cycle()
    return {}


# --- the firmware ---------------------------------------------------------------------------------


def stage_firmware(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    image = host.firmware.tcbs.image
    version = image.version
    if "version" in args:
        parts = str(args["version"]).split(".")
        if len(parts) != 3 or not all(is_number(part) and int(part) < 256 for part in parts):
            raise VerbError(f"version wants MAJOR.MINOR.BUILD; got {args['version']!r}")
        version = type(version)(*(int(part) for part in parts))
    security = number_of(args, "snp") if "snp" in args else image.snp
    if not 0 <= security < 256:
        raise VerbError(f"snp wants 0 to 255; got {security}")
    answer = host.firmware.stage(FirmwareImage(version, security))
    if answer is not Status.SUCCESS:
        raise VerbError(f"SNP_DOWNLOAD_FIRMWARE_EX: {answer.name}", answer.name)
    return {"running": str(host.firmware.tcbs.running)}


def hashstick(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    firmware = host.firmware
    wrapped = wrap_vlek(firmware.chip, firmware.tcbs.reported)
    return {"hashstick": base64.b64encode(wrapped).decode()}


def cpuid(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    from .cpuid import FEATURES, table, write

    if host.cpuid_table is None:
        raise VerbError("CPUID is not answered on this host: start it with softsnp run --cpuid")
    without = [name for name in str(args.get("without", "")).split(",") if name]
    for name in without:
        if name not in FEATURES:
            raise VerbError(f"without wants {', '.join(FEATURES)}, with commas; got {name!r}")
    write(host.cpuid_table, table(host.generation, host.topology, without))
    return {"without": without}


# --- tasks that stand where a replay left them ----------------------------------------------------


def step(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    live = host.plane.live
    task = next((t for t in live.tasks if t.lane == args["lane"]), None)
    if task is None:
        lanes = ", ".join(t.lane for t in live.tasks) or "none"
        raise VerbError(f"no task {args['lane']!r}; there are: {lanes}")
    if not live.can_step(task):
        raise VerbError(f"{task.lane} cannot step: it waits {task.step.what or 'to be asked'}")
    live.step(task)
    return tasks(host, args)


def resume(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    for task in host.plane.live.tasks:
        if "lane" not in args or task.lane == args["lane"]:
            task.paused = False
    return tasks(host, args)


CPU = {"cpu": "the CPU's number"}
VERBS: dict[str, Verb] = {
    "status": Verb("what the host is, and how it stands", at_once(status)),
    "tasks": Verb("what is under way: where it stands, waits for and holds", at_once(tasks)),
    "trace": Verb("everything since power-on, as a recording", at_once(trace)),
    "modules": Verb("the modules that are loaded", at_once(modules)),
    "faults": Verb("the faults that wait for their occasion", at_once(faults)),
    "inject": Verb(
        "make something fail, the next time that it is done",
        at_once(inject),
        {
            "what": f"{', '.join(f for f in FAULTS if not f.isupper())} or a firmware command",
            "status*": "what a command answers: a name or number (default: HWERROR_PLATFORM)",
            "times*": "how often (default: once)",
        },
    ),
    "heal": Verb("forget all faults that wait", at_once(heal)),
    "offline": Verb("take a CPU offline", operation("offline", True), CPU),
    "online": Verb("bring a CPU online", operation("online", True), CPU),
    "hot-add": Verb("put a CPU in; the host wants cpu-hot-add", operation("hot-add", True), CPU),
    "eject": Verb("take a CPU out that is offline", operation("eject", True), CPU),
    "modprobe": Verb(
        "load a module",
        operation(lambda args: module("modprobe", args)),
        {"module": "ccp or kvm-amd"},
    ),
    "rmmod": Verb(
        "unload a module", operation(lambda args: module("rmmod", args)), {"module": "the same"}
    ),
    "start-guest": Verb("start an SNP guest", operation("start an SNP guest")),
    "stop-guest": Verb("stop the SNP guest", operation("stop the SNP guest")),
    "suspend": Verb("suspend to RAM and wake up", operation("suspend")),
    "test-suspend": Verb("suspend as far as pm_test=processors goes", operation("test suspend")),
    "hibernate": Verb("hibernate and come back", operation("hibernate")),
    "kexec": Verb(
        "start a kernel from this one",
        kexec,
        {"append*": "its command line: maxcpus=N, nosmt or nr_cpus=N"},
    ),
    "kexec-load": Verb(
        "load a kernel for kexec",
        at_once(kexec_load),
        {"append*": "its command line: maxcpus=N, nosmt or nr_cpus=N"},
    ),
    "reboot": Verb("restart the machine", operation("reboot")),
    "panic": Verb("have the kernel panic", operation("panic")),
    "power-cycle": Verb("switch the machine off and on", at_once(power_cycle)),
    "stage-firmware": Verb(
        "load a firmware (SNP_DOWNLOAD_FIRMWARE_EX), which is not committed yet",
        at_once(stage_firmware),
        {"snp*": "its security version", "version*": "MAJOR.MINOR.BUILD"},
    ),
    "hashstick": Verb("a VLEK hashstick, wrapped for this chip and its TCB", at_once(hashstick)),
    "cpuid": Verb(
        "what CPUID tells of memory encryption from now on",
        at_once(cpuid),
        {"without*": "features that it lacks: sev-snp,vmpl (default: it has all)"},
    ),
    "step": Verb("let a task take one step", at_once(step), {"lane": "see tasks"}),
    "go": Verb("let tasks that a replay left standing go on", at_once(resume), {"lane*": "one"}),
}


def module(what: str, args: Arguments) -> str:
    name = str(args["module"]).replace("_", "-")
    if name not in ("ccp", "kvm-amd"):
        raise VerbError(f"{what} wants ccp or kvm-amd; got {args['module']!r}")
    return f"{what} {name}"
