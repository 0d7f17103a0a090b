"""Commands that a page shows, and what it says they print."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = os.pathsep.join((str(Path(sys.executable).parent), str(ROOT / "build" / "clients")))
HINT = "softsnp: this machine's processor is of family"
"""The one line that depends on the machine."""
ANYTHING = "…"
"""Alone in a line: any number of lines. In a line: anything."""
TOOLS = ("snphost", "rdmsr", "wrmsr", "lscpu", "chcpu", "dmesg", "taskset", "gcc")


@dataclass(frozen=True)
class Block:
    """What is between two lines of three backticks."""

    language: str
    text: str

    @property
    def name(self) -> str:
        return self.text.partition("\n")[0]

    def missing(self) -> list[str]:
        """What it wants that is not here."""
        wanted = [tool for tool in TOOLS if re.search(rf"(?m)^[$#>] .*\b{tool}\b", self.text)]
        if "--cpuid" in self.text:
            wanted.append("cc")
        missing = [tool for tool in wanted if not shutil.which(tool, path=search_path())]
        if re.search(r"(?m)^\$ (?!.*--cpuid).* snphost show tcb", self.text) and not zen3_or_4():
            missing.append("a processor of family 19h, which snphost asks how a TCB is laid out,")
        return missing


def zen3_or_4() -> bool:
    found = re.search(r"(?m)^cpu family\s*: (\d+)", Path("/proc/cpuinfo").read_text("utf-8"))
    return found is not None and int(found[1]) == 0x19


def search_path() -> str:
    return f"{OURS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def blocks(page: Path, *languages: str) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"(?ms)^```([\w-]*)\n(.*?)^```$", text)
    return [Block(language, inner) for language, inner in found if language in languages]


def steps(block: Block) -> list[tuple[str, str]]:
    """Each command with what it prints. A line that begins with ``> `` goes on with a command."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines(keepends=True):
        if line.startswith(("$ ", "# ")):
            found.append((line, ""))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1] = (found[-1][0] + line[2:], "")
        else:
            command, printed = found[-1]
            found[-1] = (command, printed + line)
    return found


def run(block: Block, directory: Path) -> list[tuple[str, str, str]]:
    """(command, what is shown, what was printed) of each; ``# `` is the prompt of the shell that
    the ``$ `` above it has started.
    """
    found = steps(block)
    results: list[tuple[str, str, str]] = []
    while found:
        command, shown = found.pop(0)
        inside = []
        while found and found[0][0].startswith("# "):
            inside.append(found.pop(0))
        if inside:
            script = "".join(
                f"{{ {step[2:].strip()}\n}} 2>&1\necho '{MARK}'\n" for step, _ in inside
            )
            printed = _bash(command[2:], directory, script).split(f"{MARK}\n")
            results += [(c, s, p) for (c, s), p in zip(inside, printed, strict=False)]
        else:
            results.append((command, shown, _bash(command[2:], directory, "")))
    return results


MARK = "--- the next prompt ---"


def _bash(command: str, directory: Path, given: str) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": search_path(), "COLUMNS": "80", "LC_ALL": "C.UTF-8"},
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    lines = done.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(HINT))


def pattern(shown: str) -> str:
    """A regular expression for what is shown."""
    return "".join(
        r"(?:.*\n)*?" if line.strip() == ANYTHING else ".*".join(map(re.escape, line.split("…")))
        for line in shown.splitlines(keepends=True)
    )


def matches(shown: str, printed: str) -> bool:
    return re.fullmatch(pattern(shown), printed) is not None
