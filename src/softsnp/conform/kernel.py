"""A kernel under test: its image and modules in memory, its symbols and types by name."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import drgn

from .elf import ABSOLUTE, ALLOCATED, FILE, FUNCTION, RESERVED, SECTION, Elf, Symbol
from .emulator import Emulator
from .errors import NotEmulated, Unusable
from .memory import KERNEL, MODULES, MODULES_SIZE, PAGE, Memory

RELOCATIONS = {
    1: (8, False),  # R_X86_64_64
    2: (4, True),  # PC32
    4: (4, True),  # PLT32
    10: (4, False),  # 32
    11: (4, False),  # 32S
    24: (8, True),  # PC64
}
"""Kind to (bytes, whether relative to the place)."""
MISSING = MODULES + MODULES_SIZE - (1 << 20)
"""Functions that nobody has: each has an address of its own here, where there is no code."""
WORD = (1 << 64) - 1
JUMP = b"\xe9"  # and a 32-bit displacement


class Kernel:
    """A vmlinux that was never booted. Raises Unusable for a file that will not do."""

    def __init__(self, vmlinux: Path) -> None:
        self.memory = Memory()
        self.emulator = Emulator(self.memory, self.explain)
        self.vmlinux = Elf(vmlinux)
        if not self.vmlinux.has_debug_information:
            raise Unusable(f"{vmlinux} has no debug information: a -dbg package's vmlinux has")
        self.symbols: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.missing: dict[int, str] = {}
        self.bug_tables: list[tuple[int, int]] = []
        self.texts: list[tuple[int, int]] = []
        """(address, size) of all code."""
        self.data: list[tuple[int, int]] = []
        """(address, size) of what running code may change."""
        self._sorted: list[tuple[int, str]] = []
        self._free = MODULES
        self._load(vmlinux)

    # --- loading ---------------------------------------------------------------------------------

    def _load(self, path: Path) -> None:
        self._name(self.vmlinux.symbols(), lambda s: s.value)
        for needed in ("_text", "_etext", "_sdata", "_end", "__per_cpu_offset"):
            if needed not in self.symbols:
                raise Unusable(f"{path} is no kernel: it has no symbol {needed}")
        self.percpu_template, self.percpu_base = b"", 0
        for address, content in self.vmlinux.segments():
            if address == 0:  # up to 6.14 per-CPU variables are linked at 0, in a segment of theirs
                self.percpu_template = content
            elif content:
                self.memory.write(address, content)
        self.vmlinux.close()
        if not self.percpu_template:
            place = self.vmlinux.section(".data..percpu")
            if place is None:
                raise Unusable(f"{path} is no kernel: it has no per-CPU variables")
            self.percpu_base = place[0]
            self.percpu_template = self.memory.read(*place)
        self.texts.append((self.symbols["_text"], self.symbols["_etext"] - self.symbols["_text"]))
        for name in (".init.text", ".exit.text"):
            place = self.vmlinux.section(name)
            if place is not None:
                self.texts.append(place)
        # What is read-only once a kernel has booted lies elsewhere, and is written to all the same.
        for start, end in (("_sdata", "_end"), ("__start_ro_after_init", "__end_ro_after_init")):
            if start in self.symbols:
                self.data.append((self.symbols[start], self.symbols[end] - self.symbols[start]))
        bugs = self.vmlinux.section("__bug_table")
        if bugs is not None:
            self.bug_tables.append(bugs)
        platform = drgn.Platform(
            drgn.Architecture.X86_64,
            drgn.PlatformFlags.IS_64_BIT | drgn.PlatformFlags.IS_LITTLE_ENDIAN,
        )
        self.types = drgn.Program(platform)
        module = self.types.extra_module(str(path), create=True)
        module.try_file(str(path), force=True)
        self._offsets: dict[tuple[str, str], int] = {}

    def _name(
        self,
        symbols: Iterable[Symbol],
        address: Callable[[Symbol], int | None],
        *,
        over: bool = False,
    ) -> None:
        for symbol in symbols:
            if not symbol.section or symbol.kind in (SECTION, FILE) or not symbol.name:
                continue
            value = address(symbol)
            if value is not None and (over or symbol.name not in self.symbols):
                self.symbols[symbol.name] = value
                self.sizes[symbol.name] = symbol.size
        self._sorted = []

    def load_module(self, path: Path, *, overlay: bool = False) -> None:
        """Relocate an object. Its symbols are found beside those that there are, or, with
        ``overlay``, in their place: the kernel's function of that name jumps to the new one, and
        the object's own variables begin anew. What nobody defines stops the run when it is called.
        """
        elf = Elf(path)
        addresses: dict[int, int] = {}
        start = self._free
        for number, section in enumerate(elf.sections):
            if not section["sh_flags"] & ALLOCATED or section.name == ".modinfo":
                continue
            align = max(section["sh_addralign"], 16)
            self._free = -(-self._free // align) * align
            addresses[number] = self._free
            if section["sh_type"] != "SHT_NOBITS":
                self.memory.write(self._free, section.data())
            if section.name == "__bug_table":
                self.bug_tables.append((self._free, section["sh_size"]))
            self._free += section["sh_size"]
        self._free = -(-self._free // PAGE) * PAGE
        symbols = elf.symbols()
        places = [self._place(symbol, addresses, overlay) for symbol in symbols]
        self._relocate(elf, addresses, symbols, places)
        elf.close()
        own = dict(zip(map(id, symbols), places, strict=True))
        if overlay:
            self._redirect(symbols, places)
        self._name(symbols, lambda s: own[id(s)], over=overlay)
        self.texts.append((start, self._free - start))
        self.data.append((start, self._free - start))
        module = self.types.relocatable_module(path.name, start, create=True)
        module.address_range = (start, self._free)
        for number, address in addresses.items():
            module.section_addresses[elf.sections[number].name] = address
        module.try_file(str(path), force=True)

    def _redirect(self, symbols: Sequence[Symbol], places: list[int | None]) -> None:
        for symbol, place in zip(symbols, places, strict=True):
            old = self.symbols.get(symbol.name)
            if symbol.kind == FUNCTION and symbol.section and place is not None and old is not None:
                jump = struct.pack("<i", place - (old + len(JUMP) + 4))
                self.memory.write(old, JUMP + jump)

    def _place(self, symbol: Symbol, addresses: dict[int, int], overlay: bool) -> int | None:
        if symbol.section == 0:
            if not symbol.name:
                return 0
            known = self.symbols.get(symbol.name)
            return known if known is not None else self._stand_in(symbol.name)
        if symbol.section == ABSOLUTE:
            return symbol.value
        if symbol.section >= RESERVED or symbol.section not in addresses:
            return None
        return addresses[symbol.section] + symbol.value

    def _stand_in(self, name: str) -> int:
        address = MISSING + 16 * len(self.missing)
        self.missing[address] = name
        self.symbols[name] = address
        return address

    def _relocate(
        self,
        elf: Elf,
        addresses: dict[int, int],
        symbols: Sequence[Symbol],
        places: list[int | None],
    ) -> None:
        for section in elf.sections:
            if section["sh_type"] != "SHT_RELA" or section["sh_info"] not in addresses:
                continue
            base = addresses[section["sh_info"]]
            for offset, info, addend in struct.iter_unpack("<QQq", section.data()):
                size, relative = RELOCATIONS[info & 0xFFFFFFFF]
                target = places[info >> 32]
                if target is None:
                    raise Unusable(
                        f"{elf.path}: {symbols[info >> 32].name or 'a symbol'} has no address"
                    )
                value = target + addend - (base + offset if relative else 0)
                data = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
                self.memory.write(base + offset, data)

    @property
    def release(self) -> str:
        """As uname -r would say it."""
        banner = self.memory.string(self.address("linux_banner"))
        return banner.removeprefix("Linux version ").split(" ")[0]

    # --- names and types -------------------------------------------------------------------------

    def __contains__(self, name: str) -> bool:
        return name in self.symbols and self.symbols[name] not in self.missing

    def address(self, name: str) -> int:
        """Raises Unusable for a name that this kernel does not have."""
        if name not in self:
            raise Unusable(f"{self.vmlinux.path} has no symbol {name}")
        return self.symbols[name]

    def explain(self, address: int) -> str:
        """``function+0x12`` for an address in code, or an empty string."""
        if address in self.missing:
            return f"{self.missing[address]}(), which is in none of the files"
        if not any(base <= address < base + size for base, size in self.texts):
            return ""
        name, offset = self.function_at(address)
        return f"{name}+{offset:#x}"

    def function_at(self, address: int) -> tuple[str, int]:
        """(function, offset in it)."""
        if not self._sorted:
            self._sorted = sorted(
                (value, name)
                for name, value in self.symbols.items()
                if value >= KERNEL and not name.startswith("__pfx_")
            )
        at = bisect.bisect_right(self._sorted, (address, "\x7f")) - 1
        value, name = self._sorted[at]
        return name, address - value

    def bounds(self, address: int, end: int) -> tuple[int, int]:
        """(start, end) of the function at an address; the last one goes to ``end``."""
        _, offset = self.function_at(address)
        at = bisect.bisect_right(self._sorted, (address, "\x7f"))
        following = self._sorted[at][0] if at < len(self._sorted) else end
        return address - offset, min(following, end)

    def offset(self, kind: str, member: str) -> int:
        """``offset("struct device", "id")``, in bytes. Raises LookupError."""
        key = (kind, member)
        if key not in self._offsets:
            self._offsets[key] = drgn.offsetof(self.types.type(kind), member)
        return self._offsets[key]

    def size(self, kind: str) -> int:
        size = self.types.type(kind).size
        if size is None:
            raise NotEmulated(f"{kind} has no size")
        return int(size)

    def constant(self, name: str) -> int:
        """The value of an enumerator."""
        return int(self.types.constant(name))
