"""What the PSP's firmware keeps besides its state machine: TCBs, keys, certificates."""

from .chip import Chip
from .firmware import Firmware
from .kept import FirmwareImage, Kept, KeyPair, Owner, Version
from .messages import Answer, Platform, Request
from .profile import FirmwareProfile
from .tcb import Tcb
from .vlek import wrap_vlek

__all__ = [
    "Answer",
    "Chip",
    "Firmware",
    "FirmwareImage",
    "FirmwareProfile",
    "Kept",
    "KeyPair",
    "Owner",
    "Platform",
    "Request",
    "Tcb",
    "Version",
    "wrap_vlek",
]
