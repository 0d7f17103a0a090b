"""Answers as JSON, after check.schema.json."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import softsnp
from softsnp.lang import Property
from softsnp.lang.trace import Trace, TraceStep
from softsnp.spec.catalog import BY_NAME

from .runs import Answer, Verdict

SCHEMA = "softsnp.check/1"
ROOT = Path(softsnp.__file__).parent.parent


def document(answers: Sequence[Answer], timing: bool) -> str:
    """The document of a whole invocation. Times are in it only if asked for."""
    from importlib.metadata import version  # slow to import, and only this needs it

    content = {
        "schema": SCHEMA,
        "version": version("softsnp"),
        "runs": [_run(answer, timing) for answer in answers],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _run(answer: Answer, timing: bool) -> dict[str, Any]:
    run = answer.run
    told: dict[str, Any] = {
        "design": run.design.name,
        "firmware": run.firmware,
        "ioctls": answer.ioctls,
        "scenario": run.scenario,
        "cpus": "any" if run.members is None else run.members,
        "assumptions": [name for name, on in answer.assumptions.items() if on],
        "states": answer.states,
        "concrete_states": answer.concrete_states,
        "transitions": answer.transitions,
        "depth": answer.depth,
        "complete": not answer.stopped,
        "properties": [_property(verdict) for verdict in answer.verdicts],
    }
    if run.apart:
        told["symmetry"] = False
    if timing:
        told["seconds"] = round(answer.seconds, 3)
    return told


def _property(verdict: Verdict) -> dict[str, Any]:
    prop = BY_NAME[verdict.name]
    summary = {
        "violated": prop.broken,
        "holds": prop.sentence,
        "undecided": verdict.reason,
    }[verdict.verdict]
    return {
        "name": verdict.name,
        "kind": kind(prop),
        "verdict": verdict.verdict,
        "exercised": verdict.exercised,
        "steps": verdict.steps,
        "summary": summary,
        "trace": steps(verdict.trace) if verdict.trace else [],
    }


def kind(prop: Property) -> str:
    """always, never, no-deadlock, lock-order or always-possible."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(prop).__name__).lower()


def steps(trace: Trace) -> list[dict[str, Any]]:
    """A trace as a list of its steps."""
    return [_step(step) for step in trace.steps]


def _step(step: TraceStep) -> dict[str, Any]:
    frame = step.frames[-1]
    return {
        "activity": step.activity,
        "function": frame.function,
        "file": _file(frame.file),
        "line": frame.line,
        "action": "; ".join([*step.choices, *step.notes]),
        "changes": dict(step.changes),
    }


def _file(name: str) -> str:
    """Relative to the package's root for our own files, as it is for the user's."""
    path = Path(name)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else name
