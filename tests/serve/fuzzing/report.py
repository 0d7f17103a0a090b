"""What clients found, as plain data that goes through a pipe."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

MOST_WRONG = 20
"""What is told of all that is wrong; the rest is counted."""


@dataclass
class Report:
    """What calls came to, and what they should not have come to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Calls by what was asked and what it came to: ``GET_ID2 EFAULT``."""
    wrong: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())

    def count(self, what: str) -> None:
        self.outcomes[what] += 1

    def add(self, wrong: str) -> None:
        if len(self.wrong) < MOST_WRONG:
            self.wrong.append(wrong)
        else:
            self.count("more that is wrong")

    def merge(self, other: Report) -> None:
        self.outcomes += other.outcomes
        for wrong in other.wrong:
            self.add(wrong)

    def to_json(self) -> str:
        return json.dumps({"outcomes": self.outcomes, "wrong": self.wrong})

    @classmethod
    def from_json(cls, text: str) -> Report:
        found = json.loads(text)
        return cls(Counter(found["outcomes"]), list(found["wrong"]))
