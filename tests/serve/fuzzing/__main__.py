"""``python -m tests.serve.fuzzing --calls 200000 --seed N``: a virtual host with random clients.

Exit status: 0 all is as it should be; 1 something is not.
"""

from __future__ import annotations

import argparse
import random
import sys

from .outside import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.serve.fuzzing", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000, help="of all clients together")
    parser.add_argument("--seed", type=int, help="of the clients and the host (default: any)")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=3, help="of each process")
    parser.add_argument("--calm", action="store_true", help="nothing shuts SNP down")
    parser.add_argument("host", nargs="*", help="after --: more options of softsnp run")
    args = parser.parse_args()
    seed = random.randrange(1 << 32) if args.seed is None else args.seed
    say(f"--seed {seed}")
    found = fuzz(args.calls, seed, args.host, args.processes, args.threads, args.calm)
    for what, count in sorted(found.report.outcomes.items()):
        say(f"{count:>9}  {what}")
    for wrong in found.wrong():
        say(f"WRONG: {wrong}")
    say(f"{found.report.calls} calls, seed {seed}: {len(found.wrong())} things wrong")
    return int(bool(found.wrong()))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
