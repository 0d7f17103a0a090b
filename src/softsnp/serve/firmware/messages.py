"""What the mailbox carries, and what the firmware hears of the platform's state."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.abi.sev import Command, Status


@dataclass(frozen=True)
class Platform:
    """The state machine, as it stands now: the specification's."""

    sev_initialized: bool
    sev_es: bool
    snp_initialized: bool
    rmp_initialized: bool
    guests: int
    """Legacy SEV guests."""
    snp_guests: int


@dataclass(frozen=True)
class Request:
    """One mailbox command, with what the driver passes in."""

    command: Command
    data: bytes = b""
    """SNP_CONFIG, SNP_COMMIT, SNP_VLEK_LOAD, SNP_FEATURE_INFO: the command's struct.
    PEK_CERT_IMPORT: the PEK's certificate.
    """
    more: bytes = b""
    """SNP_VLEK_LOAD: the wrapped hashstick, 432 bytes. PEK_CERT_IMPORT: the OCA's certificate."""
    lengths: tuple[int, ...] = ()
    """Room for each output. GET_ID: (identifier,), PEK_CSR: (certificate,), PDH_CERT_EXPORT:
    (PDH, chain).
    """


@dataclass(frozen=True)
class Answer:
    """What comes back. On failure there are no outputs, and lengths with INVALID_LEN alone."""

    status: Status
    outputs: tuple[bytes, ...] = ()
    lengths: tuple[int, ...] = ()
    """Written back: how long each output is, or would be."""
