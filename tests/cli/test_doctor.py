"""softsnp doctor, as a process: saved observations, fleets, bad usage; the doctor as one file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import softsnp as package
from softsnp.doctor.document import written

from ..doctor.made_up import host, unguarded
from .conftest import Softsnp

SCHEMA = Path(package.__file__).parent / "doctor" / "result.schema.json"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "node1.json"
    file.write_text(written(host()))
    return file


def test_a_healthy_host(softsnp: Softsnp, saved: Path) -> None:
    done = softsnp("doctor", "--from", str(saved))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("node1: healthy in all that is observable.")


def test_findings(softsnp: Softsnp, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(written(unguarded(host(), 0b1000)))
    done = softsnp("doctor", "--from", str(file), "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == told["status"] == 1
    assert told["findings"][0]["name"] == "guest-memory-protected"
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))


def test_several_files_are_a_fleet(softsnp: Softsnp, saved: Path, tmp_path: Path) -> None:
    other, broken = tmp_path / "node2.json", tmp_path / "broken.json"
    other.write_text(written(unguarded(host("node2"), 2)))
    broken.write_text("{")
    done = softsnp("doctor", "--from", str(saved), str(other), str(broken))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("node1") and "healthy" in lines[0]
    assert lines[1].startswith("node2") and "guest-memory-protected +3" in lines[1]
    assert "2 hosts, and 1 that cannot be read" in done.stdout
    assert done.stderr.startswith("softsnp: ") and "broken.json" in done.stderr


def test_prometheus_to_a_file_is_whole_or_not_at_all(
    softsnp: Softsnp, saved: Path, tmp_path: Path
) -> None:
    out = tmp_path / "softsnp.prom"
    out.write_text("old")
    done = softsnp("doctor", "--from", str(saved), "--format", "prometheus", "--output", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    assert "softsnp_doctor_status" in out.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["node1.json", "softsnp.prom"]
    missing = str(tmp_path / "no" / "where")
    done = softsnp("doctor", "--from", str(saved), "--output", missing)
    assert done.returncode == 2
    assert done.stderr == f"softsnp: cannot write {missing}: no such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "FILE", "--save", "x"), "--from judges what was observed before"),
        (("--design", "rmpopt-v10"), "--design is for looking ahead"),
        (("--kernel", "--core", "x"), "one of them"),
        (("--ahead", "--format", "prometheus"), "--ahead has no --format prometheus"),
        (("--from", "nowhere.json"), "cannot read nowhere.json: no such file or directory"),
        (("--from", "FILE", "--ahead", "--operation", "kexce"), "no operation 'kexce'; closest"),
        (("--from", "FILE", "--ahead", "--design", "rmpopt-v99"), "no design 'rmpopt-v99'"),
        (("--core", "nowhere"), "nowhere"),
    ],
)
def test_bad_usage(softsnp: Softsnp, saved: Path, arguments: tuple[str, ...], told: str) -> None:
    done = softsnp("doctor", *(str(saved) if word == "FILE" else word for word in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_kernel_that_is_like_no_design(softsnp: Softsnp, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(written(host(release="5.15.0-generic")))
    done = softsnp("doctor", "--from", str(file), "--ahead")
    assert done.returncode == 2
    assert "no design is known to be like the kernel 5.15.0-generic" in done.stderr
    assert "--design DESIGN" in done.stderr


def test_looking_ahead_of_what_was_saved(softsnp: Softsnp, saved: Path) -> None:
    """What only the kernel's memory tells is tried with every value."""
    asked = ("--ahead", "--operation", "suspend to RAM", "--operation", "snphost commit")
    done = softsnp("doctor", "--from", str(saved), *asked, "--format", "json")
    told = json.loads(done.stdout)
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    operations = {one["name"]: one for one in told["ahead"]["operations"]}
    assert told["ahead"]["design"] == "linux-6.12"
    assert operations["suspend to RAM"]["verdict"] == "breaks"
    broken = {b["property"]: b for b in operations["suspend to RAM"]["breaks"]}
    assert broken["online-cpus-guarded"]["depends_on"] == []
    assert any("pm_suspend" in step for step in broken["online-cpus-guarded"]["steps"])
    page = softsnp("doctor", "--from", str(saved), *asked).stdout
    assert "Ahead of this host, as linux-6.12" in page
    assert max(map(len, page.splitlines())) <= 80


def test_the_doctor_loads_no_explorer(saved: Path) -> None:
    code = (
        "import sys; from softsnp.cli.main import main; "
        f"main(['doctor', '--from', {str(saved)!r}]); print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"numpy", "numba", "drgn", "rich", "softsnp.explore", "softsnp.explain", "softsnp.run"}
    assert "softsnp.doctor.diagnosis" in loaded
    assert loaded.isdisjoint(heavy), sorted(loaded & heavy)


def test_the_doctor_is_one_file(softsnp: Softsnp, saved: Path, tmp_path: Path) -> None:
    pyz = tmp_path / "doctor.pyz"
    assert softsnp("doctor", "--make-zipapp", str(pyz)).returncode == 0

    def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", str(pyz), *arguments],
            cwd=tmp_path, env={}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    for form in ("text", "json", "prometheus"):
        there = softsnp("doctor", "--from", str(saved), "--format", form)
        here = alone("--from", str(saved), "--format", form)
        assert (here.returncode, here.stdout, here.stderr) == (0, there.stdout, "")
    refused = alone("--from", str(saved), "--ahead")
    assert refused.returncode == 2
    assert "--from FILE --ahead" in refused.stderr
