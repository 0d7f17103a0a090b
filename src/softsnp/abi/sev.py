"""SEV firmware commands and status codes (SEV-SNP Firmware ABI Specification)."""

import enum


class Command(enum.Enum):
    """Mailbox commands, by the kernel's names."""

    INIT_EX = 0x00D
    SHUTDOWN = 0x002
    DF_FLUSH = 0x00A
    SNP_INIT_EX = 0x085
    SNP_SHUTDOWN_EX = 0x086
    SNP_DF_FLUSH = 0x084
    SNP_COMMIT = 0x0CB
    SNP_CONFIG = 0x0C9
    SNP_VLEK_LOAD = 0x0CD


class Status(enum.Enum):
    """What a command answers."""

    SUCCESS = 0x00
    INVALID_PLATFORM_STATE = 0x01
    INVALID_CONFIG = 0x03
    DFFLUSH_REQUIRED = 0x0F
    HWERROR_PLATFORM = 0x12
