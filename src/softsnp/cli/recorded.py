"""Recordings as files: found, made of a counterexample, and told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from softsnp.explain import chart
from softsnp.run.errors import RunError
from softsnp.run.recording import PROPERTY, Recorded, Recording, Start, load
from softsnp.spec.catalog import BY_NAME

from .designs import DesignRef, find
from .errors import UsageError
from .runs import Answer, Verdict

if TYPE_CHECKING:
    from softsnp.serve.circumstances import Circumstances


def reference(design: DesignRef) -> dict[str, str]:
    """How a recording says which design it is of."""
    if design.path:
        return {"design": str(Path(design.path).resolve()), "class": design.class_name}
    return {"design": design.name}


def of_counterexample(answer: Answer, verdict: Verdict) -> Recording:
    """The steps of a violation, for a virtual host to follow."""
    trace = verdict.trace
    assert trace is not None
    steps, begun = [], set[str]()
    for step in trace.steps:
        begin = None if step.activity in begun else {"activity": step.activity}
        steps.append(Recorded(step.activity, step.decided, begin))
        begun = {step.activity} if step.restarted else {*begun, step.activity}
    header: dict[str, Any] = {
        **reference(answer.run.design),
        PROPERTY: verdict.name,
        "ioctls": answer.ioctls,
        "firmware": answer.run.firmware,
        "cpus": trace.members - int(answer.assumptions["cpu-hot-add"]),
        "assume": dict(sorted(answer.assumptions.items())),
    }
    return Recording(header, Start(trace.start, {}), tuple(steps))


def save(recording: Recording, path: str) -> None:
    try:
        recording.save(Path(path))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None


def read(path: str) -> tuple[Recording, Circumstances]:
    """A recording, and the circumstances it was made in."""
    from softsnp.serve.circumstances import Circumstances

    try:
        recording = load(Path(path))
    except RunError as error:
        raise UsageError(str(error)) from None
    header = recording.header
    wanted = header.get("class", "")
    designs = [d for d in find(str(header.get("design", ""))) if wanted in ("", d.class_name)]
    if not designs:
        raise UsageError(f"{path}: {header['design']} defines no {wanted}")
    try:
        return recording, Circumstances.of(header, designs[0].load())
    except (KeyError, ValueError) as error:
        raise UsageError(f"{path}: is no recording of this softsnp: {error}") from None


def explained(path: str) -> str:
    """The chart of a recording."""
    from softsnp.serve.replay import traced

    recording, circumstances = read(path)
    try:
        trace = traced(circumstances, recording)
    except RunError as error:
        raise UsageError(f"{path}: {error}") from None
    name = recording.header.get(PROPERTY)
    if name is not None and name not in BY_NAME:
        raise UsageError(f"{path}: is of the property {name!r}, which there is not")
    header = recording.header
    title = (
        f"{path}: {len(trace.steps)} steps of {header['design']}, with {trace.members} CPUs and "
        f"{header['firmware']} firmware."
    )
    return chart(trace, BY_NAME[name] if name else None, title)
