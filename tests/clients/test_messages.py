"""What a client that cannot be had, or does not run, says about it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients import ClientError, have, reason, run

LOADER = (
    "snphost: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by snphost)"
)


@pytest.mark.parametrize(
    ("stderr", "line"),
    [
        ("", ""),
        (LOADER + "\n", LOADER),
        ("W: old\nE: Unable to locate package x\nE: and more\n", "E: Unable to locate package x"),
        ("   Compiling a\nerror: linker `cc` not found\n  |\n", "error: linker `cc` not found"),
        ("softsnp: no such thing\n  see: softsnp --help\n", "softsnp: no such thing"),
        ("Traceback:\n  File x\nOSError: [Errno 13]\n", "OSError: [Errno 13]"),
    ],
)
def test_the_line_that_says_most(stderr: str, line: str) -> None:
    assert reason(stderr) == line


def test_a_command_that_is_not_there() -> None:
    with pytest.raises(ClientError, match=r"^no tool: there is no /no/such/tool$"):
        run(["/no/such/tool"], "no tool")


def test_a_command_that_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("")
    with pytest.raises(ClientError, match="Permission denied"):
        run([str(tmp_path / "tool")], "no tool")


def test_a_command_that_fails_without_a_word() -> None:
    with pytest.raises(ClientError, match=r"^it failed: exit 3$"):
        run([sys.executable, "-c", "raise SystemExit(3)"], "it failed")


def test_a_client_that_was_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"there is no .*/snphost; python3 -m clients\.fetch"):
        have("snphost", tmp_path)


def test_a_client_that_does_not_run_here(tmp_path: Path) -> None:
    fake(tmp_path / "snphost", f'echo "{LOADER.replace("`", "")}" >&2; exit 1')
    with pytest.raises(ClientError, match=r"^snphost does not run here: .*GLIBC_2\.99' not found"):
        have("snphost", tmp_path)


def test_a_client_that_runs(tmp_path: Path) -> None:
    fake(tmp_path / "snphost", "echo snphost 0.7.0")
    assert have("snphost", tmp_path) == tmp_path / "snphost"


def fake(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
