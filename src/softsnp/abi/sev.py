"""SEV firmware commands and status codes (SEV-SNP Firmware ABI Specification)."""

import enum


class Command(enum.Enum):
    """Mailbox commands, by the kernel's names."""

    INIT_EX = 0x00D
    SHUTDOWN = 0x002
    FACTORY_RESET = 0x003
    PLATFORM_STATUS = 0x004
    PEK_GEN = 0x005
    DF_FLUSH = 0x00A
    DOWNLOAD_FIRMWARE = 0x00B
    SNP_PLATFORM_STATUS = 0x083
    SNP_DF_FLUSH = 0x084
    SNP_INIT_EX = 0x085
    SNP_SHUTDOWN_EX = 0x086
    SNP_DECOMMISSION = 0x090
    SNP_ACTIVATE = 0x091
    SNP_LAUNCH_START = 0x0A0
    SNP_GCTX_CREATE = 0x093
    SNP_PAGE_RECLAIM = 0x0C7
    SNP_CONFIG = 0x0C9
    SNP_COMMIT = 0x0CB
    SNP_VLEK_LOAD = 0x0CD


class Status(enum.Enum):
    """What a command answers."""

    SUCCESS = 0x00
    INVALID_PLATFORM_STATE = 0x01
    INVALID_CONFIG = 0x03
    ASID_OWNED = 0x0C
    WBINVD_REQUIRED = 0x0E
    DFFLUSH_REQUIRED = 0x0F
    INVALID_GUEST = 0x10
    HWERROR_PLATFORM = 0x12
    INVALID_PAGE_STATE = 0x1A
    SHUTDOWN_INCOMPLETE = 0x28
    """The number is from memory of the ABI, unverified."""
