"""Hold mutations of the specification against verdicts: ``python -m tests.designs.mutate``.

Exit status 1 if one changes no verdict and nobody has explained why, if one that is explained does
change one, or if the language refuses one.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable, Sequence

from .mutations import SEEDED
from .mutations_place import Seeded, fate


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def sample(count: int, seed: int) -> list[Seeded]:
    """Of one seed the same, in the order of the list."""
    if count >= len(SEEDED):
        return list(SEEDED)
    chosen = random.Random(seed).sample(range(len(SEEDED)), count)
    return [SEEDED[number] for number in sorted(chosen)]


def run(mutations: Iterable[Seeded]) -> int:
    """Each mutation's fate, a line each, and the exit status."""
    killed = explained = wrong = 0
    for seeded in mutations:
        found = fate(seeded)
        killed += found.as_said and not seeded.explained
        explained += found.as_said and bool(seeded.explained)
        wrong += not found.as_said
        say(str(found))
    total = killed + explained + wrong
    tail = f", {wrong} NOT AS EXPECTED" if wrong else ""
    say(f"{killed} of {total} killed by a verdict, {explained} survive and are explained{tail}")
    return 1 if wrong else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=len(SEEDED), help="a sample of so many")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    args = parser.parse_args(arguments)
    if args.count < len(SEEDED):
        say(f"{args.count} of {len(SEEDED)}, seed {args.seed}")
    return run(sample(args.count, args.seed))


if __name__ == "__main__":
    sys.exit(main())
