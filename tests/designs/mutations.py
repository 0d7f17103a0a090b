"""Every seeded mutation of the specification."""

from __future__ import annotations

from .mutations_ccp import CCP
from .mutations_devices import DEVICES
from .mutations_fw import FIRMWARE
from .mutations_hotplug import HOTPLUG
from .mutations_ioctl import IOCTL
from .mutations_kvm import KVM
from .mutations_lineage import LINEAGE
from .mutations_place import Seeded
from .mutations_power import POWER
from .mutations_proposal import PROPOSAL
from .mutations_x86 import X86

SEEDED: tuple[Seeded, ...] = (
    *FIRMWARE,
    *HOTPLUG,
    *DEVICES,
    *X86,
    *CCP,
    *IOCTL,
    *KVM,
    *POWER,
    *LINEAGE,
    *PROPOSAL,
)
