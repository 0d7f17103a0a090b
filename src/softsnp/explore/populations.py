"""The populations that a search meets, by number: a state holds the number, this holds the rest.

Few populations occur, however many members there are, and each effect on one is worked out once.
Packed, a population is: a slot for each picking activity's member, then a lane a class with the
free members in it. How many they are (``counted.py``) or which (``told_apart.py``) is what the two
kinds of populations differ in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from softsnp.lang import Change, Cube

NOWHERE = -1


@dataclass(frozen=True)
class Question:
    """Whether any of these bits is set, or any of these fields (mask, value) is as given."""

    bits: int
    fields: tuple[tuple[int, int], ...] = ()

    @property
    def source(self) -> str:
        """An expression over the packed population ``p``."""
        tests = [f"p & {self.bits} != 0"] if self.bits else []
        tests += [f"p & {mask} == {value}" for mask, value in self.fields]
        return " or ".join(tests) or "False"


Effect = Callable[[int], int]
"""A packed population to the one that comes of it."""
Fork = Callable[[int], list[int]]
"""A packed population to all that may come of it."""


class Populations(ABC):
    """Numbers for packed populations, and what questions and effects make of them.

    What is in a lane, and what is taken out of one, are *members* here: in which way, a subclass
    says. A slot has a class, a bit that says that it has a member, and ``who_bits`` of which.
    """

    def __init__(
        self,
        classes: Sequence[int],
        canonical: Mapping[int, int],
        pickers: Sequence[int],
        class_bits: int,
        identity: int,
        lane_bits: int,
        who_bits: int = 0,
    ) -> None:
        self.classes = classes
        self.canonical = canonical
        self.identity = identity
        self.lane_bits = lane_bits
        self.class_mask = (1 << class_bits) - 1
        self.slot_valid = 1 << class_bits
        self.who_at = class_bits + 1
        width = self.who_at + who_bits
        self.slot_mask = (1 << width) - 1
        self.slots = {activity: i * width for i, activity in enumerate(pickers)}
        self.base = len(self.slots) * width
        self.lane_mask = (1 << lane_bits) - 1
        self.lanes = {cls: self.base + i * lane_bits for i, cls in enumerate(classes)}
        self.packed: list[int] = []
        self.numbers: dict[int, int] = {}
        self.questions: list[Question] = []
        self._answer: Callable[[int], int] = lambda packed: 0
        self.answers: list[int] = []
        """For each population the set (by bits) of questions whose answer is yes."""

    def __len__(self) -> int:
        return len(self.packed)

    def number(self, packed: int) -> int:
        found = self.numbers.get(packed)
        if found is None:
            found = self.numbers[packed] = len(self.packed)
            self.packed.append(packed)
            self.answers.append(self._answer(packed))
        return found

    def pack(self, free: dict[int, int], picked: dict[int, int]) -> int:
        """The first of ``ways``."""
        return next(self.ways(free, picked))

    def unpack(self, packed: int) -> tuple[dict[int, int], dict[int, int]]:
        """(class to count of the free, activity to class of the picked)."""
        free, left = {}, packed >> self.base  # most lanes are empty
        while left:
            lane = (left & -left).bit_length() - 1
            lane -= lane % self.lane_bits
            members = left >> lane & self.lane_mask
            free[self.classes[lane // self.lane_bits]] = self._count(members)
            left ^= members << lane
        picked = {
            a: packed >> at & self.class_mask
            for a, at in self.slots.items()
            if packed >> at & self.slot_valid
        }
        return free, picked

    def _picked(self, picked: dict[int, int]) -> int:
        """Slots with members of these classes, and nothing of which members."""
        return sum((self.slot_valid | cls) << self.slots[a] for a, cls in picked.items())

    def _in(self, packed: int, lane: int) -> int:
        return packed >> lane & self.lane_mask

    # --- what kinds of populations differ in -----------------------------------------------------

    @abstractmethod
    def ways(self, free: dict[int, int], picked: dict[int, int]) -> Iterator[int]:
        """Every packed population with these; ``free``: class to count; ``picked``: activity to
        class.
        """

    @abstractmethod
    def orbit(self, number: int) -> int:
        """How many populations with members told apart are this one."""

    @abstractmethod
    def _count(self, members: int) -> int:
        """How many members there are in a lane."""

    @abstractmethod
    def _give(self, packed: int, lane: int, members: int) -> int:
        """These members more in a lane."""

    @abstractmethod
    def _take(self, packed: int, lane: int) -> list[tuple[int, int]]:
        """One member fewer in a lane: each way, with the member."""

    def _move_one(self, packed: int, lane: int, to: int) -> list[int]:
        """Each way for one member of a lane to go to another, or to the same."""
        return [self._give(left, to, member) for left, member in self._take(packed, lane)]

    @abstractmethod
    def _put(self, packed: int, at: int, cls: int, member: int) -> int:
        """A member of a class in an empty slot."""

    @abstractmethod
    def _who(self, packed: int, at: int) -> int:
        """The member in a slot."""

    # --- questions -------------------------------------------------------------------------------

    def ask(self, question: Question) -> int:
        """The bit of ``answers`` that answers the question."""
        if question in self.questions:
            return self.questions.index(question)
        self.questions.append(question)
        return len(self.questions) - 1

    def prepare(self) -> None:
        """Every question has been asked: answer them for the populations met so far."""
        answers = [f"({q.source}) << {bit}" for bit, q in enumerate(self.questions)]
        self._answer = eval(f"lambda p: {' | '.join(answers) or 0}")
        self.answers[:] = map(self._answer, self.packed)

    def any(self, cube: Cube, free: bool) -> Question:
        """Whether a member is in the cube; ``free``: one that nobody has picked."""
        lanes = sum(self.lane_mask << at for cls, at in self.lanes.items() if cube.holds(cls))
        slots = () if free else tuple(self._in_slot(at, cube) for at in self.slots.values())
        return Question(lanes, slots)

    def member_bit(self, activity: int, bit: int) -> Question:
        return Question(1 << bit + self.slots[activity])

    def _in_slot(self, at: int, cube: Cube) -> tuple[int, int]:
        return (self.slot_valid | cube.mask) << at, (self.slot_valid | cube.value) << at

    # --- effects ---------------------------------------------------------------------------------

    def _change_slot(self, packed: int, at: int, change: Change) -> int:
        cls = self.canonical[change(packed >> at & self.class_mask)]
        return packed & ~(self.class_mask << at) | cls << at

    def _moves(self, cube: Cube, change: Change) -> list[tuple[int, int]]:
        """(lane, lane that its members go to) of the cube's classes, in order.

        A class that only picked members are ever in may have nowhere to go: its lane is empty, and
        a shift by NOWHERE would raise if it were not.
        """
        return [
            (at, self.lanes.get(self.canonical[change(cls)], NOWHERE))
            for cls, at in self.lanes.items()
            if cube.holds(cls)
        ]

    def update(self, cube: Cube, change: Change) -> Effect:
        moves = [(lane, to) for lane, to in self._moves(cube, change) if lane != to]
        slots = [(at, *self._in_slot(at, cube)) for at in self.slots.values()]
        lane_mask = self.lane_mask

        def effect(packed: int) -> int:
            moved = []
            for lane, to in moves:
                members = packed >> lane & lane_mask
                if members:
                    packed -= members << lane
                    moved.append((to, members))
            for to, members in moved:
                packed = self._give(packed, to, members)
            for at, mask, value in slots:
                if packed & mask == value:
                    packed = self._change_slot(packed, at, change)
            return packed

        return effect

    def update_one(self, cube: Cube, change: Change) -> Fork:
        moves = self._moves(cube, change)
        slots = [(at, *self._in_slot(at, cube)) for at in self.slots.values()]

        def fork(packed: int) -> list[int]:
            found = []
            for lane, to in moves:
                if self._in(packed, lane):
                    found += self._move_one(packed, lane, to)
            for at, mask, value in slots:
                if packed & mask == value:
                    found.append(self._change_slot(packed, at, change))
            return found

        return fork

    def member_update(self, activity: int, change: Change) -> Effect:
        at = self.slots[activity]
        return lambda packed: self._change_slot(packed, at, change)

    def pick(self, activity: int, cube: Cube) -> Fork:
        at = self.slots[activity]
        lanes = [(lane, cls) for cls, lane in self.lanes.items() if cube.holds(cls)]

        def fork(packed: int) -> list[int]:
            return [
                self._put(left, at, cls, member)
                for lane, cls in lanes
                if self._in(packed, lane)
                for left, member in self._take(packed, lane)
            ]

        return fork

    def release(self, activity: int) -> Effect:
        at = self.slots[activity]

        def effect(packed: int) -> int:
            lane = self.lanes[packed >> at & self.class_mask]
            return self._give(packed & ~(self.slot_mask << at), lane, self._who(packed, at))

        return effect

    def restart(self, activity: int) -> Effect:
        """Every other activity has nothing picked."""
        others = [(at, self.release(a)) for a, at in self.slots.items() if a != activity]

        def effect(packed: int) -> int:
            for at, release in others:
                if packed >> at & self.slot_valid:
                    packed = release(packed)
            return packed

        return effect
