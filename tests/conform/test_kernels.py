"""The kernels' own code, where the kernels have been fetched: CI fetches them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from softsnp.conform.campaign import Result, campaign, every_operation, long, scenes, shrink
from softsnp.conform.configurations import CONFIGURATIONS, Configuration
from softsnp.conform.counterexample import (
    CONFIRMED,
    NOT_REACHABLE,
    NOT_REPRODUCED,
    Outcome,
    Replayer,
)
from softsnp.conform.errors import NotEmulated
from softsnp.conform.kernel import Kernel
from softsnp.conform.operations import Operation
from softsnp.conform.pair import Pair
from softsnp.conform.replays import Replays
from softsnp.explore import check
from softsnp.lang.trace import Trace
from softsnp.spec.catalog import BY_NAME, DESIGNS, SCENARIOS
from tests.mutation import mutated

from .kernels import NAMES, kernel
from .mutations import MUTATIONS, RECORDINGS

SOFTSNP = (sys.executable, "-m", "softsnp.cli.main")
HOT_ADD, THREADS = CONFIGURATIONS


def pair(name: str, firmware: str = "x86-shutdown", under: Configuration = HOT_ADD) -> Pair:
    vmlinux, module = kernel(name)
    loaded = Kernel(vmlinux)
    loaded.load_module(module)
    return Pair(loaded, DESIGNS[name], 4, firmware, under.assume)


def told(result: Result) -> list[str]:
    found = result.divergence
    return [] if found is None else [*map(str, found.operations), *found.differences()]


def test_a_kernel_conforms_and_a_mistake_is_caught_and_shrunk() -> None:
    """One test, since loading a kernel takes longer than running it."""
    made = pair("linux-7.3")
    operations = every_operation(made.kernel, HOT_ADD.without)
    assert told(campaign(made, iter([*scenes(made), *long(operations, 20, 50, seed=7)]))) == []
    mutation = next(m for m in MUTATIONS if m.name == "prepare-with-cpus-offline")
    with mutated(mutation):
        found = campaign(made, long(operations, 20, 50, seed=7)).divergence
        assert found is not None
        assert [o.kind for o in found.operations][-1] in ("prepare", "platform init")
        assert [o.kind for o in found.operations][:-1] in (["offline"], ["add"])
        assert shrink(made, found) == found
    assert made.run(found.operations) is None


def test_a_kernel_with_second_threads_conforms() -> None:
    made = pair("linux-6.12", "legacy", THREADS)
    operations = every_operation(made.kernel, THREADS.without)
    assert told(campaign(made, iter([*scenes(made), *long(operations, 20, 20, seed=7)]))) == []
    assert made.kernel.machine.oddities == {
        "512 pages are freed where 256 were allocated, in __sev_firmware_shutdown()",
        "ccp goes, and leaves its panic notifier registered",
    }


def test_a_short_sequence_goes_on_where_the_last_one_began_alike() -> None:
    made = pair("linux-7.3")
    first, second = Operation("platform init"), Operation("commit")
    assert made.run([first, second]) is None
    after = made.kernel.state()
    assert made.begun == (first,)
    assert made.run([first, second]) is None
    assert made.kernel.state() == after


def test_a_counterexample_of_a_wrong_specification_is_not_reproduced() -> None:
    """It enables SNP before MFDM; the kernel's threads go another way, and it is said where."""
    vmlinux, module = kernel("linux-7.3")

    def loaded() -> Kernel:
        made = Kernel(vmlinux)
        made.load_module(module)
        return made

    def replayed(name: str) -> Outcome:
        prop = BY_NAME["driver-and-firmware-agree"]
        design = DESIGNS[name]
        spec = design(SCENARIOS["thread"].activities, firmware="legacy")
        (outcome,) = check(spec, None, [prop], [], traces=True).outcomes
        assert outcome.trace is not None
        return Replays(loaded, design).replay(outcome.trace, prop, "legacy", {})

    assert replayed("linux-7.3").word == CONFIRMED
    with mutated(next(m for m in MUTATIONS if m.name == "prepare-enables-before-mfdm")):
        differs = replayed("linux-7.3")
    assert differs.word == NOT_REPRODUCED
    assert "in on_each_cpu(): the specification does CPU 0: snp_en 0 → 1" in differs.why
    assert "the kernel does CPU 0: mfdm 0 → 1" in differs.why


def test_what_cannot_be_asked_of_a_kernel_is_not_said_to_hold() -> None:
    made = pair("linux-7.3").kernel
    nothing = Trace(4, "CPU", (), {}, {}, frozenset(), (), {})
    outcome = Replayer(made, nothing).run(BY_NAME["no-deadlock"])
    assert outcome.word == NOT_REACHABLE


@pytest.mark.skipif(which("gcc") is None, reason="gcc is not there to build an object with")
def test_an_overlay_takes_the_place_of_a_function(tmp_path: Path) -> None:
    """A patched kernel: its cpu_hotplug_disable() does nothing, and so nothing is refused."""
    vmlinux, module = kernel("linux-7.3")
    (tmp_path / "patch.c").write_text("void cpu_hotplug_disable(void) {}\n")
    flags = ["-c", "-O1", "-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-fcf-protection=none"]
    subprocess.run(["gcc", *flags, "patch.c", "-o", "patch.o"], cwd=tmp_path, check=True)
    patched = Kernel(vmlinux)
    patched.load_module(module)
    before = patched.address("cpu_hotplug_disable")
    patched.load_module(tmp_path / "patch.o", overlay=True)
    assert patched.address("cpu_hotplug_disable") != before
    made = Pair(patched, DESIGNS["linux-7.3"], 4, "legacy", HOT_ADD.assume)
    made.kernel.machine.call(before)  # as the kernel's own callers do
    assert made.kernel.hotplug_count() == 0
    found = made.run([Operation("disable"), Operation("offline", 1)])
    assert found is not None
    assert found.differences() == ["cpu_hotplug_disabled: kernel 0, specification 1"]


def test_what_is_not_stubbed_stops_the_run_with_its_name() -> None:
    made = pair("linux-7.3")
    with pytest.raises(NotEmulated, match=r"schedule\(\) is not stubbed"):
        made.kernel.machine.call("schedule")
    made = pair("linux-7.3")
    with pytest.raises(NotEmulated, match=r"panic\(\) is not stubbed"):
        made.kernel.machine.call("panic", made.kernel.kernel.address("linux_banner"))


def test_writing_to_a_cpu_that_is_not_there_runs_nothing() -> None:
    made = pair("linux-6.12", "legacy")
    kernel_did, specification = made.perform(Operation("online", 3))
    assert kernel_did == specification
    assert kernel_did.returned == -2


JUDGED = {"linux-6.12": ("legacy", 18, 4), "linux-7.3": ("x86-shutdown", 23, 3)}
"""With which firmware, how many counterexamples are confirmed, and how many ask what nobody can see
of a kernel.
"""


@pytest.mark.parametrize("name", NAMES)
def test_the_command_conforms_replays_and_records_the_same_again(name: str, tmp_path: Path) -> None:
    vmlinux, module = kernel(name)
    command = ["conform", "--vmlinux", str(vmlinux), "--module", str(module), "--depth", "1"]
    firmware, confirmed, stuck = JUDGED[name]
    command += ["--operations", "600", "--firmware", firmware, "--record", str(tmp_path)]
    done = subprocess.run(
        [*SOFTSNP, *command],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("no difference") == len(CONFIGURATIONS)
    assert done.stdout.count(" confirmed\n") == confirmed, done.stdout
    assert done.stdout.count("nobody here can see whether it stays") == stuck, done.stdout
    assert done.stdout.count("not re") == stuck, done.stdout
    assert "512 pages are freed where 256 were allocated" in done.stdout
    assert done.stderr == "", "a pipe stays quiet"
    recorded = [path for path in RECORDINGS if path.stem.startswith(f"{name}-{firmware}")]
    assert len(recorded) == len(CONFIGURATIONS)
    for path in recorded:
        assert (tmp_path / path.name).read_text() == path.read_text()
