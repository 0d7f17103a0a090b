"""Every command of /dev/sev and every error of its ABI, by a client of our own."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from softsnp.abi.sev import Ioctl, Status
from tests.virtual_hosts import ENVIRONMENT, PATIENCE, SOFTSNP, unusable

CLIENT = Path(__file__).with_name("sev_client.py")
CERTIFICATE, CHAIN = 2084, 3 * 2084
UNTOUCHED = 0xABCD
"""What ``error`` holds before a call, to see whether the driver writes it."""


def ask(*calls: dict[str, Any], options: tuple[str, ...] = (), before: str = "") -> list[Any]:
    """What comes of calls, one after the other, on one virtual host."""
    if unusable():
        pytest.skip(unusable())
    script = f"{before}\nexec {sys.executable} {CLIENT}"
    done = subprocess.run(
        [SOFTSNP, "run", *options, "--", "bash", "-ec", script],
        input=json.dumps(calls),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def issue(asked: Ioctl | int, **more: Any) -> dict[str, Any]:
    return {"command": asked.value if isinstance(asked, Ioctl) else asked, **more}


def u32(value: int) -> str:
    return struct.pack("<I", value).hex()


def zeros(count: int) -> str:
    return "00" * count


EXPORT = issue(
    Ioctl.PDH_CERT_EXPORT,
    data="&in",
    buffers={
        "pdh": zeros(CERTIFICATE),
        "chain": zeros(CHAIN),
        "in": f"&pdh {u32(CERTIFICATE)} &chain {u32(CHAIN)}",
    },
)


def test_status_has_every_field() -> None:
    sev, snp = ask(
        issue(Ioctl.PLATFORM_STATUS, data="&out", buffers={"out": zeros(12)}),
        issue(Ioctl.SNP_PLATFORM_STATUS, data="&out", buffers={"out": zeros(32)}),
    )
    assert (sev["result"], sev["error"], snp["result"], snp["error"]) == (0, 0, 0, 0)
    major, minor, state, flags, build, guests = struct.unpack(
        "<BBBIBI", bytes.fromhex(sev["buffers"]["out"])
    )
    assert (major, minor, state, flags, build, guests) == (1, 55, 1, 0x100, 40, 0)
    fields = struct.unpack("<BBBBIIIQQ", bytes.fromhex(snp["buffers"]["out"]))
    assert fields[:3] == (1, 55, 1)
    assert fields[3] & 1  # RMP_INIT
    assert (fields[4], fields[6], fields[7]) == (40, 0, fields[8])


def test_an_output_is_as_long_as_the_abi_says() -> None:
    guard = "5a" * 16
    calls = [
        issue(Ioctl.PLATFORM_STATUS, data="&out", buffers={"out": zeros(12) + guard}),
        issue(Ioctl.SNP_PLATFORM_STATUS, data="&out", buffers={"out": zeros(32) + guard}),
        issue(Ioctl.GET_ID, data="&out", buffers={"out": zeros(128) + guard}),
    ]
    for told in ask(*calls):
        assert told["result"] == 0
        assert told["buffers"]["out"].endswith(guard)


@pytest.mark.parametrize(("generation", "length"), [("milan", 64), ("genoa", 64), ("turin", 8)])
def test_the_identifier_has_the_generations_length(generation: str, length: int) -> None:
    query = issue(Ioctl.GET_ID2, data="&in", buffers={"in": zeros(12)})
    short = issue(Ioctl.GET_ID2, data="&in", buffers={"out": zeros(4), "in": "&out " + u32(4)})
    right = issue(Ioctl.GET_ID2, data="&in", buffers={"out": zeros(80), "in": "&out " + u32(80)})
    asked, refused, answered = ask(query, short, right, options=("--generation", generation))
    for told in (asked, refused):
        assert (told["errno"], told["error"]) == (errno.EIO, Status.INVALID_LEN.value)
        assert told["buffers"]["in"].endswith(u32(length))
    assert refused["buffers"]["out"] == zeros(4)
    assert answered["result"] == 0
    assert answered["buffers"]["in"].endswith(u32(length))
    identifier = bytes.fromhex(answered["buffers"]["out"])
    assert any(identifier[:length])
    assert not any(identifier[length:])


def test_certificates_are_exported() -> None:
    query = issue(Ioctl.PDH_CERT_EXPORT, data="&in", buffers={"in": zeros(24)})
    csr = issue(
        Ioctl.PEK_CSR,
        data="&in",
        buffers={"csr": zeros(CERTIFICATE), "in": f"&csr {u32(CERTIFICATE)}"},
    )
    asked, exported, request = ask(query, EXPORT, csr)
    assert (asked["errno"], asked["error"]) == (errno.EIO, Status.INVALID_LEN.value)
    lengths = struct.unpack("<QIQI", bytes.fromhex(asked["buffers"]["in"]))
    assert lengths == (0, CERTIFICATE, 0, CHAIN)
    assert exported["result"] == 0
    chain = bytes.fromhex(exported["buffers"]["chain"])
    usages = [struct.unpack_from("<I", chain, at + 8)[0] for at in range(0, CHAIN, CERTIFICATE)]
    assert usages == [0x1002, 0x1001, 0x1004]  # PEK, OCA, CEK
    assert request["result"] == 0
    assert struct.unpack_from("<I", bytes.fromhex(request["buffers"]["csr"]), 8)[0] == 0x1002


def test_keys_change_when_they_are_made_anew() -> None:
    told = ask(EXPORT, issue(Ioctl.PDH_GEN), EXPORT, issue(Ioctl.PEK_GEN), EXPORT)
    assert [one["result"] for one in told] == [0] * 5
    first, second, third = told[0]["buffers"], told[2]["buffers"], told[4]["buffers"]
    assert first["pdh"] != second["pdh"]
    assert first["chain"] == second["chain"]
    assert third["chain"] != second["chain"]


def test_a_configuration_is_taken_committed_and_forgotten() -> None:
    status = issue(Ioctl.SNP_PLATFORM_STATUS, data="&out", buffers={"out": zeros(32)})
    low = struct.pack("<BBBBBBBB", 1, 0, 0, 0, 0, 0, 1, 1).hex() + "03000000" + zeros(52)
    high = struct.pack("<BBBBBBBB", 255, 0, 0, 0, 0, 0, 255, 255).hex() + zeros(56)
    dirty = zeros(8) + u32(4) + zeros(52)
    told = ask(
        status,
        issue(Ioctl.SNP_SET_CONFIG, data="&in", buffers={"in": low}),
        status,
        issue(Ioctl.SNP_SET_CONFIG, data="&in", buffers={"in": high}),
        issue(Ioctl.SNP_SET_CONFIG, data="&in", buffers={"in": dirty}),
        issue(Ioctl.SNP_COMMIT),
        status,
    )
    assert [one["result"] for one in told] == [0, 0, 0, -1, -1, 0, 0]
    for refused in told[3:5]:
        assert (refused["errno"], refused["error"]) == (errno.EIO, Status.INVALID_PARAM.value)
    reported = [bytes.fromhex(told[n]["buffers"]["out"])[0x18:] for n in (0, 2, 6)]
    assert reported[1] == bytes.fromhex(low)[:8]
    assert reported[0] == reported[2] != reported[1]
    masks = [bytes.fromhex(told[n]["buffers"]["out"])[8] & 3 for n in (0, 2)]
    assert masks == [0, 3]


@pytest.mark.parametrize(
    "asked",
    [
        Ioctl.FACTORY_RESET,
        Ioctl.PEK_GEN,
        Ioctl.PDH_GEN,
        Ioctl.PEK_CSR,
        Ioctl.PEK_CERT_IMPORT,
        Ioctl.SNP_SET_CONFIG,
        Ioctl.SNP_VLEK_LOAD,
    ],
)
def test_who_may_only_read_may_not_change(asked: Ioctl) -> None:
    (told,) = ask(
        issue(asked, flags=os.O_RDONLY, data="&in", buffers={"in": zeros(64)}, error=UNTOUCHED)
    )
    assert (told["errno"], told["error"]) == (errno.EPERM, UNTOUCHED)


def test_memory_that_is_not_there_is_efault() -> None:
    reads = [
        issue(asked, data="&", error=UNTOUCHED)
        for asked in (
            Ioctl.PEK_CSR,
            Ioctl.PDH_CERT_EXPORT,
            Ioctl.PEK_CERT_IMPORT,
            Ioctl.GET_ID2,
            Ioctl.SNP_SET_CONFIG,
            Ioctl.SNP_VLEK_LOAD,
        )
    ]
    for told in ask(*reads):
        assert (told["errno"], told["error"]) == (errno.EFAULT, UNTOUCHED)
    writes = [
        issue(asked, data="&out", read_only={"out": zeros(128)})
        for asked in (Ioctl.PLATFORM_STATUS, Ioctl.GET_ID, Ioctl.SNP_PLATFORM_STATUS)
    ]
    for told in ask(*writes):
        assert (told["errno"], told["error"]) == (errno.EFAULT, 0)
        assert told["buffers"]["out"] == zeros(128)
    (nowhere,) = ask(issue(Ioctl.PLATFORM_STATUS, nowhere=True))
    assert nowhere["errno"] == errno.EFAULT


def test_commands_that_do_not_exist_leave_the_struct_alone() -> None:
    calls = [issue(n, error=UNTOUCHED) for n in (13, 14, 255, 0xFFFFFFFF)]
    calls.append(issue(Ioctl.SNP_COMMIT, number=0xC0205300, error=UNTOUCHED))
    calls.append(issue(Ioctl.SNP_COMMIT, number=0x5300, error=UNTOUCHED))
    for told in ask(*calls):
        assert (told["result"], told["error"]) == (-1, UNTOUCHED)
        assert told["errno"] == errno.EINVAL


def test_a_hashstick_is_refused_by_the_driver_before_the_firmware() -> None:
    for given in (u32(15) + zeros(12), u32(16) + "01" + zeros(11), u32(16) + zeros(12)):
        (told,) = ask(
            issue(Ioctl.SNP_VLEK_LOAD, data="&in", buffers={"in": given}, error=UNTOUCHED)
        )
        assert (told["errno"], told["error"]) == (errno.EINVAL, UNTOUCHED)


def test_a_certificate_that_is_none_is_refused_by_the_firmware() -> None:
    given = f"&pek {u32(CERTIFICATE)} &oca {u32(CERTIFICATE)}"
    blobs = {"pek": zeros(CERTIFICATE), "oca": zeros(CERTIFICATE), "in": given}
    (told,) = ask(issue(Ioctl.PEK_CERT_IMPORT, data="&in", buffers=blobs))
    assert (told["errno"], told["error"]) == (errno.EIO, Status.INVALID_CERTIFICATE.value)


@pytest.mark.parametrize(
    ("era", "status", "commit", "config"),
    [
        ("require", errno.EINVAL, errno.EINVAL, errno.EINVAL),
        ("bracket", 0, 0, 0),
        ("direct", 0, 0, errno.ENODEV),
    ],
)
def test_without_snp_each_kernels_ioctls_answer_as_they_did(
    era: str, status: int, commit: int, config: int
) -> None:
    """v6.12 refuses; its successors initialize SNP for a moment; v7.3 asks in any state."""
    told = ask(
        issue(Ioctl.SNP_PLATFORM_STATUS, data="&out", buffers={"out": zeros(32)}),
        issue(Ioctl.SNP_COMMIT),
        issue(Ioctl.SNP_SET_CONFIG, data="&in", buffers={"in": zeros(64)}),
        options=("--no-autoload", "--ioctls", era),
    )
    assert [one["errno"] for one in told] == [status, commit, config]


def test_an_init_that_fails_inside_an_ioctl_is_an_invalid_state() -> None:
    told = ask(
        issue(Ioctl.SNP_COMMIT),
        options=("--no-autoload", "--ioctls", "bracket"),
        before="softsnp ctl inject SNP_INIT_EX INVALID_CONFIG >&2",
    )
    assert (told[0]["errno"], told[0]["error"]) == (errno.EIO, 1)


@pytest.mark.parametrize("status", [Status.BAD_SVN, Status.RESOURCE_LIMIT, Status.INVALID_KEY])
def test_a_status_that_was_asked_for_comes_once(status: Status) -> None:
    told = ask(
        issue(Ioctl.SNP_COMMIT),
        issue(Ioctl.SNP_COMMIT),
        before=f"softsnp ctl inject SNP_COMMIT {status.name} >&2",
    )
    assert [(one["errno"], one["error"]) for one in told] == [(errno.EIO, status.value), (0, 0)]


def test_after_a_time_out_the_driver_asks_nothing_more() -> None:
    told = ask(
        issue(Ioctl.SNP_COMMIT),
        issue(Ioctl.SNP_COMMIT),
        before="softsnp ctl inject 'the answer in time' >&2",
    )
    assert [one["errno"] for one in told] == [errno.ETIMEDOUT, errno.EBUSY]
