"""``state.json``: what a platform keeps, as a text with a version."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Mapping

from .firmware.certificate import LENGTH as CERTIFICATE_LENGTH
from .firmware.chip import LEAST_SEED
from .firmware.kept import Kept, KeyPair, Owner, Version
from .firmware.tcb import BYTES, Tcb
from .generations import GENERATIONS

FORMAT = "softsnp host state"
VERSION = 1
COMPONENTS = ("boot_loader", "tee", "snp", "microcode", "fmc")


class StateError(Exception):
    """The state cannot be had, or not be kept. The message says where, and what to do."""


def encode(kept: Kept) -> bytes:
    """The same state gives the same bytes. It ends with a newline."""
    owner = kept.owner
    document = {
        "format": FORMAT,
        "version": VERSION,
        "generation": kept.generation,
        "seed": kept.seed.hex(),
        "firmware": _numbers(kept.version, ("major", "minor", "build")),
        "committed_tcb": _numbers(kept.committed, COMPONENTS),
        "keys": {
            name: _numbers(getattr(kept, name), ("number", "major", "minor"))
            for name in ("oca", "pek", "pdh")
        },
        "owner": None
        if owner is None
        else {name: base64.b64encode(getattr(owner, name)).decode() for name in ("pek", "oca")},
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _numbers(of: object, names: tuple[str, ...]) -> dict[str, int]:
    return {name: getattr(of, name) for name in names}


def decode(data: bytes, where: str) -> Kept:
    """Of ``encode``. Raises StateError for anything else; ``where`` names it in the message."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:  # JSON's and UTF-8's; nested too deep
        raise damaged(where, f"it is no JSON: {error}") from None
    return _Reader(where).kept(document)


def damaged(where: str, what: str) -> StateError:
    return StateError(
        f"{where} is damaged: {what}\n"
        f"  put a copy of it back, or remove it: the host then begins with a new chip"
    )


class _Reader:
    """Takes a document apart, and knows where it is in it."""

    def __init__(self, where: str) -> None:
        self.where = where

    def kept(self, document: object) -> Kept:
        top = self._object(document, "$")
        self._header(top)
        generation = top.get("generation")
        if not isinstance(generation, str) or generation not in GENERATIONS:
            raise self._wrong("$.generation", f"one of {', '.join(GENERATIONS)}", generation)
        keys = self._object(top.get("keys"), "$.keys")
        oca, pek, pdh = (
            KeyPair(*self._some(keys, name, ("number", "major", "minor"), "$.keys"))
            for name in ("oca", "pek", "pdh")
        )
        return Kept(
            generation,
            self._seed(top.get("seed")),
            Version(*self._some(top, "firmware", ("major", "minor", "build"))),
            self._tcb(self._object(top.get("committed_tcb"), "$.committed_tcb"), generation),
            oca,
            pek,
            pdh,
            self._owner(top.get("owner")),
        )

    def _header(self, top: Mapping[str, object]) -> None:
        if top.get("format") != FORMAT:
            raise self._wrong("$.format", repr(FORMAT), top.get("format"))
        version = self._integer(top, "version", "$", most=1 << 31)
        if version > VERSION:
            raise StateError(
                f"{self.where} has version {version} of the format, and this softsnp knows "
                f"versions up to {VERSION}\n"
                f"  use the softsnp that wrote it, or a newer one, or another directory"
            )
        if version != VERSION:
            raise self._wrong("$.version", str(VERSION), version)

    def _some(
        self, above: Mapping[str, object], name: str, names: tuple[str, ...], path: str = "$"
    ) -> list[int]:
        values = self._object(above.get(name), f"{path}.{name}")
        most = {"number": (1 << 32) - 1}
        return [self._integer(values, n, f"{path}.{name}", most.get(n, 0xFF)) for n in names]

    def _tcb(self, values: Mapping[str, object], generation: str) -> Tcb:
        path, layout = "$.committed_tcb", GENERATIONS[generation].tcb
        numbers = {
            name: self._integer(values, name, path, 0xFF if name in BYTES[layout] else 0)
            for name in COMPONENTS
        }
        return Tcb(**numbers)

    def _seed(self, value: object) -> bytes:
        seed = b""
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                seed = bytes.fromhex(value)
        if len(seed) < LEAST_SEED:
            raise self._wrong("$.seed", f"{LEAST_SEED} bytes or more in hexadecimal", value)
        return seed

    def _owner(self, value: object) -> Owner | None:
        if value is None:
            return None
        certificates = self._object(value, "$.owner")
        return Owner(*(self._certificate(certificates, name) for name in ("pek", "oca")))

    def _certificate(self, values: Mapping[str, object], name: str) -> bytes:
        value, data = values.get(name), b""
        if isinstance(value, str):
            with contextlib.suppress(ValueError):  # binascii's is one
                data = base64.b64decode(value, validate=True)
        if len(data) != CERTIFICATE_LENGTH:
            raise self._wrong(f"$.owner.{name}", f"{CERTIFICATE_LENGTH} bytes in base 64", value)
        return data

    def _object(self, value: object, path: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self._wrong(path, "an object", value)
        return value

    def _integer(self, values: Mapping[str, object], name: str, path: str, most: int) -> int:
        value = values.get(name)
        if type(value) is not int or not 0 <= value <= most:  # a bool is an int
            raise self._wrong(f"{path}.{name}", f"a number from 0 to {most}", value)
        return value

    def _wrong(self, path: str, wanted: str, got: object) -> StateError:
        shown = json.dumps(got)
        shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
        return damaged(self.where, f"at {path}, wanted {wanted}, got {shown}")
