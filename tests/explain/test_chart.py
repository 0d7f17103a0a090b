"""Charts: one as it is printed, and what holds of all of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from softsnp.explain import WIDTH, chart, reproducer
from softsnp.explain.fold import fold
from softsnp.lang.trace import Trace

from .traces import PROP, step, trace

TWO = trace(
    step("admin", choices=("operation: init",), changes={"users": "0 → 1"}),
    step("admin", "ioctl()", changes={"cmd_mutex": "taken"}),
    step("admin", "ioctl()", "prepare()"),
    step("admin", "ioctl()", "prepare()"),
    step("admin", "ioctl()", "prepare()", changes={"CPU 0": "snp_en 0 → 1"}),
    step("plug", choices=("operation: offline",)),
    step("plug", "cpu_down()", notes=("it is refused",), source="[inf] nobody knows"),
    step("admin", "ioctl()", choices=("fault: INIT fails",), notes=("INIT → ERROR",)),
)

GOLDEN = """\
design breaks it.

step  admin                                plug
----  -----------------------------------  -----------------------------------
   1  * init
        users: 0 → 1
   2  ioctl()
        cmd_mutex: taken
 3-5  prepare()
        CPU 0: snp_en 0 → 1
   6                                       * offline
   7                                       cpu_down()
                                             it is refused
   8  * INIT fails
      ioctl()
        INIT → ERROR

Then nobody can step:
  CPU 0: boot, online, snp_en
  CPU 1, 2: online; without snp_en
  live = 1
  all else is as at the start
  admin is in admin_inner(), waits for the lock, holds a_lock
  plug is in plug_inner(), waits for the lock, holds a_lock

Assumes: no-hot-add, keeps
Inferred, not read in code: cpu_down()
Memory is sequentially consistent here, and there is no NMI or interrupt
context.
"""


def test_a_chart() -> None:
    assert chart(TWO, PROP, "design breaks it.") == GOLDEN


def test_the_whole_state_is_told_where_all_of_it_matters() -> None:
    names = {"live", "mode", "boot", "there", "online", "snp_en"}
    text = chart(replace(TWO, relevant=frozenset(names)), PROP, "design breaks it.")
    assert "  CPU 1, 2: there, online; without snp_en\n  live = 1, mode = OFF\n  admin is" in text


def test_a_member_of_which_nothing_matters_is_told_all_the_same() -> None:
    alike = {"CPU 0": {"online": True}, "CPU 1": {"online": True}}
    text = chart(replace(TWO, relevant=frozenset(), population=alike), PROP, "design breaks it.")
    assert "  CPU 0, 1: as at the start\n  all else is as at the start\n  admin is" in text


def test_a_reproducer() -> None:
    commands = {"init": ("snphost commit",), "offline": ("echo 0 > cpu{member}/online",)}
    told = reproducer(TWO, PROP, "design breaks it.", commands, {"INIT": "write to ax"})
    assert told.splitlines() == [
        "#!/bin/sh",
        "# design breaks it.",
        "# One root shell for each of: admin, plug.",
        "# Lines are in the order of time; HOLD and FAULT need a debugger, a kprobe or a delay.",
        "# [admin] init",
        "snphost commit",
        "# HOLD admin before it goes on in ioctl()",
        "# [plug] offline",
        "echo 0 > cpuN/online",
        "# HOLD plug in plug_inner() (plug_inner.py)",
        "# FAULT in ioctl(): write to ax",
        "# Now nobody can step.",
    ]


WORDS = st.sampled_from(["snp", "cpu", "hotplug", "rmptable", "a", "administratively", "x86"])
NAMES = st.lists(WORDS, min_size=1, max_size=6).map(lambda words: "_".join(words) + "()")
TEXTS = st.lists(
    st.sampled_from(["WARN:", "→", "=", "INVALID_PLATFORM_STATE", "a", "the"]), min_size=1
).map(" ".join)
STEPS = st.builds(
    lambda activity, functions, changes, notes: step(
        activity, *functions, changes=changes, notes=tuple(notes)
    ),
    st.sampled_from(["administrator", "hotplugger", "ioctl-user", "host-writer"]),
    st.lists(NAMES, max_size=3),
    st.dictionaries(NAMES, TEXTS, max_size=2),
    st.lists(TEXTS, max_size=2),
)


@given(st.lists(STEPS, max_size=6).map(lambda steps: trace(*steps)), TEXTS)
def test_no_line_is_too_wide_and_no_change_is_left_out(drawn: Trace, title: str) -> None:
    text = chart(drawn, PROP, title)
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert text == chart(drawn, PROP, title)
    changes = sum(len(taken.changes) for taken in drawn.steps)
    rows = sum(len(row.remarks) for row in fold(drawn.steps))
    assert rows == sum(len(taken.places) for taken in drawn.steps) >= changes


@given(st.lists(STEPS, min_size=1, max_size=6).map(lambda steps: trace(*steps)))
def test_every_step_has_its_number(drawn: Trace) -> None:
    lines = chart(drawn, PROP, "t").split("\n\n")[1].splitlines()[2:]
    covered: list[int] = []
    for line in lines:
        if line[:5].strip():
            first, _, last = line.split()[0].partition("-")
            covered += range(int(first), int(last or first) + 1)
    assert covered == list(range(1, len(drawn.steps) + 1))
