"""/dev/kvm: what asks whether KVM is there, and what it can do for SEV."""

from __future__ import annotations

import errno
import struct

from softsnp.serve.vfs import Call, File, Handle, IoctlReply, Later
from softsnp.serve.view import HostView

GET_API_VERSION = 0xAE00
CHECK_EXTENSION = 0xAE03
GET_DEVICE_ATTR = 0x4018AEE2
HAS_DEVICE_ATTR = 0x4018AEE3
API_VERSION = 12
GROUP_SEV = 1
VMSA_FEATURES = 0
DEBUG_SWAP = 1 << 5
SECURE_TSC = 1 << 9
ATTRIBUTE = struct.Struct("<IIQQ")
"""struct kvm_device_attr: flags, group, attribute, address of the value."""


class Kvm(File):
    """It makes no virtual machine: the rest is ENOTTY."""

    mode = 0o666
    size = 0
    seekable = False

    def __init__(self, host: HostView) -> None:
        self.host = host

    def open(self, handle: Handle, call: Call) -> None:
        if not self.host.scalar("kvm_amd"):
            raise OSError(errno.ENODEV, "")

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> IoctlReply | Later:
        if number == GET_API_VERSION:
            return IoctlReply(API_VERSION)
        if number == CHECK_EXTENSION:
            return IoctlReply(0)
        if number in (GET_DEVICE_ATTR, HAS_DEVICE_ATTR) and len(given) == ATTRIBUTE.size:
            _, group, attribute, address = ATTRIBUTE.unpack(given)
            if (group, attribute) != (GROUP_SEV, VMSA_FEATURES):
                raise OSError(errno.ENXIO, "")
            if number == GET_DEVICE_ATTR:
                call.memory.write(address, struct.pack("<Q", self.features()))
            return IoctlReply(0)
        raise OSError(errno.ENOTTY, "")

    def features(self) -> int:
        """SEV_FEATURES that a guest may have."""
        if self.host.parameters("kvm_amd").get("sev_snp") not in ("Y", "1"):
            return DEBUG_SWAP
        return DEBUG_SWAP | SECURE_TSC
