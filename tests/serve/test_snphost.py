"""snphost on a virtual host: every subcommand that needs no network."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.virtual_hosts import needs, on_host

FIRST_DAY = datetime.datetime(2026, 1, 1)
LAST_DAY = FIRST_DAY + datetime.timedelta(days=9000)


def lines(*found: str) -> list[str]:
    return [line for text in found for line in text.splitlines()]


def test_snphost_shows_what_the_firmware_says() -> None:
    needs("snphost")
    done = on_host(
        "for what in guests identifier tcb version vcek-url vlek-url hashsticks-url; do "
        "snphost show $what || exit; done",
        "--cpuid",
    )
    assert done.returncode == 0, done.stderr
    told = lines(done.stdout)
    assert told[0] == "0"
    assert re.fullmatch("[0-9A-F]{128}", told[1])
    assert told[2:4] == ["Reported TCB: TCB Version:", "  Microcode:   72"]
    assert "1.55" in told
    assert told[-3].startswith(f"https://kdsintf.amd.com/vcek/v1/Genoa/{told[1]}?blSPL=")


@pytest.mark.parametrize("generation", ["milan", "genoa", "turin"])
def test_snphost_configures_commits_and_loads_a_hashstick(generation: str, tmp_path: Path) -> None:
    needs("snphost")
    done = on_host(
        "set -e; softsnp ctl stage-firmware snp=99 >&2; snphost show tcb; snphost commit;"
        "snphost show tcb; fmc=; [ $0 = turin ] && fmc=0; "
        "snphost config set 1 0 2 3 3 $fmc; snphost show tcb; snphost config reset;"
        "softsnp ctl hashstick > stick; snphost vlek-load stick;"
        "snphost verify vlek-hashstick stick;"
        "snphost config set 1 0 2 3 0 $fmc; ! snphost vlek-load stick".replace("$0", generation),
        "--generation",
        generation,
        "--cpuid",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    snp = [int(value) for value in re.findall(r"SNP: +(\d+)", done.stdout)]
    assert snp[0] != 99 and snp[1] == 99  # reported, running
    assert snp[2:4] == [99, 99]  # committed
    assert snp[4:6] == [2, 99]
    assert "Status Code: 0x21" in done.stderr  # the hashstick is not for this TCB


def test_snphost_passes_all_that_a_healthy_host_passes_and_no_more(tmp_path: Path) -> None:
    needs("snphost")
    done = on_host(
        "snphost ok > healthy; echo $?; softsnp ctl inject PLATFORM_STATUS BAD_SVN times=99 >&2;"
        "snphost ok > sick; echo $?; grep -c PASS healthy; grep -c 'FAIL\\|SKIP' healthy;"
        "grep FAIL sick",
        "--cpuid",
        cwd=tmp_path,
    )
    healthy, sick, passed, failed, *failures = lines(done.stdout)
    assert (healthy, sick, passed, failed) == ("0", "1", "30", "0")
    assert any("SEV firmware version" in failure for failure in failures)


def test_snphost_says_what_the_firmware_said() -> None:
    needs("snphost")
    done = on_host("softsnp ctl inject SNP_COMMIT RESOURCE_LIMIT >&2; snphost commit")
    assert done.returncode == 1
    assert "Status Code: 0x17" in done.stderr


def _certificate(
    subject: str,
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    issuer: str,
    key: rsa.RSAPrivateKey,
) -> bytes:
    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])

    pss = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
    certificate = (
        x509.CertificateBuilder(name(issuer), name(subject), public, 1, FIRST_DAY, LAST_DAY)
    ).sign(key, hashes.SHA384(), rsa_padding=pss)
    return certificate.public_bytes(serialization.Encoding.PEM)


def _chain(directory: Path) -> None:
    """ARK, ASK and VCEK, as AMD's are made."""
    root = rsa.generate_private_key(65537, 2048)
    middle = rsa.generate_private_key(65537, 2048)
    chip = ec.generate_private_key(ec.SECP384R1())
    directory.mkdir()
    for name, pem in (
        ("ark", _certificate("ARK-Genoa", root.public_key(), "ARK-Genoa", root)),
        ("ask", _certificate("SEV-Genoa", middle.public_key(), "ARK-Genoa", root)),
        ("vcek", _certificate("SEV-VCEK", chip.public_key(), "SEV-Genoa", middle)),
    ):
        (directory / f"{name}.pem").write_bytes(pem)


def test_snphost_verifies_and_packs_certificates(tmp_path: Path) -> None:
    needs("snphost")
    _chain(tmp_path / "in")
    done = on_host(
        "set -e; snphost verify certs in; snphost import in table; mkdir out;"
        "snphost export pem table out; for name in ark ask vcek; do cmp {in,out}/$name.pem; done",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "ARK •" in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
