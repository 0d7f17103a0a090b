"""How sure a violation is: the least of the sources of what is on its way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from softsnp.lang.trace import Trace

from .circumstances import SWITCHES

TAG = re.compile(r"\[(code|ABI|hw|FW|msg|inf|asm)\]")
TAGS = {
    "code": "read in the kernel's code",
    "ABI": "read in the firmware ABI's specification",
    "hw": "read in the processor's manual",
    "FW": "known of firmware releases",
    "msg": "said in a message, or in a patch that was posted",
    "inf": "inferred",
    "asm": "assumed",
}
"""Each kind of source, the surest first."""
SETTLES = {
    "code": "`softsnp conform` with that kernel replays the way on its own machine code",
    "ABI": "the firmware's answers, on hardware",
    "hw": "the registers, on hardware",
    "FW": "the release notes of the firmware, and the firmware of that release",
    "msg": "the posted patch itself, and what becomes of it",
    "inf": "the code that it was inferred about",
    "asm": "a test on hardware",
}


@dataclass(frozen=True)
class Source:
    """``what`` is a function or an assumption; ``tags`` the kinds of its sources."""

    what: str
    text: str
    tags: tuple[str, ...]


def of_functions(trace: Trace) -> list[Source]:
    """Each function that a step of a trace was in, in order of first appearance."""
    found: dict[str, Source] = {}
    for step in trace.steps:
        for frame in step.frames:
            text = _source(frame.doc)
            if frame.function.endswith("()") and text:
                found.setdefault(frame.method, Source(frame.function, text, _tags(text)))
    return list(found.values())


def of_switches(names: Iterable[str]) -> list[Source]:
    """Assumptions; a detail is part of the system, and its functions have sources of their own."""
    switches = {name: SWITCHES[name] for name in names if name in SWITCHES}
    return [
        Source(name, f"{s.sentence.rstrip('.')}, {s.source}", _tags(s.source))
        for name, s in switches.items()
        if s.source
    ]


def least(sources: Iterable[Source]) -> str:
    """The least sure kind that any of these has; ``code`` for none."""
    order = list(TAGS)
    return max((tag for s in sources for tag in s.tags), key=order.index, default=order[0])


def _source(doc: str) -> str:
    _, _, rest = doc.partition("Source: ")
    return " ".join(rest.partition("\n\n")[0].split())


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(TAG.findall(text)))
