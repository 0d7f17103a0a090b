"""The firmware under both sides: the rules of lengths are its own, what it gives back is made up.

Every output has bytes of one value, so that a recording tells which of them came where.
"""

from __future__ import annotations

import struct

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import Answer, Chip, Firmware, FirmwareProfile, Platform, Request
from softsnp.serve.generations import GENERATIONS

API = (1, 58, 1)  # major, minor, build
OUTPUTS = {
    Command.GET_ID: (b"\x1d" * 64,),
    Command.PEK_CSR: (b"\xc5" * 2084,),
    Command.PDH_CERT_EXPORT: (b"\xd1" * 2084, b"\xcc" * 6252),
}


class Canned(Firmware):
    """Refuses what has no room for the answer, and nothing else."""

    def __init__(self) -> None:
        super().__init__(Chip(bytes(32), GENERATIONS["genoa"]), FirmwareProfile())

    def consider(self, request: Request, platform: Platform) -> Status:
        outputs = OUTPUTS.get(request.command, ())
        short = any(room < len(out) for room, out in zip(request.lengths, outputs, strict=False))
        return Status.INVALID_LEN if short else Status.SUCCESS

    def execute(self, request: Request, platform: Platform) -> Answer:
        outputs = OUTPUTS.get(request.command, ())
        lengths = tuple(len(out) for out in outputs)
        status = self.consider(request, platform)
        if status is not Status.SUCCESS:
            return Answer(status, lengths=lengths)
        return Answer(status, outputs or self._status(request.command, platform), lengths)

    def _status(self, command: Command, platform: Platform) -> tuple[bytes, ...]:
        major, minor, build = API
        if command is Command.PLATFORM_STATUS:
            state = platform.sev_initialized
            return (struct.pack("<BBBIBI", major, minor, state, 0, build, 7),)
        if command is Command.SNP_PLATFORM_STATUS:
            state = platform.snp_initialized
            counts = struct.pack("<BBBBIII", major, minor, state, state, build, 8, 9)
            return (counts + b"\xaa" * 8 + b"\xbb" * 8,)
        return ()
