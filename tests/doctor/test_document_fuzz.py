"""Documents that are damaged on purpose: they are read, or BadObservation says why not."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.document import MOST, BadObservation, read, written
from softsnp.doctor.facts import Contradictory, Observation
from softsnp.doctor.fleet import line
from softsnp.doctor.prometheus import exposition
from softsnp.doctor.result import plain
from softsnp.doctor.text import WIDTH, page

from .made_up import MSR, host, without

SEEDS = range(20)
EACH = 100
"""Documents of each seed."""
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 1 << 63, 1 << 64, 10**30, 0.5, 1e308, float("nan"),
    float("inf"), "", "0", "0-7", "0-65535", "65536", "3-1", "0x0", "0xffffffffffffffff", "\x1b[2J",
    "\ud800", "\u202e", "x" * 70_000, [], [[]], [0, 1], ["0", "1"], {}, {"value": 1},
    {"unknown": "no", "source": "none"}, {"contradictory": [1, 0], "because": "", "source": ""},
)  # fmt: skip
TOKENS: tuple[bytes, ...] = (
    b"0", b"9" * 30, b"-", b"1e999", b"NaN", b"null", b"true", b"[", b"]", b"{", b"}", b'"', b",",
    b":", b"\\", b"\\ud800", b"\x00", b"\xff", b"\xc3", b"\n", b'"value":1,',
)  # fmt: skip


def original() -> Observation:
    """It has each kind of fact."""
    made = without(host(cpus=5), "brand", "efer")
    made.facts["online"] = Contradictory((31, 15), "it changed between two looks", "somewhere")
    made.registers["rmp-end"][0] = made.registers["rmp-end"][0]._replace(
        fact=Contradictory((1, 2), "it changed between two looks", MSR)
    )
    return made


ORIGINAL = written(original())


def survives(text: str | bytes) -> bool:
    """Whether it is an observation: one that can then be judged, shown, and be written again."""
    try:
        observation = read(text, "there")
    except BadObservation as error:
        message = str(error)
        assert message.startswith("there: ") and message.isprintable() and len(message) < 400
        return False
    diagnosis = diagnose(observation)
    result = json.dumps(plain(diagnosis), ensure_ascii=False)
    for told in (page(diagnosis), line(diagnosis), exposition(diagnosis), result):
        assert told.replace("\n", "").isprintable()
    assert all(len(told) <= WIDTH for told in page(diagnosis).splitlines()) or diagnosis.no_snp
    assert read(written(observation), "there") == observation
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a document but itself."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


PLACES = list(places(json.loads(ORIGINAL)))


def damaged_values(chance: random.Random) -> str:
    """Some values are others, gone, or somewhere else; and keys are."""
    document: Any = json.loads(ORIGINAL)
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(PLACES)
        above = document
        try:
            for part in path[:-1]:
                above = above[part]
            how = chance.randrange(4)
            if how == 0:
                del above[path[-1]]
            elif how == 1:
                above[chance.choice(PLACES)[-1]] = above[path[-1]]
            else:
                above[path[-1]] = copy.deepcopy(chance.choice(ODD))
        except (KeyError, IndexError, TypeError):  # it went with an earlier one
            continue
    return json.dumps(document)


def damaged_bytes(chance: random.Random) -> bytes:
    data = bytearray(ORIGINAL.encode())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        how = chance.randrange(4)
        if how == 0:
            data[at] = chance.randrange(256)
        elif how == 1:
            data[at : at + chance.randint(1, 60)] = b""
        elif how == 2:
            data[at:at] = chance.choice(TOKENS)
        else:
            end = at + chance.randint(1, 200)
            data[at:at] = data[at:end]
    return bytes(data)


def test_the_original_is_one() -> None:
    assert survives(ORIGINAL)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_values(seed: int) -> None:
    chance = random.Random(seed)
    refused = sum(not survives(damaged_values(chance)) for _ in range(EACH))
    assert refused > EACH // 2  # some damage does no harm


@pytest.mark.parametrize("seed", SEEDS)
def test_other_bytes(seed: int) -> None:
    chance = random.Random(seed)
    refused = sum(not survives(damaged_bytes(chance)) for _ in range(EACH))
    assert refused > EACH // 2


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    assert not survives(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(PLACES), JSON)
def test_any_value_anywhere(path: tuple[Any, ...], value: Any) -> None:
    document: Any = json.loads(ORIGINAL)
    above = document
    for part in path[:-1]:
        above = above[part]
    above[path[-1]] = value
    survives(json.dumps(document))


# --- the largest ---------------------------------------------------------------------------------


def reading(cpus: str, value: int) -> str:
    return f'{{"cpus":"{cpus}","value":"{value:#x}","source":"","at":0}}'


def with_register(name: str, readings: Iterator[str]) -> str:
    """As many readings as there is room for."""
    document: Any = json.loads(written(host(cpus=1)))
    document["registers"] = {name: []}
    begin, end = json.dumps(document).split("[]")
    room = MOST - len(begin) - len(end) - 2
    taken = []
    for told in readings:
        room -= len(told) + 1
        if room < 0:
            break
        taken.append(told)
    assert len(taken) > 10
    return f"{begin}[{','.join(taken)}]{end}"


def test_one_reading_for_each_of_very_many_cpus() -> None:
    """All different, and most of CPUs that are not there."""
    assert survives(with_register("rmp-base", (reading(f"{n}", n) for n in range(1 << 14))))


def test_very_many_cpus_in_each_of_many_readings() -> None:
    """Overlapping, which is seen at the second."""
    cpus = ",".join(str(n) for n in range(65535, 33000, -2))
    assert not survives(with_register("efer", (reading(cpus, n) for n in range(100))))


def test_very_long_lists_of_cpus() -> None:
    """As many as there is room for, each as slow to read as can be."""
    document: Any = json.loads(written(host(cpus=1)))
    cpus = ",".join(["65535"] * 65536)
    document["facts"]["online"] = {"contradictory": [cpus] * 10, "because": "", "source": ""}
    assert survives(json.dumps(document))


def test_very_many_values_of_nothing() -> None:
    assert not survives("[" + "{}," * (MOST // 3 - 1) + "0]")
    assert not survives('{"a":[' + "[]," * (MOST // 3 - 10) + "0]}")
