"""TCB_VERSION: bytes, and the order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.firmware import Tcb
from softsnp.serve.generations import TcbLayout

layouts = st.sampled_from(("milan", "turin"))
eight_bytes = st.binary(min_size=8, max_size=8)


@given(eight_bytes, layouts)
def test_every_eight_bytes_come_back(data: bytes, layout: TcbLayout) -> None:
    assert Tcb.unpack(data, layout).pack(layout) == data


def test_components_are_where_clients_look() -> None:
    tcb = Tcb(boot_loader=1, tee=2, snp=3, microcode=4)
    assert tcb.pack("milan") == bytes([1, 2, 0, 0, 0, 0, 3, 4])
    assert Tcb(1, 2, 3, 4, fmc=9).pack("turin") == bytes([9, 1, 2, 3, 0, 0, 0, 4])


def test_a_milan_has_no_fmc() -> None:
    with pytest.raises(ValueError, match="fmc of a milan TCB is 0 to 0, not 9"):
        Tcb(fmc=9).pack("milan")
    with pytest.raises(ValueError, match="snp of a turin TCB is 0 to 255, not 256"):
        Tcb(snp=256).pack("turin")
    with pytest.raises(ValueError, match="has 8 bytes, not 7"):
        Tcb.unpack(bytes(7), "milan")
    with pytest.raises(ValueError, match="reserved of a milan TCB"):
        Tcb(reserved=-1).pack("milan")


@given(eight_bytes, eight_bytes, layouts)
def test_lexicographic_is_an_order_and_components_is_stricter(
    one: bytes, other: bytes, layout: TcbLayout
) -> None:
    a, b = Tcb.unpack(one, layout), Tcb.unpack(other, layout)
    assert a.exceeds(b, "lexicographic") + b.exceeds(a, "lexicographic") == (
        (a.numbers, a.reserved) != (b.numbers, b.reserved)
    )
    if a.exceeds(b, "lexicographic"):
        assert a.exceeds(b, "components")


def test_the_boot_loader_outweighs_everything_after_it() -> None:
    lower, higher = Tcb(boot_loader=1, snp=255), Tcb(boot_loader=2, snp=1)
    assert not lower.exceeds(higher, "lexicographic")
    assert lower.exceeds(higher, "components")


def test_dirty_reserved_bytes_are_higher() -> None:
    assert Tcb(snp=3, reserved=1).exceeds(Tcb(snp=3), "lexicographic")
    assert not Tcb(snp=2, reserved=1).exceeds(Tcb(snp=3), "lexicographic")


def test_it_reads_as_one_would_type_it() -> None:
    assert str(Tcb(4, 0, 24, 213)) == "boot loader 4 tee 0 snp 24 microcode 213"
    assert str(Tcb(4, 0, 24, 213, 1)).endswith(" fmc 1")
