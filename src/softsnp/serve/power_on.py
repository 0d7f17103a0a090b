"""A platform's firmware, from where its state is kept, or new."""

from __future__ import annotations

import hashlib

from .firmware import Chip, Firmware, FirmwareProfile, Kept, Version
from .generations import GENERATIONS, Generation
from .state_directory import StateDirectory
from .state_document import StateError


def chip_seed(run_seed: int) -> bytes:
    """32 bytes, of a run's seed: the same run has the same chip."""
    return hashlib.sha256(f"softsnp chip {run_seed}".encode()).digest()


def power_on(
    generation: Generation,
    seed: bytes,
    directory: StateDirectory | None = None,
    profile: FirmwareProfile | None = None,
    version: Version | None = None,
) -> Firmware:
    """The platform that the directory keeps, or one as it leaves the factory, which is saved there.

    ``seed`` and ``version`` are a new platform's. Raises StateError for a directory that keeps a
    chip of another generation, and for what the directory refuses.
    """
    kept = directory.load() if directory else None
    if kept is not None and directory is not None and kept.generation != generation.name:
        raise StateError(
            f"the state directory {directory.path} keeps a {kept.generation}, and this host was "
            f"to be a {generation.name}\n"
            f"  write: --generation {kept.generation}, or --state with another directory"
        )
    if kept is None:
        kept = Kept.new(seed, generation, version)
        if directory is not None:
            directory.save(kept)
    save = directory.save if directory is not None else None
    return Firmware(Chip(kept.seed, GENERATIONS[kept.generation]), profile, kept, save)
