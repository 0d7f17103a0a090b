"""QEMU's capability query, of a QEMU that is a script; and what makes KVM have SEV."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clients import ClientError, qemu

SCRIPT = """\
import json, sys
print(json.dumps({"QMP": {}}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"event": "NOISE"}), flush=True)
    if asked["execute"] == "query-sev-capabilities":
        ANSWER
    print(json.dumps({"return": {}, "id": asked["id"]}), flush=True)
"""
ASK = """\
import ctypes, fcntl, os, struct, termios
ioctl = ctypes.CDLL(None).ioctl
descriptor, other = os.pipe()
os.write(other, b"abc")
waiting = ctypes.c_int()
print(ioctl(descriptor, ctypes.c_int(0xAE01), None) > other)
print(ioctl(descriptor, ctypes.c_int(-0x3FF75146), None))
print(ioctl(descriptor, ctypes.c_ulong(0xC008AEBA), None))
print(ioctl(descriptor, ctypes.c_ulong(0xAE00), None))
print(ioctl(descriptor, ctypes.c_ulong(termios.FIONREAD), ctypes.byref(waiting)), waiting.value)
"""


def ask(answer: str) -> dict[str, object]:
    command = [sys.executable, "-c", SCRIPT.replace("ANSWER", answer), "--"]
    return qemu.ask(command, Path("/dev/null"))


def test_the_answer_comes_past_greeting_and_events() -> None:
    answer = 'print(json.dumps({"return": {"cbitpos": 51}, "id": asked["id"]})); continue'
    assert ask(answer) == {"cbitpos": 51}


def test_a_refusal_is_what_qemu_says_of_it() -> None:
    answer = 'print(json.dumps({"error": {"desc": "no"}, "id": asked["id"]}), flush=True); continue'
    with pytest.raises(qemu.Refused, match=r"^no$"):
        ask(answer)


def test_a_qemu_that_ends_says_why() -> None:
    with pytest.raises(ClientError, match=r"^QEMU has ended: no KVM$"):
        ask('sys.exit("no KVM")')


def test_no_kvm_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"^QEMU cannot ask KVM: .*kvm is missing"):
        qemu.capabilities(kvm=tmp_path / "kvm")


def test_no_qemu_is_a_reason() -> None:
    with pytest.raises(ClientError, match=r"there is no /no/such/qemu$"):
        qemu.capabilities(["/no/such/qemu"], kvm=Path("/dev/null"))


@pytest.mark.skipif(not shutil.which("gcc"), reason="there is no gcc to build the library with")
def test_only_what_kvm_is_asked_after_its_version_is_answered_for_it(tmp_path: Path) -> None:
    """In the two widths that a caller may pass a request in; a pipe refuses what is KVM's."""
    environment = {**os.environ, "LD_PRELOAD": str(qemu.preload(tmp_path))}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "0", "0", "-1", "0", "3"]
