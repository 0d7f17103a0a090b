"""A package of another Debian suite, through apt: signed, checked, and without root.

apt keeps its state in a directory of ours, so the machine's own sources and packages are neither
read nor changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from clients import ClientError, run, say
from recordings.sysfs import debian

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ARCHITECTURE = "amd64"


@dataclass(frozen=True)
class Suite:
    """A suite of Debian, with apt's state about it in ``directory``, which is made."""

    name: str
    directory: Path
    mirror: str = debian.MIRROR
    keys: Path = KEYS

    def update(self) -> None:
        """Read what the suite has. Some 10 MB."""
        if not self.keys.exists():
            raise ClientError(
                f"Debian's suite {self.name} cannot be checked: there is no {self.keys};"
                " Debian's package debian-archive-keyring has it"
            )
        for part in ("lists/partial", "cache/archives/partial"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        (self.directory / "status").touch()
        self.sources.write_text(
            f"deb [arch={ARCHITECTURE} targets=Packages signed-by={self.keys.absolute()}]"
            f" {self.mirror} {self.name} main\n"
        )
        say(f"reading what Debian's suite {self.name} has")
        # Without error-mode, apt warns of a mirror that does not answer, and goes on.
        run(
            ["apt-get", *self.options, "--error-on=any", "update"],
            f"Debian's suite {self.name} cannot be read",
        )

    def download(self, package: str) -> Path:
        """The package's newest file. After ``update``."""
        directory = self.directory.absolute()
        say(f"downloading {package}")
        run(
            ["apt-get", *self.options, "download", f"{package}:{ARCHITECTURE}"],
            f"{package} cannot be had from Debian's suite {self.name}",
            cwd=directory,
        )
        files = sorted(directory.glob(f"{package}_*.deb"), key=lambda file: file.stat().st_mtime_ns)
        if not files:
            raise ClientError(f"apt-get download {package} brought no file to {directory}")
        return files[-1]

    def depends(self, package: str) -> str:
        """What the package needs, as its control file says."""
        shown = run(["apt-cache", *self.options, "show", package], f"{package} is not known")
        found = re.search(r"^Depends: (.*)$", shown, re.MULTILINE)
        return found.group(1) if found else ""

    @property
    def sources(self) -> Path:
        return self.directory / "sources.list"

    @property
    def options(self) -> list[str]:
        directory = self.directory.absolute()
        settings = {
            "APT::Architecture": ARCHITECTURE,
            "APT::Architectures": ARCHITECTURE,
            # As root, apt would hand the download to a user who may not write here.
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
            "Dir::Cache": directory / "cache",
            "Dir::Etc::Preferences": "-",
            "Dir::Etc::PreferencesParts": "-",
            "Dir::Etc::SourceList": directory / "sources.list",
            "Dir::Etc::SourceParts": "-",
            "Dir::State::Lists": directory / "lists",
            "Dir::State::Status": directory / "status",
        }
        return [
            "-q",
            *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")),
        ]


def unpack(deb: Path, directory: Path) -> None:
    """The files of a package, under ``directory``."""
    run(["dpkg-deb", "-x", str(deb), str(directory)], f"{deb.name} cannot be unpacked")
