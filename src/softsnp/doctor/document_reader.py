"""The reader of observations' documents, which believes nothing before it has looked at it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import cpuset
from .facts import (
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
from .untrusted_json import BadJson, Twice, parse, shown

FORMAT = "softsnp observation"
VERSION = 1
MOST_TEXT = 1 << 14
"""Characters of a text in it: more than a kernel's command line has."""
MOST_HOST = 255
MOST_CPUS_TEXT = 6 * cpuset.MOST_CPUS
MOST_CONTRADICTIONS = 16
MOST_SECONDS = 253402300799
"""The end of the year 9999."""
LEAST_INT, MOST_INT = -(1 << 63), (1 << 64) - 1
CPUS = re.compile(r"(?:[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*)?")
REGISTER = re.compile(r"0x[0-9a-f]{1,16}")
KEYS = ("format", "version", "host", "at", "levels", "facts", "registers")
KNOWN = ("value", "source", "at")
UNKNOWN = ("unknown", "source")
CONTRADICTORY = ("contradictory", "because", "source")
REGISTER_TYPE = "register"
WANTED = {
    "bool": "true or false",
    "int": "an int",
    "str": f"a printable text of at most {MOST_TEXT} characters",
    "cpus": f"CPUs below {cpuset.MOST_CPUS} like 0,2-3, in order",
    REGISTER_TYPE: "a register of 64 bits like 0x1f",
}


class BadObservation(Exception):
    """What is no observation: the message says where, what was wanted, and what came."""


class Reader:
    """Takes a document apart, and knows where it is in it."""

    def __init__(self, where: str) -> None:
        self.where = where

    def parsed(self, text: str | bytes) -> object:
        try:
            return parse(text)
        except BadJson as error:
            raise BadObservation(f"{self.where}: {error}") from None

    def observation(self, document: object) -> Observation:
        top = self._object(document, "$")
        if top.get("format") != FORMAT:
            raise self._wrong("$.format", shown(FORMAT), top.get("format"))
        version = top.get("version")
        if type(version) is int and version > VERSION:
            what = f"wanted at most {VERSION}, got {version}: made by a newer softsnp"
            raise BadObservation(f"{self.where}: $.version: {what}")
        if type(version) is not int or version != VERSION:
            raise self._wrong("$.version", str(VERSION), version)
        self._keys(top, KEYS, "$")
        host = self._text(top["host"], "$.host", MOST_HOST)
        if not host:
            raise self._wrong("$.host", "the name of a host", host)
        return Observation(
            host,
            self._seconds(top["at"], "$.at"),
            self._levels(top["levels"]),
            self._facts(self._object(top["facts"], "$.facts")),
            self._registers(self._object(top["registers"], "$.registers")),
        )

    def _levels(self, value: object) -> tuple[str, ...]:
        levels = tuple(level for level in LEVELS if isinstance(value, list) and level in value)
        if not levels or list(levels) != value:
            raise self._wrong("$.levels", f"some of {', '.join(LEVELS)}, in order", value)
        return levels

    def _facts(self, told: Mapping[str, object]) -> dict[str, Fact]:
        facts = {}
        for name, value in told.items():
            kind = FACTS.get(name)
            if kind is None:
                raise self._wrong("$.facts", "names of facts", name)
            facts[name] = self._fact(
                self._object(value, f"$.facts.{name}"), f"$.facts.{name}", kind.type
            )
        return facts

    def _registers(self, told: Mapping[str, object]) -> dict[str, list[Reading]]:
        registers = {}
        for name, values in told.items():
            if name not in REGISTERS:
                raise self._wrong("$.registers", f"some of {', '.join(REGISTERS)}", name)
            registers[name] = self._readings(values, f"$.registers.{name}")
        return registers

    def _readings(self, values: object, path: str) -> list[Reading]:
        if not isinstance(values, list):
            raise self._wrong(path, "a list", values)
        readings = []
        seen = 0
        for number, value in enumerate(values):
            at = f"{path}[{number}]"
            told = self._object(value, at)
            cpus = self._cpus(told.pop("cpus", None), f"{at}.cpus")
            if not cpus or cpus & seen:
                raise self._wrong(
                    f"{at}.cpus", "CPUs that no reading before has", cpuset.show(cpus)
                )
            seen |= cpus
            readings.append(Reading(cpus, self._fact(told, at, REGISTER_TYPE)))
        return readings

    def _fact(self, told: Mapping[str, object], path: str, kind: str) -> Fact:
        if "value" in told:
            self._keys(told, KNOWN, path)
            value = self._value(told["value"], f"{path}.value", kind)
            at = self._seconds(told["at"], f"{path}.at")
            return Known(value, self._text(told["source"], f"{path}.source"), at)
        if "unknown" in told:
            self._keys(told, UNKNOWN, path)
            because = self._text(told["unknown"], f"{path}.unknown")
            return Unknown(because, self._text(told["source"], f"{path}.source"))
        if "contradictory" not in told:
            raise self._wrong(path, "value, unknown or contradictory", "none of them", quote=False)
        self._keys(told, CONTRADICTORY, path)
        values = told["contradictory"]
        if not isinstance(values, list) or not 2 <= len(values) <= MOST_CONTRADICTIONS:
            wanted = f"a list of 2 to {MOST_CONTRADICTIONS} values"
            raise self._wrong(f"{path}.contradictory", wanted, values)
        return Contradictory(
            tuple(
                self._value(value, f"{path}.contradictory[{number}]", kind)
                for number, value in enumerate(values)
            ),
            self._text(told["because"], f"{path}.because"),
            self._text(told["source"], f"{path}.source"),
        )

    def _value(self, value: object, path: str, kind: str) -> Value:
        if kind == REGISTER_TYPE:
            if isinstance(value, str) and REGISTER.fullmatch(value):
                return int(value, 16)
        elif kind == "cpus":
            return self._cpus(value, path)
        elif kind == "str":
            return self._text(value, path)
        elif kind == "bool":
            if isinstance(value, bool):
                return value
        elif type(value) is int and LEAST_INT <= value <= MOST_INT:  # a bool is an int
            return value
        raise self._wrong(path, WANTED[kind], value)

    def _cpus(self, value: object, path: str) -> int:
        if isinstance(value, str) and len(value) <= MOST_CPUS_TEXT and CPUS.fullmatch(value):
            try:
                return cpuset.parse(value)
            except ValueError:
                pass
        raise self._wrong(path, WANTED["cpus"], value)

    def _text(self, value: object, path: str, most: int = MOST_TEXT) -> str:
        if not isinstance(value, str) or len(value) > most or not value.isprintable():
            raise self._wrong(path, f"a printable text of at most {most} characters", value)
        return value

    def _seconds(self, value: object, path: str) -> float:
        if type(value) in (int, float) and 0 <= value <= MOST_SECONDS:  # type: ignore[operator]
            return float(value)  # type: ignore[arg-type]
        raise self._wrong(path, f"seconds since 1970, from 0 to {MOST_SECONDS}", value)

    def _object(self, value: object, path: str) -> dict[str, object]:
        if not isinstance(value, dict):
            raise self._wrong(path, "an object", value)
        if isinstance(value, Twice):
            raise self._wrong(path, "each key once", f"{shown(value.key)} twice", quote=False)
        return value

    def _keys(self, told: Mapping[str, object], wanted: tuple[str, ...], path: str) -> None:
        if told.keys() == set(wanted):
            return
        others = [key for key in told if key not in wanted]
        missing = [key for key in wanted if key not in told]
        got = shown(others[0]) if others else f"no {missing[0]}"
        raise self._wrong(path, f"the keys {', '.join(wanted)}", got, quote=False)

    def _wrong(self, path: str, wanted: str, got: object, quote: bool = True) -> BadObservation:
        told = shown(got) if quote else got
        return BadObservation(f"{self.where}: {path}: wanted {wanted}, got {told}")
