"""The answer of ``softsnp why`` as JSON, after why.schema.json."""

from __future__ import annotations

import json
from typing import Any

from .circumstances import Context, Question
from .document import steps
from .reasons import Combination, Reasons
from .tables import explain_command

SCHEMA = "softsnp.why/1"


def document(answer: Reasons) -> str:
    """The document of a whole invocation; without times."""
    from importlib.metadata import version  # slow to import, and only this needs it

    asked = answer.question
    content = {
        "schema": SCHEMA,
        "version": version("softsnp"),
        "design": asked.design.name,
        "property": asked.prop,
        "scenario": asked.scenario,
        "cpus": "any" if asked.members is None else asked.members,
        "circumstances": [
            {
                "name": c.name,
                "kind": c.kind,
                "on": c.on,
                "usual": c.usual,
                "clause": c.clause(),
                "sentence": c.sentence,
            }
            for c in asked.circumstances
        ],
        "contexts": [_context(c) for c in asked.contexts],
        "by_default": {p: v.verdict for p, v in answer.by_default.items()},
        "combinations": [_combination(asked, one) for one in answer.combinations],
        "rests_on": [
            {
                "changes": [c.name for c in asked.named(one.changes)],
                "beside": list(one.unusual),
                "firmware": list(one.profiles),
            }
            for one in answer.rests_on
        ],
        "undecided": [
            {
                "command": explain_command(asked.run(context, present, members), asked.prop),
                "reason": reason,
            }
            for (context, present, members), reason in answer.undecided.items()
        ],
        "questions": answer.asked,
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _context(context: Context) -> dict[str, Any]:
    return {
        "firmware": context.firmware,
        "ioctls": context.ioctls,
        "assumptions": dict(context.either),
    }


def _combination(asked: Question, one: Combination) -> dict[str, Any]:
    assert one.verdict.trace is not None
    return {
        "circumstances": [c.name for c in asked.named(one.present)],
        "contexts": [_context(c) for c in one.contexts],
        "steps": one.verdict.steps,
        "least_cpus": one.fewest,
        "command": explain_command(asked.run(one.shown, one.present), asked.prop),
        "trace": steps(one.verdict.trace),
    }
