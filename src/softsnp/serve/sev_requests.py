"""SEV_ISSUE_CMD's commands: what each takes from the caller's memory and gives back to it.

What is refused here never reaches the firmware. Sources: [code] v7.3 drivers/crypto/ccp/sev-dev.c,
for the order of checks and the errno of each; the uapi header for layouts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from errno import EFAULT, EINVAL, ENOMEM, EPERM

from softsnp.abi.sev import Command, Ioctl

from .firmware.messages import Answer, Request
from .vfs import Memory

Writes = list[tuple[int, bytes]]
"""(address, bytes) for the caller's memory, in the order in which the kernel writes."""
MOST_BLOB = 16 << 10
"""Bytes of a certificate that the driver takes."""
MOST_MEMORY = 4 << 20
"""Bytes that the driver can allocate at once."""
HASHSTICK = 432
IDENTIFIERS = 128
"""Bytes of struct sev_user_data_get_id: two sockets'."""


def nothing(answer: Answer) -> Writes:
    return []


@dataclass(frozen=True)
class Prepared:
    """One ioctl, ready for the firmware."""

    stands_for: Command
    """The specification's command for it: PEK_GEN for all that want legacy SEV in INIT."""
    request: Request
    give_back: Callable[[Answer], Writes] = field(default=nothing)
    """What the caller gets of an answer; of one that failed, lengths at most."""


class Caller:
    """Who asks: memory, the pointer given, and whether /dev/sev is open for writing."""

    def __init__(
        self, memory: Memory, pointer: int, writable: bool, sev_is_up: bool, snp_is_missed: bool
    ) -> None:
        self.memory = memory
        self.pointer = pointer
        self.writable = writable
        self.sev_is_up = sev_is_up
        """The driver's cached state of legacy SEV."""
        self.snp_is_missed = snp_is_missed
        """SNP is down, and the driver says so before it looks at memory."""

    def must_write(self) -> None:
        if not self.writable:
            raise OSError(EPERM, "")

    def must_point(self) -> None:
        if not self.pointer:
            raise OSError(EINVAL, "")

    def read(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(layout, self.memory.read(self.pointer, struct.calcsize(layout)))

    def blob(self, address: int, length: int) -> bytes:
        if not address or not 0 < length <= MOST_BLOB:
            raise OSError(EINVAL, "")
        return self.memory.read(address, length)


def prepare(asked: Ioctl, caller: Caller) -> Prepared:
    """Raises OSError for what the driver refuses by itself."""
    return _BY_IOCTL[asked](caller)


def _factory_reset(caller: Caller) -> Prepared:
    caller.must_write()
    return Prepared(Command.FACTORY_RESET, Request(Command.FACTORY_RESET))


def _platform_status(caller: Caller) -> Prepared:
    return _one_output(caller, Command.PLATFORM_STATUS, Request(Command.PLATFORM_STATUS))


def _one_output(caller: Caller, command: Command, request: Request) -> Prepared:
    return Prepared(
        command, request, lambda answer: [(caller.pointer, out) for out in answer.outputs[:1]]
    )


def _pek_gen(caller: Caller) -> Prepared:
    caller.must_write()
    return Prepared(Command.PEK_GEN, Request(Command.PEK_GEN))


def _pdh_gen(caller: Caller) -> Prepared:
    caller.must_write()
    return Prepared(Command.PEK_GEN, Request(Command.PDH_GEN))


def _pek_csr(caller: Caller) -> Prepared:
    caller.must_write()
    address, length = caller.read("<QI")
    room = length if address else 0
    if room > MOST_BLOB:
        raise OSError(EFAULT, "")

    def give_back(answer: Answer) -> Writes:
        told = struct.pack("<QI", address, (answer.lengths or (0,))[0])
        return [(caller.pointer, told), *((address, out) for out in answer.outputs)]

    return Prepared(Command.PEK_GEN, Request(Command.PEK_CSR, lengths=(room,)), give_back)


def _pdh_cert_export(caller: Caller) -> Prepared:
    pdh, pdh_length, chain, chain_length = caller.read("<QIQI")
    if not (pdh and pdh_length and chain and chain_length):
        room = (0, 0)
    elif max(pdh_length, chain_length) > MOST_BLOB:
        raise OSError(EFAULT, "")
    else:
        room = (pdh_length, chain_length)
    if not caller.sev_is_up:
        caller.must_write()

    def give_back(answer: Answer) -> Writes:
        lengths = answer.lengths or (0, 0)
        told = struct.pack("<QIQI", pdh, lengths[0], chain, lengths[1])
        return [(caller.pointer, told), *zip((pdh, chain), answer.outputs, strict=False)]

    return Prepared(Command.PEK_GEN, Request(Command.PDH_CERT_EXPORT, lengths=room), give_back)


def _pek_cert_import(caller: Caller) -> Prepared:
    caller.must_write()
    pek, pek_length, oca, oca_length = caller.read("<QIQI")
    certificates = caller.blob(pek, pek_length), caller.blob(oca, oca_length)
    return Prepared(Command.PEK_GEN, Request(Command.PEK_CERT_IMPORT, *certificates))


def _get_id(caller: Caller) -> Prepared:
    return _one_output(caller, Command.GET_ID, Request(Command.GET_ID, lengths=(IDENTIFIERS,)))


def _get_id2(caller: Caller) -> Prepared:
    address, length = caller.read("<QI")
    if address and length > MOST_MEMORY:
        raise OSError(ENOMEM, "")
    room = length if address else 0

    def give_back(answer: Answer) -> Writes:
        told = struct.pack("<QI", address, (answer.lengths or (0,))[0])
        return [(caller.pointer, told), *((address, out) for out in answer.outputs)]

    return Prepared(Command.GET_ID, Request(Command.GET_ID, lengths=(room,)), give_back)


def _snp_platform_status(caller: Caller) -> Prepared:
    caller.must_point()
    return _one_output(caller, Command.SNP_PLATFORM_STATUS, Request(Command.SNP_PLATFORM_STATUS))


def _snp_commit(caller: Caller) -> Prepared:
    return Prepared(
        Command.SNP_COMMIT, Request(Command.SNP_COMMIT, struct.pack("<I", 4))
    )  # the driver says the length; the caller's struct is not looked at


def _with_snp(caller: Caller, command: Command, read: Callable[[], Request]) -> Prepared:
    """What wants SNP and takes something from memory. Without SNP nobody looks at that, and the
    specification refuses the command.
    """
    caller.must_point()
    caller.must_write()
    try:
        return Prepared(command, read())
    except OSError:
        if caller.snp_is_missed:
            return Prepared(command, Request(command))
        raise


def _snp_set_config(caller: Caller) -> Prepared:
    def read() -> Request:
        return Request(Command.SNP_CONFIG, caller.memory.read(caller.pointer, 64))

    return _with_snp(caller, Command.SNP_CONFIG, read)


def _snp_vlek_load(caller: Caller) -> Prepared:
    def read() -> Request:
        given = caller.memory.read(caller.pointer, 16)
        length, version, address = struct.unpack("<IB3xQ", given)
        if length != len(given) or version != 0:
            raise OSError(EINVAL, "")
        return Request(Command.SNP_VLEK_LOAD, given, caller.blob(address, HASHSTICK))

    return _with_snp(caller, Command.SNP_VLEK_LOAD, read)


_BY_IOCTL: dict[Ioctl, Callable[[Caller], Prepared]] = {
    Ioctl.FACTORY_RESET: _factory_reset,
    Ioctl.PLATFORM_STATUS: _platform_status,
    Ioctl.PEK_GEN: _pek_gen,
    Ioctl.PEK_CSR: _pek_csr,
    Ioctl.PDH_GEN: _pdh_gen,
    Ioctl.PDH_CERT_EXPORT: _pdh_cert_export,
    Ioctl.PEK_CERT_IMPORT: _pek_cert_import,
    Ioctl.GET_ID: _get_id,
    Ioctl.GET_ID2: _get_id2,
    Ioctl.SNP_PLATFORM_STATUS: _snp_platform_status,
    Ioctl.SNP_COMMIT: _snp_commit,
    Ioctl.SNP_SET_CONFIG: _snp_set_config,
    Ioctl.SNP_VLEK_LOAD: _snp_vlek_load,
}
