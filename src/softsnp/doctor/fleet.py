"""Many saved observations, one after the other: a line for each host, and what they have in common.

A file has one observation, or one in each line. However many there are, what is kept of them grows
with the number of different kernels and firmwares alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .diagnosis import Diagnosis
from .document import MOST, BadObservation, read
from .facts import Observation
from .printable import cut, printable
from .result import NO_SNP, WORDS, known, word

HOST, STATUS, RELEASE, API = 24, 8, 24, 8
"""Columns of a line. The last, what is most wrong, has the rest."""
MOST_RELEASE = 40
"""Characters of a release in a summary."""
WIDTH = 100
NOT_KNOWN = "-"
ORDER = (*WORDS.values(), NO_SNP)
MOST_FINDINGS = 10
"""That a summary names."""


def observations(path: Path) -> Iterator[Observation | BadObservation]:
    """One after the other; a line that is none gives its error, and the rest go on. Raises OSError.

    A file that begins with a line of ``{`` alone is one document in several lines. No more than one
    document is in memory at a time.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MOST + 1):
            number += 1
            if number == 1 and line.strip() == b"{":
                yield _read(line + file.read(MOST + 1), str(path))
                return
            if len(line) > MOST:
                _skip_line(file, line)
            if line.strip():
                yield _read(line, f"{path}:{number}")


def _read(data: bytes, where: str) -> Observation | BadObservation:
    try:
        return read(data, where)
    except BadObservation as error:
        return error


def _skip_line(file: IO[bytes], begun: bytes) -> None:
    """The rest of a line that is too long."""
    while begun and not begun.endswith(b"\n"):
        begun = file.readline(MOST)


def line(diagnosis: Diagnosis) -> str:
    """The host, its status, kernel and SNP firmware, and what is most wrong with it: at most WIDTH
    columns, without a newline. ``+2`` is that there is more of the same.
    """
    o = diagnosis.observation
    columns = [
        (printable(o.host, HOST), HOST),
        (word(diagnosis), STATUS),
        (cut(known(o, "release") or NOT_KNOWN, RELEASE), RELEASE),
        (cut(known(o, "snp-api") or NOT_KNOWN, API), API),
    ]
    begin = " ".join(text.ljust(width) for text, width in columns)
    return cut(f"{begin} {_worst(diagnosis)}".rstrip(), WIDTH)


def _worst(diagnosis: Diagnosis) -> str:
    if diagnosis.no_snp:
        return printable(diagnosis.no_snp.partition(": ")[2])
    names = list(dict.fromkeys(finding.name for finding in diagnosis.findings))
    told = names or [printable(what, WIDTH) for what in diagnosis.unknown]
    if not told:
        return ""
    more = f" +{len(told) - 1}" if len(told) > 1 else ""
    room = WIDTH - (HOST + STATUS + RELEASE + API + 4) - len(more)
    return cut(told[0], room) + more


@dataclass
class Fleet:
    """Counts, by (kernel's release, SNP API version) and word of ``result.word``; and by finding
    on how many hosts it is.
    """

    hosts: int = 0
    unreadable: int = 0
    by_versions: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    by_finding: Counter[str] = field(default_factory=Counter)

    def add(self, diagnosis: Diagnosis) -> None:
        o = diagnosis.observation
        versions = (
            cut(known(o, "release") or NOT_KNOWN, MOST_RELEASE),
            cut(known(o, "snp-api") or NOT_KNOWN, API),
        )
        self.hosts += 1
        self.by_versions.setdefault(versions, Counter())[word(diagnosis)] += 1
        self.by_finding.update({finding.name for finding in diagnosis.findings})

    def add_unreadable(self) -> None:
        """One that was BadObservation."""
        self.unreadable += 1

    @property
    def status(self) -> int:
        """As a diagnosis' own, of all: 1 findings on some host, else 3 if there is anything but
        healthy hosts.
        """
        words: Counter[str] = Counter()
        for counts in self.by_versions.values():
            words.update(counts)
        if words[WORDS[1]]:
            return 1
        return 0 if words[WORDS[0]] == self.hosts and self.hosts and not self.unreadable else 3

    def plain(self) -> dict[str, Any]:
        """The same as data, with the commonest first."""
        return {
            "hosts": self.hosts,
            "unreadable": self.unreadable,
            "versions": [
                {"release": release, "snp_api": api, **{name: counts[name] for name in ORDER}}
                for (release, api), counts in self._versions()
            ],
            "findings": [{"name": name, "hosts": hosts} for name, hosts in self._findings()],
        }

    def summary(self) -> list[str]:
        """Lines of at most WIDTH columns."""
        unreadable = f", and {self.unreadable} that cannot be read" if self.unreadable else ""
        lines = [f"{self.hosts} host{'' if self.hosts == 1 else 's'}{unreadable}"]
        if self.by_versions:
            heads = f"{'kernel'.ljust(MOST_RELEASE)} {'SNP'.ljust(API)}"
            lines += ["", f"{heads} {' '.join(ORDER)}"]
        for (release, api), counts in self._versions():
            numbers = " ".join(str(counts[name]).rjust(len(name)) for name in ORDER)
            lines.append(f"{release.ljust(MOST_RELEASE)} {api.ljust(API)} {numbers}")
        findings = self._findings()
        if findings:
            lines += ["", "the most frequent findings, and on how many hosts"]
        lines += [f"{hosts:>8} {name}" for name, hosts in findings[:MOST_FINDINGS]]
        return lines

    def _versions(self) -> list[tuple[tuple[str, str], Counter[str]]]:
        return sorted(self.by_versions.items(), key=lambda item: (-item[1].total(), item[0]))

    def _findings(self) -> list[tuple[str, int]]:
        return sorted(self.by_finding.items(), key=lambda item: (-item[1], item[0]))
