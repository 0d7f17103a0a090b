"""review-no-flag-on-top: what the author argued against between v9 and v10."""

from __future__ import annotations

from softsnp.spec.designs.review_flag_on_top import ReviewFlagOnTop
from softsnp.spec.designs.rmpopt_v9_no_flag import RmpoptV9NoFlag


class ReviewNoFlagOnTop(ReviewFlagOnTop, RmpoptV9NoFlag):
    """The disable on top of snp_prepare(), with nothing but the refcount.

    Source: lkml, 2026-06-25, Kalra to Petkov, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug
    while SNP is active": that every init would stack the count; never posted
    """

    name = "review-no-flag-on-top"
