"""What clients do in a small host, as functions that run there: ``python -m … NAME``."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from .small_host import SUM

SMALL = Path("/dev/small")


def request(*buffers: ctypes.Array[ctypes.c_char]) -> tuple[bytearray, object]:
    """The struct of SUM, and what has to live as long as it."""
    pairs = b"".join(struct.pack("<QQ", ctypes.addressof(b), len(b)) for b in buffers)
    table = ctypes.create_string_buffer(pairs, len(pairs))
    return bytearray(struct.pack("<IQI", len(buffers), ctypes.addressof(table), 99)), table


def nested_pointers() -> None:
    device = os.open("/dev/device", os.O_RDWR)
    one, two = ctypes.create_string_buffer(b"\1" * 8, 8), ctypes.create_string_buffer(b"\2" * 5000)
    given, _kept = request(one, two)
    fcntl.ioctl(device, SUM, given)
    assert struct.unpack("<IQI", given)[2] == 8 + 10_000
    assert one.raw == bytes(8) and two.raw == bytes(5001)


def output_of_an_error() -> None:
    device = os.open("/dev/device", os.O_RDWR)
    given, _kept = request(ctypes.create_string_buffer(b"\7", 1))
    try:
        fcntl.ioctl(device, SUM, given)
    except OSError as error:
        assert error.errno == errno.EIO
    else:
        raise AssertionError("an odd sum fails")
    assert struct.unpack("<IQI", given)[2] == 7


def bad_pointers() -> None:
    device = os.open("/dev/device", os.O_RDWR)
    for pointer in (0, 8, 1 << 47, (1 << 64) - 8):
        given = bytearray(struct.pack("<IQI", 1, pointer, 99))
        try:
            fcntl.ioctl(device, SUM, given)
        except OSError as error:
            assert error.errno == errno.EFAULT, error
        else:
            raise AssertionError(hex(pointer))
        assert struct.unpack("<IQI", given)[2] == 99, "nothing is copied back"
    try:
        fcntl.ioctl(device, SUM + 1, bytearray(16))
    except OSError as error:
        assert error.errno == errno.ENOTTY


def pointer_into_a_file() -> None:
    """Reading that memory makes the kernel ask the server, which is busy reading it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    file = os.open(SMALL / "shown", os.O_RDONLY)
    private, readable = 2, 1
    mapped = libc.mmap(None, ctypes.c_size_t(4096), readable, private, file, ctypes.c_long(0))
    device = os.open("/dev/device", os.O_RDWR)
    others = [threading.Thread(target=(SMALL / "counter").read_text) for _ in range(4)]
    for other in others:
        threading.Timer(0.1, other.start).start()
    try:
        fcntl.ioctl(device, SUM, bytearray(struct.pack("<IQI", 1, mapped, 99)))
    except OSError as error:
        assert error.errno == errno.EFAULT
    else:
        raise AssertionError("who could have read it?")
    time.sleep(0.2)
    for other in others:
        other.join()


def every_position() -> None:
    file = os.open(SMALL / "registers", os.O_RDONLY)
    for position in (0, 0x1B, 0xC0010010, 0xFFFFFFFF):
        assert os.pread(file, 8, position) == struct.pack("<Q", position)


def many_at_once() -> None:
    """Each waits for its own answer, and nobody for another's."""
    writers = [subprocess.Popen(["/bin/sh", "-c", "echo x > /dev/small/written"]) for _ in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert int((SMALL / "most").read_text()) > 1


def one_number_for_all() -> None:
    before = os.stat(SMALL / "counter").st_ino  # noqa: PTH116
    with (SMALL / "counter").open("w") as one, (SMALL / "counter").open("w") as other:
        assert os.fstat(one.fileno()).st_ino == os.fstat(other.fileno()).st_ino == before
        listed = {entry.name: entry.inode() for entry in os.scandir(SMALL)}
        assert listed["counter"] == before
        one.write("1")
        one.flush()
        assert (SMALL / "counter").read_text() == "1\n"
        other.write("2")
    assert (SMALL / "counter").read_text() == "2\n"


def polling() -> None:
    file = os.open(SMALL / "polled", os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(file, select.POLLIN)
    assert poll.poll(0) == []
    threading.Timer(0.1, lambda: (SMALL / "trigger").write_text("1")).start()
    assert poll.poll(20_000) == [(file, select.POLLIN)]
    assert os.read(file, 100) == b"ready\n"


def a_caught_signal() -> None:
    """Does not interrupt what the kernel could not interrupt either."""
    caught = []
    signal.signal(signal.SIGALRM, lambda number, frame: caught.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    assert (SMALL / "slow").read_text() == "late\n"
    assert caught == [signal.SIGALRM]


def an_interruptible_call() -> None:
    def handler(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        (SMALL / "waits").read_text()
    except TimeoutError:
        return
    raise AssertionError("nobody answers it")


def killed_while_it_waits() -> None:
    """By whatever signal, whether the file knows of it or not."""
    for name in ("never", "never-says", "waits"):
        for kill, before in (
            (signal.SIGKILL, None),
            (signal.SIGTERM, None),
            (signal.SIGQUIT, None),
            (signal.SIGKILL, signal.SIGUSR1),  # which it catches: the kernel tells us only once
        ):
            body = (
                "import signal\n"
                "signal.signal(signal.SIGUSR1, lambda *_: None)\n"
                "print('ready', flush=True)\n"
                f"open('/dev/small/{name}').read()\n"
            )
            with subprocess.Popen([sys.executable, "-c", body], stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                child.stdout.readline()
                time.sleep(0.05)
                if before:
                    child.send_signal(before)
                    time.sleep(0.05)
                child.send_signal(kill)
                assert child.wait(20) == -kill, (name, kill)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
