"""The models, with their known counts.

One is written by hand in each notation. The others are shipped designs, whose CPUs are told apart,
as whoever gets our export has to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from softsnp.lang import Property, Specification

from ..exported import specification
from . import hotplug
from .guarded import Guarded, guarded


@dataclass(frozen=True)
class Counts:
    """How large the model is. ``stack`` is how deep Spin's depth-first search goes into it."""

    states: int
    transitions: int
    stack: int


@dataclass(frozen=True)
class Model:
    """One model. ``counts`` is by number of CPUs: every engine has to agree with it."""

    specification: Callable[[int], Specification]
    properties: list[Property]
    counts: dict[int, Counts]
    told: str
    """What it is, for a table's heading."""
    sizes: tuple[int, ...]
    """Those that are measured where no others are asked for: the least stands for no states."""
    promela: Path | None = None
    """By hand; there is what we export in any case."""
    guarded: Callable[[int], Guarded] | None = None
    apart: bool = False
    """Whether its CPUs are a population, and are to be told apart."""


MODELS = {
    "hotplug": Model(
        hotplug.hotplug,
        hotplug.PROPERTIES,
        {
            1: Counts(1_866, 5_642, 938),
            2: Counts(13_700, 44_578, 5_679),
            3: Counts(87_344, 295_010, 36_071),
            4: Counts(522_860, 1_818_646, 190_557),
            5: Counts(3_032_296, 10_862_666, 1_009_271),
            6: Counts(17_303_300, 64_053_102, 4_919_724),
        },
        "The model `hotplug`, by hand in each notation:",
        (1, 3, 4, 5, 6),
        Path(__file__).with_name("hotplug.pml"),
        guarded,
    ),
    "linux-6.12": Model(
        lambda _: specification("linux-6.12", "two-ioctls"),
        [],
        {
            2: Counts(9_726, 44_551, 2_332),
            8: Counts(2_138_910, 10_097_533, 235_863),
            9: Counts(4_686_622, 22_211_069, 471_582),
            10: Counts(10_186_014, 48_434_173, 947_809),
        },
        "`linux-6.12` in the scenario `two-ioctls`, as we ship it and with CPUs told apart:",
        (2, 8, 9, 10),
        apart=True,
    ),
    "linux-7.3": Model(
        lambda _: specification("linux-7.3", "vms"),
        [],
        {
            2: Counts(12_658, 33_969, 1_598),
            5: Counts(2_493_994, 6_893_033, 214_113),
            6: Counts(12_314_134, 34_761_663, 821_882),
        },
        "`linux-7.3` in the scenario `vms`, whose states take two words:",
        (2, 5, 6),
        apart=True,
    ),
}
