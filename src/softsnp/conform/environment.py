"""What neither side runs: KVM's own code, and guests."""

from __future__ import annotations

from softsnp.abi.errno import EIO

from .hardware import SpecifiedHardware

INITIALIZED = 1  # snp_state INIT


class Environment:
    """As the kernel meets it. The specification's side has the same in its own functions."""

    def __init__(self, hardware: SpecifiedHardware) -> None:
        self.hardware = hardware
        self.kvm = False
        """Virtualization is enabled, and KVM's hotplug callbacks act."""

    def _every(self, online: int, on: bool) -> None:
        for cpu in range(len(self.hardware.world.members)):
            if online >> cpu & 1:
                self.hardware.put(cpu, "hsave", on)

    def load_kvm(self, online: int) -> None:
        self._every(online, True)
        self.kvm = True

    def unload_kvm(self, online: int) -> None:
        self._every(online, False)
        self.kvm = False

    def mask(self, cpu: int, bit: str, on: bool) -> None:
        """The kernel has changed one of its masks."""
        self.hardware.put(cpu, bit, on)

    def online(self, cpu: int) -> None:
        self.mask(cpu, "online", True)

    def kvm_online_cpu(self, cpu: int) -> None:
        """It comes before callbacks at CPUHP_AP_ONLINE_DYN."""
        if self.kvm:
            self.hardware.put(cpu, "hsave", True)

    def stopping(self, cpu: int) -> None:
        """kvm_offline_cpu()."""
        self.hardware.put(cpu, "hsave", False)

    def stopped(self, cpu: int) -> None:
        self.mask(cpu, "online", False)

    def kexec(self, online: int) -> None:
        """syscore_shutdown(); the next kernel has no KVM loaded."""
        if self.kvm:
            self._every(online, False)
        self.kvm = False

    def sleep(self, online: int, power_off: bool) -> None:
        """syscore_suspend() and syscore_resume(), on the CPUs that run, and sleep in between."""
        self._every(online, False)
        self.hardware.sleep(power_off)
        if self.kvm:
            self._every(online, True)

    def start_guest(self, snp_initialized: bool) -> int:
        """Its pages are assigned, if the firmware and the driver have SNP."""
        scalars = self.hardware.world.scalars
        if scalars["snp_state"] != INITIALIZED or not snp_initialized:
            return EIO
        scalars["guest_pages_assigned"] = 1
        return 0

    def stop_guest(self) -> None:
        if self.kvm:
            self.hardware.world.scalars["guest_pages_assigned"] = 0
