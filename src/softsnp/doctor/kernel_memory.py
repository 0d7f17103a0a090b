"""What only the kernel's memory has: read by drgn, of the running kernel or out of a vmcore.

drgn is loaded when somebody asks for this, and not before. It is an extra: ``softsnp[kernel]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .kernel_readers import OPTION, READERS, NotKnown, Value

if TYPE_CHECKING:
    import drgn

KCORE = Path("/proc/kcore")


class NoKernelMemory(Exception):
    """The memory, or what is needed to read it, cannot be had."""


@dataclass(frozen=True)
class KernelFacts:
    """Every name of READERS is either in ``values`` or in ``unknown``, with the reason."""

    values: dict[str, Value]
    unknown: dict[str, str]
    source: str
    """The memory and its reader, as ``/proc/kcore by drgn``."""


def read_running(debug_files: Sequence[str] = ()) -> KernelFacts:
    """Of this machine's kernel, which goes on meanwhile: each fact is of a moment of its own.

    ``debug_files``: vmlinux and ccp.ko with debug information, where they are in no usual place.
    Raises NoKernelMemory.
    """
    program = _program()
    try:
        program.set_kernel()
    except PermissionError as error:
        raise NoKernelMemory(
            f"{KCORE} cannot be read: {error.strerror}; it takes root, and a kernel that is not "
            "locked down for confidentiality"
        ) from error
    except FileNotFoundError as error:
        raise NoKernelMemory(
            f"{KCORE} is not there: this kernel is built without PROC_KCORE, or /proc is not "
            "mounted; a vmcore can be read instead"
        ) from error
    except Exception as error:  # drgn raises Exception itself for what libelf says
        raise NoKernelMemory(f"{KCORE} cannot be read as a kernel's memory: {error}") from error
    return _read(program, debug_files, str(KCORE))


def read_core(core: str, debug_files: Sequence[str] = ()) -> KernelFacts:
    """Of a kernel that stands still in a file: ELF, or as makedumpfile compresses it.

    ``debug_files``: as for the running kernel. Raises NoKernelMemory.
    """
    program = _program()
    _require_file(core, "a vmcore")
    try:
        program.set_core_dump(core)
    except Exception as error:  # as above; a file that is cut off is among these
        raise NoKernelMemory(
            f"{core} cannot be read as a vmcore: {error}; it is to be a whole file as kdump, "
            "makedumpfile or QEMU writes it"
        ) from error
    import drgn

    if not program.flags & drgn.ProgramFlags.IS_LINUX_KERNEL:
        raise NoKernelMemory(
            f"{core} is a core of something else: a vmcore has a VMCOREINFO note, as kdump, "
            "makedumpfile, and QEMU with -device vmcoreinfo write it"
        )
    return _read(program, debug_files, f"vmcore {core}")


def _program() -> drgn.Program:
    try:
        import drgn
    except ImportError as error:
        raise NoKernelMemory(
            f"the kernel's memory is read with drgn, which cannot be loaded ({error}): "
            "pip install 'softsnp[kernel]'"
        ) from error
    return drgn.Program()


def _require_file(path: str, what: str) -> None:
    """Before anybody opens it: to open a FIFO is to wait."""
    if not Path(path).is_file():
        there = "is not a regular file" if Path(path).exists() else "is not there"
        raise NoKernelMemory(f"{path} {there}: name {what}")


def _read(program: drgn.Program, debug_files: Sequence[str], memory: str) -> KernelFacts:
    for file in debug_files:
        _require_file(file, "a vmlinux or ccp.ko with debug information")
    try:
        _load(program, debug_files, memory)
        release = program["init_uts_ns"].name.release.string_()
    except (NoKernelMemory, MemoryError):
        raise
    except Exception as error:  # as above; drgn.FaultError where memory is not in the file
        raise NoKernelMemory(
            f"the kernel in {memory} cannot be read: {error}; is the file cut off, or the debug "
            f"information of another kernel? {OPTION} names this kernel's"
        ) from error
    if release != _release(program).encode():
        raise NoKernelMemory(
            f"{memory} is of {_release(program)}, and with this debug information its name reads "
            f"{release!r}: the vmlinux of exactly this kernel is needed; {OPTION} names it"
        )
    return read_program(program, f"{memory} by drgn")


def _release(program: drgn.Program) -> str:
    """As uname -r would say it; known without debug information."""
    return str(program["UTS_RELEASE"].string_().decode())


def _load(program: drgn.Program, files: Sequence[str], memory: str) -> None:
    """Debug information of the kernel and ccp. The rest is not looked at, nor looked for."""
    import drgn

    for module, _ in program.loaded_modules():
        main = isinstance(module, drgn.MainModule)
        if not main and module.name != "ccp":
            continue
        for file in files:
            try:
                module.try_file(file)
            except Exception as error:  # as above
                raise NoKernelMemory(
                    f"{file} cannot be read as debug information: {error}; {OPTION} names a "
                    "vmlinux or ccp.ko with debug information"
                ) from error
        program.load_module_debug_info(module)
        if main and module.wants_debug_file():
            raise NoKernelMemory(_missing(program, module, files, memory))
        if not main:
            return  # where its debug information is missing, its facts are unknown and say so


def _missing(program: drgn.Program, module: drgn.Module, files: Sequence[str], memory: str) -> str:
    release = _release(program)
    build_id = f", build ID {module.build_id.hex()}" if module.build_id else ""
    tried = f" {', '.join(files)}: of another kernel, or without any;" if files else ""
    return (
        f"no debug information of the kernel in {memory}, {release}{build_id}:{tried} "
        f"looked for /usr/lib/debug/boot/vmlinux-{release}, and in drgn's other usual places; "
        f"install the distribution's (Debian: linux-image-{release}-dbg), "
        f"or name this kernel's vmlinux with {OPTION}"
    )


def read_program(program: drgn.Program, source: str) -> KernelFacts:
    """All facts, of any program that has a kernel's memory and debug information."""
    import drgn

    values: dict[str, Value] = {}
    unknown: dict[str, str] = {}
    for name, read in READERS.items():
        try:
            values[name] = read(program)
        except NotKnown as error:
            unknown[name] = str(error)
        except drgn.FaultError as error:
            unknown[name] = f"its memory cannot be read: {error}"
        except drgn.ObjectAbsentError:
            unknown[name] = "the debug information does not say where it is"
        except (LookupError, TypeError, ValueError) as error:
            unknown[name] = f"this kernel's types are others: {error}"
        except Exception as error:  # as above
            unknown[name] = f"drgn cannot read it: {error}"
    return KernelFacts(values, unknown, source)
