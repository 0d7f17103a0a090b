"""Lines of Promela."""

from __future__ import annotations

import re
import textwrap

WIDTH = 100


def step(guards: list[str], statements: list[str], goto: str = "", remark: str = "") -> list[str]:
    """An option: one step. On one line if there is room."""
    guard = " && ".join(guards)
    goto = f" -> goto {goto}" if goto else ""
    remark = f" /* {remark} */" if remark else ""
    if goto and not statements:
        short = f"    :: {guard or 'true'}{goto}{remark}"
    else:
        content = "; ".join(statements or ["skip"])
        short = f"    :: d_step {{ {f'{guard} -> ' if guard else ''}{content} }}{goto}{remark}"
    if len(short) <= WIDTH:
        return [short]
    lines = [f"    :: d_step {{{remark}"]
    if guard:
        lines += [f"        {part}" for part in _broken(guard)]
        lines[-1] += " ->"
    done = [f"        {statement}" for statement in statements or ["skip"]]
    return [*lines, *(f"{line};" for line in done[:-1]), done[-1], f"    }}{goto}"]


def _broken(guard: str) -> list[str]:
    """A guard on lines that end in operators: else Spin takes a line's end for a semicolon."""
    lines = [""]
    for word in re.split(r"(?<=&&) |(?<=\|\|) ", guard):
        if lines[-1] and len(lines[-1]) + len(word) > WIDTH - 12:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def forked(lines: list[str], forks: list[str], members: int) -> list[str]:
    """The option once for every member: of one fork as a macro, of more written out."""
    if not forks:
        return lines
    if len(forks) > 1:
        first, *rest = forks
        found = []
        for number in range(members):
            once = [line.replace(f"BIT({first})", f"BIT({number})") for line in lines]
            found += forked(once, rest, members)
        return found
    macro = " \\\n".join([f"#define STEP({forks[0]})", *lines])
    return [*macro.split("\n"), "    EACH(STEP)", "#undef STEP"]


def comment(text: str, indent: str = "") -> list[str]:
    if not text:
        return []
    width = WIDTH - 3 - len(indent)
    wrapped = [textwrap.wrap(part, width, break_on_hyphens=False) for part in text.split("\n")]
    lines = [line for part in wrapped for line in part or [""]]
    if len(lines) == 1 and len(lines[0]) < width - 3:
        return [f"{indent}/* {lines[0]} */"]
    return [f"{indent}/*", *(f"{indent} * {line}".rstrip() for line in lines), f"{indent} */"]


def told(failure: str) -> str:
    """What the specification fails with, without the directory of the file where it does."""
    place, colon, message = failure.partition(": ")
    return f"{place.rpartition('/')[2]}{colon}{message}".replace("*/", "* /")


def declared(code: str, doc: str) -> list[str]:
    doc = doc.replace("*/", "* /").replace("\n", " ")
    return [f"{code:32} /* {doc} */"] if doc else [code]
