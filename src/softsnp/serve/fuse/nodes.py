"""The numbers by which the kernel knows the nodes of a tree, and what it is told of them.

A number belongs to a path for good: a directory may generate its nodes anew whenever it is asked,
and there are no more numbers than paths were ever found.

One exception: the kernel lets one client at a time write to an inode beyond its size, which
O_TRUNC makes 0. A file that somebody has open for writing is found under another number, therefore,
by whoever comes next, so that each waits for nobody but us. stat(2) tells the same number of all.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from softsnp.serve.vfs import Directory, File, Link, Node

from .protocol import ATTR, ATTR_OUT, ENTRY_OUT, ROOT_ID

BLOCK = 4096


class Nodes:
    """Nodes by number, beginning with the root's."""

    def __init__(self, root: Directory) -> None:
        self._nodes: list[Node | None] = [None] * ROOT_ID + [root]
        self._parents: list[int] = [ROOT_ID] * (ROOT_ID + 1)
        self._numbers: dict[tuple[int, str], int] = {}
        self._others: dict[int, list[int]] = {}
        """Further numbers of a file."""
        self._first: dict[int, int] = {}
        """The number to which a further one belongs."""
        self._writers: dict[int, int] = {}
        """How often a number is open for writing."""

    def __getitem__(self, number: int) -> Node:
        """Raises ESTALE for a number that was never given."""
        node = self._nodes[number] if number < len(self._nodes) else None
        if node is None:
            raise OSError(errno.ESTALE, "")
        return node

    def directory(self, number: int) -> Directory:
        node = self[number]
        if not isinstance(node, Directory):
            raise OSError(errno.ENOTDIR, "")
        return node

    def parent(self, number: int) -> int:
        return self._parents[number]

    def number(self, parent: int, name: str, node: Node) -> int:
        """The number of a path, given now if it has none; ``node`` is what is there now."""
        number = self._numbers.get((parent, name))
        if number is None:
            number = self._numbers[parent, name] = len(self._nodes)
            self._nodes.append(node)
            self._parents.append(parent)
        else:
            self._nodes[number] = node
        return number

    def lookup(self, parent: int, name: str) -> int:
        node = self.directory(parent).lookup(name)
        if node is None:
            raise OSError(errno.ENOENT, "")
        number = self.number(parent, name, node)
        return self._free(number) if number in self._writers else number

    def opened_for_writing(self, number: int) -> None:
        self._writers[number] = self._writers.get(number, 0) + 1

    def closed_for_writing(self, number: int) -> None:
        self._writers[number] -= 1
        if not self._writers[number]:
            del self._writers[number]

    def _free(self, number: int) -> int:
        """A number of the same file that nobody has open for writing."""
        others = self._others.setdefault(number, [])
        for other in others:
            if other not in self._writers:
                self._nodes[other] = self._nodes[number]
                return other
        other = len(self._nodes)
        self._nodes.append(self._nodes[number])
        self._parents.append(self._parents[number])
        others.append(other)
        self._first[other] = number
        return other

    def listing(self, number: int) -> Iterator[tuple[str, int, int]]:
        """Every name of a directory, with its number and its type."""
        yield ".", number, stat.S_IFDIR
        yield "..", self.parent(number), stat.S_IFDIR
        for name, node in self.directory(number).entries():
            yield name, self.number(number, name, node), file_type(node)

    def attributes(self, number: int) -> bytes:
        """The struct of a GETATTR's answer; it is valid for no time at all."""
        return ATTR_OUT.pack(0, 0, 0) + self._attr(number)

    def entry(self, number: int) -> bytes:
        """The struct of a LOOKUP's answer; it is valid for no time at all."""
        return ENTRY_OUT.pack(number, 0, 0, 0, 0, 0) + self._attr(number)

    def _attr(self, number: int) -> bytes:
        node = self[number]
        links = 2 if isinstance(node, Directory) else 1
        mode = file_type(node) | node.mode
        told = self._first.get(number, number)
        return ATTR.pack(
            told, size_of(node), 0, 0, 0, 0, 0, 0, 0, mode, links, 0, 0, 0, BLOCK, 0
        )  # fmt: skip


def file_type(node: Node) -> int:
    """As the upper bits of st_mode."""
    if isinstance(node, Directory):
        return stat.S_IFDIR
    return stat.S_IFLNK if isinstance(node, Link) else stat.S_IFREG


def size_of(node: Node) -> int:
    if isinstance(node, File):
        return node.size
    return len(os.fsencode(node.target)) if isinstance(node, Link) else 0


def permits(node: Node, uid: int, gid: int, wanted: int) -> bool:
    """Whether a user may do that with a node. All nodes are root's; ``wanted`` is of access(2).

    Root may do everything but execute what nobody can.
    """
    if uid == 0:
        return not wanted & os.X_OK or isinstance(node, Directory) or bool(node.mode & 0o111)
    bits = node.mode >> 3 if gid == 0 else node.mode
    return not wanted & ~bits & 0o7
