"""The kernel's log, without waiting and without changing what others read."""

from __future__ import annotations

import errno
import os

from softsnp.doctor.facts import Fact, Unknown

from .files import Files, told

WHERE = "/dev/kmsg"
MESSAGES = {
    "log-psp-timeout": "disabling PSP",
    "log-hotplug-unbalanced": "Unbalanced cpu hotplug enable",
}
RECORD = 1 << 13
MOST_RECORDS = 1 << 20


def log(files: Files) -> dict[str, Fact]:
    """Whether each message is in the log. That it is not says something only if the log still
    begins where the kernel began.
    """
    try:
        device = os.open(files.path(WHERE), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return dict.fromkeys(MESSAGES, Unknown(told(error), WHERE))
    seen: set[str] = set()
    first = None
    try:
        for _ in range(MOST_RECORDS):
            try:
                record = os.read(device, RECORD)
            except BrokenPipeError:  # what was next has been overwritten
                first = first or -1
                continue
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EINVAL):
                    break
                return dict.fromkeys(MESSAGES, Unknown(told(error), WHERE))
            if not record:
                break
            header, _, text = record.decode("utf-8", "replace").partition(";")
            if first is None:
                fields = header.split(",")
                first = int(fields[1]) if len(fields) > 2 and fields[1].isdecimal() else -1
            seen.update(name for name, message in MESSAGES.items() if message in text)
    finally:
        os.close(device)
    whole = first == 0
    missing = Unknown("the log no longer begins where the kernel began", WHERE)
    return {
        name: files.known(name in seen, WHERE) if whole or name in seen else missing
        for name in MESSAGES
    }
