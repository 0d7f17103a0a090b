"""What a virtual host is of: the design, the firmware, the processor, the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from softsnp.spec.activities import Host
from softsnp.spec.catalog import ACTIVITIES, ASSUMPTIONS, DETAILS, with_ioctls

from .generations import GENERATIONS, Generation

RELEASES = {"linux-6.12": "6.12.117", "linux-7.3": "7.3.4"}
"""What kernels call themselves whose design was read there."""
POSTED_ON = "7.1.0-rc7"
"""What patches of June 2026 were posted on."""
LIVE: dict[str, bool] = {
    **dict.fromkeys(DETAILS, True),
    "commands-may-fail": True,
    "commands-may-time-out": True,
    "allocations-may-fail": True,
    "hotplug-callbacks-may-fail": True,
    "cpu-eject": True,
}
"""A live host has every detail, and whatever may fail fails when it is asked to."""


@dataclass(frozen=True)
class Circumstances:
    """Everything that decides how a host behaves, but what is done to it."""

    design: type[Host]
    reference: Mapping[str, str]
    """How to find the design again: its name, or its file and class."""
    generation: Generation
    firmware: str
    cpus: int
    """How many are there at power-on; one that may be hot-added comes on top."""
    assume: Mapping[str, bool]
    """Of assumptions and details, what is not the default."""
    seed: int
    ioctls: str | None = None

    @property
    def possible(self) -> int:
        return self.cpus + int(self.assume.get("cpu-hot-add", False))

    @property
    def release(self) -> str:
        """What the kernel calls itself, as ``uname -r`` would say."""
        name = self.design.name
        known = RELEASES.get(name)
        return f"{known}-softsnp" if known else f"{POSTED_ON}-{name}-softsnp"

    def specification(self) -> Host:
        design = with_ioctls(self.design, self.ioctls) if self.ioctls else self.design
        return design(list(ACTIVITIES), dict(self.assume), firmware=self.firmware)

    def header(self) -> dict[str, Any]:
        """For a recording: plain data, from which the same circumstances can be made."""
        return {
            **self.reference,
            "ioctls": self.ioctls or self.design.ioctls,
            "firmware": self.firmware,
            "generation": self.generation.name,
            "cpus": self.cpus,
            "seed": self.seed,
            "assume": dict(sorted(self.assume.items())),
        }

    @classmethod
    def of(cls, header: Mapping[str, Any], design: type[Host]) -> Circumstances:
        """Raises KeyError or ValueError for what is not in a header, or not known."""
        known = {**ASSUMPTIONS, **DETAILS}
        assume = {str(name): bool(on) for name, on in header["assume"].items()}
        for name in assume:
            if name not in known:
                raise ValueError(f"no assumption {name!r}")
        return cls(
            design,
            {key: str(header[key]) for key in ("design", "class") if key in header},
            GENERATIONS[header.get("generation", "genoa")],
            str(header["firmware"]),
            int(header["cpus"]),
            assume,
            int(header.get("seed", 0)),
            str(header["ioctls"]),
        )
