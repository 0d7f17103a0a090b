"""Small C programs, and how they are run with CPUID answered."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from softsnp.serve.cpuid import environment, write_mirror

CC = shutil.which("cc")

ASK = r"""
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>

static void ask(unsigned leaf, unsigned subleaf, unsigned r[4])
{
	__cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]);
}

static void show(unsigned leaf, unsigned subleaf)
{
	unsigned r[4];

	ask(leaf, subleaf, r);
	printf("%08x %08x %08x %08x\n", r[0], r[1], r[2], r[3]);
	fflush(stdout);
}
"""
"""What every program begins with."""

SHOW = (
    ASK
    + r"""
int main(int count, char **arguments)
{
	for (int i = 1; i + 1 < count; i += 2)
		show(strtoul(arguments[i], NULL, 16), strtoul(arguments[i + 1], NULL, 16));
}
"""
)


@dataclass(frozen=True)
class Bench:
    """Where programs are compiled, and what they are run with."""

    folder: Path
    library: Path
    table: Path

    def compile(self, name: str, source: str, *options: str) -> Path:
        program = self.folder / name
        text = self.folder / f"{name}.c"
        text.write_text(source)
        subprocess.run(
            [str(CC), "-O1", "-o", str(program), str(text), *options],
            check=True,
            cwd=self.folder,
            timeout=60,
        )
        return program

    def variables(self, *asked: Path) -> dict[str, str]:
        """With a mirror that knows these files."""
        mirror = self.folder / "mirror"
        mirror.mkdir(exist_ok=True)
        write_mirror(mirror, asked)
        return {**os.environ, **environment(self.library, self.table, mirror, {})}

    def run(
        self, program: Path, *arguments: str, asked: Sequence[Path] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """``asked``: what the mirror knows; the program alone if not told otherwise."""
        files = (program,) if asked is None else tuple(asked)
        return run([str(program), *arguments], self.variables(*files))


def run(command: Sequence[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, timeout=60
    )


def answers(output: str) -> list[tuple[int, ...]]:
    """Registers, a line for each answer."""
    return [tuple(int(word, 16) for word in line.split()) for line in output.splitlines()]


def need_compiler() -> None:
    if CC is None:
        pytest.skip("no C compiler: cc is not in PATH")
    if os.uname().machine != "x86_64":
        pytest.skip("CPUID is an instruction of x86-64")
