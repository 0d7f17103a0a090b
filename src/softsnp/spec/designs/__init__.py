"""The lineage: one file a design, each a subclass that overrides what its revision changes."""

from softsnp.spec.designs.linux_6_12 import Linux612
from softsnp.spec.designs.linux_7_3 import Linux73
from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606
from softsnp.spec.designs.proposal import Proposal
from softsnp.spec.designs.proposal_ccp import ProposalCcp
from softsnp.spec.designs.proposal_hotplug_core import ProposalHotplugCore
from softsnp.spec.designs.proposal_prepare import ProposalPrepare
from softsnp.spec.designs.review_all_possible_cpus import ReviewAllPossibleCpus
from softsnp.spec.designs.review_disable_offlining import ReviewDisableOfflining
from softsnp.spec.designs.review_disable_under_read_lock import ReviewDisableUnderReadLock
from softsnp.spec.designs.review_flag_in_device import ReviewFlagInDevice
from softsnp.spec.designs.review_flag_on_top import ReviewFlagOnTop
from softsnp.spec.designs.review_hold_read_lock import ReviewHoldReadLock
from softsnp.spec.designs.review_no_flag_on_top import ReviewNoFlagOnTop
from softsnp.spec.designs.review_reenable_on_init_failure import ReviewReenableOnInitFailure
from softsnp.spec.designs.review_refuse_callback import ReviewRefuseCallback
from softsnp.spec.designs.rmpopt_v8 import RmpoptV8
from softsnp.spec.designs.rmpopt_v9 import RmpoptV9
from softsnp.spec.designs.rmpopt_v9_no_flag import RmpoptV9NoFlag
from softsnp.spec.designs.rmpopt_v10 import RmpoptV10

LINEAGE = (
    Linux612,
    Linux73,
    LinuxTip202606,
    RmpoptV8,
    ReviewRefuseCallback,
    ReviewDisableOfflining,
    RmpoptV9,
    RmpoptV9NoFlag,
    ReviewFlagOnTop,
    ReviewNoFlagOnTop,
    ReviewAllPossibleCpus,
    ReviewReenableOnInitFailure,
    ReviewHoldReadLock,
    ReviewFlagInDevice,
    RmpoptV10,
    ReviewDisableUnderReadLock,
    ProposalPrepare,
    ProposalCcp,
    Proposal,
    ProposalHotplugCore,
)

__all__ = [
    "LINEAGE",
    "Linux73",
    "Linux612",
    "LinuxTip202606",
    "Proposal",
    "ProposalCcp",
    "ProposalHotplugCore",
    "ProposalPrepare",
    "ReviewAllPossibleCpus",
    "ReviewDisableOfflining",
    "ReviewDisableUnderReadLock",
    "ReviewFlagInDevice",
    "ReviewFlagOnTop",
    "ReviewHoldReadLock",
    "ReviewNoFlagOnTop",
    "ReviewReenableOnInitFailure",
    "ReviewRefuseCallback",
    "RmpoptV8",
    "RmpoptV9",
    "RmpoptV9NoFlag",
    "RmpoptV10",
]
