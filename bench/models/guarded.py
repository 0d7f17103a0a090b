"""The hotplug model once more, as guarded commands on a packed word: for peers that take functions.

``hotplug.pml`` step for step, and in its words. A state is one integer. A command can be taken
where ``state & mask == value``, and leads to ``state & keep | put | (state & copied) << shift``:
all that a step of this model does, once CPUs are written out. Peers in Python and in Rust read the
commands as text, so that all of them explore one model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROCESSES = ("administrator", "ioctl_user", "hotplugger")
PLACE = 4  # bits of a process's place


@dataclass(frozen=True)
class Command:
    """One step of one process, from one of its places. All but the first two are words of bits."""

    process: int
    place: int
    mask: int
    value: int
    keep: int
    put: int
    copied: int
    shift: int


@dataclass(frozen=True)
class Guarded:
    """The model for a number of CPUs. Every state begins as 0.

    A state is bad where ``state & up``, and not one of ``held`` is set, or a CPU that is online has
    no SNP_EN: their bits are side by side, from ``online`` and from ``snp_en`` on.
    """

    commands: list[Command]
    up: int
    held: int
    online: int
    snp_en: int
    cpus: int

    def text(self) -> str:
        """For other programs: a line of what a state is judged by, then a line a command."""
        judged = (self.up, self.held, self.online, self.snp_en, self.cpus)
        lines = [judged, *(tuple(vars(command).values()) for command in self.commands)]
        return "".join(" ".join(map(str, line)) + "\n" for line in lines)


@dataclass
class _Layout:
    """Which bits of a word are whose."""

    widths: dict[str, int]
    at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        begin = 0
        for name, width in self.widths.items():
            self.at[name] = begin
            begin += width
        assert begin <= 64

    def bits(self, name: str) -> int:
        return ((1 << self.widths[name]) - 1) << self.at[name]


@dataclass
class _Writer:
    """Writes commands: ``step(process, at, to, when, then)``, with values by name."""

    layout: _Layout
    commands: list[Command] = field(default_factory=list)

    def step(
        self,
        process: str,
        at: int,
        to: int,
        when: dict[str, int] | None = None,
        then: dict[str, int] | None = None,
        todo: str = "",
    ) -> None:
        """``NAME@CPU`` is one bit of a mask; ``todo`` names a local that becomes ``online``."""
        mask, value = self._word({process: at, **(when or {})})
        touched, put = self._word({process: to, **(then or {})})
        copied = shift = 0
        if todo:
            touched |= self.layout.bits(todo)
            copied = self.layout.bits("online")
            shift = self.layout.at[todo] - self.layout.at["online"]
        number = PROCESSES.index(process)
        keep = ~touched & (1 << 64) - 1
        self.commands.append(Command(number, at, mask, value, keep, put, copied, shift))

    def _word(self, said: dict[str, int]) -> tuple[int, int]:
        mask = value = 0
        for text, number in said.items():
            name, _, cpu = text.partition("@")
            begin = self.layout.at[name] + int(cpu or 0)
            mask |= 1 << begin if cpu else self.layout.bits(name)
            value |= number << begin
        return mask, value


def guarded(cpus: int) -> Guarded:
    """The model. Locals come last: a copy is shifted up."""
    layout = _Layout(
        {
            **dict.fromkeys(PROCESSES, PLACE),
            "cpu_add_remove_lock": 1,
            "sev_cmd_mutex": 1,
            "readers": 1,
            "writer": 2,
            "disabled": 2,
            "firmware": 1,
            "snp_enabled": 1,
            "online": cpus,
            "mfdm": cpus,
            "snp_en": cpus,
            "cpu": 3,
            "administrator_todo": cpus,
            "ioctl_user_todo": cpus,
        }
    )
    writer = _Writer(layout)
    _administrator(writer, cpus)
    _ioctl_user(writer, cpus)
    _hotplugger(writer, cpus)
    at = layout.at
    return Guarded(
        writer.commands,
        layout.bits("firmware"),
        layout.bits("disabled"),
        at["online"],
        at["snp_en"],
        cpus,
    )


# The places that the administrator and the other user of the firmware have in common.
REST, CHOSEN, SHUTDOWN, HIBERNATE, DISABLE, READ, MFDM, SNP_EN, INIT = range(9)
DOWN, READ_AGAIN, CLEAR, GIVE_BACK, ELSE, LAST = range(9, 15)


def _administrator(to: _Writer, cpus: int) -> None:
    who = "administrator"
    for about in (CHOSEN, SHUTDOWN, HIBERNATE):
        to.step(who, REST, about)
    to.step(who, CHOSEN, REST, {"sev_cmd_mutex": 0, "firmware": 1})
    to.step(who, CHOSEN, DISABLE, {"sev_cmd_mutex": 0, "firmware": 0}, {"sev_cmd_mutex": 1})
    _enable_cpus(to, who, cpus)
    to.step(who, INIT, REST, then={"firmware": 1, "sev_cmd_mutex": 0})
    to.step(who, INIT, GIVE_BACK)
    to.step(who, SHUTDOWN, REST, {"sev_cmd_mutex": 0, "firmware": 0})
    to.step(who, SHUTDOWN, DOWN, {"sev_cmd_mutex": 0, "firmware": 1}, {"sev_cmd_mutex": 1})
    _disable_cpus(to, who, cpus)
    _count(to, who, HIBERNATE, ELSE, 1)
    to.step(who, ELSE, LAST)
    _count(to, who, LAST, REST, -1)


def _ioctl_user(to: _Writer, cpus: int) -> None:
    who = "ioctl_user"
    to.step(who, REST, CHOSEN)
    to.step(who, CHOSEN, ELSE, {"sev_cmd_mutex": 0, "firmware": 1}, {"sev_cmd_mutex": 1})
    to.step(who, CHOSEN, DISABLE, {"sev_cmd_mutex": 0, "firmware": 0}, {"sev_cmd_mutex": 1})
    _enable_cpus(to, who, cpus)
    to.step(who, INIT, SHUTDOWN, then={"firmware": 1})
    to.step(who, INIT, GIVE_BACK)
    to.step(who, SHUTDOWN, DOWN)
    _disable_cpus(to, who, cpus)
    to.step(who, ELSE, REST, then={"sev_cmd_mutex": 0})


def _enable_cpus(to: _Writer, who: str, cpus: int) -> None:
    todo = f"{who}_todo"
    _count(to, who, DISABLE, READ, 1)
    to.step(who, READ, MFDM, {"writer": 0}, {"readers": 1}, todo)
    for cpu in range(cpus):
        to.step(who, MFDM, MFDM, {f"{todo}@{cpu}": 1}, {f"mfdm@{cpu}": 1, f"{todo}@{cpu}": 0})
        to.step(who, SNP_EN, SNP_EN, {f"{todo}@{cpu}": 1}, {f"snp_en@{cpu}": 1, f"{todo}@{cpu}": 0})
    to.step(who, MFDM, SNP_EN, {todo: 0}, todo=todo)
    to.step(who, SNP_EN, INIT, {todo: 0}, {"snp_enabled": 1, "readers": 0})


def _disable_cpus(to: _Writer, who: str, cpus: int) -> None:
    """With the firmware's part before it, and what both do last."""
    todo = f"{who}_todo"
    to.step(who, DOWN, READ_AGAIN, then={"firmware": 0})
    to.step(who, DOWN, REST, then={"sev_cmd_mutex": 0})
    to.step(who, READ_AGAIN, CLEAR, {"writer": 0}, {"readers": 1}, todo)
    for cpu in range(cpus):
        to.step(who, CLEAR, CLEAR, {f"{todo}@{cpu}": 1}, {f"snp_en@{cpu}": 0, f"{todo}@{cpu}": 0})
    to.step(who, CLEAR, GIVE_BACK, {todo: 0}, {"snp_enabled": 0, "readers": 0})
    _count(to, who, GIVE_BACK, REST, -1, {"sev_cmd_mutex": 0})


def _count(
    to: _Writer, who: str, at: int, then: int, more: int, also: dict[str, int] | None = None
) -> None:
    """cpu_hotplug_disable() or cpu_hotplug_enable(), a command for each value of the count."""
    for count in range(3):
        if 0 <= count + more <= 2:
            to.step(
                who,
                at,
                then,
                {"cpu_add_remove_lock": 0, "disabled": count},
                {"disabled": count + more, **(also or {})},
            )


def _hotplugger(to: _Writer, cpus: int) -> None:
    who = "hotplugger"
    rest, wait, lock, inside, up, enabled, mfdm, down, snp_en = range(9)
    done = {"writer": 0, "cpu_add_remove_lock": 0, "cpu": 0}
    for count in (1, 2):
        to.step(who, wait, rest, {"cpu_add_remove_lock": 0, "disabled": count}, {"cpu": 0})
    to.step(who, wait, lock, {"cpu_add_remove_lock": 0, "disabled": 0}, {"cpu_add_remove_lock": 1})
    to.step(who, lock, inside, {"writer": 0}, {"writer": 1})
    for cpu in range(cpus):
        this, it_is = {"cpu": cpu}, f"online@{cpu}"
        to.step(who, rest, wait, then=this)
        to.step(who, inside, up, {**this, "readers": 0, it_is: 0}, {"writer": 2})
        to.step(who, inside, down, {**this, "readers": 0, it_is: 1}, {"writer": 2})
        reset = {f"mfdm@{cpu}": 0, f"snp_en@{cpu}": 0, it_is: 1}
        to.step(who, up, enabled, this, reset)
        to.step(who, mfdm, snp_en, this, {f"mfdm@{cpu}": 1})
        to.step(who, snp_en, rest, this, {f"snp_en@{cpu}": 1, **done})
        to.step(who, down, rest, this, {it_is: 0, **done})
    to.step(who, up, rest, then=done)
    to.step(who, enabled, mfdm, {"snp_enabled": 1})
    to.step(who, enabled, rest, {"snp_enabled": 0}, done)
    to.step(who, down, rest, then=done)
