"""Traces made by hand, for charts."""

from __future__ import annotations

from softsnp.lang import NoDeadlock
from softsnp.lang.trace import Frame, Standing, Trace, TraceStep

PROP = NoDeadlock("no-deadlock", "someone can step", "tasks hang", "nobody can step")


def frame(function: str, source: str = "[code] v1") -> Frame:
    name = function.removesuffix("()")
    return Frame(name, function, f"{name}.py", 7, f"C: file.c: {function}\nSource: {source}")


def step(activity: str, *functions: str, **more: object) -> TraceStep:
    """A step in the last of these functions. ``changes`` and ``notes`` happen in it."""
    changes, notes = more.get("changes", {}), more.get("notes", ())
    choices, source = more.get("choices", ()), more.get("source", "[code] v1")
    assert isinstance(changes, dict)
    assert isinstance(notes, tuple)
    assert isinstance(choices, tuple)
    assert isinstance(source, str)
    inner = functions[-1] if functions else ""
    return TraceStep(
        activity,
        (frame(activity), *(frame(f, source) for f in functions)),
        changes,
        notes,
        dict.fromkeys([*notes, *changes], inner),
        choices,
        (),
    )


def trace(*steps: TraceStep) -> Trace:
    activities = list(dict.fromkeys(s.activity for s in steps)) or ["nobody"]
    return Trace(
        2,
        "CPU",
        steps,
        {"live": "1", "mode": "OFF"},
        {
            "CPU 0": {"boot": True, "there": True, "online": True, "snp_en": True},
            "CPU 1": {"there": True, "online": True, "snp_en": False},
            "CPU 2": {"there": True, "online": True, "snp_en": False},
        },
        frozenset({"live", "online"}),
        tuple(
            Standing(a, (frame(a), frame(f"{a}_inner()")), False, "for the lock", ("a_lock",))
            for a in activities
        ),
        {"hot-add": False, "keeps": True},
    )
