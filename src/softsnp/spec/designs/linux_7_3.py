"""linux-7.3: the released kernel. CPU hotplug is not gated; ioctls do not initialize SNP."""

from __future__ import annotations

from softsnp.spec.activities import Host
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctlsDirect


class Linux73(SevIoctlsDirect, Host):
    """Linux 7.3: no gating of CPU hotplug.

    Source: [code] v7.3.4 arch/x86/virt/svm/sev.c, drivers/crypto/ccp/sev-dev.c
    """

    name = "linux-7.3"
