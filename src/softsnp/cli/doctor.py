"""``softsnp doctor``: is this host safe, and what would make it unsafe."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from softsnp.doctor.diagnosis import Diagnosis
    from softsnp.doctor.facts import Fact, Observation

    from .foresight import Foresight

FORMATS = ("text", "json", "prometheus")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "doctor",
        help="judge a live SNP host, and say what would break it",
        description="Look at this host, read-only, through the ordinary interfaces, and judge it "
        "by the properties that softsnp check knows. Run it as root.",
        epilog="Exit status: 0 healthy in all that is observable; 1 findings; 3 something required "
        "is not known, or there is no SNP here; 2 bad usage.",
    )
    add_options(parser)
    parser.set_defaults(verb=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="saved", metavar="FILE", nargs="+",
        help="judge saved observations instead: a line for each of several, and a summary",
    )  # fmt: skip
    parser.add_argument("--save", metavar="FILE", help="save what is observed, and judge nothing")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument(
        "--output", metavar="FILE", help="write there instead, all at once (for node_exporter)"
    )
    parser.add_argument("--host", metavar="NAME", help="what to call it (default: its name)")
    parser.add_argument(
        "--ask-firmware", action="store_true",
        help="ask the firmware for SNP's status even where that may initialize SNP",
    )  # fmt: skip
    parser.add_argument(
        "--kernel", action="store_true", help="read the kernel's memory as well, with drgn"
    )
    parser.add_argument("--core", metavar="FILE", help="read a vmcore of this kernel instead")
    parser.add_argument(
        "--debug-file", metavar="FILE", action="append", default=[],
        help="where drgn finds debugging information: a vmlinux, a module",
    )  # fmt: skip
    parser.add_argument(
        "--ahead", action="store_true",
        help="say of each operation that an administrator might do next whether it is safe",
    )  # fmt: skip
    parser.add_argument(
        "--design", metavar="DESIGN", help="--ahead: which design the running kernel is like"
    )
    parser.add_argument(
        "--operation", metavar="NAME", action="append", default=[],
        help="--ahead: only this one; may be given several times",
    )  # fmt: skip
    parser.add_argument("--cores", metavar="N", help="--ahead: how many to use (default: all)")
    parser.add_argument(
        "--make-zipapp", metavar="FILE",
        help="write the doctor as one file, for hosts with nothing but Python",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    _fits(args)
    if args.make_zipapp:
        from .doctor_zipapp import make

        make(args.make_zipapp)
        return 0
    if args.saved and len(args.saved) > 1:
        from .fleet import judge_all

        return judge_all(args.saved, args.format)
    if args.saved:
        from .fleet import judge_all, only_one

        one = only_one(args.saved[0])
        if one is None:
            return judge_all(args.saved, args.format)
        observation = one
    else:
        observation = _observed(args)
    if args.save:
        from softsnp.doctor.document import written

        _write(args.save, written(observation))
        return 0
    from softsnp.doctor.diagnosis import diagnose

    diagnosis = diagnose(observation)
    foresight = None
    if args.ahead and not diagnosis.no_snp:
        try:
            from .foresight import look_ahead
        except ImportError:
            raise UsageError(
                "--ahead wants the whole of softsnp, and this is the doctor alone\n"
                "  write: --save FILE here, and softsnp doctor --from FILE --ahead where it is"
            ) from None

        foresight = look_ahead(observation, args.design, args.operation, args.cores)
    text = shown(diagnosis, args.format, foresight)
    if args.output:
        _write(args.output, text)
    else:
        print(text, end="")
    return diagnosis.status


def _fits(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if args.ahead and args.format == "prometheus":
        raise UsageError("--ahead has no --format prometheus\n  write: --format text or json")
    if args.saved and (args.save or args.kernel or args.core):
        raise UsageError(
            "--from judges what was observed before: --save, --kernel and --core observe\n"
            "  write: one or the other"
        )
    if args.kernel and args.core:
        raise UsageError("--kernel reads the running kernel, --core a file: one of them")
    for option, given in (("--design", args.design), ("--operation", args.operation)):
        if given and not args.ahead:
            raise UsageError(f"{option} is for looking ahead\n  write: softsnp doctor --ahead …")
    if args.saved and len(args.saved) > 1 and (args.ahead or args.output):
        raise UsageError("--ahead and --output are for one host; got several files at --from")


def shown(diagnosis: Diagnosis, form: str, foresight: Foresight | None) -> str:
    if form == "json":
        from softsnp.doctor.result import plain

        told = plain(diagnosis)
        if foresight:
            told["ahead"] = foresight.plain()
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if form == "prometheus":
        from softsnp.doctor.prometheus import exposition

        return exposition(diagnosis)
    from softsnp.doctor.text import page

    return page(diagnosis) + (f"\n{foresight.text()}" if foresight else "")


def _observed(args: argparse.Namespace) -> Observation:
    from softsnp.doctor.observe import observe

    return observe(
        args.host or platform.node() or "this host",
        ask_firmware=args.ask_firmware,
        kernel_level=_kernel_level(args.kernel, args.core, args.debug_file),
    )


def _kernel_level(
    kernel: bool, core: str | None, debug_files: Sequence[str]
) -> Callable[[], dict[str, Fact]] | None:
    """Who reads the kernel's memory, read once: what it says is not asked for twice."""
    from softsnp.doctor import kernel_level

    try:
        if core:
            found = kernel_level.core(core, debug_files)
            return lambda: found
        if not kernel:
            return None
        if kernel_level.on_virtual_host():
            return kernel_level.virtual_variables
        kernel_level.running_kernel(debug_files)
    except kernel_level.NoKernelMemory as error:
        raise UsageError(str(error)) from None
    return lambda: kernel_level.running_kernel(debug_files)


def _write(name: str, text: str) -> None:
    """Whole or not at all: whoever reads the file meanwhile sees the old one."""
    file = Path(name)
    try:
        if name == "/dev/stdout":
            sys.stdout.write(text)
            return
        handle, half = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
            Path(half).chmod(0o644)
            Path(half).replace(file)
        except BaseException:
            Path(half).unlink()
            raise
    except OSError as error:
        raise UsageError(f"cannot write {name}: {(error.strerror or 'failed').lower()}") from None
