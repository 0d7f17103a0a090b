"""The library is compiled once, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from softsnp.serve.cpuid import CannotBuild, build, environment

from .programs import need_compiler


def test_it_is_compiled_once_and_kept(tmp_path: Path) -> None:
    need_compiler()
    variables = {"XDG_CACHE_HOME": str(tmp_path)}
    first = build(variables)
    written = first.stat().st_mtime_ns, first.stat().st_ino
    assert build(variables) == first
    assert (first.stat().st_mtime_ns, first.stat().st_ino) == written
    assert list(first.parent.iterdir()) == [first]
    assert first.is_relative_to(tmp_path / "softsnp")


def test_another_compiler_makes_another_library(tmp_path: Path) -> None:
    need_compiler()
    first = build({"XDG_CACHE_HOME": str(tmp_path)})
    assert build({"XDG_CACHE_HOME": str(tmp_path), "CC": "cc -g0"}) != first


def test_a_missing_compiler_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotBuild, match=r"needs a C compiler.*apt install gcc"):
        build({"XDG_CACHE_HOME": str(tmp_path), "CC": "/nowhere/cc"})


def test_a_compiler_that_fails_is_quoted(tmp_path: Path) -> None:
    compiler = tmp_path / "broken"
    compiler.write_text("#!/bin/sh\n[ $1 = --version ] || { echo no such target >&2; exit 1; }\n")
    compiler.chmod(0o755)
    with pytest.raises(CannotBuild, match="no such target"):
        build({"XDG_CACHE_HOME": str(tmp_path / "cache"), "CC": str(compiler)})
    assert not list((tmp_path / "cache" / "softsnp").iterdir())


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    need_compiler()
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotBuild, match="XDG_CACHE_HOME names another place"):
        build({"XDG_CACHE_HOME": str(tmp_path / "file")})


def test_the_cache_is_in_the_home_of_the_user(tmp_path: Path) -> None:
    need_compiler()
    assert build({"HOME": str(tmp_path)}).parent == tmp_path / ".cache" / "softsnp"


def test_other_preloaded_libraries_stay() -> None:
    variables = environment(Path("/a.so"), Path("/table"), Path("/sites"), {"LD_PRELOAD": "/b.so"})
    assert variables == {
        "LD_PRELOAD": "/a.so:/b.so",
        "SOFTSNP_CPUID_TABLE": "/table",
        "SOFTSNP_CPUID_SITES": "/sites",
    }


@pytest.mark.parametrize("path", ["/with space/a.so", "/with:colon/a.so"])
def test_a_path_that_cannot_be_preloaded(path: str) -> None:
    with pytest.raises(CannotBuild, match="a space or a colon"):
        environment(Path(path), Path("/table"), Path("/sites"), {})
