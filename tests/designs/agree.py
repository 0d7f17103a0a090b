"""Let everybody who can explore explore the whole survey: ``make agree``.

The oracle's numbers are written to ``oracle/NAME.json``, one file a design; every engine is then
compared with them, merged and not. Read the difference before committing it: it is a change of
the specification, or a mistake in the oracle.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

from softsnp.spec.activities import Host
from softsnp.spec.designs import LINEAGE
from tests.explore.explorers import Numbers

from .agreement import (
    COMBINATIONS,
    PINNED,
    Combination,
    by_oracle,
    differences,
    path,
    to_text,
)


def agree(combination: Combination) -> tuple[list[Numbers], list[str]]:
    right = by_oracle(combination, combination.members)
    return right, differences(combination, dict(zip(combination.members, right, strict=True)))


def progress(done: int) -> None:
    if sys.stderr.isatty():
        last = done == len(COMBINATIONS)
        sys.stderr.write(f"\r{done} of {len(COMBINATIONS)}" + ("\n" if last else ""))
        sys.stderr.flush()


def main() -> int:
    runs: dict[type[Host], dict[str, Numbers]] = {design: {} for design in LINEAGE}
    wrong = []
    progress(0)
    # The largest come first, so that no process is left alone with one at the end.
    large_first = sorted(COMBINATIONS, key=lambda c: (c.survey == 0, c.profile == "legacy"))
    with ProcessPoolExecutor() as pool:
        jobs = {pool.submit(agree, combination): combination for combination in large_first}
        for done, job in enumerate(as_completed(jobs), 1):
            combination, (right, differ) = jobs[job], job.result()
            for members, each in zip(combination.members, right, strict=True):
                runs[combination.design][combination.run(members)] = each
            wrong += differ
            progress(done)
    PINNED.mkdir(exist_ok=True)
    for design, content in runs.items():
        path(design).write_text(to_text(content))
    sys.stderr.write("".join(f"{line}\n" for line in sorted(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
