"""/dev/kmsg, as dmesg and a logger use it."""

from __future__ import annotations

import errno
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.vfs import File, Handle, Later

from .fake import Answer, Bench, bench


def reader(found: Bench, flags: int = os.O_RDONLY | os.O_NONBLOCK) -> tuple[File, Handle]:
    return found.client.open("kmsg", flags)


def read(file: File, handle: Handle, size: int = 8192) -> bytes:
    answer = Answer()
    said = answer.of(file.read(handle, answer.call, 0, size))
    assert isinstance(said, bytes)
    return said


def error_of(file: File, handle: Handle, size: int = 8192) -> int | None:
    with pytest.raises(OSError) as error:
        read(file, handle, size)
    return error.value.errno


def test_records_are_read_one_by_one_from_the_oldest() -> None:
    found = bench()
    found.clock.now = 1_500_000
    found.log.say("first")
    found.log.say("second", 4, 1)
    file, handle = reader(found)
    assert read(file, handle) == b"6,0,1500000,-;first\n"
    assert read(file, handle) == b"12,1,1500000,-;second\n"
    assert not file.poll(handle)
    assert error_of(file, handle) == errno.EAGAIN
    found.log.say("third")
    assert file.poll(handle)
    assert read(file, handle).endswith(b";third\n")


def test_every_reader_begins_anew() -> None:
    found = bench()
    found.log.say("line")
    assert read(*reader(found)) == read(*reader(found))


def test_a_reader_that_waits_has_the_next_record() -> None:
    found = bench()
    file, handle = reader(found, os.O_RDONLY)
    first, second = Answer(), Answer()
    assert isinstance(file.read(handle, first.call, 0, 8192), Later)
    assert isinstance(file.read(handle, second.call, 0, 8192), Later)
    assert first.answers == []
    found.log.say("one")
    found.log.say("two")
    assert first.answers == [b"6,0,0,-;one\n"]
    assert second.answers == [b"6,1,0,-;two\n"]


def test_a_reader_that_is_interrupted_goes_and_takes_nothing() -> None:
    found = bench()
    file, handle = reader(found, os.O_RDONLY)
    answer = Answer()
    file.read(handle, answer.call, 0, 8192)
    assert answer.call.when_interrupted is not None
    answer.call.when_interrupted()
    found.log.say("line")
    assert answer.answers == [-errno.EINTR]
    assert read(file, handle) == b"6,0,0,-;line\n"


def test_a_reader_that_is_overrun_hears_of_it_once() -> None:
    found = bench(capacity=2)
    file, handle = reader(found)
    for number in range(5):
        found.log.say(str(number))
    assert error_of(file, handle) == errno.EPIPE
    assert read(file, handle) == b"6,3,0,-;3\n"


def test_a_reader_goes_on_in_the_log_of_the_next_kernel() -> None:
    found = bench()
    found.log.say("old")
    waiting, at_end = reader(found), reader(found, os.O_RDONLY)
    for file, handle in (waiting, at_end):
        read(file, handle)
    answer = Answer()
    at_end[0].read(at_end[1], answer.call, 0, 8192)
    found.log.clear()
    assert not waiting[0].poll(waiting[1])
    for text in ("new", "newer"):
        found.log.say(text)
    assert answer.answers == [b"6,0,0,-;new\n"]
    assert read(*waiting) == b"6,0,0,-;new\n"


def test_who_polls_is_woken_until_the_file_is_closed() -> None:
    found = bench()
    file, handle = reader(found)
    woken: list[int] = []
    handle.wake = lambda: woken.append(found.log.end)
    found.log.say("one")
    file.release(handle)
    found.log.say("two")
    assert woken == [1]


def test_a_buffer_that_is_too_small_is_refused_and_nothing_is_lost() -> None:
    found = bench()
    found.log.say("line")
    file, handle = reader(found)
    assert error_of(file, handle, 4) == errno.EINVAL
    assert read(file, handle).endswith(b"line\n")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("hello\n", b"12,0,0,-;hello\n"),
        ("<3>bad", b"11,0,0,-;bad\n"),
        ("<30>daemon", b"30,0,0,-;daemon\n"),
        ("<x>", b"12,0,0,-;<x>\n"),
        ("a\nb\\", b"12,0,0,-;a\\x0ab\\x5c\n"),
        ("µ", b"12,0,0,-;\\xc2\\xb5\n"),
    ],
)
def test_what_is_written_is_a_record(given: str, shown: bytes) -> None:
    found = bench()
    assert found.client.write("kmsg", given) == len(given.encode())
    assert read(*reader(found)) == shown


def test_too_much_at_once_is_refused() -> None:
    with pytest.raises(OSError) as error:
        bench().client.write("kmsg", "x" * 1025)
    assert error.value.errno == errno.EINVAL


@given(st.lists(st.text(), max_size=80))
def test_whatever_is_said_comes_out_as_a_line(texts: list[str]) -> None:
    found = bench()
    for text in texts:
        found.log.say(text)
    file, handle = reader(found)
    kept = texts[-64:]
    for number in range(len(texts) - len(kept), len(texts)):
        line = read(file, handle)
        assert re.fullmatch(rb"6,%d,0,-;[ -~]*\n" % number, line)
    assert error_of(file, handle) == errno.EAGAIN
