"""What runs inside a virtual host for a test suite, as a script of its own: it imports nothing of
softsnp. The answer is a line of JSON.

``wait``: tells the environment that the host gives, and waits until its input ends.
``read FILE``, ``write FILE`` (its input), ``log`` (the kernel's, a message a line).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator

RECORD = 8192
"""Bytes: more than a record of /dev/kmsg has."""


def wait() -> dict[str, object]:
    tell({"environment": dict(os.environ)})
    sys.stdin.buffer.read()
    return {"ended": True}


def read(path: str) -> dict[str, object]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return {"text": file.read().decode(errors="surrogateescape")}


def write(path: str) -> dict[str, object]:
    """Without O_CREAT: what is not there is an error."""
    data = sys.stdin.buffer.read()
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    while data:
        data = data[os.write(descriptor, data) :]
    os.close(descriptor)  # it may fail as well
    return {}


def log() -> dict[str, object]:
    return {"text": "".join(messages())}


def messages() -> Iterator[str]:
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    while True:
        try:
            record = os.read(descriptor, RECORD)
        except BlockingIOError:
            return
        except BrokenPipeError:  # overwritten before it was read
            continue
        _, _, text = record.decode(errors="replace").partition(";")
        yield text.partition("\n")[0] + "\n"


def tell(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    verbs: dict[str, Callable[..., dict[str, object]]] = {
        "wait": wait,
        "read": read,
        "write": write,
        "log": log,
    }
    try:
        tell(verbs[sys.argv[1]](*sys.argv[2:]))
    except OSError as error:
        tell({"errno": error.errno})


if __name__ == "__main__":
    main()
