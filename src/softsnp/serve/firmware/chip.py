"""A chip: a seed, and every secret that its fuses and its firmware's TCB make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..generations import Generation
from .derivation import derive
from .signing import PrivateKey, identifier, private_key
from .tcb import Tcb

LEAST_SEED = 16


@dataclass(frozen=True)
class Chip:
    """The same seed and generation give the same identifier, keys and certificates."""

    seed: bytes = field(repr=False)
    generation: Generation

    def __post_init__(self) -> None:
        if len(self.seed) < LEAST_SEED:
            raise ValueError(
                f"a chip's seed has {LEAST_SEED} bytes or more, not {len(self.seed)}\n"
                f"  write: hashlib.sha256(text).digest(), if it is to come from a text"
            )

    def secret(self, label: str, context: bytes = b"", length: int = 48) -> bytes:
        """For one purpose, ``length`` bytes."""
        return derive(self.seed, f"{self.generation.name} {label}", context, length)

    @cached_property
    def identifier(self) -> bytes:
        """What GET_ID answers: 64 bytes, x and y of a secp256k1 key; Turin's are 8."""
        return identifier(self.secret("chip identifier"))[: self.generation.chip_id_length]

    def key(self, name: str, number: int = 0) -> PrivateKey:
        """A P-384 key: ``CEK``, ``OCA``, ``PEK``, ``PDH``, and which of them."""
        return private_key(self.secret(f"{name} key", number.to_bytes(4, "little"), 56))

    def vcek_hash(self, tcb: Tcb) -> bytes:
        """What the versioned chip endorsement key is made of: 48 bytes, others for every TCB."""
        return self.secret("VCEK", tcb.pack(self.generation.tcb))
