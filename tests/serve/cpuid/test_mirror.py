"""The directory that is asked, as ordinary files and as nodes of a tree."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from softsnp.serve.cpuid import Finder, Mirror, OwnSignals, write_mirror
from softsnp.serve.cpuid.elf import NotElf
from softsnp.serve.vfs import Call, Directory, File, Handle, Node


class NoMemory:
    def read(self, address: int, length: int) -> bytes:
        raise OSError(errno.EFAULT, "")

    def write(self, address: int, data: bytes) -> None:
        raise OSError(errno.EFAULT, "")


def call(uid: int = 0) -> Call:
    return Call(1, uid, uid, NoMemory(), lambda _: None, lambda _: None)


class Counting:
    """A finder's finder that knows what to find."""

    def __init__(self) -> None:
        self.asked: list[Path] = []

    def __call__(self, path: Path) -> list[int]:
        self.asked.append(path)
        if not path.read_bytes().startswith(b"\x7fELF"):
            raise NotElf("none")
        return [0x1000, 0x20AB]


def program(folder: Path, name: str = "program") -> Path:
    path = folder / name
    path.write_bytes(b"\x7fELF and more")
    return path


def look_up(mirror: Directory, path: Path) -> Node | None:
    node: Node | None = mirror
    for name in path.parts[1:]:
        assert isinstance(node, Directory)
        node = node.lookup(name)
    return node


def expected(path: Path) -> str:
    status = path.stat()
    return f"{status.st_ino:x} {status.st_size:x} {status.st_mtime_ns:x}\n1000\n20ab\n"


def test_the_text_says_which_file_and_where(tmp_path: Path) -> None:
    path = program(tmp_path)
    assert Finder(Counting()).text(path) == expected(path)


def test_a_file_is_looked_at_once(tmp_path: Path) -> None:
    find = Counting()
    finder = Finder(find)
    path = program(tmp_path)
    assert finder.text(path) == finder.text(path)
    assert find.asked == [path]


def test_and_again_when_it_has_changed(tmp_path: Path) -> None:
    find = Counting()
    finder = Finder(find)
    path = program(tmp_path)
    finder.text(path)
    os.utime(path, ns=(0, 12345))
    assert finder.text(path) == expected(path)
    assert find.asked == [path, path]


def test_what_is_no_program_has_an_empty_text(tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("#!/bin/sh\n")
    assert Finder(Counting()).text(path) == ""
    assert Finder(Counting()).text(tmp_path) == ""


def test_a_program_with_signals_of_its_own_is_left_alone(tmp_path: Path) -> None:
    def find(path: Path) -> list[int]:
        raise OwnSignals("")

    path = program(tmp_path)
    first, second = Finder(find).text(path).splitlines()
    assert (first, second) == (expected(path).splitlines()[0], "-")


def test_ordinary_files_and_nodes_say_the_same(tmp_path: Path) -> None:
    path = program(tmp_path)
    write_mirror(tmp_path / "mirror", [path], Finder(Counting()))
    written = tmp_path / "mirror" / path.relative_to("/")
    node = look_up(Mirror(Finder(Counting())), path)
    assert isinstance(node, File)
    handle = Handle(os.O_RDONLY)
    node.open(handle, call())
    assert node.read(handle, call(), 0, 4096) == written.read_bytes() == expected(path).encode()
    assert node.read(handle, call(), 5, 3) == expected(path).encode()[5:8]
    assert node.read(handle, call(), 4096, 4096) == b""


def test_links_are_followed_and_what_is_missing_is_missing(tmp_path: Path) -> None:
    path = program(tmp_path)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    mirror = Mirror(Finder(Counting()))
    assert isinstance(look_up(mirror, tmp_path / "link"), File)
    assert look_up(mirror, tmp_path / "missing") is None
    assert look_up(mirror, tmp_path / "pipe") is None  # opening it would wait
    assert list(mirror.entries()) == []


def test_it_is_only_read(tmp_path: Path) -> None:
    node = look_up(Mirror(Finder(Counting())), program(tmp_path))
    assert isinstance(node, File)
    with pytest.raises(OSError) as caught:
        node.open(Handle(os.O_RDWR), call())
    assert caught.value.errno == errno.EACCES


def test_only_by_who_may_read_or_execute_the_program(tmp_path: Path) -> None:
    path = program(tmp_path)
    path.chmod(0o700)
    node = look_up(Mirror(Finder(Counting())), path)
    assert isinstance(node, File)
    node.open(Handle(os.O_RDONLY), call(path.stat().st_uid))
    with pytest.raises(OSError) as caught:
        node.open(Handle(os.O_RDONLY), call(path.stat().st_uid + 12345))
    assert caught.value.errno == errno.EACCES
    path.chmod(0o711)
    node.open(Handle(os.O_RDONLY), call(path.stat().st_uid + 12345))
