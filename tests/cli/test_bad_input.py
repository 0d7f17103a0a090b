"""Bad input: one message with what was wanted, exit status 2, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Softsnp

DESIGN = """
from softsnp.spec.designs import RmpoptV10


class Mine(RmpoptV10):
    async def snp_prepare(self) -> int:
        BODY
        return 0
"""


def refused(softsnp: Softsnp, *arguments: str) -> str:
    done = softsnp(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("softsnp: ")
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "rmpopt-v11"], "no design 'rmpopt-v11'; closest: rmpopt-v10"),
        (["check", "rmpopt-v9", "--firmware", "legcy"], "closest: legacy"),
        (["check", "rmpopt-v9", "--assume", "cpu-hotadd"], "closest: cpu-hot-add"),
        (["check", "rmpopt-v9", "--assume", "no-such-thing"], "no assumption"),
        (
            ["check", "--assume", "cpu-hot-add", "--assume", "no-cpu-hot-add"],
            "exclude each other",
        ),
        (["check", "rmpopt-v9", "--property", "no-deadlok"], "closest: no-deadlock"),
        (["check", "rmpopt-v9", "--cpus", "0"], "--cpus wants a number from 1 to 64, or any"),
        (["check", "rmpopt-v9", "--cpus", "1", "--assume", "cpu-hot-add"], "wants 2 or more"),
        (["check", "rmpopt-v9", "--no-symmetry"], "a number of them from 1 to 64; got any"),
        (["check", "--cpus", "any", "--no-symmetry"], "write: --no-symmetry --cpus 3"),
        (["check", "rmpopt-v9", "--max-states", "-1"], "--max-states"),
        (["check", "rmpopt-v9", "--cores", "0"], "--cores"),
        (["sweep", "rmpopt-v9", "--cluster", "local", "--cores", "2"], "--cluster"),
        (["check", "rmpopt-v9", "--max-memory", "lots"], "such as 512M or 4G; got 'lots'"),
        (["check", "rmpopt-v9", "--scenario", "party"], "no scenario 'party'"),
        (["check", "rmpopt-v9", "--activities", "admin"], "closest: administrator"),
        (["check", "rmpopt-v9", "--ioctls", "brackets"], "closest: bracket"),
        (["check", "rmpopt-v9", "--nonsense"], "--nonsense"),
        (["check", "nowhere.py"], "no file nowhere.py"),
        (["explain", "rmpopt-v9", "guest-memory"], "closest: guest-memory-protected"),
        (["explain", "rmpopt-v9"], "PROPERTY"),
        (["list", "things"], "things"),
        (["show", "rmpopt-v10", "snp_prepared"], "closest: snp_prepare"),
        (["cheque"], "cheque"),
        ([], "VERB"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_name_gets_the_closest_ones(
    softsnp: Softsnp, arguments: list[str], said: str
) -> None:
    assert said in refused(softsnp, *arguments)


FILES = {
    "does not parse": ("class Mine(:\n", 1, "does not parse"),
    "raises": ("import os\n\nos.environ['SOFTSNP_NO_SUCH']\n", 3, "KeyError"),
    "exits": ("raise SystemExit(5)\n", 1, "SystemExit"),
    "subclasses nothing": ("class Mine:\n    pass\n", 0, "derives from a kernel"),
    "is empty": ("", 0, "defines no design"),
    "forgets an await": (
        DESIGN.replace("BODY", "self.clear_rmp()"), 7, "await self.clear_rmp()"
    ),
    "awaits in an expression": (
        DESIGN.replace("BODY", "print(await self.snp_prepare_cpus())"), 7, "larger expression"
    ),
    "raises in a step": (
        DESIGN.replace("BODY", "await self.preempt(); raise ValueError('mine')"),
        7,
        "ValueError: mine",
    ),
    "uses state that is not declared": (
        DESIGN.replace("BODY", "await self.preempt(); self.mine = 1"), 7, "not declared state"
    ),
    "misspells a function": (
        DESIGN.replace("BODY", "await self.clear_rpm()"), 7, "clear_rpm"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), FILES.values(), ids=FILES)
def test_a_bad_design_file_gets_one_message_with_its_line(
    softsnp: Softsnp, tmp_path: Path, text: str, line: int, said: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    message = refused(softsnp, "check", "mine.py", "--firmware", "legacy", "--cpus", "1")
    assert said in message
    assert f"mine.py:{line}:" in message or not line
    assert not (tmp_path / "__pycache__").exists()


def test_in_several_processes_it_is_still_one_message(softsnp: Softsnp, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILES["raises in a step"][0])
    assert refused(softsnp, "check", "mine.py").count("ValueError: mine") == 1
