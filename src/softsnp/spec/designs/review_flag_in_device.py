"""review-flag-in-device: the flag is in struct sev_device, beside snp_initialized."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.designs.review_flag_on_top import ReviewFlagOnTop


class ReviewFlagInDevice(ReviewFlagOnTop):
    """review-flag-on-top, with its flag in memory that goes with the ccp module.

    Source: lkml, 2026-06-29, Nayak, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug while SNP is
    active": an indicator like snp_initialized; never posted
    """

    name = "review-flag-in-device"

    snp_cpu_hotplug_disabled = Bool(
        False,
        "struct sev_device: SNP has CPU hotplug disabled",
        memory="module",
        guard="sev_cmd_mutex",
    )
