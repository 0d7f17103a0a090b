"""What is assumed of the host, run by run: no single one could have everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Configuration:
    """``name`` is part of a recording's file name; the first has none."""

    name: str
    sentence: str
    assume: Mapping[str, bool]
    without: tuple[str, ...] = ()
    """Kinds of operations that are left to another configuration."""


CONFIGURATIONS = (
    Configuration(
        "",
        "one CPU is added in the middle of many sequences",
        {"cpu-hot-add": True},
        without=("platform init for a VM",),
    ),
    Configuration(
        "threads",
        "cores have two threads, psp_init_on_probe is off, there is a firmware file, "
        "SNP_SHUTDOWN_EX can fail halfway, and commands may get no answer",
        {
            "smt": True,
            "device-locks": True,
            "psp-init-on-probe": False,
            "firmware-steps": True,
            "commands-may-time-out": True,
        },
        without=("prepare", "unprepare", "commit", "config", "vlek-load"),
    ),
)
