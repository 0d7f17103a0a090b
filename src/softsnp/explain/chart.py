"""A trace as a sequence chart of plain text, one column an activity, to paste into a mail."""

from __future__ import annotations

from collections.abc import Mapping

from softsnp.lang import AlwaysPossible, Property
from softsnp.lang.trace import Standing, Trace

from .fold import Row, fold

WIDTH = 78
GAP = 2
KEEP = "\N{NO-BREAK SPACE}"
UNPROVED = ("[inf]", "[asm]")
MODEL = "Memory is sequentially consistent here, and there is no NMI or interrupt context."


def chart(trace: Trace, prop: Property | None, title: str) -> str:
    """The whole mail body: what breaks, the steps, the state at the end, what it rests on.

    Without a property, what happened. No line is wider than WIDTH columns.
    """
    end = f"Then {prop.broken}:" if prop else "Then this is the state:"
    parts = [
        _filled(title),
        "\n".join(_steps(trace)),
        "\n".join([_filled(end), *_state(trace), *_standing(trace), *_lost(prop)]),
        "\n".join(_rests_on(trace)),
    ]
    return "\n\n".join(parts) + "\n"


def _lost(prop: Property | None) -> list[str]:
    """What can no longer be reached from the end of a trace."""
    if not isinstance(prop, AlwaysPossible):
        return []
    return ["", _filled(f"From here no steps, however many, lead to where {prop.goal_sentence}.")]


def _filled(text: str, first: str = "", then: str = "") -> str:
    return "\n".join(_wrap(text, WIDTH, first, then))


def _wrap(text: str, width: int, first: str = "", then: str = "") -> list[str]:
    """Lines of at most ``width`` columns. A C name that is too long breaks after an underscore.

    No line ends before or after an arrow or an equals sign.
    """
    text = text.replace(" → ", f"{KEEP}→{KEEP}").replace(" = ", f"{KEEP}={KEEP}")
    lines, line, empty = [], first, True
    for word in text.split(" "):
        if not empty and len(line) + 1 + len(word) > width:
            lines.append(line)
            line, empty = then, True
        while len(line) + (not empty) + len(word) > width:
            room = width - len(line)
            cut = word.rfind("_", 0, room) + 1 or room
            lines.append(line + word[:cut])
            word, line = word[cut:], then
        line += word if empty else f" {word}"
        empty = False
    return [line.replace(KEEP, " ") for line in [*lines, line]]


# --- the steps -----------------------------------------------------------------------------------


def _steps(trace: Trace) -> list[str]:
    rows = fold(trace.steps)
    columns = [s.activity for s in trace.standing]
    margin = max([4, *(len(row.numbers) for row in rows)])
    each = (WIDTH - margin - GAP * len(columns)) // max(1, len(columns))
    lines = [
        _line("step", columns, margin, each),
        _line("-" * margin, ["-" * each] * len(columns), margin, each),
    ]
    for row in rows:
        at = columns.index(row.activity)
        for number, text in enumerate(_cell(row, each)):
            cells = [""] * at + [text]
            lines.append(_line(row.numbers if number == 0 else "", cells, margin, each))
    return lines


def _line(first: str, cells: list[str], margin: int, each: int) -> str:
    line = first.rjust(margin)
    for cell in cells:
        line += " " * GAP + cell[:each].ljust(each)
    return line.rstrip()


def _cell(row: Row, width: int) -> list[str]:
    lines = [line for text in row.decisions for line in _wrap(f"* {text}", width, "", "  ")]
    shown = ""
    if row.function and all(function != row.function for function, _ in row.remarks[:1]):
        lines += _wrap(row.function, width, "", "    ")
        shown = row.function
    for function, text in row.remarks:
        if function and function != shown:
            lines += _wrap(function, width, "", "    ")
            shown = function
        lines += _wrap(text, width, "  ", "    ")
    return lines or ["(begins)"]


# --- the state at the end ------------------------------------------------------------------------


def _state(trace: Trace) -> list[str]:
    """What changed, what the property looks at, and what tells members apart.

    The rest of the state is most of it, and is as it was at the start.
    """
    members = list(trace.population.values())
    shown = trace.relevant | _unlike(members)
    alike: dict[str, list[str]] = {}
    for member, bits in trace.population.items():
        told = _in_words({name: on for name, on in bits.items() if name in shown})
        alike.setdefault(told, []).append(member)
    lines = [_filled(told, f"  {_members(names)}: ", "    ") for told, names in alike.items()]
    scalars = [f"{name} = {value}" for name, value in trace.state.items() if name in shown]
    if scalars:
        lines.append(_filled(", ".join(scalars), "  ", "  "))
    if {*trace.state, *(name for bits in members for name in bits)} - shown:
        lines.append("  all else is as at the start")
    return lines


def _unlike(members: list[dict[str, bool]]) -> set[str]:
    """The bits that some members have and others have not."""
    names = {name for bits in members for name in bits}
    return {n for n in names if len({bits.get(n, False) for bits in members}) > 1}


def _in_words(bits: Mapping[str, bool]) -> str:
    """``online, mfdm; without snp_en``."""
    has = ", ".join(name for name, on in bits.items() if on)
    lacks = ", ".join(name for name, on in bits.items() if not on)
    told = [has] if has else []
    if lacks:
        told.append(f"without {lacks}")
    return "; ".join(told) or "as at the start"


def _members(names: list[str]) -> str:
    """``CPU 1, 2`` for several."""
    return ", ".join([names[0], *(name.rsplit(" ", 1)[-1] for name in names[1:])])


def _standing(trace: Trace) -> list[str]:
    return [_filled(_stands(s), "  ", "    ") for s in trace.standing if not s.resting]


def _stands(standing: Standing) -> str:
    functions = [f.function for f in standing.frames if f.function.endswith("()")]
    told = f"{standing.activity} is in {functions[-1] if functions else 'its first step'}"
    if standing.waits_for:
        told += f", waits {standing.waits_for}"
    if standing.holds:
        told += f", holds {' and '.join(standing.holds)}"
    return told


# --- what it rests on ----------------------------------------------------------------------------


def _rests_on(trace: Trace) -> list[str]:
    consulted = [name if on else f"no-{name}" for name, on in trace.consulted.items()]
    lines = [_filled(", ".join(consulted) or "nothing", "Assumes: ", "  ")]
    inferred = _inferred(trace)
    if inferred:
        lines.append(_filled(", ".join(inferred), "Inferred, not read in code: ", "  "))
    return [*lines, _filled(MODEL)]


def _inferred(trace: Trace) -> list[str]:
    """The functions of the chart whose sources are an inference or an assumption, in order."""
    frames = [frame for step in trace.steps for frame in step.frames]
    return list(dict.fromkeys(f.function for f in frames if any(u in f.doc for u in UNPROVED)))
