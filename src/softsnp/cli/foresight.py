"""What is ahead of a host that was observed, as text and as plain data."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from softsnp.doctor.facts import Observation
from softsnp.doctor.state import seen
from softsnp.explain import WIDTH, fold
from softsnp.lang.trace import Trace
from softsnp.operate.beginning import ENDS, NOTHING, UNDERTAKINGS, Undertaking
from softsnp.spec.catalog import BY_NAME, DESIGNS, FIRMWARE

from . import options
from .ahead import Broken, Prospect, Question, prospects
from .designs import DesignRef, find_one
from .errors import UsageError, unknown
from .observed import Observed, observed
from .progress import counting

RELEASES = (
    (re.compile(r"6\.12\."), "linux-6.12"),
    (re.compile(r"7\.2\.(1[3-9]|[2-9]\d)\b"), "linux-7.3"),
    (re.compile(r"7\.3\."), "linux-7.3"),
)
"""Which design is like a kernel, by its release. Source: what of them was read."""
MARGIN = 38
LOCK = re.compile(r"\w+(_lock|_mutex)\b")


@dataclass(frozen=True)
class Foresight:
    """``firmware``: the profiles that it may have."""

    design: DesignRef
    firmware: tuple[str, ...]
    assumed: tuple[str, ...]
    prospects: tuple[Prospect, ...]

    def text(self) -> str:
        where = f"Ahead of this host, as {self.design.name}, {' or '.join(self.firmware)} firmware"
        what = "what each operation alone would do, if nothing fails on the way"
        lines = [_filled(f"{where}: {what}."), ""]
        lines += [_line(prospect) for prospect in self.prospects]
        for prospect in self.prospects:
            if prospect.broken:
                lines += ["", *_told(prospect)]
        lines += ["", _filled("Assumed, since nothing shows it: " + "; ".join(self.assumed) + ".")]
        return "\n".join(lines) + "\n"

    def plain(self) -> dict[str, Any]:
        return {
            "design": self.design.name,
            "firmware": list(self.firmware),
            "assumed": list(self.assumed),
            "operations": [
                {
                    "name": prospect.undertaking.name,
                    "verdict": prospect.verdict,
                    "reason": prospect.undecided,
                    "breaks": [
                        {
                            "property": broken.name,
                            "what": _what(broken),
                            "firmware": broken.firmware,
                            "depends_on": list(broken.hangs_on),
                            "steps": _steps(broken.trace),
                        }
                        for broken in prospect.broken
                    ],
                }
                for prospect in self.prospects
            ],
        }


def look_ahead(
    observation: Observation, design: str | None, operations: Sequence[str], cores: str | None
) -> Foresight:
    """Explores. Raises UsageError where no design is like the kernel, and for unknown names."""
    ref = find_one(design, "doctor") if design else _like(observation)
    firmware = _profiles(observation)
    found = observed(ref.load(), observation, seen(observation))
    chosen = _chosen(operations, found, observation)
    question = Question(ref, firmware[0], found.smt, found.beginning, NOTHING)
    many = options.cores(cores) or os.cpu_count() or 1
    total = len(firmware) * (len(chosen) + 1)
    with counting(total, "looking ahead") as told:
        done = iter(range(1, 1 << 30))
        answers = tuple(
            prospects(question, firmware, chosen, many, lambda: told(min(total, next(done))))
        )
    return Foresight(ref, firmware, found.assumed, answers)


def _like(observation: Observation) -> DesignRef:
    told = observation.value("design")
    if told in DESIGNS:
        return DesignRef(str(told))
    release = str(observation.value("release") or "")
    for pattern, name in RELEASES:
        if pattern.match(release):
            return DesignRef(name)
    raise UsageError(
        f"no design is known to be like the kernel {release or 'whose release is not known'}\n"
        "  write: softsnp doctor --ahead --design DESIGN\n"
        "  see: softsnp list designs"
    )


def _profiles(observation: Observation) -> tuple[str, ...]:
    known = observation.value("x86_snp_shutdown")
    if known is None:
        return tuple(FIRMWARE)
    return ("x86-shutdown",) if known else ("legacy",)


def _chosen(
    names: Sequence[str], found: Observed, observation: Observation
) -> tuple[Undertaking, ...]:
    known = {undertaking.name: undertaking for undertaking in UNDERTAKINGS}
    for name in names:
        if name not in known:
            raise unknown("operation", name, known)
    if names:
        return tuple(known[name] for name in names)
    everyone_is_online = observation.cpus("present") == observation.cpus("online")
    return tuple(
        undertaking
        for name, undertaking in known.items()
        if (found.smt or not ("SMT" in name or "nosmt" in name))
        and not (everyone_is_online and name == "bring a CPU online")
    )


# --- text ----------------------------------------------------------------------------------------


def _line(prospect: Prospect) -> str:
    name, verdict = prospect.undertaking.name, prospect.verdict
    if verdict == "undecided":
        told = f"undecided: {prospect.undecided}"
    elif verdict == "safe":
        told = "safe"
    else:
        sure = [b.name for b in prospect.broken if not b.hangs_on]
        told = f"breaks {', '.join(sure)}" if sure else ""
        unsure = [b for b in prospect.broken if b.hangs_on]
        if unsure:
            what = ", ".join(dict.fromkeys(h for b in unsure for h in b.hangs_on))
            names = ", ".join(b.name for b in unsure)
            told += f"{'; ' if told else ''}whether it breaks {names} depends on {what}"
    head = f"  {name:<{MARGIN - 2}}" if len(name) < MARGIN - 2 else f"  {name}  "
    return textwrap.fill(told, WIDTH, initial_indent=head, subsequent_indent=" " * MARGIN)


def _told(prospect: Prospect) -> list[str]:
    """What it breaks, and the steps: the way to what is broken last has the others on it."""
    what = "; ".join(f"{broken.name}: {_what(broken)}" for broken in prospect.broken)
    lines = [_filled(f"{prospect.undertaking.name} breaks {what}.")]
    longest = max(
        prospect.broken, key=lambda broken: len(broken.trace.steps if broken.trace else ())
    )
    for step in _steps(longest.trace):
        lines.append(textwrap.fill(step, WIDTH, initial_indent="    ", subsequent_indent="      "))
    return lines


def _what(broken: Broken) -> str:
    return ENDS.broken if broken.name == ENDS.name else BY_NAME[broken.name].broken


def _steps(trace: Trace | None) -> list[str]:
    """Those that do something: the function, and what happens in it. Of locks nothing is said, for
    nobody else is there.
    """
    if trace is None:
        return []
    found = []
    for row in fold(trace.steps):
        cpus: dict[str, set[int]] = {}
        others = []
        for _, remark in row.remarks:
            who, colon, what = remark.partition(": ")
            if colon and who.startswith("CPU "):
                cpus.setdefault(what, set()).add(int(who.removeprefix("CPU ")))
            elif not LOCK.match(remark):
                others.append(remark)
        for what, those in cpus.items():
            told = ", ".join(map(str, sorted(those)))
            others.append(f"CPU{'s' * (len(those) > 1)} {told}: {what}")
        if others:
            found.append(f"{row.function or 'user space'}: {'; '.join(others)}")
    return found


def _filled(text: str) -> str:
    return textwrap.fill(text, WIDTH)
