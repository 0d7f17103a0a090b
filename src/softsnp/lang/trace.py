"""A trace: the steps of one run of a specification, for whoever draws or stores it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One function of the chain that a step runs in; the outermost is the activity."""

    method: str
    """The specification's name for it (``snp_prepare``)."""
    function: str
    """Its C counterpart (``snp_prepare()``), or the method's name where it has none."""
    file: str
    """The specification's file."""
    line: int
    doc: str
    """The docstring, with its ``C:``, ``Locks:`` and ``Source:`` lines."""


@dataclass(frozen=True)
class TraceStep:
    """One atomic step."""

    activity: str
    frames: tuple[Frame, ...]
    """Where the step began, outermost first; at rest only the activity's own frame."""
    changes: dict[str, str]
    """What changed: a scalar's name, or ``CPU 2``, to ``before → after``."""
    notes: tuple[str, ...]
    places: dict[str, str]
    """Each note and each changed thing, in order of time, to the function it happened in."""
    choices: tuple[str, ...]
    """What was decided: ``operation: kexec``, ``SNP_INIT_EX fails``."""
    events: tuple[str, ...]
    waits_for: str = ""
    """What the step waited for, when it began with a wait."""
    decided: tuple[int, ...] = ()
    """The number of each member and of each alternative that was decided on, in order."""
    restarted: bool = False
    """Whether every other activity ended in it."""


@dataclass(frozen=True)
class Standing:
    """Where an activity stands at the end of a trace."""

    activity: str
    frames: tuple[Frame, ...]
    resting: bool
    waits_for: str
    """What it waits for that has not come, or an empty string."""
    holds: tuple[str, ...]
    """``cpu_hotplug_lock for reading`` and so on."""


@dataclass(frozen=True)
class Trace:
    """A run from an initial state to the state of interest."""

    members: int
    """How many members the run has (CPUs)."""
    member: str
    """The population's name for one of them."""
    steps: tuple[TraceStep, ...]
    state: dict[str, str]
    """The scalars at the end, locks and observers' fields left out."""
    population: dict[str, dict[str, bool]]
    """``CPU 0`` to its bits at the end. A bit that tells members apart is there for those that
    have it, and for nobody else."""
    relevant: frozenset[str]
    """The scalars and bits that some step changed, or that the property looks at in the state at
    the end. The others are as they were at the start, and played no part."""
    standing: tuple[Standing, ...]
    consulted: dict[str, bool]
    """The assumptions that the steps looked at, and whether each is on."""
    start: tuple[tuple[str, ...], ...] = ()
    """The bits that each member had at the beginning."""
