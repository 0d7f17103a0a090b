"""The firmware's data: what its commands read, check and change besides the state machine.

It knows nothing of time, mailboxes or processes. Whether a command is allowed in the platform's
state is the specification's to say; here it is looked at only where an answer shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from softsnp.abi.sev import Command, Status

from . import structs
from .certificate import LENGTH as CERTIFICATE_LENGTH
from .chip import Chip
from .endorsement import Endorsement
from .kept import FirmwareImage, Kept
from .messages import Answer, Platform, Request
from .profile import FirmwareProfile
from .tcb import Tcb
from .tcbs import Tcbs
from .vlek import LENGTH as HASHSTICK_LENGTH
from .vlek import Hashstick, unwrap_vlek

CHAIN_LENGTH = 3 * CERTIFICATE_LENGTH
NOBODY = bytes(0)


@dataclass(frozen=True)
class Data:
    """All that commands change."""

    tcbs: Tcbs
    mask_chip_id: bool = False
    mask_chip_key: bool = False
    vlek: bytes = NOBODY
    """384 bytes, or none."""


class Firmware:
    """Of one platform. ``save`` is called with what is to be kept before a command that changes it
    takes effect; if it raises, the command raises with it and has changed nothing.
    """

    def __init__(
        self,
        chip: Chip,
        profile: FirmwareProfile | None = None,
        kept: Kept | None = None,
        save: Callable[[Kept], None] | None = None,
    ) -> None:
        self.chip = chip
        self.profile = profile or FirmwareProfile()
        kept = kept or Kept.new(chip.seed, chip.generation)
        if (kept.seed, kept.generation) != (chip.seed, chip.generation.name):
            raise ValueError("what was kept is another chip's: its seed or its generation differs")
        self._data = Data(Tcbs(kept))
        self._save = save

    # --- what others may look at -----------------------------------------------------------------

    @property
    def kept(self) -> Kept:
        return self._data.tcbs.kept

    @property
    def tcbs(self) -> Tcbs:
        """Running, committed and reported, and the image that runs."""
        return self._data.tcbs

    @property
    def owned(self) -> bool:
        """Whether an owner imported a certificate."""
        return self.kept.owner is not None

    @property
    def vlek_loaded(self) -> bool:
        """Loaded is what has a byte that is not zero."""
        return any(self._data.vlek)

    @property
    def endorsement(self) -> Endorsement:
        """The certificates, as they stand."""
        return Endorsement(self.chip, self.kept)

    # --- commands --------------------------------------------------------------------------------

    def consider(self, request: Request, platform: Platform) -> Status:
        """What ``execute`` would answer, by parameters and data. Nothing is changed."""
        command, data = request.command, self._data
        if command is Command.SNP_CONFIG:
            return self._consider_config(request.data)
        if command is Command.SNP_COMMIT:
            return _valid(structs.commit_is_valid(request.data))
        if command is Command.SNP_VLEK_LOAD:
            return self._unwrap(request)[0]
        if command is Command.SNP_FEATURE_INFO:
            if not self.profile.feature_info:
                return Status.INVALID_COMMAND
            return _valid(structs.feature_subleaf(request.data) is not None)
        if command is Command.PEK_CERT_IMPORT:
            return Endorsement(self.chip, data.tcbs.kept).importable(request.data, request.more)
        short = any(
            given < needed
            for given, needed in zip(_lengths(request), self._needed(command), strict=False)
        )
        return Status.INVALID_LEN if short else Status.SUCCESS

    def execute(self, request: Request, platform: Platform) -> Answer:
        """Do it, if ``consider`` has nothing against it."""
        needed = self._needed(request.command)
        status = self.consider(request, platform)
        if status is not Status.SUCCESS:
            return Answer(status, lengths=needed if status is Status.INVALID_LEN else ())
        self._change(request)
        return Answer(status, self._outputs(request, platform), needed)

    def _needed(self, command: Command) -> tuple[int, ...]:
        """How long the outputs are that want room."""
        if command is Command.GET_ID:
            return (len(self.chip.identifier),)
        if command is Command.PEK_CSR:
            return (CERTIFICATE_LENGTH,)
        if command is Command.PDH_CERT_EXPORT:
            return (CERTIFICATE_LENGTH, CHAIN_LENGTH)
        return ()

    def _consider_config(self, data: bytes) -> Status:
        config = structs.Config.unpack(data)
        if config is None:
            return Status.INVALID_PARAM
        tcb = self._tcb(config.reported_tcb)
        return _valid(self.tcbs.may_report(tcb, self.profile.comparison))

    def _unwrap(self, request: Request) -> tuple[Status, bytes]:
        """The command's struct first, then whether the TCB is the reported one, then the tag."""
        if not structs.vlek_load_is_valid(request.data) or len(request.more) != HASHSTICK_LENGTH:
            return Status.INVALID_PARAM, NOBODY
        hashstick, reported = Hashstick.unpack(request.more), self.tcbs.reported
        if hashstick.tcb != reported.pack(self.chip.generation.tcb):
            return Status.BAD_SVN, NOBODY
        sticks = unwrap_vlek(self.chip, reported, hashstick)
        if sticks is None:
            return Status.BAD_MEASUREMENT, NOBODY
        return Status.SUCCESS, sticks

    def _change(self, request: Request) -> None:
        command, data, tcbs = request.command, self._data, self.tcbs
        version = tcbs.image.version
        if command is Command.SNP_CONFIG:
            config = structs.Config.unpack(request.data)
            assert config is not None
            self._data = replace(
                data,
                tcbs=tcbs.with_configured(self._tcb(config.reported_tcb)),
                mask_chip_id=config.mask_chip_id,
                mask_chip_key=config.mask_chip_key,
            )
        elif command is Command.SNP_COMMIT:
            self._adopt(tcbs.after_commit())
        elif command is Command.SNP_VLEK_LOAD:
            self._data = replace(data, vlek=self._unwrap(request)[1])
        elif command is Command.SNP_SHUTDOWN_EX:
            self.snp_shut_down()
        elif command in (Command.FACTORY_RESET, Command.PEK_GEN):
            self._adopt(replace(tcbs, kept=tcbs.kept.with_new_identity(version)))
        elif command is Command.PDH_GEN:
            self._adopt(replace(tcbs, kept=tcbs.kept.with_new_pdh(version)))
        elif command is Command.PEK_CERT_IMPORT:
            owner = self.endorsement.imported(request.data, request.more)
            self._adopt(replace(tcbs, kept=replace(tcbs.kept, owner=owner)))

    def _outputs(self, request: Request, platform: Platform) -> tuple[bytes, ...]:
        command, layout = request.command, self.chip.generation.tcb
        if command is Command.PLATFORM_STATUS:
            return (structs.platform_status(platform, self.tcbs.image.version, self.owned),)
        if command is Command.SNP_PLATFORM_STATUS:
            status = structs.SnpStatus(
                self.tcbs.image.version,
                self.tcbs.running.pack(layout),
                self.tcbs.reported.pack(layout),
                self._data.mask_chip_id,
                self._data.mask_chip_key,
                self.vlek_loaded,
            )
            return (status.pack(platform, self.profile),)
        if command is Command.SNP_FEATURE_INFO:
            subleaf = structs.feature_subleaf(request.data)
            return (structs.features(subleaf or 0, self.profile),)
        if command is Command.GET_ID:
            return (self.chip.identifier,)
        if command is Command.PEK_CSR:
            return (self.endorsement.csr().pack(),)
        if command is Command.PDH_CERT_EXPORT:
            return (self.endorsement.pdh().pack(), self.endorsement.chain())
        return ()

    # --- what happens to it ----------------------------------------------------------------------

    def snp_shut_down(self) -> None:
        """SNP_SHUTDOWN_EX has succeeded: the VLEK is wiped. What SNP_CONFIG set stays."""
        self._data = replace(self._data, vlek=NOBODY)

    def power_cycle(self) -> None:
        """Only what is kept is there afterwards; the committed firmware runs."""
        self._data = Data(Tcbs(self.kept))

    def stage(self, image: FirmwareImage) -> Status:
        """SNP_DOWNLOAD_FIRMWARE_EX: it runs, and waits for SNP_COMMIT."""
        status = self.tcbs.loadable(image)
        if status is Status.SUCCESS:
            self._data = replace(self._data, tcbs=replace(self.tcbs, staged=image))
        return status

    def download(self, image: FirmwareImage) -> Status:
        """DOWNLOAD_FIRMWARE: it runs, and is committed."""
        status = self.tcbs.loadable(image)
        if status is Status.SUCCESS:
            self._adopt(replace(self.tcbs, staged=image).after_commit())
        return status

    def load_microcode(self, security_version: int) -> None:
        """Linux has loaded it on every core. It runs, and waits for SNP_COMMIT."""
        if not 0 <= security_version <= 0xFF:
            raise ValueError(f"microcode's security version is 0 to 255, not {security_version}")
        self._data = replace(self._data, tcbs=replace(self.tcbs, microcode=security_version))

    def _tcb(self, data: bytes) -> Tcb:
        return Tcb.unpack(data, self.chip.generation.tcb)

    def _adopt(self, tcbs: Tcbs) -> None:
        """Saved first: what was answered is never lost."""
        if self._save is not None and tcbs.kept != self.kept:
            self._save(tcbs.kept)
        self._data = replace(self._data, tcbs=tcbs)


def _valid(valid: bool) -> Status:
    return Status.SUCCESS if valid else Status.INVALID_PARAM


def _lengths(request: Request) -> tuple[int, ...]:
    """What is not given is no room."""
    return (*request.lengths, 0, 0)
