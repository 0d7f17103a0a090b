"""``softsnp run``: a command in a private namespace, where it meets a virtual SNP host."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from softsnp.spec.catalog import FIRMWARE, IOCTLS

from . import options
from .designs import find_one
from .errors import UsageError, unknown
from .recorded import read, reference

if TYPE_CHECKING:
    from softsnp.run.recording import Recording
    from softsnp.serve.circumstances import Circumstances
    from softsnp.serve.host import VirtualHost

DEFAULT_DESIGN = "linux-7.3"
DEFAULT_FIRMWARE = "x86-shutdown"
MOST_CPUS = 4096
GENERATIONS = ("milan", "genoa", "turin")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "run",
        help="run a command on a virtual SNP host",
        description="Run a command in a private namespace, in which /dev/sev, /dev/cpu/N/msr, "
        "/sys/devices/system/cpu, /dev/kmsg and so on are a virtual SNP host's. Nothing outside "
        "changes, and nothing is left when the command has ended.",
        epilog="Exit status: the command's; 2 bad usage or no namespace; 70 if softsnp itself "
        "fails. A running host is controlled with softsnp ctl.",
    )
    parser.add_argument("command", metavar="COMMAND", nargs="+", help="after --")
    host = parser.add_argument_group("the host")
    host.add_argument(
        "--design", metavar="DESIGN", help=f"a name, or a file.py (default: {DEFAULT_DESIGN})"
    )
    host.add_argument(
        "--firmware", metavar="PROFILE", help=f"{' or '.join(FIRMWARE)} (default: x86-shutdown)"
    )
    host.add_argument(
        "--generation", metavar="NAME", help=f"{', '.join(GENERATIONS)} (default: genoa)"
    )
    host.add_argument("--cpus", metavar="N", help="how many CPUs (default: 8)")
    host.add_argument(
        "--assume",
        metavar="NAME",
        action="append",
        default=[],
        help="switch an assumption or a detail on, or off with no-NAME: cpu-hot-add, no-smt …",
    )
    host.add_argument("--ioctls", metavar="ERA", help=f"{' or '.join(IOCTLS)}, as of that kernel")
    host.add_argument(
        "--append", metavar="TEXT", default="", help="its command line: maxcpus=N, nosmt, nr_cpus=N"
    )
    host.add_argument(
        "--no-autoload",
        action="store_true",
        help="boot without loading kvm-amd, so without SNP",
    )
    host.add_argument("--cpuid", action="store_true", help="answer CPUID as that processor does")
    host.add_argument("--state", metavar="DIR", help="keep there what hardware keeps without power")
    how = parser.add_argument_group("how it runs")
    how.add_argument("--seed", metavar="N", help="of all that is left to chance (default: 0)")
    how.add_argument(
        "--latency", action="store_true", help="let commands take as long as on hardware"
    )
    how.add_argument("--record", metavar="FILE", help="write down every step")
    how.add_argument(
        "--replay",
        metavar="FILE",
        help="begin with what was recorded, or with a counterexample up to its last step",
    )
    how.add_argument(
        "--real-kvm", action="store_true", help="leave /dev/kvm the machine's own (for QEMU)"
    )
    how.add_argument(
        "--user-namespace", action="store_true", help="as without privileges, also as root"
    )
    how.add_argument(
        "--fuse-device", metavar="PATH", default="/dev/fuse", help="default: /dev/fuse"
    )
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    _needs_the_extra()
    from softsnp.serve.command_line import CommandLineError
    from softsnp.serve.cpuid import CannotBuild, NoDisassembler
    from softsnp.serve.namespace.errors import CommandError, NamespaceError
    from softsnp.serve.state_document import StateError

    try:
        with ExitStack() as stack:
            return _run(args, stack)
    except CommandError as error:
        print(f"softsnp: {error}", file=sys.stderr)
        return error.status
    except (CannotBuild, CommandLineError, NamespaceError, NoDisassembler, StateError) as error:
        raise UsageError(str(error)) from None


def _run(args: argparse.Namespace, stack: ExitStack) -> int:
    from softsnp.serve.virtual import Surroundings
    from softsnp.serve.virtual import run as serve

    recording, circumstances = _replayed(args) if args.replay else (None, _circumstances(args))
    host = stack.enter_context(_host(args, circumstances))
    if recording is not None:
        _follow(host, recording)
        _told_where(host, recording)
    else:
        host.boot()
    _hint(circumstances, args.cpuid)
    surroundings = Surroundings(
        user_namespace=True if args.user_namespace else None,
        fuse_device=args.fuse_device,
        real_kvm=args.real_kvm,
        real_time=args.latency,
        cpuid=args.cpuid,
    )
    return serve(host, args.command, surroundings, _trouble)


def _needs_the_extra() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError(
            "softsnp run needs the package cryptography\n  install it: pip install 'softsnp[run]'"
        ) from None


def _trouble(text: str) -> None:
    print(f"softsnp: {text}", file=sys.stderr)


# --- what was asked for ---------------------------------------------------------------------------


def _circumstances(args: argparse.Namespace) -> Circumstances:
    from softsnp.serve.circumstances import LIVE, Circumstances
    from softsnp.serve.generations import GENERATIONS as KNOWN

    (firmware,) = options.firmware(args.firmware or DEFAULT_FIRMWARE)
    design = find_one(args.design or DEFAULT_DESIGN, "run")
    generation = args.generation or "genoa"
    if generation not in KNOWN:
        raise unknown("generation", generation, KNOWN)
    assumed = {**LIVE, **options.assumptions(args.assume)}
    cpus = _number(args.cpus or "8", "--cpus", 1, MOST_CPUS)
    if cpus < 2:
        assumed["smt"] = options.assumptions(args.assume).get("smt", False)
    return Circumstances(
        design.load(),
        reference(design),
        KNOWN[generation],
        firmware,
        cpus,
        assumed,
        _number(args.seed or "0", "--seed", 0, 1 << 64),
        options.ioctls(args.ioctls),
    )


def _number(text: str, option: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise UsageError(f"{option} wants a number from {least} to {most}; got {text!r}")
    return int(text)


@contextmanager
def _host(args: argparse.Namespace, circumstances: Circumstances) -> Iterator[VirtualHost]:
    """The host, switched off; its state directory is locked and its recording open meanwhile."""
    from softsnp.run.recording import Writer
    from softsnp.serve.firmware import FirmwareProfile
    from softsnp.serve.host import VirtualHost
    from softsnp.serve.power_on import chip_seed, power_on
    from softsnp.serve.state_directory import StateDirectory

    with ExitStack() as stack:
        directory = stack.enter_context(StateDirectory(Path(args.state))) if args.state else None
        profile = FirmwareProfile(x86_snp_shutdown=circumstances.firmware != "legacy")
        firmware = power_on(
            circumstances.generation, chip_seed(circumstances.seed), directory, profile
        )
        host = VirtualHost(
            circumstances, firmware, autoload=not args.no_autoload, append=args.append
        )
        if args.record:
            try:
                out = stack.enter_context(Path(args.record).open("w", encoding="utf-8"))
            except OSError as error:
                raise UsageError(f"--record {args.record}: {error.strerror}") from None
            writer = Writer(out, circumstances.header(), host.start)
            host.recorders.append(writer.add)
            host.idle.append(writer.flush)
            stack.callback(writer.close)
        yield host


def _hint(circumstances: Circumstances, cpuid: bool) -> None:
    """Programs that look at CPUID see the real processor."""
    if cpuid:
        return
    family = _family()
    if family is not None and family != circumstances.generation.family:
        name = circumstances.generation.name
        print(
            f"softsnp: this machine's processor is of family {family:#x}, and {name} is "
            f"{circumstances.generation.family:#x}: programs that ask CPUID see the real one "
            "(--cpuid answers it too)",
            file=sys.stderr,
        )


def _family() -> int | None:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "cpu family":
                return int(value)
    except (OSError, ValueError):
        pass
    return None


# --- replays --------------------------------------------------------------------------------------


def _replayed(args: argparse.Namespace) -> tuple[Recording, Circumstances]:
    given = ["--assume"] if args.assume else []
    for option in ("design", "firmware", "generation", "cpus", "seed", "ioctls", "append"):
        given += [f"--{option}"] if getattr(args, option) else []
    if given:
        raise UsageError(f"--replay says what the host is; {given[0]} cannot change that")
    return read(args.replay)


def _follow(host: VirtualHost, recording: Recording) -> None:
    from softsnp.run.errors import RunError
    from softsnp.serve.replay import take_over

    try:
        take_over(host, recording)
    except RunError as error:
        raise UsageError(str(error)) from None


def _told_where(host: VirtualHost, recording: Recording) -> None:
    """What is left standing, for the user to go on with."""
    from softsnp.serve.replay import steps_to_follow

    done = len(steps_to_follow(recording))
    standing = [task.lane for task in host.plane.live.tasks if task.paused and not task.resting]
    told = f"softsnp: {done} of {len(recording.steps)} steps are done"
    if done < len(recording.steps):
        told += f"; the last would be: softsnp ctl step {recording.steps[-1].lane}"
    elif standing:
        told += f"; in the middle of something: {', '.join(standing)} (softsnp ctl go)"
    print(told, file=sys.stderr)
