"""Facts out of a kernel's memory: of one that QEMU boots, and of one whose functions are emulated.

The first is a whole kernel, read from vmcores, and at moments when its memory says something else
than at rest. The second has a PSP, which QEMU has not.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recordings.sysfs.gdb import Stub
from recordings.sysfs.record import look
from softsnp.doctor import kernel_memory
from softsnp.doctor.kernel_memory import KernelFacts, NoKernelMemory, read_core, read_running
from softsnp.doctor.kernel_readers import OPTION, READERS
from tests.conform.kernels import NAMES, kernel

from .vmcores import Booted, core_of, require_tools

NO_PSP = "ccp has found no PSP"
OF_CCP = {"snp_initialized", "sev_plat_state", "psp_dead", "x86_snp_shutdown", "sev_cmd_mutex_held"}
SMT = {"on": "CPU_SMT_ENABLED", "off": "CPU_SMT_DISABLED"}
"""What smt/control says, and how the kernel calls it."""


def complete(facts: KernelFacts) -> bool:
    """Each name is known or unknown, and not both."""
    return sorted([*facts.values, *facts.unknown]) == sorted(READERS)


def refusal(core: Path | str, *files: Path | str) -> str:
    with pytest.raises(NoKernelMemory) as refused:
        read_core(str(core), [str(file) for file in files])
    return str(refused.value)


def require_drgn() -> None:
    pytest.importorskip("drgn", reason="drgn is not installed: pip install 'softsnp[kernel]'")


# --- a whole kernel ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_booted_kernel_is_read_at_rest_and_in_the_middle_of_things(
    name: str, tmp_path: Path
) -> None:
    """One boot, since that takes longer than the rest."""
    require_drgn()
    require_tools()
    with Booted(*kernel(name), tmp_path) as booted:
        write = booted.machine.write
        assert at_rest(booted)["online"] == "0-3"
        assert write("cpu3/online", "0").result == "0"
        rest = at_rest(booted)
        assert (rest["online"], rest["cpu_smt_num_threads"]) == ("0-2", 2)
        assert write("smt/control", "off").result == "0"
        rest = at_rest(booted)
        assert (rest["online"], rest["cpu_smt_num_threads"]) == ("0,2", 1)

        for stub in booted.in_the_middle("cpu2/online", "0", "takedown_cpu"):
            found = read(booted, stub)
            assert found["online"] == "0,2"
            assert found["cpu_add_remove_lock_held"]
            assert found["cpu_hotplug_writer"]
            assert found["cpu_hotplug_disabled"] == 0
        assert write("cpu2/online", "1").result == "0"

        assert write("/sys/power/pm_test", "core").result == "0"
        places = "freeze_secondary_cpus", "syscore_suspend"
        suspending = booted.in_the_middle("/sys/power/state", "mem", *places)
        both = [read(booted, stub) for stub in suspending]
        assert [found["cpu_hotplug_disabled"] for found in both] == [1, 2]
        assert [found["online"] for found in both] == ["0,2", "0"]
        assert at_rest(booted)["online"] == "0,2"

        with booted.still() as stub:
            check_refusals(booted, stub)


def read(booted: Booted, stub: Stub) -> dict[str, Any]:
    core = booted.core(stub)
    facts = read_core(str(core), booted.files)
    core.unlink()
    assert facts.source == f"vmcore {core} by drgn"
    assert complete(facts)
    assert facts.unknown == {"sev_plat_state": NO_PSP, "x86_snp_shutdown": NO_PSP}
    assert facts.values["modules"] == "ccp"
    for fact in ("snp_initialized", "psp_dead", "sev_cmd_mutex_held"):
        assert facts.values[fact] is False
    return facts.values


def at_rest(booted: Booted) -> dict[str, Any]:
    """Where nobody does anything, sysfs says the same."""
    with booted.still() as stub:
        found = read(booted, stub)
    seen = look(booted.machine, 0)
    for mask in ("possible", "present", "online"):
        assert found[mask] == getattr(seen, mask)
    assert found["cpu_smt_control"] == SMT[seen.smt]
    assert found["cpu_hotplug_disabled"] == 0
    assert not found["cpu_hotplug_offline_disabled"]
    assert not found["cpu_add_remove_lock_held"]
    assert not found["cpu_hotplug_writer"]
    return found


def check_refusals(booted: Booted, stub: Stub) -> None:
    """A core that nobody can read, and debug information of something else."""
    vmlinux, ccp = booted.files
    core = booted.dump(stub)
    assert "-device vmcoreinfo" in refusal(core, vmlinux)
    note = booted.vmcoreinfo(core)
    core.unlink()
    core = booted.core(stub)

    of_ccp = read_core(str(core), [vmlinux])
    assert complete(of_ccp)
    assert of_ccp.unknown.keys() == OF_CCP
    assert all(OPTION in reason and "ccp.ko" in reason for reason in of_ccp.unknown.values())

    others = [str(kernel(other)[0]) for other in NAMES if str(kernel(other)[0]) != vmlinux]
    for wrong in ([], others, [ccp], [__file__]):
        said = refusal(core, *wrong)
        assert f"no debug information of the kernel in vmcore {core}" in said
        assert "/usr/lib/debug/boot/vmlinux-" in said
        assert OPTION in said
        assert all(f"{file}: of another kernel, or without any" in said for file in wrong)
    assert "is not there" in refusal(core, vmlinux, "/nowhere/ccp.ko")

    cut = core.with_name("cut")
    with core.open("rb") as whole:
        cut.write_bytes(whole.read(8 << 20))
    core.unlink()
    assert f"{cut} cannot be read as a vmcore" in refusal(cut, vmlinux)
    cut.write_bytes(core_of(note, [(0, bytes(1 << 20))]))
    assert f"the kernel in vmcore {cut} cannot be read" in refusal(cut, vmlinux)


# --- what is no kernel's memory ------------------------------------------------------------------


def test_what_is_no_vmcore_is_refused_with_one_message(tmp_path: Path) -> None:
    require_drgn()
    empty, text = tmp_path / "empty", tmp_path / "text"
    empty.touch()
    text.write_text("not a core\n" * 1000)
    for file in (empty, text, Path(sys.executable)):
        assert f"{file} cannot be read as a vmcore" in refusal(file)
    assert f"{tmp_path} is not a regular file: name a vmcore" in refusal(tmp_path)
    assert "nothing is not there: name a vmcore" in refusal(tmp_path / "nothing")
    process = tmp_path / "process"
    process.write_bytes(core_of(b""))
    assert "is a core of something else" in refusal(process)


def test_a_kernel_that_nobody_may_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def set_kernel(self) -> None:
            raise self.error

    for error, told in (
        (PermissionError(1, "Operation not permitted"), "it takes root"),
        (FileNotFoundError(2, "No such file or directory"), "/proc/kcore is not there"),
        (ValueError("not an ELF file"), "not an ELF file"),
    ):
        monkeypatch.setattr(kernel_memory, "_program", partial(Refusing, error))
        with pytest.raises(NoKernelMemory, match=told):
            read_running()


def test_without_drgn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "drgn", None)
    told = r"pip install 'softsnp\[kernel\]'"
    with pytest.raises(NoKernelMemory, match=told):
        read_running()
    with pytest.raises(NoKernelMemory, match=told):
        read_core("/nowhere")


def test_drgn_is_loaded_when_it_is_asked_for() -> None:
    script = "import sys, softsnp.doctor.kernel_memory; sys.exit('drgn' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
