"""The kernel's side: sev_ioctl() of a real driver, called with a process's memory under it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from softsnp.abi.sev import Command, Status
from softsnp.conform.ccp import Ccp
from softsnp.conform.guided import power_on
from softsnp.conform.hardware import ALIASES
from softsnp.conform.host import KernelHost, Moment
from softsnp.conform.kernel import Kernel
from softsnp.conform.machine import Machine, Stub
from softsnp.conform.memory import in_page, virtual
from softsnp.conform.operations import NO_ANSWER, Operation
from softsnp.conform.stubs_core import free_page_structs
from softsnp.serve.firmware import Platform, Request
from softsnp.spec.catalog import DESIGNS
from softsnp.spec.fw.psp import State

from .canned import Canned
from .cases import STATES, Case
from .told import told
from .user import UserMemory

CPUS = 4
MOST_ALLOCATED = 4 << 20
"""Bytes that the kernel's allocator gives at once (KMALLOC_MAX_SIZE)."""
READ, WRITE = 1, 2  # FMODE_READ, FMODE_WRITE
UNHEARD = (Command.SNP_PAGE_RECLAIM, Command.SNP_FEATURE_INFO)
"""Commands that a caller hears nothing of, and that the specification has none of."""
BY_NUMBER = {each.value: each for each in Command}
SLABS = (8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192)


class UsercopyBug(Exception):
    """What CONFIG_HARDENED_USERCOPY stops: a copy that goes beyond what was allocated."""


class Answering(Ccp):
    """The mailbox, with the canned firmware's data behind it."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.firmware = Canned()
        self.statuses: dict[str, int] = {}
        """Commands that answer with a status now."""
        self.asked: list[dict[str, Any]] = []

    def command(self, number: int, buffer: int) -> int:
        command = ALIASES.get(number) or BY_NUMBER.get(number)
        if command is None or command in UNHEARD:
            return super().command(number, buffer)
        request, addresses = self._request(command, buffer)
        status = self._answer(request, addresses, buffer)
        self.asked.append(told(request, status))
        return status

    def _answer(self, request: Request, addresses: tuple[int, ...], buffer: int) -> int:
        command, memory = request.command, self.machine.memory
        if command.name in self.statuses:
            return self.statuses[command.name]
        answer = self.firmware.execute(request, self._platform())
        if answer.lengths:
            for (at, form), length in zip(LENGTHS[command], answer.lengths, strict=True):
                memory.write(buffer + at, struct.pack(form, length))
        if answer.status is not Status.SUCCESS:
            return int(answer.status.value)
        status = super().command(command.value, buffer)
        if status:
            return status
        for address, out in zip(addresses or (buffer,), answer.outputs, strict=False):
            memory.write(address, out)
        return 0

    def _request(self, command: Command, buffer: int) -> tuple[Request, tuple[int, ...]]:
        """What the driver's buffer says, and where the outputs are to go."""
        memory = self.machine.memory

        def fields(layout: str) -> tuple[int, ...]:
            return struct.unpack(layout, memory.read(buffer, struct.calcsize(layout)))

        if command in (Command.GET_ID, Command.PEK_CSR):
            address, length = fields("<QI")
            return Request(command, lengths=(length,)), (virtual(address),)
        if command in (Command.PDH_CERT_EXPORT, Command.PEK_CERT_IMPORT):
            first, length, _, second, more = fields("<QIIQI")
            if command is Command.PDH_CERT_EXPORT:
                places = virtual(first), virtual(second)
                return Request(command, lengths=(length, more)), places
            blobs = memory.read(virtual(first), length), memory.read(virtual(second), more)
            return Request(command, *blobs), ()
        if command is Command.SNP_PLATFORM_STATUS:
            return Request(command), (virtual(*fields("<Q")),)
        if command is Command.SNP_CONFIG:
            return Request(command, memory.read(buffer, 64)), ()
        if command is Command.SNP_COMMIT:
            return Request(command, memory.read(buffer, 4)), ()
        if command is Command.SNP_VLEK_LOAD:
            given = memory.read(buffer, 16)
            (place,) = struct.unpack("<8xQ", given)
            return Request(command, given[:8], memory.read(virtual(place), 432)), ()
        return Request(command), ()

    def _platform(self) -> Platform:
        scalars = self.hardware.world.scalars
        sev, snp = (scalars[name] == State.INIT.value for name in ("sev_state", "snp_state"))
        return Platform(sev, sev, snp, bool(scalars["rmp_initialized"]), 0, 0)


LENGTHS: dict[Command, tuple[tuple[int, str], ...]] = {
    Command.GET_ID: ((8, "<I"),),
    Command.PEK_CSR: ((8, "<I"),),
    Command.PDH_CERT_EXPORT: ((8, "<I"), (24, "<I")),
}
"""Where the firmware writes back how long its outputs are."""


class IoctlHost(KernelHost):
    """A kernel that has booted, with the calling process's memory where the kernel copies it."""

    mailbox = Answering

    def __init__(self, kernel: Kernel, name: str) -> None:
        spec = DESIGNS[name](None, {"commands-may-time-out": True}, firmware="x86-shutdown")
        super().__init__(kernel, CPUS, spec, power_on(spec, CPUS))
        self.user = UserMemory()
        self.sizes: dict[int, int] = {}
        """Of what was allocated in this call: address to bytes."""
        self.bugs: list[str] = []
        """What the kernel did in this call that it ought not to do."""
        self.machine.install(self._stubs())
        self.boot()
        self.states = dict(self._states())

    @property
    def answering(self) -> Answering:
        assert isinstance(self.ccp, Answering)
        return self.ccp

    # --- a process's memory -----------------------------------------------------------------------

    def _stubs(self) -> tuple[Stub, ...]:
        beyond = "more than 4 MiB at once is not there, and less is"
        return (
            Stub("_copy_from_user", "what is there is copied", self._copy_from_user),
            Stub("_copy_to_user", "what is there is copied", self._copy_to_user),
            Stub("__check_object_size", "a copy is no longer than its object", self._check),
            Stub("__free_pages", "freed pages are used again", self._free),
            Stub("__kmalloc_noprof", beyond, lambda m, a: self._allocate(m, a[0])),
            Stub(
                "__kmalloc_node_track_caller_noprof", beyond, lambda m, a: self._allocate(m, a[0])
            ),
        )

    def _copy_from_user(self, machine: Machine, arguments: list[int]) -> int:
        """(to, from, size); how much was not copied, which is zero there."""
        to, source, size = arguments[:3]
        able = self.user.reachable(source, size)
        machine.memory.write(to, self.user.part(source, able) + bytes(size - able))
        return size - able

    def _copy_to_user(self, machine: Machine, arguments: list[int]) -> int:
        to, source, size = arguments[:3]
        able = self.user.reachable(to, size, write=True)
        self.user.put(to, machine.memory.read(source, able))
        return size - able

    def _allocate(self, machine: Machine, size: int) -> int:
        if size > MOST_ALLOCATED:
            return 0
        usable = next((slab for slab in SLABS if slab >= size), -(-size // 4096) * 4096)
        address = machine.memory.allocate(usable, 4096 if usable > SLABS[-1] else 64)
        self.sizes[address] = usable
        return address

    def _check(self, machine: Machine, arguments: list[int]) -> int:
        """(object, size, whether it goes to the process)."""
        usable = self.sizes.get(arguments[0])
        if usable is not None and arguments[1] > usable:
            raise UsercopyBug(f"{arguments[1]} bytes of an object of {usable}")
        return 0

    def _free(self, machine: Machine, arguments: list[int]) -> int:
        """(struct page, order)."""
        if in_page(arguments[0]) not in machine.memory.orders:
            self.bugs.append("pages are freed that do not begin an allocation")
            return 0
        return free_page_structs(machine, arguments)

    # --- states -----------------------------------------------------------------------------------

    def _states(self) -> Iterator[tuple[str, Moment]]:
        booted = self.save()
        for name, steps in STATES.items():
            self.restore(booted)
            for step in steps:
                if isinstance(step, Case):
                    self.issue(step)
                else:
                    self.perform(Operation("platform init"))
                    self.environment.load_kvm(self.mask("online"))
            yield name, self.save()

    # --- a call -----------------------------------------------------------------------------------

    def call(self, case: Case) -> dict[str, Any]:
        """One call in its state; what came of it."""
        self.restore(self.states[case.state])
        return self.issue(case)

    def issue(self, case: Case) -> dict[str, Any]:
        self.user = case.memory()
        self.sizes.clear()
        self.bugs.clear()
        self.machine.log.clear()
        ccp = self.answering
        ccp.asked, ccp.statuses = [], dict(case.failing)
        ccp.failing = (NO_ANSWER,) if case.no_answer else ()
        memory, kernel = self.memory, self.kernel
        mode = READ | (WRITE if case.writable else 0)
        memory.put32(self.file + kernel.offset("struct file", "f_mode"), mode)
        operations = kernel.address("sev_fops")
        entry = operations + kernel.offset("struct file_operations", "unlocked_ioctl")
        said: dict[str, Any] = {}
        try:
            returned = self.machine.rc(memory.u64(entry), self.file, case.number, case.argument)
            said["returned"] = returned
        except UsercopyBug as bug:
            self.bugs.append(str(bug))
        finally:
            ccp.statuses, ccp.failing = {}, ()
        said["written"] = self.user.changes()
        said["asked"] = ccp.asked
        if self.bugs:
            said["bugs"] = [*self.bugs]
        return said
