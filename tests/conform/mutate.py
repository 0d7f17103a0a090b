"""Hold mutations of the specification against the recordings: ``python -m tests.conform.mutate``.

Exit status 1 if one is not caught.
"""

from __future__ import annotations

import argparse
import random
import sys

from softsnp.conform.recording import replay

from .mutations import MUTATIONS, caught, recordings


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=len(MUTATIONS), help="a sample of so many")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    args = parser.parse_args()
    sample = list(MUTATIONS)
    if args.count < len(MUTATIONS):
        say(f"{args.count} of {len(MUTATIONS)}, seed {args.seed}")
        sample = random.Random(args.seed).sample(sample, args.count)
    for name, recording, design in recordings():
        divergence = replay(recording, design)
        if divergence is not None:
            say(f"{name} differs without a mutation: {divergence.differences()[0]}")
            return 1
    missed = 0
    for mutation in sample:
        found = caught(mutation)
        missed += found is None
        say(f"{mutation.name:40} {found or 'NOT CAUGHT'}")
    say(f"{len(sample) - missed} of {len(sample)} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
