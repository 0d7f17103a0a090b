"""``python -m tests.serve.fuzzing.inside``, in a virtual host: all clients at once, then whether
the host answers as it did before. What was found is printed as JSON.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import fcntl
import os
import select
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl
from softsnp.serve.control import ask as ask_control

from .noise import CONTROL, Noise
from .report import Report
from .worker import work

CPUS: Final = 8
DEVICE: Final = Path("/dev/sev")


def ask(command: Ioctl, data: bytes) -> tuple[int, bytes]:
    """(errno, the struct afterwards), in the simplest way there is."""
    buffer = ctypes.create_string_buffer(data, len(data))
    given = bytearray(struct.pack("<IQI", command.value, ctypes.addressof(buffer), 0))
    with DEVICE.open("r+b", buffering=0) as device:
        try:
            fcntl.ioctl(device, SEV_ISSUE_CMD, given)
        except OSError as error:
            return error.errno or -1, buffer.raw
    return 0, buffer.raw


def make_device() -> None:
    """ccp may have been removed; if SNP was not shut down, only power brings its device back."""
    for verb, args in (("modprobe", {"module": "ccp"}), ("power-cycle", {})):
        try:
            DEVICE.open("rb").close()
        except FileNotFoundError:
            ask_control(Path(CONTROL), verb, **args)


def reference() -> dict[str, object]:
    """What no call of a fuzzer can change: the API's version, and the chip's identifier."""
    make_device()
    answer: dict[str, object] = {}
    error, status = ask(Ioctl.PLATFORM_STATUS, bytes(12))
    answer["PLATFORM_STATUS"] = error, status[:2].hex(), status[7]
    identifier = ctypes.create_string_buffer(64)
    query = struct.pack("<QI", ctypes.addressof(identifier), 64)
    error, query = ask(Ioctl.GET_ID2, query)
    answer["GET_ID2"] = error, struct.unpack("<QI", query)[1], identifier.raw.hex()
    error, query = ask(Ioctl.GET_ID2, bytes(12))
    answer["GET_ID2 of no room"] = error, struct.unpack("<QI", query)[1]
    return answer


def begin(do: Callable[[], Report]) -> tuple[int, int]:
    """In a process of its own; its report comes out of the descriptor."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    try:
        report = do()
    except BaseException:
        report = Report(wrong=[f"a client failed:\n{traceback.format_exc()}"])
    with os.fdopen(writing, "w") as out:
        out.write(report.to_json())
    os._exit(0)


def make_noise(seed: str, stop: int) -> Report:
    noise = Noise(seed, CPUS)
    while not select.select([stop], [], [], 0.001)[0]:
        noise.one()
    return noise.report


def collect(child: int, reading: int) -> Report:
    with os.fdopen(reading) as text:
        found = text.read()
    _, status = os.waitpid(child, 0)
    if not found:
        told = f"a client ended without a report, {os.waitstatus_to_exitcode(status)}"
        return Report(wrong=[told])
    return Report.from_json(found)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--calm", action="store_true", help="nothing shuts SNP down")
    args = parser.parse_args()
    faulthandler.enable()
    before = reference()
    stop, stopping = os.pipe()

    def noise(number: int) -> Report:
        os.close(stopping)  # or nobody ever hears that it is closed
        return make_noise(f"{args.seed} noise {number}", stop)

    each = -(-args.calls // (args.processes * args.threads))
    noises = [] if args.calm else [begin(lambda n=n: noise(n)) for n in range(2)]  # type: ignore[misc]
    working = [
        begin(lambda n=n: work(n, args.threads, each, args.seed, args.calm))  # type: ignore[misc]
        for n in range(args.processes)
    ]
    report = Report()
    for child, reading in working:
        report.merge(collect(child, reading))
    os.close(stopping)
    for child, reading in noises:
        report.merge(collect(child, reading))
    after = reference()
    if after != before:
        report.add(f"the host answers {after}; it was {before}")
    sys.stdout.write(report.to_json() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
