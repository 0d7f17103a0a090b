"""The control channel: a line of JSON for each request, and one for each answer, in any order.

Request: ``{"do": VERB, "with": {NAME: VALUE}, "id": TEXT OR NUMBER}``; the last two may lack.
Answer: ``{"id": …, "ok": true, "result": …}`` or ``{"id": …, "ok": false, "error": TEXT,
"errno": NAME}``, ``errno`` only where the kernel refused it.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from .host import VirtualHost
from .loop import Loop
from .namespace.plan import CONTROL
from .verbs import VERBS, VerbError

MOST = 1 << 20
"""Bytes of one request."""


class ControlError(Exception):
    """The host cannot be asked, or refuses; one clear message."""

    def __init__(self, message: str, errno: str = "") -> None:
        super().__init__(message)
        self.errno = errno


class Connection:
    """One client of the control channel."""

    def __init__(self, host: VirtualHost, loop: Loop, connection: socket.socket) -> None:
        self.host = host
        self.loop = loop
        self.connection = connection
        self.received = b""
        self.to_send = b""
        self.open = True

    def begin(self) -> None:
        """From now on the loop keeps it."""
        self._watch()

    def _watch(self) -> None:
        writable = self._send if self.to_send else None
        self.loop.watch(self.connection.fileno(), self._receive, writable)

    def _close(self) -> None:
        if self.open:
            self.open = False
            self.loop.forget(self.connection.fileno())
            self.connection.close()

    def _receive(self) -> None:
        try:
            data = self.connection.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.received += data
        while b"\n" in self.received:
            line, self.received = self.received.split(b"\n", 1)
            self._request(line)
        if not data or len(self.received) > MOST:
            self._close()

    def _request(self, line: bytes) -> None:
        name: Any = None

        def fail(error: VerbError) -> None:
            told = {"id": name, "ok": False, "error": str(error)}
            self._answer({**told, "errno": error.errno} if error.errno else told)

        try:
            request = _parsed(line)
            name = _named(request)
            verb = VERBS[request["do"]]
            args = request.get("with", {})
            verb.run(
                self.host,
                args,
                lambda result: self._answer({"id": name, "ok": True, "result": result}),
                fail,
            )
        except VerbError as error:
            fail(error)

    def _answer(self, answer: dict[str, Any]) -> None:
        if not self.open:
            return
        self.to_send += json.dumps(answer).encode() + b"\n"
        self._send()

    def _send(self) -> None:
        try:
            sent = self.connection.send(self.to_send)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close()
            return
        self.to_send = self.to_send[sent:]
        self._watch()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:  # JSON's and UTF-8's; nested too deep
        raise VerbError(f"a request is a line of JSON: {error}") from None
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise VerbError('a request is an object with a verb: {"do": "status"}')
    do, given = request["do"], request.get("with", {})
    if do not in VERBS:
        raise VerbError(f"no verb {do!r}; there are {', '.join(VERBS)}")
    takes = VERBS[do].takes
    if not isinstance(given, dict):
        raise VerbError(f'"with" is an object of names and values; got {given!r}')
    for name in given:
        if name not in takes and f"{name}*" not in takes:
            known = ", ".join(takes).replace("*", "") or "nothing"
            raise VerbError(f"{do} takes {known}; got {name!r}")
    for name, sentence in takes.items():
        if not name.endswith("*") and name not in given:
            raise VerbError(f"{do} wants {name}: {sentence}")
    return request


def _named(request: dict[str, Any]) -> str | float | None:
    """The request's id. What is nested may be too deep for an answer around it."""
    name = request.get("id")
    if name is not None and not isinstance(name, str | int | float):
        raise VerbError(f'"id" is a text or a number; got {name!r:.40}')
    return name


# --- the client's side ----------------------------------------------------------------------------


def socket_of(init: int) -> Path:
    """Where a host's socket is, seen from outside its namespace."""
    return Path(f"/proc/{init}/root{CONTROL}")


def ask(path: Path, verb: str, **args: Any) -> Any:
    """The result of a verb. Raises ControlError."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps({"do": verb, "with": args}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except OSError as error:
            raise ControlError(f"{path} cannot be asked: {error.strerror or error}") from None
    if not line:
        raise ControlError("the host ended before it answered")
    answer = json.loads(line)
    if not answer["ok"]:
        raise ControlError(str(answer["error"]), str(answer.get("errno", "")))
    return answer["result"]
