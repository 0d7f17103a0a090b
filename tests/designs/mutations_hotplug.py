"""Mistakes in CPU hotplug: kernel/smp.c, kernel/cpu.c without SMT and freezing."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.lib.cache_smp import CacheSmp
from softsnp.spec.linux.kernel.cpu import CpuHotplug
from softsnp.spec.linux.kernel.smp import Smp

from .mutations_place import Seeded, at

LOCK = "await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)"
UNLOCK = "self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)"
WRITE_LOCK = "await self.cpus_write_lock()"

HOTPLUG = (
    # --- broadcasts ------------------------------------------------------------------------------
    Seeded(
        "broadcast-can-be-interrupted",
        "lock",
        Smp,
        "on_each_cpu",
        {"self.broadcasts += 1": "pass", "self.broadcasts -= 1": "pass"},
        at("proposal", "thread", "x86-shutdown"),
        "each has CPU hotplug disabled or its lock held here; elsewhere mfdm-uniform breaks anyway",
    ),
    Seeded(
        "broadcast-reaches-who-is-offline",
        "check",
        Smp,
        "reach_one",
        {"self.cpus.where(online=True, **mask)": "self.cpus.where(**mask)"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "broadcast-reaches-one",
        "step",
        Smp,
        "on_each_cpu",
        {"while self.reach_one": "if self.reach_one"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "wbinvd-on-the-boot-cpu",
        "constant",
        CacheSmp,
        "wbinvd_on_all_cpus",
        {"self.on_each_cpu(": 'self.on_each_cpu({"boot": True}, '},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    # --- the refcount ----------------------------------------------------------------------------
    Seeded(
        "disable-counts-nothing",
        "constant",
        CpuHotplug,
        "cpu_hotplug_disable",
        {"+ 1": "+ 0"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "disable-keeps-its-lock",
        "unlock",
        CpuHotplug,
        "cpu_hotplug_disable",
        {UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "disable-takes-no-lock",
        "lock",
        CpuHotplug,
        "cpu_hotplug_disable",
        {LOCK: "await self.preempt()", UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "disable-is-a-flag",
        "constant",
        CpuHotplug,
        "cpu_hotplug_disable",
        {"min(self.cpu_hotplug_disabled + 1, MANY_HOLDS)": "1"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "enable-resets-the-count",
        "constant",
        CpuHotplug,
        "cpu_hotplug_enable",
        {"self.cpu_hotplug_disabled -= 1": "self.cpu_hotplug_disabled = 0"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "enable-does-not-count-down",
        "step",
        CpuHotplug,
        "cpu_hotplug_enable",
        {"self.cpu_hotplug_disabled -= 1": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "enable-keeps-its-lock",
        "unlock",
        CpuHotplug,
        "cpu_hotplug_enable",
        {UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "others-count-is-not-looked-at",
        "check",
        CpuHotplug,
        "cpu_hotplug_is_disabled",
        {" or self.cpu_hotplug_disabled_otherwise > 0": ""},
        at("linux-7.3", "sysfs"),
    ),
    Seeded(
        "two-holds-disable",
        "constant",
        CpuHotplug,
        "cpu_hotplug_is_disabled",
        {"self.cpu_hotplug_disabled > 0": "self.cpu_hotplug_disabled > 1"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "offlining-is-not-disabled",
        "step",
        CpuHotplug,
        "cpu_hotplug_disable_offlining",
        {"self.cpu_hotplug_offline_disabled = True": "pass"},
        at("review-disable-offlining", "thread"),
    ),
    Seeded(
        "offlining-disabled-is-not-looked-at",
        "check",
        CpuHotplug,
        "cpu_down_maps_locked",
        {"if self.cpu_hotplug_offline_disabled:": "if False:"},
        at("review-disable-offlining", "thread"),
    ),
    # --- up --------------------------------------------------------------------------------------
    Seeded(
        "up-ignores-the-count",
        "check",
        CpuHotplug,
        "cpu_up",
        {"if self.cpu_hotplug_is_disabled():": "if False:"},
        at("rmpopt-v10", "sysfs"),
    ),
    Seeded(
        "up-ignores-smt",
        "check",
        CpuHotplug,
        "cpu_up",
        {"elif self.second_threads_allowed():": "elif True:"},
        at("linux-7.3", "thread", cpus=3, smt=True, command_lines=True),
    ),
    Seeded(
        "up-takes-no-maps-lock",
        "lock",
        CpuHotplug,
        "cpu_up",
        {LOCK: 'await self.preempt(atomic="a mutation")', UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
        "SNP comes up only with every CPU online, and then there is none to bring up",
    ),
    Seeded(
        "up-keeps-its-maps-lock",
        "unlock",
        CpuHotplug,
        "cpu_up",
        {UNLOCK: "if rc != EBUSY:\n            " + UNLOCK},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "up-rolls-back-without-callbacks",
        "step",
        CpuHotplug,
        "_cpu_up",
        {"self.cpuhp_ap_offline(cpu)": "pass"},
        at("linux-7.3", "thread", hotplug_callbacks_may_fail=True),
    ),
    # --- down ------------------------------------------------------------------------------------
    Seeded(
        "down-ignores-the-count",
        "check",
        CpuHotplug,
        "cpu_down_maps_locked",
        {"if self.cpu_hotplug_is_disabled():": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "down-takes-no-maps-lock",
        "lock",
        CpuHotplug,
        "cpu_down",
        {LOCK: 'await self.preempt(atomic="a mutation")', UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "down-keeps-its-lock-when-it-fails",
        "unlock",
        CpuHotplug,
        "_cpu_down",
        {"cpu.release()\n            self.cpus_write_unlock()": "cpu.release()"},
        at("linux-7.3", "thread", hotplug_callbacks_may_fail=True),
    ),
    Seeded(
        "down-without-callbacks",
        "step",
        CpuHotplug,
        "_cpu_down",
        {"self.cpuhp_ap_offline(cpu)": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "down-takes-no-hotplug-lock",
        "lock",
        CpuHotplug,
        "_cpu_down",
        {
            WRITE_LOCK: 'await self.preempt(atomic="a mutation")',
            "self.cpus_write_unlock()\n            return EBUSY": "return EBUSY",
            "self.cpus_write_unlock()\n            return rc": "return rc",
            "self.cpus_write_unlock()\n        return 0": "return 0",
        },
        at("linux-7.3", "thread"),
    ),
)
