"""What the pages on virtual hosts show is what happens."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from softsnp.abi.sev import Command
from softsnp.serve.faults import FAULTS
from softsnp.serve.testing import SnpHost
from softsnp.serve.verbs import VERBS

from . import pages
from .pages import ROOT, Block, blocks

CONTROL = ROOT / "docs" / "control.md"
VIRTUAL = ROOT / "docs" / "virtual-host.md"
HOW_TO = ROOT / "docs" / "how-to" / "test-your-tool.md"
DOCTOR = ROOT / "docs" / "how-to" / "watch-your-hosts.md"
PAGES = (CONTROL, VIRTUAL, HOW_TO, DOCTOR)
SHOWN = [(page, block) for page in PAGES for block in blocks(page, "console")]
EXAMPLES = blocks(HOW_TO, "python")


def which(tool: str) -> str | None:
    return shutil.which(tool, path=pages.search_path())


def run(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PATH": pages.search_path()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def hosts(snp_session_host: SnpHost) -> None:
    """Skips where no virtual host can run."""


@pytest.mark.parametrize(
    ("page", "block"), SHOWN, ids=[f"{page.stem}: {block.name}" for page, block in SHOWN]
)
def test_a_command_prints_what_is_shown_below_it(
    hosts: None, page: Path, block: Block, tmp_path: Path
) -> None:
    missing = block.missing()
    if missing:
        pytest.skip(f"{', '.join(missing)} is not here")
    for command, shown, printed in pages.run(block, tmp_path):
        assert pages.matches(shown, printed), f"{command}prints:\n{printed}"


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.name)
def test_an_example_passes(hosts: None, block: Block, tmp_path: Path) -> None:
    wanted = {"snphost": '"snphost', "chcpu": '"chcpu', "cc": "cpuid=True"}
    missing = [tool for tool, text in wanted.items() if text in block.text and not which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} is not here")
    (tmp_path / "test_example.py").write_text(block.text, encoding="utf-8")
    options = ["-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = run([sys.executable, "-m", "pytest", *options], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_shell_example_passes(hosts: None, tmp_path: Path) -> None:
    if not which("snphost"):
        pytest.skip("snphost is not here")
    (example,) = blocks(HOW_TO, "sh")
    (tmp_path / "test.sh").write_text(example.text, encoding="utf-8")
    done = run(["softsnp", "run", "--", "sh", "test.sh"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("ERROR: ")


def test_the_rust_example_passes(hosts: None, tmp_path: Path) -> None:
    if not which("cargo") or platform.machine() != "x86_64":
        pytest.skip("there is no cargo for x86-64 here")
    (configuration, _), (example,) = blocks(HOW_TO, "toml"), blocks(HOW_TO, "rust")
    package = '[package]\nname = "tool"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n'
    for name, text in {
        ".cargo/config.toml": configuration.text,
        "Cargo.toml": package,
        "src/lib.rs": "",
        "tests/host.rs": example.text,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    built = run(["cargo", "test", "--offline", "--no-run"], tmp_path)
    if built.returncode:
        pytest.skip(f"cargo builds nothing here: {built.stderr.strip().splitlines()[-1]}")
    done = run(["cargo", "test", "--offline", "--test", "host"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_every_page_has_commands_or_examples() -> None:
    assert {page for page, _ in SHOWN} >= {CONTROL, VIRTUAL}
    assert EXAMPLES


# --- the control channel --------------------------------------------------------------------------


def table() -> str:
    """The verbs, as docs/control.md has them."""
    rows = ["| verb | parameters | what it does |", "|---|---|---|"]
    for name, verb in VERBS.items():
        takes = [
            f"`{taken.removesuffix('*')}`{', which may lack' if taken.endswith('*') else ''}: "
            f"{sentence}"
            for taken, sentence in verb.takes.items()
        ]
        rows.append(f"| `{name}` | {'<br>'.join(takes)} | {verb.sentence} |")
    return "\n".join(rows)


def faults_table() -> str:
    """What can be made to fail besides commands, as docs/control.md has it."""
    others = [(what, means) for what, means in FAULTS.items() if what not in Command.__members__]
    rows = ["| fault | what it means |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{what}` | {means} |" for what, means in others)])


@pytest.mark.parametrize("wanted", [table(), faults_table()], ids=["verbs", "faults"])
def test_a_table_is_the_program_s(wanted: str) -> None:
    text = CONTROL.read_text(encoding="utf-8")
    assert wanted in text, f"docs/control.md wants this table:\n{wanted}"


def test_every_verb_has_its_result_told() -> None:
    told = CONTROL.read_text(encoding="utf-8").partition("## Results")[2]
    assert [name for name in VERBS if f"`{name}`" not in told] == []


@pytest.mark.snp_host(cpus=2, generation=["milan", "turin"], design=["linux-7.3", "rmpopt-v10"])
def test_the_status_is_as_its_schema_says(snp_host: SnpHost) -> None:
    schema = json.loads(
        resources.files("softsnp.serve").joinpath("status.schema.json").read_text("utf-8")
    )
    jsonschema.Draft202012Validator.check_schema(schema)
    snp_host.inject("SNP_COMMIT")
    first = snp_host.status()
    snp_host.power_cycle()
    snp_host.rmmod("kvm-amd")
    for status in (first, snp_host.status()):
        jsonschema.validate(status, schema)
        assert set(status) <= set(schema["properties"])
        parts = [(status["tasks"], "task"), (status["faults"], "fault")]
        for values, kind in parts:
            for value in values:
                assert set(value) == set(schema["$defs"][kind]["properties"])
