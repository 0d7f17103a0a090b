"""What is made of the output of the sev crate's tests; neither cargo nor a network."""

from __future__ import annotations

import sys
from pathlib import Path

from clients.sev_crate import FEATURES, Result, found, parse, run_tests, summary

OUTPUT = """
running 4 tests
test snp::platform_status ... ok
test sev::pek_csr ... FAILED
test snp::commit_snp ... ignored
test sev::get_identifier ... ok

failures:

---- sev::pek_csr stdout ----
test is what this line begins with

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out
"""


def test_the_results_of_a_program_of_tests() -> None:
    assert list(parse(OUTPUT)) == [
        Result("snp::platform_status", "passed"),
        Result("sev::pek_csr", "failed"),
        Result("snp::commit_snp", "ignored"),
        Result("sev::get_identifier", "passed"),
    ]


def test_the_summary_is_the_same_in_whatever_order_the_tests_ran() -> None:
    results = list(parse(OUTPUT))
    text = summary(FEATURES, results)
    assert text == summary(FEATURES, results[::-1])
    assert text.splitlines()[1:5] == [
        "passed    sev::get_identifier",
        "failed    sev::pek_csr",
        "ignored   snp::commit_snp",
        "passed    snp::platform_status",
    ]
    assert text.splitlines()[-1] == "2 passed, 1 failed, 1 ignored"


def test_the_tests_run_in_the_host_one_at_a_time_away_from_the_users_cache(tmp_path: Path) -> None:
    program = tmp_path / "api"
    program.write_text(
        '#!/bin/sh\necho "test args::$1 ... ok"\necho "test cache::$XDG_CACHE_HOME ... ok" >&2\n'
    )
    program.chmod(0o755)
    crate = tmp_path / "work" / "sev"
    crate.mkdir(parents=True)
    output = run_tests(crate, program, ["env", "-u", "HOME"])
    assert [result.test for result in parse(output)] == [
        "args::--test-threads=1",
        f"cache::{tmp_path}/work/cache",
    ]


def test_a_host_command_is_looked_for_beside_this_python() -> None:
    beside = Path(sys.executable).name
    assert found("sh -c 'a b'") == ["sh", "-c", "a b"]
    assert found("/no/such/host run --") == ["/no/such/host", "run", "--"]
    assert found("no-such-host run --") == ["no-such-host", "run", "--"]
    assert Path(found(f"{beside} -V")[0]).name == beside
