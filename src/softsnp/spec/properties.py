"""What must hold on an SNP host, and what must be able to happen."""

from __future__ import annotations

from softsnp.lang import Always, Never, NoDeadlock, Property, Sometimes
from softsnp.spec.fw.psp import State

PROPERTIES: list[Property] = [
    Always(
        "guest-memory-protected",
        "no CPU runs without SNP_EN while an assigned guest page exists",
        "such a CPU writes to guest memory unchecked, which is what SNP is there to prevent",
        "a CPU without SNP_EN runs while a guest's pages are assigned",
        when=lambda h: h.guest_pages_assigned,
        must=lambda h: h.cpus.where(online=True).all(snp_en=True),
    ),
    Always(
        "online-cpus-guarded",
        "while SNP is live, every online CPU has SNP_EN",
        "a guest that starts now is not protected from the CPU without it",
        "a CPU without SNP_EN is online while SNP is live",
        when=lambda h: h.snp_state is State.INIT,
        must=lambda h: h.cpus.where(online=True).all(snp_en=True),
    ),
    Always(
        "snp-en-uniform",
        "at rest, all online CPUs agree on SNP_EN",
        "snp_prepare() looks at one CPU's SNP_EN and takes it for all",
        "some online CPUs have SNP_EN and some have not",
        at_rest=True,
        when=lambda h: h.cpus.where(online=True).any(snp_en=True),
        must=lambda h: h.cpus.where(online=True).all(snp_en=True),
    ),
    Never(
        "hotplug-count-balanced",
        "CPU hotplug is never enabled more often than disabled",
        "the kernel warns, and somebody else's disable may have been undone",
        "cpu_hotplug_enable() finds the count at zero and warns",
        never="WARN: Unbalanced cpu hotplug enable",
        situation="cpu_hotplug_enable()",
    ),
    Always(
        "hotplug-count-bounded",
        "SNP never holds more than one of cpu_hotplug_disabled",
        "one cpu_hotplug_enable() no longer frees CPU hotplug: it is stuck",
        "SNP holds cpu_hotplug_disabled more than once",
        when=lambda h: h.cpu_hotplug_disabled > 0,
        must=lambda h: h.cpu_hotplug_disabled < 2,
    ),
    Always(
        "shutdown-frees-hotplug",
        "after a full x86 shutdown, at rest, SNP holds nothing of cpu_hotplug_disabled",
        "SNP is gone for good, and yet no CPU can be taken offline",
        "SNP is fully shut down and CPU hotplug is still disabled",
        at_rest=True,
        when=lambda h: h.fully_shut_down,
        must=lambda h: h.cpu_hotplug_disabled == 0,
    ),
    Never(
        "failed-init-keeps-hold",
        "a failed init leaves SNP's hold on CPU hotplug as it found it",
        "hotplug stays disabled for an SNP that never came up, or is freed under one that is up",
        "a failed init changes SNP's hold on CPU hotplug",
        never="SNP init fails and leaves another hold",
        situation="SNP init fails",
    ),
    Always(
        "driver-and-firmware-agree",
        "at rest, snp_initialized if and only if the firmware is in INIT",
        "the driver neither shuts SNP down nor can bring it up again",
        "the driver and the firmware disagree on whether SNP is up",
        at_rest=True,
        when=lambda h: h.snp_initialized or h.snp_state is State.INIT,
        must=lambda h: h.snp_initialized and h.snp_state is State.INIT,
    ),
    Always(
        "mfdm-uniform",
        "at rest with SNP off, all online CPUs agree on MFDM",
        "MTRRs behave differently from CPU to CPU",
        "SNP is off, some online CPUs have MFDM set and some have not",
        at_rest=True,
        when=lambda h: (
            h.snp_state is State.UNINIT
            and h.cpus.where(online=True).all(snp_en=False)
            and h.cpus.where(online=True).any(mfdm=True)
        ),
        must=lambda h: h.cpus.where(online=True).all(mfdm=True),
    ),
    NoDeadlock(
        "no-deadlock",
        "someone can always step, and everyone can come to rest again",
        "tasks hang in D state, and CPU hotplug and /dev/sev with them",
        "nobody can step and somebody is in the middle of something",
    ),
]

REACHABLE: list[Sometimes] = [
    Sometimes("snp-comes-up", "SNP_INIT_EX succeeds", event="SNP comes up"),
    Sometimes("guest-runs", "an SNP guest's pages are assigned", event="a guest runs"),
    Sometimes("cpu-goes-offline", "a CPU is taken offline", event="a CPU goes offline"),
    Sometimes("cpu-comes-online", "a CPU is brought online", event="a CPU comes online"),
    Sometimes("full-shutdown", "a full x86 shutdown succeeds", event="full shutdown"),
    Sometimes("kexec", "another kernel is started", event="kexec"),
]
