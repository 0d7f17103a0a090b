"""How one firmware differs from another, as far as its data go."""

from __future__ import annotations

from dataclasses import dataclass

from .tcb import Comparison


@dataclass(frozen=True)
class FirmwareProfile:
    """The defaults are those of AMD's published Genoa firmware."""

    comparison: Comparison = "lexicographic"
    """How SNP_CONFIG compares a requested TCB with the committed one. Whether firmware that ships
    kept this rule is unknown.
    """
    x86_snp_shutdown: bool = True
    """Whether SNP_FEATURE_INFO tells that SNP_SHUTDOWN_EX can clear SNP_EN: the specification's
    firmware ``x86-shutdown``, and not ``legacy``.
    """
    feature_info: bool = True
    """Whether there is SNP_FEATURE_INFO."""
    alias_check: bool = True
    """Whether the check for memory aliases was made at boot."""
    rapl_disabled: bool = False
    ciphertext_hiding: bool = False
    """Whether it is capable of it. It is never enabled."""
