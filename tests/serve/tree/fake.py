"""A host that does what it is asked without a specification, and a client of its files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from softsnp.serve.generations import GENERATIONS
from softsnp.serve.tree import HostTree, KernelLog, tree
from softsnp.serve.vfs import (
    LATER,
    Call,
    Directory,
    File,
    Handle,
    IoctlReply,
    Later,
    Node,
)
from softsnp.serve.view import Topology

PERFORMED = {"offline": False, "online": True}


class FakeHost:
    """What is asked succeeds at once, or fails with ``refusal``, an errno."""

    def __init__(
        self, cpus: int = 8, threads: int = 1, sockets: int = 1, generation: str = "genoa"
    ) -> None:
        self.generation = GENERATIONS[generation]
        self.topology = Topology(cpus, threads, sockets)
        firsts = -(-cpus // threads)
        self.bits = [
            {"present": True, "online": True, "sibling": cpu >= firsts} for cpu in range(cpus)
        ]
        self.scalars: dict[str, object] = {
            "cpu_smt_control": "ENABLED",
            "cpu_smt_num_threads": threads,
            "kvm_amd": True,
        }
        self.modules: dict[str, tuple[int, tuple[str, ...]]] = {
            "kvm_amd": (0, ()),
            "kvm": (1, ("kvm_amd",)),
            "ccp": (1, ("kvm_amd",)),
        }
        self.asked: list[tuple[str, int | None]] = []
        self.unknown: list[tuple[int, int]] = []
        self.questions = 0
        """How often a bit of a CPU was asked for."""
        self.refusal = 0

    def cpu(self, number: int, bit: str) -> bool:
        self.questions += 1
        return self.bits[number].get(bit, False)

    def set_cpu(self, number: int, **bits: bool) -> None:
        self.bits[number].update(bits)

    def scalar(self, name: str) -> object:
        return self.scalars[name]

    def ask(self, call: Call, operation: str, taken: int, cpu: int | None = None) -> Later:
        self.asked.append((operation, cpu))
        if self.refusal:
            call.fail(self.refusal)
            return LATER
        if cpu is not None:
            self.set_cpu(cpu, online=PERFORMED[operation])
        call.done(taken)
        return LATER

    def parameters(self, module: str) -> dict[str, str]:
        if module != "kvm_amd" or module not in self.modules:
            return {}
        return {"sev": "Y", "sev_es": "Y", "sev_snp": "Y"}

    def loaded(self) -> Sequence[tuple[str, int, tuple[str, ...]]]:
        return [(name, count, users) for name, (count, users) in self.modules.items()]

    def unknown_msr(self, cpu: int, register: int) -> None:
        self.unknown.append((cpu, register))


@dataclass
class FakeMemory:
    """64 KiB from address 0x10000 on."""

    data: bytearray = field(default_factory=lambda: bytearray(0x10000))

    def _at(self, address: int, length: int) -> int:
        if not 0x10000 <= address <= 0x20000 - length:
            raise OSError(errno.EFAULT, "")
        return address - 0x10000

    def read(self, address: int, length: int) -> bytes:
        at = self._at(address, length)
        return bytes(self.data[at : at + length])

    def write(self, address: int, data: bytes) -> None:
        at = self._at(address, len(data))
        self.data[at : at + len(data)] = data


class Answer:
    """Of one call: what it was answered with, and how often."""

    def __init__(self) -> None:
        self.answers: list[bytes | int] = []
        self.memory = FakeMemory()
        self.call = Call(
            pid=os.getpid(),
            uid=0,
            gid=0,
            memory=self.memory,
            done=self.answers.append,
            fail=lambda error: self.answers.append(-error),
        )

    def of(self, said: bytes | int | IoctlReply | Later) -> bytes | int | IoctlReply:
        if isinstance(said, Later):
            (said,) = self.answers
        else:
            assert self.answers == []
        if isinstance(said, int) and said < 0:
            raise OSError(-said, os.strerror(-said))
        return said


class Client:
    """Opens files by their paths, as root does."""

    def __init__(self, root: Directory) -> None:
        self.root = root

    def find(self, path: str) -> Node:
        node: Node = self.root
        for name in path.split("/"):
            assert isinstance(node, Directory), path
            found = node.lookup(name)
            if found is None:
                raise OSError(errno.ENOENT, path)
            node = found
        return node

    def file(self, path: str) -> File:
        node = self.find(path)
        assert isinstance(node, File), path
        return node

    def open(self, path: str, flags: int = os.O_RDONLY) -> tuple[File, Handle]:
        file, handle = self.file(path), Handle(flags)
        file.open(handle, Answer().call)
        return file, handle

    def read(self, path: str, size: int = 1 << 20, offset: int = 0) -> bytes:
        file, handle = self.open(path)
        answer = Answer()
        said = answer.of(file.read(handle, answer.call, offset, size))
        assert isinstance(said, bytes)
        return said

    def text(self, path: str) -> str:
        return self.read(path).decode()

    def write(self, path: str, data: str | bytes, offset: int = 0) -> int:
        file, handle = self.open(path, os.O_WRONLY)
        answer = Answer()
        given = data.encode() if isinstance(data, str) else data
        said = answer.of(file.write(handle, answer.call, offset, given))
        assert isinstance(said, int)
        return said

    def list(self, path: str) -> list[str]:
        node = self.find(path) if path else self.root
        assert isinstance(node, Directory)
        return [name for name, _ in node.entries()]

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Everything, with its path."""

        def below(path: str, node: Node) -> Iterator[tuple[str, Node]]:
            yield path, node
            if isinstance(node, Directory):
                for name, child in node.entries():
                    yield from below(f"{path}/{name}" if path else name, child)

        return below("", self.root)


class Clock:
    """Microseconds since boot, moved by hand."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@dataclass
class Bench:
    host: FakeHost
    clock: Clock
    log: KernelLog
    tree: HostTree
    client: Client

    def said(self) -> list[str]:
        return [record.text for record in self.log.records()]


def bench(
    cpus: int = 8,
    threads: int = 1,
    sockets: int = 1,
    generation: str = "genoa",
    capacity: int = 64,
) -> Bench:
    host, clock = FakeHost(cpus, threads, sockets, generation), Clock()
    log = KernelLog(clock, capacity)
    root = tree(host, log)
    return Bench(host, clock, log, root, Client(root))
