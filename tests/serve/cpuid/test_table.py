"""The table of a generation: what a client would read from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.cpuid import FEATURES, describe, table, write
from softsnp.serve.cpuid.layout import ANY_SUBLEAF, Entry, Table
from softsnp.serve.cpuid.processor import cpus
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.view import Topology

EVERY_GENERATION = pytest.mark.parametrize("name", sorted(GENERATIONS))
TOPOLOGIES = st.builds(
    lambda cores, threads, sockets: Topology(cores * threads * sockets, threads, sockets),
    st.integers(1, 128),
    st.sampled_from((1, 2)),
    st.sampled_from((1, 2)),
)


def entry(data: bytes, leaf: int, subleaf: int = 0) -> Entry:
    return next(
        each
        for each in Table.decode(data).entries
        if each.leaf == leaf and each.subleaf in (subleaf, ANY_SUBLEAF)
    )


def of(name: str, *without: str, topology: Topology | None = None) -> bytes:
    return table(GENERATIONS[name], topology or Topology(8, 2, 1), without)


@pytest.mark.parametrize(
    ("name", "signature"),
    [("milan", 0x00A0_0F11), ("genoa", 0x00A1_0F11), ("turin", 0x00B0_0F21)],
)
def test_family_model_and_stepping(name: str, signature: int) -> None:
    assert entry(of(name), 0x1).value[0] == entry(of(name), 0x8000_0001).value[0] == signature


@EVERY_GENERATION
def test_the_brand_is_the_generation_s(name: str) -> None:
    text = b"".join(
        register.to_bytes(4, "little")
        for leaf in (0x8000_0002, 0x8000_0003, 0x8000_0004)
        for register in entry(of(name), leaf).value
    )
    assert len(text) == 48
    assert text[-1:] == b"\0"
    assert text[:-1].decode().rstrip() == GENERATIONS[name].brand


@EVERY_GENERATION
def test_there_is_no_hypervisor(name: str) -> None:
    data = of(name)
    features = entry(data, 0x1)
    assert not (features.value[2] | features.real[2]) >> 31
    assert Table.decode(data).last_standard < 0x4000_0000


@EVERY_GENERATION
def test_package_type_4(name: str) -> None:
    assert entry(of(name), 0x8000_0001).value[1] >> 28 == 4


@EVERY_GENERATION
def test_memory_encryption(name: str) -> None:
    eax, ebx, ecx, edx = entry(of(name), 0x8000_001F).value
    assert eax & 0x13F == 0x13F
    assert (ebx & 0x3F, ebx >> 6 & 0x3F, ebx >> 12) == (51, 5, 4)
    assert (ecx, edx) == (GENERATIONS[name].asids, GENERATIONS[name].min_sev_asid)


@pytest.mark.parametrize(
    ("without", "gone"),
    [
        ("sev-snp", {"sev-snp", "vmpl", "secure-tsc"}),
        ("sev-es", {"sev-es", "sev-snp", "vmpl", "secure-tsc"}),
        ("sev", {"sev", "page-flush-msr", "sev-es", "sev-snp", "vmpl", "secure-tsc"}),
        ("sme", {"sme"}),
        ("page-flush-msr", {"page-flush-msr"}),
    ],
)
def test_a_feature_goes_with_what_needs_it(without: str, gone: set[str]) -> None:
    eax = entry(of("genoa", without), 0x8000_001F).value[0]
    named = {"sme", "sev", "page-flush-msr", "sev-es", "sev-snp", "vmpl", "secure-tsc"}
    assert {name for name in named if not eax >> FEATURES[name] & 1} == gone


def test_a_feature_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"named snp: there are sme, sev, .*sev-snp"):
        of("genoa", "snp")


@given(topology=TOPOLOGIES)
def test_every_cpu_has_a_number_of_its_own_under_its_package_and_core(topology: Topology) -> None:
    data = of("genoa", topology=topology)
    where = tuple(cpus(topology))
    assert len({cpu.apic for cpu in where}) == topology.cpus
    core_bits, package_bits = (entry(data, 0xB, level).value[0] for level in (0, 1))
    assert {cpu.apic >> package_bits for cpu in where} == set(range(topology.sockets))
    for number, cpu in enumerate(where):
        assert cpu.apic >> package_bits == cpu.node
        assert cpu.apic >> core_bits & ((1 << package_bits - core_bits) - 1) == cpu.core
        first = number % (topology.cpus // topology.threads)
        assert where[first].apic >> core_bits == cpu.apic >> core_bits


@given(topology=TOPOLOGIES, without=st.sets(st.sampled_from(sorted(FEATURES))))
def test_it_reads_back_and_its_size_is_the_topology_s_alone(
    topology: Topology, without: set[str]
) -> None:
    data = of("turin", *without, topology=topology)
    assert Table.decode(data).encode() == data
    assert len(data) == len(of("turin", topology=topology))


@EVERY_GENERATION
def test_every_register_has_32_bits_and_each_bit_one_source(name: str) -> None:
    for each in Table.decode(of(name)).entries:
        assert all(not value & real for value, real in zip(each.value, each.real, strict=True))


@EVERY_GENERATION
def test_no_two_entries_answer_the_same(name: str) -> None:
    seen = [(each.leaf, each.subleaf) for each in Table.decode(of(name)).entries]
    assert len(seen) == len(set(seen))


def test_it_can_be_read_by_people() -> None:
    text = describe(of("milan"))
    assert "8000001f    *: eax=0101fd3f ebx=00004173 ecx=000001fd edx=00000064" in text
    assert "EAX_APIC|EBX_CORE|ECX_NODE" in text


def test_another_table_takes_the_place_of_one(tmp_path: Path) -> None:
    path = tmp_path / "table"
    write(path, of("genoa"))
    inode = path.stat().st_ino
    write(path, of("genoa", "sev-snp"))
    assert path.read_bytes() == of("genoa", "sev-snp")
    assert path.stat().st_ino == inode  # programs have it mapped
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_of_another_size_does_not(tmp_path: Path) -> None:
    path = tmp_path / "table"
    write(path, of("genoa"))
    with pytest.raises(ValueError, match="programs have it mapped"):
        write(path, of("genoa", topology=Topology(16, 2, 1)))
    assert path.read_bytes() == of("genoa")


@pytest.mark.parametrize("data", [b"", b"something else" * 10, of("milan")[:-1]])
def test_what_is_no_table_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="table of CPUID answers"):
        write(tmp_path / "table", data)
    assert not (tmp_path / "table").exists()
