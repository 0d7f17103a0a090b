"""What CPUID answers on each generation of EPYC, as a table.

From AMD's public architecture manual (the fields) and from published dumps (the values). Every bit
that announces an instruction to programs is taken from the real processor too, so that no program
executes what would fault here.

Passed through: D (the layout of XSAVE, which is the real one), F and 10 (QoS), 8000_0007 (whether
the TSC is invariant), 8000_0019 to 8000_001C. Zeros: what AMD leaves reserved, and everything
above the last leaf, with it the hypervisor's 4000_0000.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from ..generations import Generation
from ..view import Topology
from .facts import ALL, FACTS, INSTRUCTIONS, Facts
from .layout import Cpu, Entry, Own, Registers, Table
from .memory_encryption import leaf as memory_encryption

LAST_STANDARD: Final = 0x10
PACKAGE_TYPE: Final = 4  # SP3 of family 19h model 0x, SP5 of the later two


def signature(generation: Generation) -> int:
    """Family, model and stepping as leaf 1 EAX has them."""
    return (
        (generation.family - 0xF) << 20
        | (generation.model >> 4) << 16
        | 0xF << 8
        | (generation.model & 0xF) << 4
        | generation.stepping
    )


def table(
    generation: Generation, topology: Topology, without: Collection[str] = frozenset()
) -> bytes:
    """The table of a machine; ``without`` names features of memory encryption that it lacks.

    Raises ValueError for a feature that is none.
    """
    entries = tuple(_entries(generation, topology, without))
    return Table(entries, tuple(cpus(topology)), LAST_STANDARD, _last(generation)).encode()


def cpus(topology: Topology) -> Iterator[Cpu]:
    """Where each CPU is: first threads have the lower half of the numbers."""
    cores = max(1, topology.cpus // topology.threads)
    of_each = -(-cores // topology.sockets)
    package = _bits(of_each) + _bits(topology.threads)
    for number in range(topology.cpus):
        thread, core = divmod(number, cores)
        socket, within = divmod(core, of_each)
        yield Cpu(socket << package | within << _bits(topology.threads) | thread, within, socket)


def _entries(
    generation: Generation, topology: Topology, without: Collection[str]
) -> Iterator[Entry]:
    facts = FACTS[generation.name]
    yield Entry(0x0, _vendor(LAST_STANDARD))
    yield from _features(generation, topology, facts)
    for reserved in (0x2, 0x3, 0x4, 0x8, 0x9, 0xA, 0xC, 0xE):
        yield Entry(reserved)
    yield Entry(0x5, (0x40, 0x40, 0x3, 0x11))  # MONITOR: a line of 64 bytes
    yield Entry(0x6, (0x4, 0, 0x1, 0))  # the APIC's timer never stops; effective frequency
    yield from _topology(topology)
    yield Entry(0x8000_0000, _vendor(_last(generation)))
    yield from _brand(generation.brand)
    yield from _caches(generation, topology, facts)
    yield _sizes(topology, facts)
    yield Entry(0x8000_000A, (1, 0x8000, 0, facts.virtualization))
    for reserved in (0x8000_0009, *range(0x8000_000B, 0x8000_0019)):
        yield Entry(reserved)
    yield memory_encryption(generation, without)
    yield Entry(0x8000_0020)
    yield Entry(0x8000_0021, (facts.extended_2, facts.microcode_size, 0, 0))
    for reserved in range(0x8000_0022, _last(generation) + 1):
        yield Entry(reserved)


def _features(generation: Generation, topology: Topology, facts: Facts) -> Iterator[Entry]:
    in_package = min(0xFF, _in_package(topology))
    own = signature(generation)
    yield _usable(
        Entry(0x1, (own, in_package << 16 | 8 << 8, *facts.leaf_1), own=Own.EBX_APIC),
        (0, 0, *INSTRUCTIONS.leaf_1),
    )
    yield _usable(Entry(0x7, (1, *facts.leaf_7), subleaf=0), (0, *INSTRUCTIONS.leaf_7))
    yield _usable(Entry(0x7, (facts.leaf_7_1, 0, 0, 0), subleaf=1), (ALL, 0, 0, 0))
    yield Entry(0x7)
    yield _usable(
        Entry(0x8000_0001, (own, PACKAGE_TYPE << 28, *facts.leaf_8000_0001)),
        (0, 0, *INSTRUCTIONS.leaf_8000_0001),
    )


def _usable(entry: Entry, instructions: Registers) -> Entry:
    """The bits of ``instructions`` are there if they are in the entry and on the real processor."""
    pairs = tuple(zip(entry.value, instructions, strict=True))
    a, b, c, d = (value & ~mask for value, mask in pairs)
    e, f, g, h = (value & mask for value, mask in pairs)
    return Entry(entry.leaf, (a, b, c, d), (e, f, g, h), entry.subleaf, entry.own)


def _topology(topology: Topology) -> Iterator[Entry]:
    threads, package = topology.threads, _package_bits(topology)
    yield Entry(0xB, (_bits(threads), threads, 1 << 8, 0), subleaf=0, own=Own.EDX_APIC)
    yield Entry(0xB, (package, _in_package(topology), 2 << 8, 0), subleaf=1, own=Own.EDX_APIC)
    yield Entry(0xB, own=Own.EDX_APIC)
    yield Entry(
        0x8000_001E,
        (0, (threads - 1) << 8, 0, 0),
        own=Own.EAX_APIC | Own.EBX_CORE | Own.ECX_NODE,
    )


def _brand(brand: str) -> Iterator[Entry]:
    text = brand.encode().ljust(47)[:47] + b"\0"
    for index in range(3):
        part = text[16 * index : 16 * index + 16]
        a, b, c, d = (int.from_bytes(part[at : at + 4], "little") for at in range(0, 16, 4))
        yield Entry(0x8000_0002 + index, (a, b, c, d))


def _caches(generation: Generation, topology: Topology, facts: Facts) -> Iterator[Entry]:
    """Sizes in KiB, ways, and who shares: the older form with its codes of ways, and the newer."""
    data, ways = facts.l1_data
    code = {8: 6, 12: 7, 16: 8}
    yield Entry(
        0x8000_0005,
        (0xFF48_FF40, 0xFF48_FF40, data << 24 | ways << 16 | 0x140, 32 << 24 | 8 << 16 | 0x140),
    )
    second = generation.l2 << 16 | code[facts.l2_ways] << 12 | 0x140
    third = generation.l3 // 512 << 18 | 9 << 12 | 0x140  # 9: leaf 8000_001D knows
    yield Entry(0x8000_0006, (0x5C00_2200, 0x6C00_4200, second, third))
    threads = topology.threads
    shared = min(generation.cores_per_l3 * threads, _in_package(topology))
    levels = (  # type (data, instructions, unified), level, KiB, ways, shared by, flags
        (1, 1, data, ways, threads, 0),
        (2, 1, 32, 8, threads, 0),
        (3, 2, generation.l2, facts.l2_ways, threads, 2),  # inclusive
        (3, 3, generation.l3, 16, shared, 1),  # flushing one flushes not the lower ones of others
    )
    for index, (kind, level, size, ways, sharing, flags) in enumerate(levels):
        sets = size * 1024 // (64 * ways)
        yield Entry(
            0x8000_001D,
            (
                (sharing - 1) << 14 | 1 << 8 | level << 5 | kind,
                (ways - 1) << 22 | 63,
                sets - 1,
                flags,
            ),
            subleaf=index,
        )
    yield Entry(0x8000_001D)


def _sizes(topology: Topology, facts: Facts) -> Entry:
    last = _in_package(topology) - 1
    value = (
        facts.linear_bits << 8 | facts.physical_bits,
        facts.leaf_8000_0008,
        _package_bits(topology) << 12 | min(last, 0xFF),
        0x1_0000,
    )
    return _usable(Entry(0x8000_0008, value), (0, INSTRUCTIONS.leaf_8000_0008, 0, 0))


def _vendor(last: int) -> Registers:
    a, b, c = (int.from_bytes(part, "little") for part in (b"Auth", b"cAMD", b"enti"))
    return last, a, b, c


def _last(generation: Generation) -> int:
    return FACTS[generation.name].last_extended


def _in_package(topology: Topology) -> int:
    """CPUs of each package, at least one."""
    return max(1, topology.cpus // topology.sockets)


def _package_bits(topology: Topology) -> int:
    """How far an APIC number is shifted for its package."""
    cores = -(-max(1, topology.cpus // topology.threads) // topology.sockets)
    return _bits(cores) + _bits(topology.threads)


def _bits(count: int) -> int:
    """How many bits number ``count`` things."""
    return (count - 1).bit_length()
