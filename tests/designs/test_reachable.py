"""Every mechanism of the specification can happen: each reachability check is reached somewhere."""

from __future__ import annotations

import pytest

from softsnp.explore import check
from softsnp.spec.catalog import DESIGNS, SCENARIOS
from softsnp.spec.reachable import REACHABLE, checks

LEGACY, X86 = "legacy", "x86-shutdown"
Place = tuple[str, str, str, int | None, tuple[str, ...]]
"""A design, a scenario, a firmware profile, a number of CPUs, and what is assumed besides."""
REACHED: dict[Place, set[str]] = {
    ("rmpopt-v10", "thread", LEGACY, None, ()): {
        "snp-comes-up",
        "guest-runs",
        "cpu-goes-offline",
        "cpu-comes-online",
        "kexec",
        "hotplug-refused",
        "unguarded-cpu-while-off",
        "init-in-init",
        "no-device",
    },
    ("review-disable-offlining", "thread", LEGACY, None, ()): {"hotplug-refused"},
    ("rmpopt-v10", "thread", X86, 2, ()): {"full-shutdown"},
    ("rmpopt-v10", "thread", LEGACY, 3, ("cpu-hot-add", "cpu-eject")): {"cpu-added", "cpu-ejected"},
    ("rmpopt-v10", "thread", LEGACY, 2, ("commands-may-time-out",)): {"command-times-out"},
    ("rmpopt-v10", "thread", LEGACY, 2, ("hotplug-callbacks-may-fail",)): {"hotplug-rolled-back"},
    ("rmpopt-v10", "module-reload", LEGACY, 2, ()): {"kvm-goes-without-shutdown"},
    ("rmpopt-v10", "firmware", LEGACY, 2, ()): {
        "shutdown-fails-halfway",
        "firmware-replaced",
        "firmware-kept",
    },
    ("rmpopt-v10", "sysfs", LEGACY, 2, ()): {"pci-probe", "online-retried"},
    ("rmpopt-v10", "kexec", LEGACY, 3, ()): {
        "reboot",
        "panic",
        "panic-shutdown",
        "crash-kernel",
        "crash-kernel-with-snp",
        "maxcpus",
        "nr-cpus",
        "init-refused",
    },
    ("rmpopt-v10", "suspend", LEGACY, 2, ()): {"suspend", "suspend-test", "resume", "hibernation"},
    ("rmpopt-v10", "smt", LEGACY, 2, ()): {"smt-refused", "smt-bypass", "nosmt"},
    ("rmpopt-v10", "nosmt-kexec", LEGACY, 2, ()): {"smt-rescan-fails"},
    ("rmpopt-v10", "vms", LEGACY, 2, ()): {
        "activate-refused",
        "asid-recycled",
        "asid-stuck",
        "asid-leaked",
    },
    ("linux-7.3", "vms", LEGACY, 3, ()): {"df-flush-refused"},
    ("linux-7.3", "legacy-sev", X86, 2, ()): {
        "factory-reset",
        "sev-ioctl-drops-snp",
        "init-ex-refused",
        "status-page-refused",
        "vm-initializes-snp",
    },
    ("rmpopt-v10", "rmpopt", X86, 2, ()): {"rmpopt", "rmpopt-again", "rmpopt-torn-down"},
}


@pytest.mark.parametrize("place", REACHED, ids=lambda place: "-".join(map(str, place[:3])))
def test_it_can_happen(place: Place) -> None:
    design, scenario, firmware, members, assumed = place
    chosen = SCENARIOS[scenario]
    assume = chosen.assume(dict.fromkeys(assumed, True))
    spec = DESIGNS[design](chosen.activities, assume, firmware=firmware)
    found = check(spec, members, [], checks(spec))
    assert REACHED[place] <= {name for name, reached in found.reached.items() if reached}


def test_every_check_is_reached_somewhere() -> None:
    assert set().union(*REACHED.values()) == {check.name for check in REACHABLE}
