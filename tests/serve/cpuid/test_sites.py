"""Instructions are told from data that has the same bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.cpuid import NoDisassembler, OwnSignals, check, find_sites
from softsnp.serve.cpuid.elf import NotElf
from softsnp.serve.cpuid.sites import sites_of

from .elves import CODE, elf

pytest.importorskip("capstone", reason="capstone is not installed")

CPUID = b"\x0f\xa2"
PIECES = (
    CPUID,
    b"\xb8\x0f\xa2\x0f\xa2",  # mov eax, 0xa20fa20f
    b"\x48\xb8\x0f\xa2\x0f\xa2\x0f\xa2\x0f\xa2",  # movabs rax
    b"\xe8\x00\x0f\xa2\x00",  # call, its distance
    b"\x81\xc3\x00\x00\x0f\xa2",  # add ebx, 0xa20f0000
    b"\x8b\x80\x0f\xa2\x00\x00",  # mov eax, [rax + 0xa20f]
    b"\x62\xf1\x7c\x48\x28\x80\x0f\xa2\x00\x00",  # vmovaps zmm0, [rax + 0xa20f]
    b"\xc5\xfc\x28\x80\x00\x0f\xa2\x00",  # vmovaps ymm0, [rax + 0xa20f00]
    b"\x66\xc7\x00\x0f\xa2",  # mov word [rax], 0xa20f
    b"\x53\x89\xc8\x31\xc9",
    b"\x90",
    b"\xc3",
)


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=60))
def test_in_functions_that_are_known_every_one_and_no_other(pieces: list[bytes]) -> None:
    code = b"".join(pieces)
    expected = []
    at = 0
    for piece in pieces:
        if piece == CPUID:
            expected.append(CODE + at)
        at += len(piece)
    assert sites_of(elf(code, [(0, len(code))] if code else [])) == expected


PLAIN = b"\x55\x48\x89\xe5\x53\x89\xf8\x89\xf1" * 12


def test_where_no_function_is_known() -> None:
    code = PLAIN + CPUID + PLAIN + b"\xb8\x0f\xa2\x00\x00" + PLAIN
    assert sites_of(elf(code)) == [CODE + len(PLAIN)]


def test_data_between_functions_is_none() -> None:
    function = PLAIN + CPUID + b"\xc3"
    data = bytes.fromhex("ddb2c3cbc4f365e965425c83fbd18dda6ff00ae60ec07fdf56d93325928ce9a2") * 4
    code = function + data + CPUID + data + function
    assert sites_of(
        elf(code, [(0, len(function)), (len(code) - len(function), len(function))])
    ) == [
        CODE + len(PLAIN),
        CODE + len(code) - 3,
    ]


def test_data_in_a_function_does_not_hide_what_follows() -> None:
    code = b"\xeb\x04\x06\x06\x06\x06" + PLAIN + CPUID + b"\xc3"  # 06 is no instruction
    assert sites_of(elf(code, [(0, len(code))])) == [CODE + 6 + len(PLAIN)]


def test_a_function_of_another_segment_is_not_followed() -> None:
    code = PLAIN + CPUID + b"\xc3"
    assert sites_of(elf(code, [(-0x800, 0x4000)])) == [CODE + len(PLAIN)]


def test_go_s_programs_are_left_alone() -> None:
    code = PLAIN + CPUID
    note = b"\x04\0\0\0\x04\0\0\0\x04\0\0\0Go\0\0abcd"
    with pytest.raises(OwnSignals, match="Go"):
        sites_of(elf(code, note=note))


@pytest.mark.parametrize("name", ["libc.so.6", "ld-linux-x86-64.so.2", "libc-2.31.so"])
def test_the_loader_and_libc_are_left_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(elf(PLAIN + CPUID))
    assert find_sites(path) == []
    path.rename(tmp_path / "other")
    assert find_sites(tmp_path / "other") != []


@given(data=st.binary(max_size=200))
def test_what_is_no_elf_file_is_said(data: bytes) -> None:
    with pytest.raises(NotElf):
        sites_of(data)


@given(st.data())
def test_a_damaged_file_is_refused_or_read_but_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(elf(PLAIN + CPUID + PLAIN, [(0, 2 * len(PLAIN) + 2)]))
    places = st.integers(0, 0x1000 + len(whole) - CODE - 1)
    for at, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        whole[at if at < len(whole) else 0] = value
    length = data.draw(st.integers(0, len(whole)))
    try:
        sites = sites_of(bytes(whole[:length]))
    except (NotElf, OwnSignals):
        return
    assert sites == sorted(sites)


@pytest.mark.parametrize("change", [{"machine": 3}, {"kind": 1}])
def test_objects_and_other_machines_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(NotElf):
        sites_of(elf(PLAIN + CPUID, **change))  # type: ignore[arg-type] # note is not changed


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(NotElf, match="empty"):
        find_sites(tmp_path / "empty")


def test_without_capstone_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "capstone", None)
    with pytest.raises(NoDisassembler, match=r"pip install 'softsnp\[run\]'"):
        sites_of(elf(PLAIN + CPUID))
    with pytest.raises(NoDisassembler):
        check()


def test_without_capstone_a_file_without_candidates_is_no_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "capstone", None)
    assert sites_of(elf(PLAIN)) == []
