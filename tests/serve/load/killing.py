"""``python -m tests.serve.load.killing --rounds 200 --seed N``: kills what belongs to a run, at any
moment of it, and looks at what is left.

Exit status: 0 nothing is ever left; 1 something is.
"""

from __future__ import annotations

import argparse
import os
import random as randomness
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from softsnp.abi.sev import Ioctl
from softsnp.serve.firmware.kept import Kept
from softsnp.serve.state_directory import LOCK, NEW_STATE, STATE, StateDirectory
from tests.serve.fuzzing.outside import ROOT, environment, softsnp

from .processes import MARK, PATIENCE, of_run, sockets, still_there

SERVER: Final = "server"
VICTIMS: Final = {
    SERVER: "",
    "mounter": "softsnp-mounter",
    "init": "softsnp-init",
    "client": "python",
}
"""By the name of the process; the server is the one that was started."""
STARTING: Final = 0.9
"""Seconds in which a run has begun, mostly."""


@dataclass
class Round:
    """One run, and its end."""

    number: int
    victim: str
    early: bool
    """Whether it is killed at some moment of its beginning, and not in the middle of work."""
    wrong: list[str]
    commands: int = 0
    """How many changed what is kept."""


def play(number: int, seed: int, work: Path) -> Round:
    """Start, kill, look. ``work`` is a directory for all the rounds, with the state in it."""
    random = Random(f"{seed} round {number}")
    played = Round(number, random.choice(list(VICTIMS)), random.random() < 0.3, [])
    log, state = work / f"log-{number}", work / "state"
    before = committed(state)
    value = f"{os.getpid()}-{number}"
    said = os.open(work / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    run = subprocess.Popen(
        softsnp(
            *("run", "--seed", str(number), "--state", str(state), "--"),
            *(sys.executable, "-m", "tests.serve.load.busy", str(log), f"{seed} {number}"),
        ),
        cwd=ROOT,
        env={**environment(), MARK: value},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=said,
    )
    os.close(said)
    try:
        if not played.early:
            wait_for_work(run, log)
        time.sleep(random.uniform(0, STARTING if played.early else 0.1))
        held = sockets(run.pid)
        if run.poll() is not None:
            told = (work / "said").read_text()
            played.wrong.append(f"softsnp run ended by itself, with {run.returncode}: {told}")
        kill(run, played.victim, value)
        run.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        played.wrong.append(f"softsnp run does not end, {PATIENCE:.0f} s after its {played.victim}")
        run.kill()
        run.wait()
        held = set()
    played.wrong += still_there(value, held)
    played.wrong += state_is_wrong(state, before, log, played)
    return played


def wait_for_work(run: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while run.poll() is None and not (log.exists() and log.stat().st_size):
        if time.monotonic() > end:
            raise subprocess.TimeoutExpired("the first command", PATIENCE)
        time.sleep(0.005)


def kill(run: subprocess.Popen[bytes], victim: str, value: str) -> None:
    """One process; the server if the other is not there yet."""
    pid = run.pid
    if victim != SERVER:
        for process in of_run(value):
            if process.pid != run.pid and process.name.startswith(VICTIMS[victim]):
                pid = process.pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if pid == run.pid:
        run.wait(PATIENCE)


# --- what is kept ---------------------------------------------------------------------------------


def committed(directory: Path) -> Kept:
    """As another host finds it: this takes the lock, and raises StateError for what is damaged."""
    with StateDirectory(directory) as state:
        kept = state.load()
    if kept is None:
        raise AssertionError(f"{directory} has no state")
    return kept


def state_is_wrong(directory: Path, before: Kept, log: Path, played: Round) -> list[str]:
    """Every command that was answered has been kept, and of the one after it all or nothing."""
    names = {path.name for path in directory.iterdir()}
    wrong = [f"in the state directory: {name}" for name in names - {STATE, LOCK, NEW_STATE}]
    now = committed(directory)
    if (directory / NEW_STATE).exists():
        wrong.append(f"{NEW_STATE} is not removed by the next host")
    kept, under_way = before, ""
    for line in log.read_text().splitlines() if log.exists() else []:
        what, _, name = line.partition(" ")
        if what == "end":
            kept, under_way = after(kept, name), ""
            played.commands += 1
        else:
            under_way = name
    if now not in (kept, after(kept, under_way)):
        wrong.append(f"the state is {now}; it was {kept}, with {under_way or 'nothing'} under way")
    return wrong


def after(kept: Kept, command: str) -> Kept:
    """What a command changes."""
    if command in (Ioctl.FACTORY_RESET.name, Ioctl.PEK_GEN.name):
        return kept.with_new_identity(kept.version)
    return kept.with_new_pdh(kept.version) if command == Ioctl.PDH_GEN.name else kept


def begin(work: Path) -> None:
    """A state to begin with. Raises CalledProcessError where no host can be had."""
    subprocess.run(
        softsnp("run", "--state", str(work / "state"), "--", "true"),
        cwd=ROOT,
        env=environment(),
        check=True,
        capture_output=True,
        timeout=2 * PATIENCE,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.serve.load.killing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, help="which process when (default: any)")
    args = parser.parse_args()
    seed = randomness.randrange(1 << 32) if args.seed is None else args.seed
    sys.stdout.write(f"--seed {seed}\n")
    bad = commands = 0
    with TemporaryDirectory(prefix="softsnp-killing-") as work:
        begin(Path(work))
        for number in range(args.rounds):
            played = play(number, seed, Path(work))
            commands += played.commands
            bad += bool(played.wrong)
            for wrong in played.wrong:
                when = "early" if played.early else "at work"
                sys.stdout.write(f"round {number}, {played.victim}, {when}: {wrong}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{args.rounds} rounds, {commands} commands kept: {bad} rounds left a trace\n")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
