"""linux-tip-2026-06: what v8 to v10 were posted on. No gating; SNP ioctls bracket themselves."""

from __future__ import annotations

from softsnp.spec.activities import Host
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctlsBracket


class LinuxTip202606(SevIoctlsBracket, Host):
    """tip of June 2026: no gating of CPU hotplug.

    Source: [msg] Kalra to Nayak, 2026-06-25, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug
    while SNP is active", for the bracketing; [code] v7.3 for the rest
    """

    name = "linux-tip-2026-06"
