"""The sev crate's own tests against the virtual host: ``python3 -m clients.sev_crate``.

The crate is what snphost, snpguest and sevctl are made of. Its build script looks whether /dev/sev
exists, and switches the tests on that use it; so it is built inside the virtual host as well as run
there. ``--host`` is what comes before a command to run it in the virtual host. Needs cargo, gcc,
pkg-config and OpenSSL's headers (Debian: libssl-dev); building takes 20 seconds, or 40 with
``--features dangerous_hw_tests``, which adds the tests that reset and configure the platform.

Prints one line a test. Exits with 1 if one failed, or none passed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clients import DEFAULT, ClientError, cargo, run, say

VERSION = "8.0.0"
FEATURES = ("sev", "snp", "openssl")
"""Without the crate's default features, which would build an OpenSSL of their own, for minutes."""
TARGET = "api"
"""The file of tests that use /dev/sev and nothing else of a host. Two more are left out."""
LEFT_OUT = {
    "sev_launch": "asks AMD's key server for a certificate, and launches a guest",
    "snp_launch": "launches a guest, and KVM takes no /dev/sev but its driver's",
}
HOST = "softsnp run --generation genoa --"
RESULT = re.compile(r"^test (\S+) \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
WORDS = {"ok": "passed", "FAILED": "failed", "ignored": "ignored"}


@dataclass(frozen=True)
class Result:
    test: str
    word: str
    """passed, failed or ignored."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python3 -m clients.sev_crate")
    parser.add_argument("--features", action="append", default=[], help="dangerous_hw_tests")
    parser.add_argument("--host", default=HOST, help=f"default: {HOST}")
    parser.add_argument("--directory", type=Path, default=DEFAULT / "sev_crate")
    parser.add_argument("--verbose", action="store_true", help="what the tests print, too")
    given = parser.parse_args(arguments)
    features, host = (*FEATURES, *given.features), found(given.host)
    try:
        check()
        crate = prepare(given.directory)
        output = run_tests(crate, build(crate, features, host), host)
    except ClientError as error:
        sys.exit(str(error))
    results = list(parse(output))
    if given.verbose or not results:
        sys.stderr.write(output)
    sys.stdout.write(summary(features, results))
    words = {result.word for result in results}
    sys.exit(0 if "passed" in words and "failed" not in words else 1)


def found(host: str) -> list[str]:
    """The command's words. softsnp may be installed beside this Python, and not on the PATH."""
    program, *rest = shlex.split(host)
    beside = Path(sys.executable).parent / program
    return [str(beside) if beside.exists() and not shutil.which(program) else program, *rest]


def check() -> None:
    """What the crate's build would say a lot of lines about."""
    run(["cargo", "--version"], "the sev crate needs Rust's cargo")
    wanted = "the sev crate needs pkg-config and OpenSSL's headers (Debian: pkg-config libssl-dev)"
    run(["pkg-config", "--print-errors", "--exists", "openssl"], wanted)


def prepare(directory: Path) -> Path:
    """The crate's source, a copy that is ours to build in."""
    crate = directory / f"sev-{VERSION}"
    if not crate.exists():
        say(f"fetching the sev crate {VERSION}")
        source = cargo.source("sev", VERSION, directory / "dependent")
        part = directory / f"sev-{VERSION}.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part)
        part.rename(crate)
    return crate


def build(crate: Path, features: tuple[str, ...], host: list[str]) -> Path:
    """The program of its tests. Built in the host, or no test in it would be switched on; cargo
    does not know that, so what it has built goes to a place of its own.
    """
    say("building its tests in the virtual host")
    command = ["cargo", "test", "--no-run", "--message-format=json", "--no-default-features"]
    command += ["--features", ",".join(features), "--test", TARGET]
    command += ["--target-dir", str(crate.parent.absolute() / "target")]
    lines = run([*host, *command], "the sev crate's tests cannot be built", cwd=crate).splitlines()
    for line in lines:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message["target"]["name"] == TARGET:
            return Path(message["executable"])
    raise ClientError(f"cargo built no {TARGET} of the sev crate")


def run_tests(crate: Path, program: Path, host: list[str]) -> str:
    """What the tests print. One at a time: some reset what others read."""
    say("running them")
    environment = {name: value for name, value in os.environ.items() if name != "SEV_CHAIN"}
    # The crate removes a chain of certificates that it finds there.
    environment["XDG_CACHE_HOME"] = str(crate.parent.absolute() / "cache")
    done = subprocess.run(
        [*host, str(program), "--test-threads=1"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=crate,
        env=environment,
    )
    return done.stdout


def parse(output: str) -> Iterator[Result]:
    """The results in what a program of tests printed."""
    for name, word in RESULT.findall(output):
        yield Result(name, WORDS[word])


def summary(features: tuple[str, ...], results: list[Result]) -> str:
    """In a form that stays the same from run to run."""
    count = {word: sum(result.word == word for result in results) for word in WORDS.values()}
    lines = [f"sev {VERSION}, features {' '.join(features)}"]
    lines += [f"{result.word:<8}  {result.test}" for result in sorted(results, key=by_name)]
    lines += [f"not run   {name}: {why}" for name, why in LEFT_OUT.items()]
    lines += [", ".join(f"{number} {word}" for word, number in count.items())]
    return "".join(f"{line}\n" for line in lines)


def by_name(result: Result) -> str:
    return result.test


if __name__ == "__main__":
    main()
