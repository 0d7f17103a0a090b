"""An observation as a document: as it was when read again, and one message for what is wrong."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.doctor.document import MOST, BadObservation, read, written
from softsnp.doctor.document_reader import MOST_TEXT, WANTED
from softsnp.doctor.facts import (
    FACTS,
    LEVELS,
    REGISTERS,
    Contradictory,
    Fact,
    Known,
    Observation,
    Reading,
    Unknown,
    Value,
)

from .made_up import MSR, fleet, host, unguarded, without

SCHEMA = json.loads(
    resources.files("softsnp.doctor").joinpath("observation.schema.json").read_text()
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# --- any observation -----------------------------------------------------------------------------

TEXTS = st.text(max_size=20).filter(str.isprintable)
TIMES = st.floats(0, 4e9)
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "bool": st.booleans(),
    "int": st.integers(-(1 << 63), (1 << 64) - 1),
    "str": TEXTS,
    "cpus": st.integers(0, (1 << 300) - 1),
    "register": st.integers(0, (1 << 64) - 1),
}


def facts(kind: str) -> st.SearchStrategy[Fact]:
    values = VALUES[kind]
    return st.one_of(
        st.builds(Known, values, TEXTS, TIMES),
        st.builds(Unknown, TEXTS, TEXTS),
        st.builds(Contradictory, st.tuples(values, values), TEXTS, TEXTS),
    )


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    """No CPU is in two of them."""
    left = draw(st.integers(0, (1 << 128) - 1))
    made = []
    for fact in draw(st.lists(facts("register"), max_size=4)):
        cpus = draw(st.integers(0, (1 << 128) - 1)) & left
        left &= ~cpus
        if cpus:
            made.append(Reading(cpus, fact))
    return made


OBSERVATIONS = st.builds(
    Observation,
    TEXTS.filter(bool),
    TIMES,
    st.sampled_from([(level,) for level in LEVELS] + [LEVELS]),
    st.fixed_dictionaries({}, optional={name: facts(kind.type) for name, kind in FACTS.items()}),
    st.fixed_dictionaries({}, optional={name: readings() for name in REGISTERS}),
)


@given(OBSERVATIONS)
def test_what_is_written_is_read_as_it_was(observation: Observation) -> None:
    text = written(observation)
    assert text.endswith("}\n") and text.count("\n") == 1
    assert read(text, "there") == observation
    assert read(text.encode(), "there") == observation


@given(OBSERVATIONS)
def test_the_schema_is_of_what_is_written(observation: Observation) -> None:
    VALIDATOR.validate(json.loads(written(observation)))


def test_a_fleet_is_read_as_it_was() -> None:
    hosts = list(fleet(60, cpus=12))
    assert [read(written(made), "there") for made in hosts] == hosts


def test_the_order_of_facts_does_not_matter() -> None:
    made, other = host(), host()
    other.facts = dict(reversed(other.facts.items()))
    other.registers = dict(reversed(other.registers.items()))
    assert list(made.facts) != list(other.facts)
    assert written(made) == written(other)


def test_what_no_terminal_should_get_is_escaped_when_written() -> None:
    made = without(host("a\x1b]0;b\x07\u202ec\udc80", release="6.12\n\x85"), "vendor", because="\t")
    made.facts["brand"] = Known("x" * (MOST_TEXT + 1), "somewhere", 1.0)
    VALIDATOR.validate(json.loads(written(made)))
    back = read(written(made), "there")
    assert back.host == "a\\x1b]0;b\\x07\\u202ec\\udc80"
    assert back.value("release") == "6.12\\n\\x85"
    assert back.facts["vendor"] == Unknown("\\t", "/proc/cpuinfo")
    assert back.value("brand") == "x" * (MOST_TEXT - 1) + "…"


# --- the schema ----------------------------------------------------------------------------------


def test_the_schema_names_what_there_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    types = {
        name: told["$ref"].removeprefix("#/$defs/").removesuffix("-fact")
        for name, told in SCHEMA["properties"]["facts"]["properties"].items()
    }
    assert types == {name: kind.type for name, kind in FACTS.items()}
    assert set(types.values()) < set(WANTED)
    assert list(SCHEMA["properties"]["registers"]["properties"]) == list(REGISTERS)


# --- bad input -----------------------------------------------------------------------------------

SYSCFG, AT = "registers.syscfg[0]", "seconds since 1970, from 0 to 253402300799"
TEXT = f"a printable text of at most {MOST_TEXT} characters"
A_CPU = "CPUs below 65536 like 0,2-3, in order"
A_REGISTER = "a register of 64 bits like 0x1f"
HEADER = "the keys format, version, host, at, levels, facts, registers"
ONLINE, SNP_STATE = ("facts", "online", "value"), ("facts", "snp-state", "value")
LOADED = ("facts", "ccp-loaded", "value")
GONE: Any = object()


def changed(path: tuple[str | int, ...], value: Any) -> str:
    document: Any = json.loads(written(host()))
    at = document
    for part in path[:-1]:
        at = at[part]
    if value is GONE:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return json.dumps(document)


WRONG: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("format",), "softsnp diagnosis", 'format: wanted "softsnp observation", got "softsnp diag'
     'nosis"'),
    (("format",), GONE, 'format: wanted "softsnp observation", got null'),
    (("version",), 2, "version: wanted at most 1, got 2: made by a newer softsnp"),
    (("version",), True, "version: wanted 1, got true"),
    (("version",), 1.0, "version: wanted 1, got 1.0"),
    (("version",), 0, "version: wanted 1, got 0"),
    (("host",), GONE, f"wanted {HEADER}, got no host"),
    (("more",), 1, f'wanted {HEADER}, got "more"'),
    (("m\x1b\ud800",), 1, f'wanted {HEADER}, got "m\\u001b\\ud800"'),
    (("host",), "", 'host: wanted the name of a host, got ""'),
    (("host",), "a\nb", 'host: wanted a printable text of at most 255 characters, got "a\\nb"'),
    (("host",), "h" * 256, "host: wanted a printable text of at most 255 characters, got "
     f'"{"h" * 39}…'),
    (("host",), ["a"], "host: wanted a printable text of at most 255 characters, got a list of 1"),
    (("at",), "now", f'at: wanted {AT}, got "now"'),
    (("at",), True, f"at: wanted {AT}, got true"),
    (("at",), -1, f"at: wanted {AT}, got -1"),
    (("at",), float("nan"), f"at: wanted {AT}, got NaN"),
    (("at",), float("inf"), f"at: wanted {AT}, got Infinity"),
    (("at",), 1e300, f"at: wanted {AT}, got 1e+300"),
    (("levels",), [], "levels: wanted some of interfaces, kernel, in order, got a list of 0"),
    (("levels",), ["kernel", "interfaces"],
     "levels: wanted some of interfaces, kernel, in order, got a list of 2"),
    (("levels",), "kernel", 'levels: wanted some of interfaces, kernel, in order, got "kernel"'),
    (("facts",), [], "facts: wanted an object, got a list of 0"),
    (("facts", "on line"), {}, 'facts: wanted names of facts, got "on line"'),
    (("facts", "online"), 3, "facts.online: wanted an object, got 3"),
    (("facts", "online"), {}, "facts.online: wanted value, unknown or contradictory, got none of "
     "them"),
    (("facts", "online", "unknown"), "x", "facts.online: wanted the keys value, source, at, got "
     '"unknown"'),
    (("facts", "online", "source"), GONE, "facts.online: wanted the keys value, source, at, got "
     "no source"),
    (("facts", "online", "source"), "\x7f", f'facts.online.source: wanted {TEXT}, got "\\u007f"'),
    (("facts", "online", "at"), None, f"facts.online.at: wanted {AT}, got null"),
    (("facts", "online"), {"unknown": 1, "source": ""}, f"facts.online.unknown: wanted {TEXT}, "
     "got 1"),
    (("facts", "online"), {"contradictory": ["0"], "because": "", "source": ""},
     "facts.online.contradictory: wanted a list of 2 to 16 values, got a list of 1"),
    (("facts", "online"), {"contradictory": ["0", 0], "because": "", "source": ""},
     f"facts.online.contradictory[1]: wanted {A_CPU}, got 0"),
    (SNP_STATE, "1", 'facts.snp-state.value: wanted an int, got "1"'),
    (SNP_STATE, True, "facts.snp-state.value: wanted an int, got true"),
    (SNP_STATE, 1.0, "facts.snp-state.value: wanted an int, got 1.0"),
    (SNP_STATE, 1 << 64, "facts.snp-state.value: wanted an int, got 18446744073709551616"),
    (SNP_STATE, 10**20, "facts.snp-state.value: wanted an int, got a number of too many digits"),
    (LOADED, 1, "facts.ccp-loaded.value: wanted true or false, got 1"),
    (LOADED, None, "facts.ccp-loaded.value: wanted true or false, got null"),
    (("facts", "release", "value"), 6.12, f"facts.release.value: wanted {TEXT}, got 6.12"),
    (("facts", "release", "value"), "\u202e", f'facts.release.value: wanted {TEXT}, got "\\u202e"'),
    (("facts", "release", "value"), "\ud800", f'facts.release.value: wanted {TEXT}, got "\\ud800"'),
    (ONLINE, 3, f"facts.online.value: wanted {A_CPU}, got 3"),
    (ONLINE, "0-65536", f'facts.online.value: wanted {A_CPU}, got "0-65536"'),
    (ONLINE, "3-1", f'facts.online.value: wanted {A_CPU}, got "3-1"'),
    (ONLINE, "0,", f'facts.online.value: wanted {A_CPU}, got "0,"'),
    (ONLINE, " 0", f'facts.online.value: wanted {A_CPU}, got " 0"'),
    (ONLINE, "٣", f'facts.online.value: wanted {A_CPU}, got "\\u0663"'),
    (ONLINE, "0\n", f'facts.online.value: wanted {A_CPU}, got "0\\n"'),
    (("registers", "msr"), [], "registers: wanted some of syscfg, vm-hsave-pa, rmp-base, rmp-end, "
     'efer, rmpopt-base, got "msr"'),
    (("registers", "syscfg"), {}, "registers.syscfg: wanted a list, got an object"),
    (("registers", "syscfg", 0), "0", f'{SYSCFG}: wanted an object, got "0"'),
    (("registers", "syscfg", 0, "cpus"), GONE, f"{SYSCFG}.cpus: wanted {A_CPU}, got null"),
    (("registers", "syscfg", 0, "cpus"), "", f"{SYSCFG}.cpus: wanted CPUs that no reading before "
     'has, got ""'),
    (("registers", "vm-hsave-pa", 2, "cpus"), "0-2", "registers.vm-hsave-pa[2].cpus: wanted CPUs "
     'that no reading before has, got "0-2"'),
    (("registers", "syscfg", 0, "value"), 1, f"{SYSCFG}.value: wanted {A_REGISTER}, got 1"),
    (("registers", "syscfg", 0, "value"), "1", f'{SYSCFG}.value: wanted {A_REGISTER}, got "1"'),
    (("registers", "syscfg", 0, "value"), "0x1F", f'{SYSCFG}.value: wanted {A_REGISTER}, got '
     '"0x1F"'),
    (("registers", "syscfg", 0, "value"), "0x1_0", f'{SYSCFG}.value: wanted {A_REGISTER}, got '
     '"0x1_0"'),
    (("registers", "syscfg", 0, "value"), "0x" + "1" * 17, f"{SYSCFG}.value: wanted {A_REGISTER}, "
     f'got "0x{"1" * 17}"'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_what_is_wrong_is_told_in_one_line(
    path: tuple[str | int, ...], value: Any, message: str
) -> None:
    dot = ": " if message.startswith("wanted") else "."
    with pytest.raises(BadObservation) as caught:
        read(changed(path, value), "host.json")
    assert str(caught.value) == f"host.json: ${dot}{message}"


BEYOND = {
    repr(value) for value in ("\u202e", "\ud800", "0-65536", "3-1", "0-2", "0\n", 1.0, float("nan"))
}
"""What the schema cannot say, or Python's validator of schemas sees otherwise."""


@pytest.mark.parametrize(("path", "value", "_"), WRONG)
def test_the_schema_refuses_it_too(path: tuple[str | int, ...], value: Any, _: str) -> None:
    valid = VALIDATOR.is_valid(json.loads(changed(path, value)))
    assert valid == (repr(value) in BEYOND)


GOOD = written(host())
TEXTS_THAT_ARE_WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "wanted JSON: Expecting value at line 1, column 1"),
    "no JSON": ("{}\n{}", "wanted JSON: Extra data at line 2, column 1"),
    "cut off": ('{"format":', "wanted JSON: Expecting value at line 1, column 11"),
    "a list": ("[]", "$: wanted an object, got a list of 0"),
    "null": (b"null", "$: wanted an object, got null"),
    "no UTF-8": (b'{"host": "\xff"}', "wanted UTF-8, got byte 0xff at 10"),
    "UTF-16": (GOOD.encode("utf-16"), "wanted UTF-8, got byte 0xff at 0"),
    "too long": (b" " * (MOST + 1), f"wanted at most {MOST} bytes, got {MOST + 1}"),
    "deep lists": ("[" * 200_000, "wanted an observation, got values that are nested too deep"),
    "deep objects": (
        '{"a":' * 200_000,
        "wanted an observation, got values that are nested too deep",
    ),
    "a long number": (
        GOOD.replace('"version":1', '"version":' + "1" * 1_000_000),
        "$.version: wanted 1, got a number of too many digits",
    ),
    "a long negative number": (
        GOOD.replace('"value":25,', f'"value":-{"9" * 1_000_000},'),
        "$.facts.family.value: wanted an int, got a number of too many digits",
    ),
    "a key twice": (
        GOOD.replace('{"format"', '{"host":"other","format"'),
        '$: wanted each key once, got "host" twice',
    ),
    "a fact twice": (
        GOOD.replace('"facts":{', '"facts":{"online":{"unknown":"","source":""},'),
        '$.facts: wanted each key once, got "online" twice',
    ),
    "a value twice": (
        GOOD.replace('"value":25,', '"value":24,"value":25,'),
        '$.facts.family: wanted each key once, got "value" twice',
    ),
    "a register's CPUs twice": (
        GOOD.replace('[{"cpus":"0-7",', '[{"cpus":"0-7","cpus":"0-7",', 1),
        '$.registers.syscfg[0]: wanted each key once, got "cpus" twice',
    ),
}


@pytest.mark.parametrize("name", TEXTS_THAT_ARE_WRONG)
def test_what_is_no_document_is_told_in_one_line(name: str) -> None:
    text, message = TEXTS_THAT_ARE_WRONG[name]
    assert text != GOOD
    with pytest.raises(BadObservation) as caught:
        read(text, "host.json")
    assert str(caught.value) == f"host.json: {message}"


def test_a_file_with_an_odd_name_is_named_safely() -> None:
    with pytest.raises(BadObservation) as caught:
        read("[]", "a\x1b[2Jb\udc80")
    assert str(caught.value) == "a\\x1b[2Jb\\udc80: $: wanted an object, got a list of 0"


def test_as_many_cpus_as_can_be() -> None:
    """Every other one, each with a register of its own kind."""
    made = host(cpus=1)
    some = sum(1 << cpu for cpu in range(0, 1 << 16, 2))
    made.facts["online"] = Known(some, "somewhere", 1.0)
    made.registers["efer"] = [Reading(some, Unknown("offline", MSR))]
    assert read(written(made), "there") == made


def test_unguarded_hosts_have_two_readings() -> None:
    document = json.loads(written(unguarded(host(), 1 << 3)))
    told = [(reading["cpus"], reading["value"]) for reading in document["registers"]["syscfg"]]
    assert told == [("0-2,4-7", "0x3080000"), ("3", "0x80000")]
