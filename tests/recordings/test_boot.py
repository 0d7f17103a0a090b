"""A machine boots and does again what was recorded. It takes half a minute, where it can run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from recordings.sysfs import initramfs
from recordings.sysfs.debian import unpack_kernel
from recordings.sysfs.machine import QEMU
from recordings.sysfs.plan import PLAIN
from recordings.sysfs.record import CACHE, follow
from recordings.sysfs.recording import HERE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_a_recorded_machine_does_it_again(path: Path, tmp_path: Path) -> None:
    said = json.loads(path.read_text(encoding="utf-8"))
    for tool in (QEMU, "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    name, version = said["package"].split()
    deb = ROOT / CACHE / f"{name}_{version}_amd64.deb"
    if not deb.exists():
        pytest.skip(f"{deb.relative_to(ROOT)} is not there; make sysfs downloads the newest")
    kernel = unpack_kernel(deb, tmp_path)
    release, machine = follow(PLAIN, kernel, initramfs.build(tmp_path), tmp_path)
    assert release == said["kernel"]
    assert machine == said["machines"][0]
