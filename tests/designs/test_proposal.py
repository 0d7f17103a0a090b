"""The proposal, and why it is not more: docs/proposal.md."""

from __future__ import annotations

import pytest

from softsnp.explore import check
from softsnp.spec.activities import Host
from softsnp.spec.catalog import FIRMWARE, SCENARIOS
from softsnp.spec.designs import Proposal, ProposalHotplugCore
from softsnp.spec.properties import PROPERTIES

HOLD = {"failed-init-keeps-hold"}
STUCK = {"failed-init-frees-hotplug"}
UNANSWERED = {"driver-and-firmware-agree"}
REJECTED = {"init-finds-cpus-prepared"}
UNTRUE = {"smt-control-truthful"}
SMT = {*UNTRUE, "failed-write-changes-nothing"}
LOST = {"snp-can-come-up", "reload-reaches-init"}
LEFT = {
    "firmware": UNANSWERED,
    "kexec": REJECTED,
    "smt": REJECTED | SMT | LOST,  # no kexec follows there that could give back the CPUs
    "nosmt-kexec": REJECTED | UNTRUE,
}
"""By scenario: what no patch to these files mends. Legacy firmware has STUCK besides."""
SMALL = [name for name in SCENARIOS if name not in ("two-ioctls", "host-writes")]


def broken(design: type[Host], scenario: str, firmware: str) -> set[str]:
    chosen = SCENARIOS[scenario]
    spec = design(chosen.activities, chosen.assume({}), firmware=firmware)
    found = check(spec, None, PROPERTIES, [])
    assert found.complete
    return {o.prop.name for o in found.outcomes if o.verdict != "holds"}


@pytest.mark.parametrize("firmware", FIRMWARE)
@pytest.mark.parametrize("scenario", SMALL)
def test_nothing_breaks_but_what_no_such_patch_can_mend(scenario: str, firmware: str) -> None:
    left = LEFT.get(scenario, set())
    hold = set() if scenario == "everything-small" else HOLD  # where nothing fails
    assert broken(Proposal, scenario, firmware) - STUCK == hold | left


@pytest.mark.parametrize("scenario", ["kexec", "smt", "nosmt-kexec"])
def test_the_fourth_patch_mends_what_is_outside_those_files(scenario: str) -> None:
    assert broken(ProposalHotplugCore, scenario, "x86-shutdown") - LOST == HOLD


class GivesBack(Proposal):
    """After a failed init SNP gives its hold back."""

    name = "gives-back"

    async def _sev_snp_init_locked(self) -> int:
        before = self.cpu_hotplug_disabled
        rc = await super()._sev_snp_init_locked()
        if rc and before == 0 and self.observe(Host.cpu_hotplug_disabled) > 0:
            await self.cpu_hotplug_enable()
        return rc


class HoldsFromBoot(Proposal):
    """CPU hotplug is disabled at boot, for as long as the kernel runs."""

    name = "holds-from-boot"

    async def snp_rmptable_init(self) -> int:
        await self.cpu_hotplug_disable()
        return 0

    async def snp_prepare(self) -> int:
        await self.cpus_read_lock()
        rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        return rc

    async def snp_undo(self) -> None:
        await self.on_each_cpu(mfdm=False)


def test_a_hold_cannot_be_as_it_was_and_follow_snp_en_and_end_with_it() -> None:
    """SNP_EN is write-1-only, is wanted before SNP_INIT_EX, and SNP_INIT_EX can fail."""
    hold = {"failed-init-keeps-hold", "snp-en-holds-hotplug", "hold-implies-snp-en"}
    assert broken(Proposal, "thread", "legacy") & hold == {"failed-init-keeps-hold"}
    assert "snp-en-holds-hotplug" in broken(GivesBack, "thread", "legacy")
    assert broken(HoldsFromBoot, "thread", "legacy") & hold == {"hold-implies-snp-en"}
