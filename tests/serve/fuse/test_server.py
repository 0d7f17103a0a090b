"""The server, asked as the kernel asks."""

from __future__ import annotations

import errno
import os
import stat
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.serve.fuse.protocol import ATTR, ATTR_OUT, HEADER, Opcode

from .files import Tree
from .kernel import Kernel, connected, transfer

READDIRPLUS = 1 << 13


@pytest.fixture
def tree() -> Tree:
    return Tree()


@pytest.fixture
def kernel(tree: Tree) -> Iterator[Kernel]:
    with connected(tree) as kernel:
        yield kernel


def listing(kernel: Kernel, node: int, size: int = 4096) -> list[tuple[int, str]]:
    """Number and name of each entry, read in pieces."""
    error, answer = kernel.ask(Opcode.OPENDIR, node, struct.pack("<II", 0, 0))
    assert error == 0
    (handle,) = struct.unpack_from("<Q", answer)
    found: list[tuple[int, str]] = []
    offset = 0
    while True:
        error, data = kernel.ask(Opcode.READDIR, node, transfer(handle, offset, size))
        assert error == 0 and len(data) <= size
        if not data:
            kernel.ask(Opcode.RELEASEDIR, node, struct.pack("<QQQ", handle, 0, 0))
            return found
        while data:
            number, offset, length, _ = struct.unpack_from("<QQII", data)
            found.append((number, data[24 : 24 + length].decode()))
            data = data[24 + (length + 7) // 8 * 8 :]


def test_nothing_is_promised_that_is_not_served(kernel: Kernel) -> None:
    error, answer = kernel.ask(Opcode.INIT, 0, struct.pack("<IIIIQ", 7, 45, 65536, 0xFFFFFFFF, 0))
    major, minor, _, flags = struct.unpack_from("<IIII", answer)
    assert (error, major, minor) == (0, 7, 31)
    assert not flags & READDIRPLUS
    assert kernel.ask(44, 1)[0] == errno.ENOSYS


def test_a_kernel_that_is_too_old_is_refused(kernel: Kernel) -> None:
    assert kernel.ask(Opcode.INIT, 0, struct.pack("<IIII", 6, 1, 0, 0))[0] == errno.EPROTO


def test_what_there_is(kernel: Kernel) -> None:
    node = kernel.find("text")
    error, answer = kernel.ask(Opcode.GETATTR, node, bytes(16))
    number, size, *_ = attr = ATTR.unpack_from(answer, ATTR_OUT.size)
    assert (error, number, size) == (0, node, 4096)
    assert attr[9] == stat.S_IFREG | 0o444
    assert kernel.ask(Opcode.LOOKUP, 1, b"no such name\0")[0] == errno.ENOENT
    assert kernel.ask(Opcode.LOOKUP, node, b"below a file\0")[0] == errno.ENOTDIR
    assert kernel.ask(Opcode.GETATTR, 1_000_000, bytes(16))[0] == errno.ESTALE
    assert kernel.ask(Opcode.READLINK, kernel.find("link")) == (0, b"text")
    assert kernel.ask(Opcode.READLINK, node)[0] == errno.EINVAL
    handle = kernel.open(node, os.O_RDONLY)
    assert kernel.ask(Opcode.READ, node, transfer(handle, 2, 100)) == (0, b"text\n")
    assert kernel.ask(Opcode.READ, node, transfer(handle + 1, 2, 100))[0] == errno.EBADF


@pytest.mark.parametrize("size", [40, 64, 4096])
def test_a_listing_is_complete_whatever_fits_in_a_piece(
    kernel: Kernel, tree: Tree, size: int
) -> None:
    tree.changing.names = [f"name{number}" for number in range(50)]
    found = listing(kernel, kernel.find("changing"), size)
    assert [name for _, name in found] == [".", "..", *tree.changing.names]
    assert found[1][0] == 1


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=6))
def test_a_path_keeps_its_number(steps: list[list[str]]) -> None:
    tree = Tree()
    numbers: dict[str, int] = {}
    with connected(tree) as kernel:
        directory = kernel.find("changing")
        for names in steps:
            tree.changing.names = names
            listed = listing(kernel, directory)[2:]
            assert {name for _, name in listed} == set(names)
            for number, name in listed:
                assert kernel.find("changing", name) == number
                assert numbers.setdefault(name, number) == number
    assert len(set(numbers.values())) == len(numbers)


def test_who_comes_while_a_file_is_written_finds_it_under_another_number(kernel: Kernel) -> None:
    """Since the kernel lets one client write to an inode, and the others wait for it."""
    first = kernel.find("stored")
    assert kernel.find("stored") == first
    reader = kernel.open(first, os.O_RDONLY)
    assert kernel.find("stored") == first
    writer = kernel.open(first, os.O_WRONLY)
    second = kernel.find("stored")
    assert second != first and kernel.find("stored") == second
    attr = ATTR.unpack_from(kernel.ask(Opcode.GETATTR, second, bytes(16))[1], ATTR_OUT.size)
    assert attr[0] == first
    kernel.open(second, os.O_RDWR)
    third = kernel.find("stored")
    assert third not in (first, second)
    for handle in (reader, writer):
        kernel.ask(Opcode.RELEASE, first, struct.pack("<QIIQ", handle, 0, 0, 0))
    assert kernel.find("stored") == first


def test_permission_bits_hold_for_everybody_but_root(kernel: Kernel) -> None:
    node = kernel.find("stored")
    read, write = struct.pack("<II", os.O_RDONLY, 0), struct.pack("<II", os.O_WRONLY, 0)
    assert kernel.ask(Opcode.OPEN, node, read, uid=1000)[0] == 0
    assert kernel.ask(Opcode.OPEN, node, write, uid=1000)[0] == errno.EACCES
    assert kernel.ask(Opcode.OPEN, node, write, uid=0)[0] == 0
    assert kernel.ask(Opcode.ACCESS, node, struct.pack("<II", os.W_OK, 0), uid=7)[0] == errno.EACCES
    assert kernel.ask(Opcode.ACCESS, node, struct.pack("<II", os.X_OK, 0))[0] == errno.EACCES


def test_nothing_is_made_moved_or_removed(kernel: Kernel) -> None:
    assert kernel.ask(Opcode.CREATE, 1, b"")[0] == errno.EACCES
    for opcode in (Opcode.MKDIR, Opcode.UNLINK, Opcode.RENAME2, Opcode.MKNOD):
        assert kernel.ask(opcode, 1, b"")[0] == errno.EPERM
    node = kernel.find("stored")
    size, mode = struct.pack("<II80x", 1 << 3, 0), struct.pack("<II80x", 1 << 0, 0)
    assert kernel.ask(Opcode.SETATTR, node, size)[0] == 0
    assert kernel.ask(Opcode.SETATTR, node, mode)[0] == errno.EPERM


def test_every_answer_but_the_first_is_dropped(kernel: Kernel, tree: Tree) -> None:
    node = kernel.find("keeper")
    handle = kernel.open(node)
    for opcode, value, expected in (
        (Opcode.READ, b"abcdef", b"abcd"),
        (Opcode.WRITE, 3, struct.pack("<II", 3, 0)),
    ):
        unique = kernel.send(opcode, node, transfer(handle, 0, 4, b"data"))
        assert kernel.hear() is None
        call = tree.keeper.calls[-1]
        call.done(value)
        call.done(value)
        call.fail(errno.EIO)
        assert kernel.hear() == (unique, 0, expected)
        assert kernel.hear() is None
        with pytest.raises(OSError, match="of process 0"):
            call.memory.read(id(call), 8)
    assert kernel.troubles == []


def test_an_ioctl_is_answered_later_with_a_result_of_any_sign(kernel: Kernel, tree: Tree) -> None:
    node = kernel.find("keeper")
    handle = kernel.open(node)
    body = struct.pack("<QIIQII", handle, 0, 0xC0105300, 0x1234, 16, 16) + bytes(16)
    unique = kernel.send(Opcode.IOCTL, node, body)
    call = tree.keeper.calls[-1]
    assert call.argument == 0x1234
    call.done(-errno.EIO)
    assert kernel.hear() == (unique, 0, struct.pack("<iIII", -errno.EIO, 0, 0, 0))


def test_an_answer_of_the_wrong_kind_is_a_bug_and_its_client_hears_eio(
    kernel: Kernel, tree: Tree
) -> None:
    node = kernel.find("keeper")
    unique = kernel.send(Opcode.READ, node, transfer(kernel.open(node), 0, 4))
    with pytest.raises(TypeError, match="READ cannot be answered with 7"):
        tree.keeper.calls[-1].done(7)
    assert kernel.hear() == (unique, errno.EIO, b"")


def test_a_bug_in_a_file_is_eio_and_is_told(kernel: Kernel) -> None:
    node = kernel.find("faulty")
    handle = kernel.open(node)
    assert kernel.ask(Opcode.READ, node, transfer(handle, 0, 4))[0] == errno.EIO
    assert "a bug" in kernel.troubles.pop()
    assert kernel.ask(Opcode.WRITE, node, transfer(handle, 0, 1, b"x"))[0] == errno.EIO
    assert "100000" in kernel.troubles.pop()
    body = struct.pack("<QIIQII", handle, 0, 0xC0105300, 0, 16, 16) + bytes(16)
    assert kernel.ask(Opcode.IOCTL, node, body)[0] == errno.EIO
    assert "800 bytes" in kernel.troubles.pop()


def test_an_interrupted_call_waits_until_its_client_is_being_killed(
    kernel: Kernel, tree: Tree
) -> None:
    node = kernel.find("keeper")
    handle = kernel.open(node)
    unique = kernel.send(Opcode.READ, node, transfer(handle, 0, 4))
    kernel.send(Opcode.INTERRUPT, 0, struct.pack("<Q", unique))
    assert kernel.hear() is None
    assert 0 < (kernel.server.work() or 0) <= 0.05
    tree.keeper.calls[-1].done(b"in time")
    assert kernel.hear() == (unique, 0, b"in t")

    gone = 1 << 30  # no process has such a number
    unique = kernel.send(Opcode.READ, node, transfer(handle, 0, 4), pid=gone)
    kernel.send(Opcode.INTERRUPT, 0, struct.pack("<Q", unique))
    assert kernel.hear() == (unique, errno.EINTR, b"")

    unique = kernel.send(Opcode.READ, node, transfer(handle, 0, 4), pid=gone)
    call = tree.keeper.calls[-1]
    call.when_interrupted = lambda: call.fail(errno.ETIMEDOUT)
    kernel.send(Opcode.INTERRUPT, 0, struct.pack("<Q", unique))
    assert kernel.hear() == (unique, errno.ETIMEDOUT, b"")

    unique = kernel.send(Opcode.READ, node, transfer(handle, 0, 4))
    tree.keeper.calls[-1].interruptible = True
    kernel.send(Opcode.INTERRUPT, 0, struct.pack("<Q", unique))
    assert kernel.hear() == (unique, errno.EINTR, b"")
    time.sleep(0.06)  # the next look finds nobody who waits
    assert kernel.server.work() is None


def test_open_files_are_released_at_the_end(tree: Tree) -> None:
    with connected(tree) as kernel:
        node = kernel.find("keeper")
        one, _ = kernel.open(node), kernel.open(node)
        kernel.ask(Opcode.RELEASE, node, struct.pack("<QIIQ", one, 0, 0, 0))
        assert tree.keeper.released == 1
    assert tree.keeper.released == 2


@settings(deadline=None, max_examples=300)
@given(
    opcode=st.sampled_from([*Opcode, 20, 22, 25, 43, 44, 46, 52, 4096, 2**31]),
    node=st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1)),
    body=st.one_of(st.binary(max_size=120), st.just(bytes(120)), st.just(b"\1" + bytes(119))),
    cut=st.integers(0, HEADER.size + 4),
)
def test_no_request_kills_the_server(opcode: int, node: int, body: bytes, cut: int) -> None:
    with connected(Tree()) as kernel:
        kernel.open(kernel.find("keeper"))
        kernel.send(opcode, node, body, pid=1 << 30)
        kernel.end.send(HEADER.pack(40, opcode, 99, node, 0, 0, 1 << 30, 0, 0)[: cut or 1])
        kernel.server.work()
        while kernel.hear():
            pass
        assert kernel.ask(Opcode.GETATTR, 1, bytes(16))[0] == 0
