"""A recording as a file: every different answer once, and which call has which."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recording:
    kernel: str
    """As ``uname -r`` says it."""
    answers: dict[str, dict[str, Any]]
    """By the name of the call."""


def dump(recording: Recording) -> str:
    numbers: dict[str, int] = {}
    calls = []
    for name, answer in recording.answers.items():
        number = numbers.setdefault(json.dumps(answer), len(numbers))
        calls.append(f"{json.dumps(name)}: {number}")
    answers, named = ",\n".join(numbers), ",\n".join(calls)
    kernel = json.dumps(recording.kernel)
    return f'{{"kernel": {kernel},\n"answers": [\n{answers}\n],\n"calls": {{\n{named}\n}}}}\n'


def load(path: Path) -> Recording:
    read = json.loads(path.read_text(encoding="utf-8"))
    answers = {name: read["answers"][number] for name, number in read["calls"].items()}
    return Recording(read["kernel"], answers)
