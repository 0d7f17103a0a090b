"""A mistake in the specification is found by what kernels did."""

from __future__ import annotations

import pytest

from softsnp.spec.linux.kernel.cpu import CpuHotplug
from tests.mutation import Mutation, mutated

from .mutations import MUTATIONS, caught


def test_there_are_enough() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 30


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_every_mutation_is_caught(mutation: Mutation) -> None:
    assert caught(mutation) is not None


def test_a_mutation_is_gone_afterwards() -> None:
    before = CpuHotplug.cpu_up
    with pytest.raises(KeyError), mutated(MUTATIONS[4]):
        assert CpuHotplug.cpu_up is not before
        raise KeyError
    assert CpuHotplug.cpu_up is before


def test_a_mutation_of_other_text_is_refused() -> None:
    wrong = Mutation("wrong", CpuHotplug, "cpu_up", "no such text", "")
    with pytest.raises(ValueError, match="occurs 0 times"), mutated(wrong):
        pass
