"""Fetching from a suite of Debian, which here is a directory that the test signs."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import ClientError, fetch
from clients.apt import Suite

MISSING = [tool for tool in ("apt-get", "dpkg-deb", "gpg") if not shutil.which(tool)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"there is no {', '.join(MISSING)}")

CONTROL = """\
Package: snphost
Version: 0.7.0-1
Architecture: amd64
Maintainer: nobody <nobody@example.org>
Depends: libc6 (>= 2.34), libcurl4t64
Description: a tool
"""


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    made = subprocess.run(
        [*gpg, "--quick-generate-key", "suite", "ed25519", "sign", "never"], capture_output=True
    )
    if made.returncode:
        pytest.skip(f"gpg makes no key here: {made.stderr.decode(errors='replace').strip()}")
    with (home / "public.gpg").open("wb") as public:
        subprocess.run([*gpg, "--export"], stdout=public, check=True)
    yield home
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True)


class Mirror:
    """A suite called ``sid`` with snphost in it, whose program is a script."""

    def __init__(self, directory: Path, keys: Path, script: str) -> None:
        self.directory, self.keys = directory, keys
        tree = directory / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text(CONTROL)
        (tree / "usr" / "bin").mkdir(parents=True)
        program = tree / "usr" / "bin" / "snphost"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        self.deb = directory / "snphost_0.7.0-1_amd64.deb"
        command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(self.deb)]
        subprocess.run(command, check=True, capture_output=True)
        self.index = directory / "dists" / "sid" / "main" / "binary-amd64" / "Packages"
        self.index.parent.mkdir(parents=True)
        data = self.deb.read_bytes()
        self.index.write_text(
            f"{CONTROL}Filename: {self.deb.name}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
        )
        self.release = directory / "dists" / "sid" / "Release"
        data = self.index.read_bytes()
        self.release.write_text(
            "Suite: sid\nCodename: sid\nArchitectures: amd64\nComponents: main\n"
            "Date: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n"
            f" {hashlib.sha256(data).hexdigest()} {len(data)} main/binary-amd64/Packages\n"
        )

    def sign(self) -> None:
        gpg = ["gpg", "--homedir", str(self.keys), "--batch", "--quiet", "--passphrase", ""]
        signed = str(self.release.with_name("InRelease"))
        subprocess.run([*gpg, "--clearsign", "-o", signed, str(self.release)], check=True)

    def suite(self, work: Path) -> Suite:
        return Suite("sid", work, f"file://{self.directory}", self.keys / "public.gpg")


def bring(mirror: Mirror, directory: Path) -> Path:
    return fetch.ensure(
        "snphost",
        directory,
        lambda directory: fetch.snphost(directory, mirror.suite(directory / "apt")),
    )


needs_x86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason=f"snphost is an x86_64 program: {platform.machine()}"
)


@needs_x86_64
def test_the_program_and_nothing_else_comes(tmp_path: Path, keys: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", keys, "echo snphost 0.7.0")
    mirror.sign()
    assert bring(mirror, tmp_path / "clients") == tmp_path / "clients" / "snphost"
    assert [path.name for path in (tmp_path / "clients").iterdir()] == ["snphost"]


@needs_x86_64
def test_what_is_there_and_runs_is_left_alone(tmp_path: Path, keys: Path) -> None:
    def never(directory: Path) -> None:
        raise AssertionError(directory)

    mirror = Mirror(tmp_path / "mirror", keys, "echo snphost 0.7.0")
    mirror.sign()
    path = bring(mirror, tmp_path)
    assert fetch.ensure("snphost", tmp_path, never) == path


@needs_x86_64
def test_one_that_does_not_run_says_why_and_is_not_kept(tmp_path: Path, keys: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", keys, "echo libcurl.so.4: cannot open >&2; exit 127")
    mirror.sign()
    wanted = r"libcurl\.so\.4: cannot open; snphost_0\.7\.0-1_amd64\.deb wants libc6 .*libcurl4t64"
    with pytest.raises(ClientError, match=wanted):
        bring(mirror, tmp_path / "clients")
    assert not list((tmp_path / "clients").iterdir())


def test_a_suite_that_nobody_signed_is_refused(tmp_path: Path, keys: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", keys, "true")
    with pytest.raises(ClientError, match=r"^Debian's suite sid cannot be read: E: .*not signed"):
        mirror.suite(tmp_path / "apt").update()


def test_a_package_that_is_not_the_one_listed_is_refused(tmp_path: Path, keys: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", keys, "true")
    mirror.sign()
    suite = mirror.suite(tmp_path / "apt")
    suite.update()
    data = bytearray(mirror.deb.read_bytes())
    data[-1] ^= 1
    mirror.deb.write_bytes(data)
    with pytest.raises(ClientError, match=r"^snphost cannot be had from Debian's suite sid: E: "):
        suite.download("snphost")


def test_a_package_that_the_suite_has_not(tmp_path: Path, keys: Path) -> None:
    mirror = Mirror(tmp_path / "mirror", keys, "true")
    mirror.sign()
    suite = mirror.suite(tmp_path / "apt")
    suite.update()
    with pytest.raises(ClientError, match=r"^no-such-tool cannot be had .*Unable to locate"):
        suite.download("no-such-tool")


def test_a_suite_whose_keys_are_not_here(tmp_path: Path) -> None:
    suite = Suite("sid", tmp_path / "apt", f"file://{tmp_path}", tmp_path / "keys.gpg")
    with pytest.raises(ClientError, match=r"there is no .*keys\.gpg; .*debian-archive-keyring"):
        suite.update()


def test_the_command_exits_with_1_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "snphost").write_text("")
    with pytest.raises(SystemExit) as ended:
        fetch.main([str(tmp_path)])
    assert ended.value.code == "snphost does not run here: " + (
        f"{tmp_path}/snphost: Permission denied"
    )
    assert capsys.readouterr() == ("", "")
