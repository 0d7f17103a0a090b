"""Debian's kernels: which is the newest of a suite, its package, and the kernel in the package."""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import shutil
import tarfile
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MIRROR = "https://deb.debian.org/debian"
KERNEL = re.compile(r"linux-(image|binary)-(\d+(?:\.\d+)+)\+deb\d+-amd64")
"""Up to 6.x the kernel is in linux-image; since then that is empty, and linux-binary has it."""
HEADER = 60
"""Bytes before every member of an ar archive."""


class DebianError(Exception):
    """There is no such package, or it is not what it should be."""


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    file: str
    sha256: str

    @property
    def rank(self) -> tuple[list[int], bool]:
        """The newest is the greatest; of one release, the package with the kernel in it."""
        upstream = self.version.split("-")[0]
        binary = self.name.startswith("linux-binary")
        return [int(number) for number in upstream.split(".")], binary


def kernels(index: Iterable[str], pattern: re.Pattern[str] = KERNEL) -> Iterator[Package]:
    """Those of a Packages file that hold a kernel for ordinary PCs, or once did; or others."""
    fields: dict[str, str] = {}
    for line in (*index, ""):
        name, colon, value = line.rstrip("\n").partition(": ")
        if colon and not name.startswith(" "):
            fields[name] = value
        elif not name:
            if pattern.fullmatch(fields.get("Package", "")):
                words = (fields[key] for key in ("Package", "Version", "Filename", "SHA256"))
                yield Package(*words)
            fields = {}


def newest(suite: str, pattern: re.Pattern[str] = KERNEL) -> Package:
    url = f"{MIRROR}/dists/{suite}/main/binary-amd64/Packages.xz"
    with urllib.request.urlopen(url) as packed, lzma.open(packed, "rt", encoding="utf-8") as index:
        found = list(kernels(index, pattern))
    if not found:
        raise DebianError(f"{url} lists no kernel")
    return max(found, key=lambda package: package.rank)


def download(package: Package, directory: Path) -> Path:
    """The package's file, which may be there already."""
    path = directory / Path(package.file).name
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with urllib.request.urlopen(f"{MIRROR}/{package.file}") as remote, part.open("wb") as local:
            shutil.copyfileobj(remote, local)
        part.replace(path)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != package.sha256:
            raise DebianError(f"{path} is not the file that the suite lists; remove it")
    return path


def unpack_kernel(deb: Path, directory: Path) -> Path:
    """The kernel image of a package."""
    kernel = directory / "vmlinuz"
    with tarfile.open(fileobj=data(deb.read_bytes()), mode="r|*") as members:
        for member in members:
            if member.isfile() and Path(member.name).name.startswith("vmlinuz"):
                content = members.extractfile(member)
                assert content is not None
                kernel.write_bytes(content.read())
                return kernel
    raise DebianError(f"there is no kernel in {deb}")


def data(deb: bytes) -> io.BytesIO:
    """The member of a package, which is an ar archive, that holds its files."""
    at = len(b"!<arch>\n")
    while at + HEADER <= len(deb):
        header = deb[at : at + HEADER]
        name, length = header[:16].decode().strip(), int(header[48:58])
        at += HEADER
        if name.startswith("data.tar"):
            return io.BytesIO(deb[at : at + length])
        at += length + length % 2
    raise DebianError("this is no Debian package")
