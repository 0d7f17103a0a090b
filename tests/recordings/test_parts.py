"""The parts of the recorder, on what they were once given; no QEMU and no network."""

from __future__ import annotations

import io
import json
import socket
import tarfile
import threading
from pathlib import Path

import pytest

from recordings.sysfs.debian import DebianError, kernels, unpack_kernel
from recordings.sysfs.gdb import GdbError, Stub, packet
from recordings.sysfs.initramfs import entry
from recordings.sysfs.machine import Answer, MachineError, ask, parse
from recordings.sysfs.recording import HERE, cpus, dump, line_of, load

PACKAGES = """\
Package: linux-image-6.12.107+deb13-amd64
Version: 6.12.107-1
Filename: pool/a.deb
SHA256: 01

Package: linux-image-7.3.4+deb13-amd64
Version: 7.3.4-1
Description: a package that
 goes on: here
Filename: pool/b.deb
SHA256: 02

Package: linux-binary-7.3.4+deb13-amd64
Version: 7.3.4-1
Filename: pool/c.deb
SHA256: 03

Package: linux-binary-7.3.4+deb13-cloud-amd64
Version: 7.3.4-1
Filename: pool/d.deb
SHA256: 04
"""


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("0 0 302d330a\n", Answer("0", False, "0-3\n")),
        ("0 12 -\n", Answer("0", False, "")),
        ("16 622 -\n", Answer("-EBUSY", True, "")),
        ("22 600 -\n", Answer("-EINVAL", False, "")),
    ],
)
def test_an_answer_of_the_probe(line: str, answer: Answer) -> None:
    assert parse(line) == answer


@pytest.mark.parametrize("line", ["", "0 1\n", "[    1.2] usb 1-1\n", "-1 0 -\n"])
def test_what_is_no_answer(line: str) -> None:
    with pytest.raises(MachineError, match="not an answer"):
        parse(line)


def test_what_the_probe_is_asked() -> None:
    assert ask("r", "online") == "r online\n"
    assert ask("w", "cpu1/online", "1\n") == "w cpu1/online 310a\n"
    assert ask("w", "cpu1/online", "") == "w cpu1/online -\n"


def test_the_newest_kernel_is_in_the_package_that_has_one() -> None:
    found = list(kernels(PACKAGES.splitlines(keepends=True)))
    assert [package.file for package in found] == ["pool/a.deb", "pool/b.deb", "pool/c.deb"]
    newest = max(found, key=lambda package: package.rank)
    assert (newest.file, newest.version, newest.sha256) == ("pool/c.deb", "7.3.4-1", "03")


def member(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    return head.encode() + content + b"\n" * (len(content) % 2)


def test_a_kernel_is_found_in_a_package(tmp_path: Path) -> None:
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w:xz") as archive:
        for name in ("./boot/config-6.12", "./boot/vmlinuz-6.12"):
            info = tarfile.TarInfo(name)
            info.size = 6
            archive.addfile(info, io.BytesIO(b"kernel" if "vmlinuz" in name else b"config"))
    deb = tmp_path / "a.deb"
    parts = [member("debian-binary", b"2.0\n"), member("control.tar.xz", b"odd")]
    deb.write_bytes(b"".join([b"!<arch>\n", *parts, member("data.tar.xz", files.getvalue())]))
    assert unpack_kernel(deb, tmp_path).read_bytes() == b"kernel"
    deb.write_bytes(b"!<arch>\n")
    with pytest.raises(DebianError, match="no Debian package"):
        unpack_kernel(deb, tmp_path)


def test_an_initramfs_entry_is_padded_to_words() -> None:
    made = entry("init", 0o100755, b"12345")
    assert made.startswith(b"070701" + b"0" * 8 + b"000081ed")
    assert len(made) % 4 == 0
    assert made.endswith(b"12345\0\0\0")


def stub(path: Path, script: dict[bytes, bytes]) -> threading.Thread:
    """A GDB stub that stops unasked, as QEMU's does, and then answers after a script."""
    here = socket.socket(socket.AF_UNIX)
    here.bind(str(path))
    here.listen()

    def serve() -> None:
        with here, here.accept()[0] as peer:
            peer.sendall(b"$T02thread:01;#00")
            heard = b""
            while more := peer.recv(100):
                heard += more
                for command, answer in script.items():
                    if command in heard:
                        heard = heard.replace(command, b"")
                        peer.sendall(b"+$" + answer + b"#00")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_a_word_is_written_and_read_back(tmp_path: Path) -> None:
    assert packet("m10,4") == b"$m10,4#2e"
    answers = {b"$M10,4:03000000#": b"OK", b"$m10,4#": b"03000000", b"$D#": b"OK"}
    thread = stub(tmp_path / "gdb", answers)
    with Stub(tmp_path / "gdb") as connection:
        connection.write_word(0x10, 3)
    thread.join(10)
    assert not thread.is_alive()


def test_a_word_that_is_not_written_is_noticed(tmp_path: Path) -> None:
    answers = {b"$M10,4:03000000#": b"OK", b"$m10,4#": b"00000000", b"$D#": b"OK"}
    thread = stub(tmp_path / "gdb", answers)
    with Stub(tmp_path / "gdb") as connection, pytest.raises(GdbError, match="cannot be written"):
        connection.write_word(0x10, 3)
    thread.join(10)


def test_masks() -> None:
    assert cpus("0,2-3") == {0, 2, 3}
    assert cpus("5") == {5}
    assert cpus("") == set()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_a_recording_is_written_as_it_is_read(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    said = json.loads(text)
    assert dump(said) == text
    for machine, recorded in zip(said["machines"], load(path).machines, strict=True):
        lines = [line for line in machine["operations"] if "path" in line]
        assert [line_of(operation) for operation in recorded.operations] == lines
