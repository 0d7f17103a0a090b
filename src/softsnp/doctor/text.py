"""A diagnosis as a page of text that fits a ticket."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from .diagnosis import Diagnosis, Finding, Severity
from .facts import Observation, Unknown
from .judge import Verdict
from .printable import cut, printable
from .result import MASKS, known, sources

WIDTH = 80
MOST_LINES = 16
"""Of a list; how many more there are is told."""
MOST_ITEM = 600
"""Characters of one of its lines, before it is wrapped."""
LABEL = 10
AS_ROOT = "run as root"
OF_CPUS = re.compile(r" of CPUs? [0-9,-]+$")


def page(diagnosis: Diagnosis) -> str:
    """At most 80 columns wide, without colours, and with a newline at its end. Where there is no
    SNP it is one line, however long.
    """
    if diagnosis.no_snp:
        return f"{printable(diagnosis.observation.host)}: {printable(diagnosis.no_snp)}\n"
    paragraphs = [
        _wrapped(f"{printable(diagnosis.observation.host)}: {verdict(diagnosis)}."),
        [*_about(diagnosis.observation)],
        *(_finding(diagnosis, finding) for finding in diagnosis.findings),
        [*_not_known(diagnosis)],
        [*_holding(diagnosis)],
        [*_not_checked(diagnosis)],
        _labelled("More:", _more(diagnosis), ""),
    ]
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def verdict(diagnosis: Diagnosis) -> str:
    """In a few words."""
    said = []
    for severity, noun in ((Severity.CRITICAL, "critical finding"), (Severity.WARNING, "warning")):
        number = sum(finding.severity is severity for finding in diagnosis.findings)
        if number:
            said.append(f"{number} {noun}{'' if number == 1 else 's'}")
    number = len(diagnosis.unknown)
    if number:
        unknown = f"{number} {'thing' if number == 1 else 'things'} not known"
        said.append(unknown if said else f"not known to be healthy, {unknown}")
    return ", ".join(said) or "healthy in all that is observable"


def _about(o: Observation) -> Iterator[str]:
    when = datetime.fromtimestamp(o.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield from _labelled("Seen", f"{when}; {' and '.join(o.levels)}", "")
    yield from _labelled("Kernel", _or_not_known(known(o, "release")), "")
    guests = known(o, "snp-guests")
    firmware = [
        f"SNP {_or_not_known(known(o, 'snp-api'))}",
        f"SEV {_or_not_known(known(o, 'sev-api'))}",
        f"SNP guests {_or_not_known(guests)}",
    ]
    yield from _labelled("Firmware", ", ".join(firmware), "")
    cpus = []
    for name in MASKS:
        mask = o.cpus(name)
        shown = known(o, name)
        told = "not known" if mask is None else f"{mask.bit_count()} ({cut(shown or '-', 60)})"
        cpus.append(f"{name} {told}")
    yield from _labelled("CPUs", ", ".join(cpus), "")


def _or_not_known(text: str | None) -> str:
    return "not known" if text is None else text


def _finding(diagnosis: Diagnosis, finding: Finding) -> list[str]:
    lines = [f"{finding.severity.name}: {finding.name}", *_wrapped(f"{finding.what}", "  ")]
    label = "Saw:"
    for told in _few(map(printable, finding.saw)):
        lines += _labelled(label, told)
        label = ""
    lines += _labelled("From:", "; ".join(_few(sources(diagnosis, finding))) or "not known")
    lines += _labelled("Means:", finding.means)
    lines += _labelled("Next:", finding.next)
    return lines


def _not_known(diagnosis: Diagnosis) -> Iterator[str]:
    """What is required, and then the properties that hang on something, by what that is."""
    hanging = [j for j in diagnosis.judgements if j.verdict is Verdict.UNKNOWN]
    begins = tuple(f"{judgement.prop.name} hangs on " for judgement in hanging)
    if diagnosis.unknown:
        yield f"Not known ({len(diagnosis.unknown)}):"
    for told in _few(printable(line) for line in diagnosis.unknown if not line.startswith(begins)):
        yield from _item(told)
    groups: dict[str, list[str]] = {}
    for judgement in hanging:
        reasons = [f"{OF_CPUS.sub('', what.what)}: {what.because}" for what in judgement.hangs_on]
        because = "; ".join(dict.fromkeys(reasons))
        groups.setdefault(because, []).append(judgement.prop.name)
    yield from _grouped(groups)


def _holding(diagnosis: Diagnosis) -> Iterator[str]:
    for kind, heading in (
        (Verdict.HOLDS, "Checked, and holds"),
        (Verdict.NOT_EXERCISED, "Holds, since what it speaks of is not so now"),
    ):
        names = [j.prop.name for j in diagnosis.judgements if j.verdict is kind]
        if names:
            yield f"{heading} ({len(names)}):"
            yield from _wrapped(", ".join(names), "  ")


def _not_checked(diagnosis: Diagnosis) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for name, because in diagnosis.not_checked.items():
        groups.setdefault(because, []).append(name)
    if groups:
        yield f"Not checked ({len(diagnosis.not_checked)}):"
    yield from _grouped(groups)


def _grouped(groups: dict[str, list[str]]) -> Iterator[str]:
    """Names by reason, the commonest first."""
    for because, names in sorted(groups.items(), key=lambda group: -len(group[1])):
        yield from _item(cut(printable(because), MOST_ITEM))
        yield from _wrapped(", ".join(names), "    ")


def _more(diagnosis: Diagnosis) -> str:
    o = diagnosis.observation
    facts = [*o.facts.values(), *(r.fact for told in o.registers.values() for r in told)]
    ways = []
    if any(isinstance(fact, Unknown) and AS_ROOT in fact.because for fact in facts):
        ways.append("as root it sees more")
    if "kernel" not in o.levels:
        ways.append("--kernel looks into the kernel's memory too")
    ways.append("--ahead says what each next operation would do")
    return "; ".join(ways)


# --- lines ---------------------------------------------------------------------------------------


def _few(told: Iterable[str]) -> list[str]:
    """Of many long ones the beginning of some, and how many more there are."""
    lines = list(told)
    shown = [cut(line, MOST_ITEM) for line in lines[:MOST_LINES]]
    return shown if len(lines) <= MOST_LINES else [*shown, f"… and {len(lines) - MOST_LINES} more"]


def _labelled(label: str, text: str, indent: str = "  ") -> list[str]:
    begin = f"{indent}{label}"
    return _wrapped(text, begin.ljust(LABEL), " " * LABEL)


def _item(text: str) -> list[str]:
    return _wrapped(text, "- ", "  ")


def _wrapped(text: str, first: str = "", rest: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_on_hyphens=False,
    )
