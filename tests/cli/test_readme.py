"""What the README shows is what the command prints and what the example is."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.virtual_hosts import needs, on_host

from .conftest import Softsnp

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", README)
SESSIONS = [text for _, text in BLOCKS if text.startswith("$ softsnp run ")]
SHOWN = [text for _, text in BLOCKS if text.startswith("$ softsnp ") and text not in SESSIONS]
MOST_LINES = 5


@pytest.mark.parametrize("shown", SHOWN, ids=lambda text: text.partition("\n")[0])
def test_a_command_prints_what_is_shown_below_it(softsnp: Softsnp, shown: str) -> None:
    command, _, printed = shown.partition("\n")
    done = softsnp(*shlex.split(command)[2:])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed


@pytest.mark.parametrize("shown", SESSIONS, ids=lambda text: text.partition("\n")[0])
def test_a_session_goes_as_it_is_shown(shown: str) -> None:
    """Each line after a # is typed, and what is below it appears."""
    needs("snphost", "rdmsr", "chcpu")
    first, *lines = shown.splitlines()
    assert first.endswith(" -- bash")
    typed = [line.removeprefix("# ") for line in lines if line.startswith("# ")]
    script = "\n".join(f"echo {shlex.quote('# ' + line)}; {line}" for line in typed)
    done = on_host(f"exec 2>&1\n{script}", *shlex.split(first)[3:-2])
    assert done.stdout.splitlines() == lines


def test_it_says_what_softsnp_is_and_then_shows_it() -> None:
    opening = README.partition("```")[0].splitlines()
    title, what = opening[0], [line for line in opening[1:] if line]
    assert title == "# softsnp"
    assert 0 < len(what) <= MOST_LINES
    assert BLOCKS[0][1] == SHOWN[0]


def test_the_example_is_the_file_it_names() -> None:
    (example,) = [text for language, text in BLOCKS if language == "python"]
    assert code(example) == code((ROOT / "examples" / "my_idea.py").read_text())


def code(source: str) -> str:
    """Python without its docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.AsyncFunctionDef | ast.FunctionDef):
            if ast.get_docstring(node) is not None:
                del node.body[0]
    return ast.unparse(tree)
