"""Fetch Debian's kernels with debug information: ``python -m recordings.kernels.fetch [DIR]``.

Each comes to DIR (build/kernels), under its design's name: vmlinux and ccp.ko. A package is 1.1 GB,
and unpacking it takes about a minute. Needs dpkg-deb and tar; a kernel that is there is left alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from recordings.sysfs import debian

SERIES = {
    "linux-6.12": ("trixie", re.compile(r"linux-image-6\.12\.\d+\+deb\d+-amd64-dbg")),
    "linux-7.3": ("trixie-backports", re.compile(r"linux-image-7\.3\.\d+\+deb\d+-amd64-dbg")),
}
DEFAULT = Path(__file__).parents[2] / "build" / "kernels"
WANTED = ("*/vmlinux*", "*/crypto/ccp/ccp.ko")


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    unpacking = [start(name, directory) for name in SERIES if not (directory / name).exists()]
    for name, deb, process in unpacking:
        if process.wait():
            raise SystemExit(f"{deb} could not be unpacked")
        settle(name, directory)
        deb.unlink()


def start(name: str, directory: Path) -> tuple[str, Path, subprocess.Popen[bytes]]:
    """Download a package, and have it unpacked meanwhile; both cores can be busy with that."""
    deb = debian.download(debian.newest(*SERIES[name]), directory)
    part = directory / f"{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    packed = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE)
    tar = ["tar", "-x", "-C", str(part), "--wildcards", *WANTED]
    return name, deb, subprocess.Popen(tar, stdin=packed.stdout)


def settle(name: str, directory: Path) -> None:
    """The two files that are wanted, and nothing else."""
    part, done = directory / f"{name}.part", directory / f"{name}.done"
    files = [path for path in part.rglob("*") if path.is_file() and not path.is_symlink()]
    done.mkdir(exist_ok=True)
    for path in files:
        path.rename(done / ("vmlinux" if path.name.startswith("vmlinux") else path.name))
    shutil.rmtree(part)
    done.rename(directory / name)


if __name__ == "__main__":
    main()
