"""VLEK hashsticks: wrapped for one chip with one reported TCB, 432 bytes.

Layout: 0 iv[12], 0C reserved[4], 10 wrapped[384], 190 TCB[8], 198 reserved[8], 1A0 tag[16].
AES-256-GCM; the key derives from the VCEK's hash with the label ``vlek-wrapping-key``; the TCB and
the eight bytes after it are authenticated with it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .chip import Chip
from .derivation import derive
from .tcb import Tcb

STICKS_LENGTH = 8 * 48
HASHSTICK = struct.Struct("<12s4s384s8s8s16s")
LENGTH = HASHSTICK.size
IV_LENGTH = 12


@dataclass(frozen=True)
class Hashstick:
    """A wrapped one, taken apart."""

    iv: bytes
    wrapped: bytes
    tcb: bytes
    after_tcb: bytes
    """Reserved."""
    tag: bytes

    @classmethod
    def unpack(cls, data: bytes) -> Hashstick:
        """Of 432 bytes."""
        if len(data) != LENGTH:
            raise ValueError(f"a wrapped hashstick has {LENGTH} bytes, not {len(data)}")
        iv, _, wrapped, tcb, after_tcb, tag = HASHSTICK.unpack(data)
        return cls(iv, wrapped, tcb, after_tcb, tag)


def _cipher(chip: Chip, tcb: Tcb) -> AESGCM:
    return AESGCM(derive(chip.vcek_hash(tcb), "vlek-wrapping-key", b"", 32))


def wrap_vlek(chip: Chip, tcb: Tcb, sticks: bytes | None = None, iv: bytes | None = None) -> bytes:
    """432 bytes that this chip takes by SNP_VLEK_LOAD while ``tcb`` is what it reports.

    ``sticks``: 384 bytes, eight of 48; by default the chip's own. ``iv``: 12 bytes; by default it
    derives from what is wrapped, so that the same is wrapped alike and nothing else with that iv.
    """
    packed = tcb.pack(chip.generation.tcb)
    if sticks is None:
        sticks = chip.secret("VLEK hashsticks", packed, STICKS_LENGTH)
    if len(sticks) != STICKS_LENGTH:
        raise ValueError(f"hashsticks have {STICKS_LENGTH} bytes, 8 of 48 each, not {len(sticks)}")
    if iv is None:
        iv = chip.secret("VLEK iv", packed + sticks, IV_LENGTH)
    if len(iv) != IV_LENGTH:
        raise ValueError(f"an iv has {IV_LENGTH} bytes, not {len(iv)}")
    sealed = _cipher(chip, tcb).encrypt(iv, sticks, packed + bytes(8))
    wrapped, tag = sealed[:STICKS_LENGTH], sealed[STICKS_LENGTH:]
    return HASHSTICK.pack(iv, bytes(4), wrapped, packed, bytes(8), tag)


def unwrap_vlek(chip: Chip, tcb: Tcb, hashstick: Hashstick) -> bytes | None:
    """The 384 bytes, or None if the tag is not that of this chip, TCB and content."""
    sealed = hashstick.wrapped + hashstick.tag
    try:
        return _cipher(chip, tcb).decrypt(hashstick.iv, sealed, hashstick.tcb + hashstick.after_tcb)
    except InvalidTag:
        return None
