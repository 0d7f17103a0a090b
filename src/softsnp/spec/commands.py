"""Operations of the activities as shell commands, and how to make things fail on a real machine."""

from __future__ import annotations

GUEST = (
    "qemu-system-x86_64 -enable-kvm -cpu EPYC-v4 -bios OVMF.fd -daemonize -display none \\",
    "  -machine q35,confidential-guest-support=sev0,memory-backend=ram1 \\",
    "  -object memory-backend-memfd,id=ram1,size=1G,share=true \\",
    "  -object sev-snp-guest,id=sev0,cbitpos=51,reduced-phys-bits=1 -pidfile guest.pid",
)

COMMANDS: dict[str, tuple[str, ...]] = {
    "snphost commit": ("snphost commit",),
    "snphost config": ("snphost config reset",),
    "snphost vlek-load": ("snphost vlek-load hashstick.bin",),
    "modprobe kvm-amd": ("modprobe kvm-amd",),
    "rmmod kvm-amd": ("rmmod kvm-amd",),
    "modprobe ccp": ("modprobe ccp",),
    "rmmod ccp": ("rmmod ccp",),
    "start an SNP guest": GUEST,
    "stop the SNP guest": ("kill $(cat guest.pid)",),
    "kexec": ("kexec -l /boot/vmlinuz --initrd=/boot/initrd --reuse-cmdline", "systemctl kexec"),
    "reboot": ("systemctl reboot",),
    "panic": ("echo c > /proc/sysrq-trigger",),
    "suspend": ("systemctl suspend",),
    "hibernate": ("systemctl hibernate",),
    "test suspend": ("echo processors > /sys/power/pm_test", "echo mem > /sys/power/state"),
    "ENABLED": ("echo on > /sys/devices/system/cpu/smt/control",),
    "DISABLED": ("echo off > /sys/devices/system/cpu/smt/control",),
    "FORCE_DISABLED": ("echo forceoff > /sys/devices/system/cpu/smt/control",),
    "FACTORY_RESET": ("sevctl reset",),
    "PEK_GEN": ("sevctl rotate",),
    "SNP_PLATFORM_STATUS": ("snphost show version",),
    "offline a CPU": ("echo 0 > /sys/devices/system/cpu/cpu{member}/online",),
    "online a CPU": ("echo 1 > /sys/devices/system/cpu/cpu{member}/online",),
    "SNP_COMMIT": ("snphost commit",),
    "SNP_CONFIG": ("snphost config reset",),
    "SNP_VLEK_LOAD": ("snphost vlek-load hashstick.bin",),
}
"""What is not here has no command: a CPU or a device is added by hand, or by the machine's
management."""

HALFWAY = "nothing that Linux has makes the firmware fail in the middle of a command"
FAULTS: dict[str, str] = {
    "SNP_SHUTDOWN_EX, halfway": HALFWAY,
    "the answer in time": "ccp's module parameter psp_cmd_timeout, as short as it can be",
    "amd_iommu_snp_disable()": "a kretprobe that sets ax",
    "a callback of CPU hotplug": (
        "CONFIG_CPU_HOTPLUG_STATE_CONTROL: write a state to cpuN/hotplug/fail"
    ),
    "the allocation of the range list": (
        "failslab (CONFIG_FAILSLAB, /sys/kernel/debug/failslab) on this task's next kzalloc()"
    ),
    **{
        command: f"make the mailbox command {command} report an error: a kretprobe that sets ax"
        for command in (
            "SNP_INIT_EX",
            "SNP_SHUTDOWN_EX",
            "SNP_DF_FLUSH",
            "SNP_COMMIT",
            "SNP_CONFIG",
            "SNP_VLEK_LOAD",
            "INIT_EX",
            "SHUTDOWN",
            "DF_FLUSH",
            "FACTORY_RESET",
            "PLATFORM_STATUS",
            "PEK_GEN",
            "SNP_PLATFORM_STATUS",
            "DOWNLOAD_FIRMWARE",
            "SNP_GCTX_CREATE",
            "SNP_LAUNCH_START",
            "SNP_ACTIVATE",
            "SNP_DECOMMISSION",
            "SNP_PAGE_RECLAIM",
        )
    },
}
