"""Decision trees: what one step of one local state does, for every state of the rest.

A tree asks questions about the state (``Ask``), changes the population (``Do``), and ends in a
leaf. Questions about scalars refer to the state before the step: the tabulator folds reads that
follow a write. Questions about the population come in order with its changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from softsnp.lang import Change, Cube

# --- questions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """The index of a scalar's value."""

    field: str


@dataclass(frozen=True, slots=True)
class AnyMember:
    """Whether a member is in the cube; ``free``: one that nobody has picked."""

    cube: Cube
    free: bool


@dataclass(frozen=True, slots=True)
class Peek:
    """A bit of one member of the cube, whichever: a fork."""

    cube: Cube
    bit: int

    def where(self, answer: int) -> Cube | None:
        """The members of the cube that give this answer; None when the cube excludes them."""
        bit = 1 << self.bit
        if self.cube.mask & bit and bool(self.cube.value & bit) != bool(answer):
            return None
        return Cube(self.cube.mask | bit, self.cube.value | (bit if answer else 0))


@dataclass(frozen=True, slots=True)
class MemberBit:
    """A bit of the member that this activity has picked."""

    bit: int


@dataclass(frozen=True, slots=True)
class Choose:
    """One of ``count`` alternatives, whichever: a fork."""

    count: int
    label: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class AtRest:
    activity: int


Question = Read | AnyMember | Peek | MemberBit | Choose | AtRest
FORKS = (Peek, Choose)

# --- effects on the population ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Update:
    cube: Cube
    change: Change


@dataclass(frozen=True, slots=True)
class UpdateOne:
    """A fork: one successor for every class that has a member in the cube."""

    cube: Cube
    change: Change


@dataclass(frozen=True, slots=True)
class Pick:
    """A fork: one successor for every class that has a free member in the cube."""

    cube: Cube


@dataclass(frozen=True, slots=True)
class MemberUpdate:
    change: Change


@dataclass(frozen=True, slots=True)
class Release:
    pass


@dataclass(frozen=True, slots=True)
class Restart:
    """Every other activity stands at its beginning and has nothing picked."""


Effect = Update | UpdateOne | Pick | MemberUpdate | Release | Restart

# --- nodes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """The step ends: scalars to write, the next local state, and what has happened."""

    writes: tuple[tuple[str, int], ...]
    goto: int
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """The step cannot be taken here."""


@dataclass(frozen=True, slots=True)
class Bad:
    """The specification fails here; an error only if a reachable state gets here."""

    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The leaf of a property's tree."""

    exercised: bool
    violated: bool


@dataclass(frozen=True, slots=True)
class Ask:
    question: Question
    kids: tuple[tuple[int, Node], ...]


@dataclass(frozen=True, slots=True)
class Do:
    effect: Effect
    then: Node


Node = Leaf | Blocked | Bad | Judged | Ask | Do


def writes(node: Node) -> Iterator[tuple[str, int]]:
    """Everything that a tree may write: (field, index of the value)."""
    if isinstance(node, Leaf):
        yield from node.writes
    elif isinstance(node, Do):
        yield from writes(node.then)
    elif isinstance(node, Ask):
        for _, kid in node.kids:
            yield from writes(kid)


def asks_at_rest(node: Node) -> bool:
    """Whether a tree asks anywhere who is at rest."""
    if isinstance(node, Do):
        return asks_at_rest(node.then)
    if isinstance(node, Ask):
        kids = [kid for _, kid in node.kids]
        return isinstance(node.question, AtRest) or any(map(asks_at_rest, kids))
    return False
