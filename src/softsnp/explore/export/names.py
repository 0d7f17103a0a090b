"""Names of the specification as identifiers of Promela, each of them once."""

from __future__ import annotations

import re

PROMELA = """
active assert atomic bit bool break byte c_code c_decl c_expr c_state c_track chan d_step D_proctype
do else empty enabled end eval false fi for full get_priority goto hidden if in init inline int len
local ltl mtype nempty never nfull nonprogress notrace np_ od of pc_value pid print printf printm
priority proctype progress provided return run select set_priority short show skip timeout trace
true typedef unless unsigned xr xs
"""
C = """
auto break case char const continue default double enum extern float int long register signed sizeof
static struct switch union void volatile while now trans uchar ushort uint
"""
RESERVED = frozenset((*PROMELA.split(), *C.split()))
"""Variables of a model become members of a struct in C."""


class Names:
    """Identifiers, by what they stand for; the same is asked for twice and given once."""

    def __init__(self) -> None:
        self.taken: set[str] = set(RESERVED)
        self.given: dict[object, str] = {}

    def of(self, thing: object, text: str) -> str:
        """The identifier of a thing; ``text`` is what it is called."""
        if thing not in self.given:
            name = re.sub(r"\W+", "_", text).strip("_") or "unnamed"
            name = f"_{name}" if name[0].isdigit() else name
            wanted, number = name, 1
            while wanted in self.taken:
                number += 1
                wanted = f"{name}_{number}"
            self.taken.add(wanted)
            self.given[thing] = wanted
        return self.given[thing]
