"""/sys/devices/system/cpu/cpuN: a CPU as a device."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

from softsnp.serve.vfs import Call, Directory, Fixed, Later, Link, Node
from softsnp.serve.view import HostView

from .attributes import (
    Attribute,
    Group,
    attributes,
    parse_bool,
    parse_int,
    refuse,
    runtime_power,
    uevent,
)
from .cache import cache_directory
from .places import Places, cpu_list, cpu_mask

OFFLINE_STATE = 0
ONLINE_STATE = 236
"""CPUHP_ONLINE of Debian's 6.12; it is another number in nearly every release."""
NO_STATE = -1
CRASH_NOTES = 0x1_0000_0000
CRASH_NOTES_SIZE = 368
"""Bytes: the notes that a crash kernel finds the registers of a CPU in."""


class CpuDevice(Directory):
    """A present CPU. What tells of its place in the machine is there while it is online."""

    def __init__(self, host: HostView, places: Places, cpu: int) -> None:
        self.host = host
        self.places = places
        self.cpu = cpu
        always: dict[str, Callable[[], Node]] = {
            "hotplug": self._hotplug,
            "power": lambda: runtime_power(pm_qos_resume_latency_us="0"),
            "crash_notes": lambda: Attribute(f"{CRASH_NOTES + 0x1000 * cpu:x}", mode=0o400),
            "crash_notes_size": lambda: Attribute(str(CRASH_NOTES_SIZE), mode=0o400),
            f"node{places.socket(cpu)}": lambda: Link(f"../../node/node{places.socket(cpu)}"),
            "subsystem": lambda: Link("../../../../bus/cpu"),
            "driver": lambda: Link("../../../../bus/cpu/drivers/processor"),
            "uevent": lambda: uevent(f"DRIVER=processor\nMODALIAS={modalias(host)}"),
        }
        if cpu != 0:
            always["online"] = lambda: Attribute(
                lambda: str(int(host.cpu(cpu, "online"))), self._store_online
            )
        self.always = Group(always)
        self.while_online = Group(
            {"topology": self._topology, "cache": lambda: cache_directory(places, cpu)}
        )

    def entries(self) -> Iterator[tuple[str, Node]]:
        yield from self.always.entries()
        if self.host.cpu(self.cpu, "online"):
            yield from self.while_online.entries()

    def lookup(self, name: str) -> Node | None:
        found = self.always.lookup(name)
        if found is None and self.host.cpu(self.cpu, "online"):
            found = self.while_online.lookup(name)
        return found

    def _store_online(self, call: Call, text: str) -> int | Later:
        wanted = parse_bool(text)
        if not self.host.cpu(self.cpu, "present"):  # removed since the file was opened
            raise OSError(errno.ENODEV, "")
        return self.host.ask(call, "online" if wanted else "offline", len(text), self.cpu)

    # --- hotplug ---------------------------------------------------------------------------------

    def _state(self) -> int:
        return ONLINE_STATE if self.host.cpu(self.cpu, "online") else OFFLINE_STATE

    def _hotplug(self) -> Fixed:
        return Fixed(
            {
                "state": Attribute(lambda: str(self._state())),
                "target": Attribute(lambda: str(self._state()), self._store_target),
                "fail": Attribute(str(NO_STATE), self._store_fail),
            }
        )

    def _store_target(self, call: Call, text: str) -> int:
        """The state that the CPU has is accepted. Going to the other one this way leaves the device
        as it was, which the specification does not have: EOPNOTSUPP.
        """
        wanted = parse_int(text)
        if wanted not in (OFFLINE_STATE, ONLINE_STATE):
            raise OSError(errno.EINVAL, "")
        return len(text) if wanted == self._state() else refuse(call, text)

    def _store_fail(self, call: Call, text: str) -> int:
        """None is to fail, which is so; that one is made to is left to the host's own means."""
        wanted = parse_int(text)
        if wanted == NO_STATE:
            return len(text)
        if not OFFLINE_STATE < wanted < ONLINE_STATE:
            raise OSError(errno.EINVAL, "")
        return refuse(call, text)

    # --- topology --------------------------------------------------------------------------------

    def _topology(self) -> Fixed:
        places, cpu = self.places, self.cpu
        nodes = attributes(
            {
                "physical_package_id": str(places.socket(cpu)),
                "die_id": "0",
                "cluster_id": "65535",
                "core_id": str(places.core_in_socket(cpu)),
            }
        )
        shared: dict[str, Callable[[int], int]] = {
            "thread_siblings": places.same_core,
            "core_cpus": places.same_core,
            "core_siblings": places.same_socket,
            "package_cpus": places.same_socket,
            "die_cpus": places.same_socket,
            "cluster_cpus": places.same_core,
        }
        for name, others in shared.items():
            nodes[name] = Attribute(self._mask_of(others))
            nodes[f"{name}_list"] = Attribute(self._list_of(others))
        return Fixed(nodes)

    def _mask_of(self, others: Callable[[int], int]) -> Callable[[], str]:
        return lambda: cpu_mask(self.places.online(others(self.cpu)), self.places.cpus)

    def _list_of(self, others: Callable[[int], int]) -> Callable[[], str]:
        return lambda: cpu_list(self.places.online(others(self.cpu)))


def modalias(host: HostView) -> str:
    """What udev loads modules for CPUs by, with a few of the features."""
    generation = host.generation
    features = "".join(f",{number:04X}" for number in (*range(10), 0x74, 0xC2))
    return (
        f"cpu:type:x86,ven0002fam{generation.family:04X}mod{generation.model:04X}"
        f":feature:{features}"
    )
