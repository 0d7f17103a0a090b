"""``python -m bench.serve``: how long calls take in a virtual host, beside the kernel's sysfs."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.machine import ROOT, facts
from bench.place import Place

from .figures import Figures

PLACE = Place("python -m bench.serve")
UNUSABLE = 2
HOSTS = {"8 CPUs": ("--cpus", "8"), "512 CPUs": ("--cpus", "512")}


def measure(host: Sequence[str], kinds: Sequence[str], calls: int) -> dict[str, list[float]]:
    """In a host of its own; with no options of one, outside. Raises CalledProcessError."""
    timing = [sys.executable, "-m", "bench.serve.calls", *kinds, "--calls", str(calls)]
    command = [sys.executable, "-m", "softsnp.cli.main", "run", *host, "--", *timing]
    ran = subprocess.run(
        command if host else timing, cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, list[float]] = json.loads(ran.stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="of each kind, in each round")
    parser.add_argument("--rounds", type=int, default=5, help="of everything, in turn")
    parser.add_argument("--write", type=Path, metavar="FILE", help="between its two markers")
    options = parser.parse_args()
    if options.write and not PLACE.is_in(options.write):
        say(f"bench.serve: {options.write} has no place for the table")
        return UNUSABLE
    figures = Figures()
    try:
        for _ in range(options.rounds):
            figures.add("the kernel", measure((), ("sysfs",), options.calls))
            for name, host in HOSTS.items():
                figures.add(name, measure(host, ("ioctl", "msr", "sysfs"), options.calls))
    except subprocess.CalledProcessError as failed:
        say(f"bench.serve: no host could be measured\n{failed.stderr}")
        return UNUSABLE
    machine = facts()
    told = (
        f"{machine['cpu']}, {machine['cores']} cores; {machine['kernel']}; {machine['python']}. "
        f"Commit {machine['commit']}. {options.rounds} interleaved rounds of {options.calls} "
        "calls, one client alone.\n"
    )
    text = f"{told}\n{figures.table()}"
    sys.stdout.write(text)
    if options.write:
        PLACE.write(options.write, text)
    return 0


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
