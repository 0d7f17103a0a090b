"""The firmware's structs, packed and taken apart. Little-endian. None: a reserved field is set."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .kept import Version
from .messages import Platform
from .profile import FirmwareProfile

PLATFORM_STATUS = struct.Struct("<BBBIBI")
SNP_PLATFORM_STATUS = struct.Struct("<BBBBIII8s8s")
SNP_COMMIT = struct.Struct("<I")
SNP_CONFIG = struct.Struct("<8sI52s")
SNP_VLEK_LOAD = struct.Struct("<IB3sQ")
SNP_FEATURE_INFO = struct.Struct("<IIQ")
FEATURES = struct.Struct("<IIII")

GUEST_MESSAGES = 0x1FF
"""Feature subleaf 1: which guest messages there are."""


@dataclass(frozen=True)
class Config:
    """SNP_CONFIG."""

    reported_tcb: bytes
    mask_chip_id: bool
    mask_chip_key: bool

    def pack(self) -> bytes:
        bits = self.mask_chip_id | self.mask_chip_key << 1
        return SNP_CONFIG.pack(self.reported_tcb, bits, b"")

    @classmethod
    def unpack(cls, data: bytes) -> Config | None:
        if len(data) != SNP_CONFIG.size:
            return None
        tcb, bits, reserved = SNP_CONFIG.unpack(data)
        if bits & ~3 or any(reserved):
            return None
        return cls(tcb, bool(bits & 1), bool(bits & 2))


def commit_is_valid(data: bytes) -> bool:
    """SNP_COMMIT holds its own length. Linux fills it in, whatever the caller wrote."""
    return data == SNP_COMMIT.pack(SNP_COMMIT.size)


def vlek_load_is_valid(data: bytes) -> bool:
    """SNP_VLEK_LOAD: length, version 0, nothing reserved; the address is the driver's matter."""
    if len(data) != SNP_VLEK_LOAD.size:
        return False
    length, version, reserved, _ = SNP_VLEK_LOAD.unpack(data)
    return length == SNP_VLEK_LOAD.size and version == 0 and not any(reserved)


def feature_subleaf(data: bytes) -> int | None:
    """SNP_FEATURE_INFO: which one is asked for; None for one that there is not."""
    if len(data) != SNP_FEATURE_INFO.size:
        return None
    length, subleaf, _ = SNP_FEATURE_INFO.unpack(data)
    return subleaf if length == SNP_FEATURE_INFO.size and subleaf in (0, 1) else None


def features(subleaf: int, profile: FirmwareProfile) -> bytes:
    """EAX, EBX, ECX and EDX, as of CPUID 8000_0024: 16 bytes."""
    if subleaf == 1:
        return FEATURES.pack(GUEST_MESSAGES, 0, 0, 0)
    legacy_sev, vlek = 1, 1
    return FEATURES.pack(1, legacy_sev, vlek | profile.x86_snp_shutdown << 1, 0)


def platform_status(platform: Platform, version: Version, owned: bool) -> bytes:
    """PLATFORM_STATUS, 12 bytes. While SEV is not initialized, owner, ES and guests are 0."""
    if not platform.sev_initialized:
        return PLATFORM_STATUS.pack(version.major, version.minor, 0, 0, version.build, 0)
    state = 2 if platform.guests else 1
    flags = owned | platform.sev_es << 8
    return PLATFORM_STATUS.pack(
        version.major, version.minor, state, flags, version.build, platform.guests
    )


@dataclass(frozen=True)
class SnpStatus:
    """What SNP_PLATFORM_STATUS tells besides the state machine."""

    version: Version
    current_tcb: bytes
    reported_tcb: bytes
    mask_chip_id: bool
    mask_chip_key: bool
    vlek_loaded: bool

    def pack(self, platform: Platform, profile: FirmwareProfile) -> bytes:
        """32 bytes."""
        flags = (
            self.mask_chip_id
            | self.mask_chip_key << 1
            | self.vlek_loaded << 2
            | profile.feature_info << 3
            | profile.rapl_disabled << 4
            | profile.ciphertext_hiding << 5
        )
        return SNP_PLATFORM_STATUS.pack(
            self.version.major,
            self.version.minor,
            platform.snp_initialized,
            platform.rmp_initialized | profile.alias_check << 1,
            self.version.build,
            flags,
            platform.snp_guests if platform.snp_initialized else 0,
            self.current_tcb,
            self.reported_tcb,
        )
