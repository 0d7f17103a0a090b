"""The page of text: one that was approved, and what is so of every page."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest

from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.facts import REGISTERS, Contradictory, Known, Observation, Reading, Unknown
from softsnp.doctor.text import WIDTH, page
from softsnp.spec.properties import PROPERTIES

from .made_up import MSR, fleet, host, of, unguarded, without

APPROVED = """\
node1: 3 critical findings, 1 warning, 1 thing not known.

Seen      2025-11-26 16:00:00 UTC; interfaces
Kernel    6.12.41-amd64
Firmware  SNP 1.55.39, SEV 1.55, SNP guests 3
CPUs      online 8 (0-7), present 8 (0-7), possible 8 (0-7)

CRITICAL: guest-memory-protected
  a CPU without SNP_EN runs while a guest's pages are assigned
  Saw:    guest_pages_assigned: True
          online: CPUs 0-7: yes
          snp_en: CPUs 0-2,4-7: yes, CPU 3: no
  From:   /dev/sev, SNP_PLATFORM_STATUS; /sys/devices/system/cpu/online;
          /dev/cpu/*/msr
  Means:  such a CPU writes to guest memory unchecked, which is what SNP is
          there to prevent
  Next:   move the guests away now; then empty the host, and reset it (a kexec
          is not enough)

CRITICAL: online-cpus-guarded
  a CPU without SNP_EN is online while SNP is live
  Saw:    snp_state: INIT
          online: CPUs 0-7: yes
          snp_en: CPUs 0-2,4-7: yes, CPU 3: no
  From:   /dev/sev, SNP_PLATFORM_STATUS; /sys/devices/system/cpu/online;
          /dev/cpu/*/msr
  Means:  a guest that starts now is not protected from the CPU without it
  Next:   start no SNP guest; take these CPUs offline (chcpu -d), where CPU
          hotplug still lets you; move the guests away; then empty the host, and
          reset it (a kexec is not enough)

CRITICAL: firmware-cores-guarded
  a core without SNP_EN is there while SNP is live
  Saw:    snp_state: INIT
          snp_en: CPUs 0-2,4-7: yes, CPU 3: no
          fused: CPUs 0-7: yes
  From:   /dev/sev, SNP_PLATFORM_STATUS; /dev/cpu/*/msr
  Means:  a core that Linux has offline, or does not know, may still be made to
          run
  Next:   bring no CPU online; move the guests away; then empty the host, and
          reset it (a kexec is not enough)

WARNING: snp-en-uniform
  some online CPUs have SNP_EN and some have not
  Saw:    online: CPUs 0-7: yes
          snp_en: CPUs 0-2,4-7: yes, CPU 3: no
  From:   /sys/devices/system/cpu/online; /dev/cpu/*/msr
  Means:  snp_prepare() looks at one CPU's SNP_EN and takes it for all
  Next:   load neither kvm-amd nor ccp anew: SNP init looks at one CPU only;
          empty the host, and reset it (a kexec is not enough)

Not known (1):
- vm-hsave-pa of CPUs 0-7: permission denied: run as root (/dev/cpu/*/msr)

Checked, and holds (2):
  hold-implies-snp-en, kvm-snp-is-up
Holds, since what it speaks of is not so now (2):
  mfdm-uniform, smt-control-truthful

Not checked (22):
- it is about more than one moment: see --ahead
    hotplug-count-balanced, failed-init-keeps-hold, init-finds-cpus-prepared,
    online-set-kept-in-init, hsave-kept-under-svme, rmp-cleared-unenforced,
    x86-shutdown-clears-snp-en, rmpopt-on-ready-cores, rmpopt-mask-online,
    failed-write-changes-nothing, resume-keeps-cpus-guarded,
    failed-init-frees-hotplug, snp-can-come-up, reload-reaches-init,
    kexec-keeps-snp-possible, df-flush-can-succeed, lock-order-acyclic,
    no-deadlock
- cpu_hotplug_disabled: nobody has looked into the kernel
    hotplug-count-bounded, snp-en-holds-hotplug
- fully_shut_down: no interface tells; cpu_hotplug_disabled: nobody has looked
  into the kernel
    shutdown-frees-hotplug
- snp_initialized: nobody has looked into the kernel
    driver-and-firmware-agree

More:     as root it sees more; --kernel looks into the kernel's memory too;
          --ahead says what each next operation would do
"""


def shown(observation: Observation) -> str:
    text = page(diagnose(observation))
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert text.replace("\n", "").isprintable()
    for line in text.splitlines():
        assert len(line) <= WIDTH and line == line.rstrip()
    return text


def first(observation: Observation) -> str:
    return shown(observation).splitlines()[0]


def test_the_approved_page() -> None:
    assert shown(without(unguarded(host(), 1 << 3), "vm-hsave-pa")) == APPROVED


def test_the_first_line_says_it_all() -> None:
    assert first(host()) == "node1: healthy in all that is observable."
    assert first(host(log_psp_timeout=True)) == "node1: 1 warning."
    assert first(without(host(), "kvm-amd-loaded")) == (
        "node1: not known to be healthy, 1 thing not known."
    )
    assert first(without(host(), "rmp-base", "rmp-end")) == (
        "node1: not known to be healthy, 2 things not known."
    )


@pytest.mark.parametrize("made", [host(vendor="GenuineIntel"), host(cpu_has_snp=False)])
def test_without_snp_it_is_one_line(made: Observation) -> None:
    text = page(diagnose(made))
    assert text.count("\n") == 1 and text.startswith("node1: no SNP on this host: ")


def test_each_property_is_named_once() -> None:
    hosts = [made for made in fleet(150, cpus=3) if made.value("vendor") == "AuthenticAMD"]
    assert {diagnose(made).status for made in hosts} == {0, 1, 3}
    for made in hosts:
        words = re.split(r"[\s,:]+", shown(made))
        assert [words.count(prop.name) for prop in PROPERTIES] == [1] * len(PROPERTIES)


def test_what_is_unknown_has_its_reason() -> None:
    made = without(host(), *REGISTERS)
    made.facts["online"] = Contradictory((0xFF, 0x7F), "it changed between two looks", "/sys/there")
    text = shown(made)
    assert "- online: it changed between two looks: 0-7 and 0-6 (/sys/there)\n" in text
    assert (
        dedent("""\
        - the CPUs: which there are is not known
            guest-memory-protected, online-cpus-guarded, snp-en-uniform,
            firmware-cores-guarded
        """)
        in text
    )
    assert "CPUs      online not known, present 8 (0-7), possible 8 (0-7)\n" in text


def test_what_hangs_on_the_same_of_several_cpus_is_together() -> None:
    text = shown(without(host(), "syscfg", because="no such file"))
    assert (
        dedent("""\
        - syscfg: no such file
            guest-memory-protected, online-cpus-guarded, snp-en-uniform,
            firmware-cores-guarded
        """)
        in text
    )


def test_the_last_line_says_how_to_see_more() -> None:
    assert "as root" not in shown(host()).splitlines()[-2]
    assert shown(host()).splitlines()[-2].startswith("More:     --kernel looks")
    made = host()
    made.levels = ("interfaces", "kernel")
    made.facts["cpu_hotplug_disabled"] = Known(1, "/proc/kcore", 1.0)
    assert shown(made).splitlines()[-1] == (
        "More:     --ahead says what each next operation would do"
    )


def test_a_page_stays_a_page() -> None:
    """Whatever a host says, and however many CPUs differ."""
    made = host("h" * 255, cpus=600, release="x" * 9000, snp_api="\x1b[2J" * 50)
    made.registers["rmp-base"] = [of(1 << cpu, cpu) for cpu in range(600)]
    made.registers["rmp-end"] = [
        Reading(1 << cpu, Unknown(f"reason {cpu} " * 90, MSR)) for cpu in range(600)
    ]
    made.facts["online"] = Known(sum(1 << cpu for cpu in range(0, 600, 2)), "/sys/there", 1.0)
    text = shown(made)
    assert "          … and 584 more\n" in text
    assert "- … and 284 more\n" in text
    assert len(text.splitlines()) < 500
