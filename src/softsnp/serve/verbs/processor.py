"""Verbs about what is in the processor: the firmware, and CPUID."""

from __future__ import annotations

import base64
from typing import Any

from softsnp.abi.sev import Status

from ..firmware import FirmwareImage, wrap_vlek
from ..host import VirtualHost
from .verb import Arguments, VerbError, is_number, number_of


def stage_firmware(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    image = host.firmware.tcbs.image
    version = image.version
    if "version" in args:
        parts = str(args["version"]).split(".")
        if len(parts) != 3 or not all(is_number(part) and int(part) < 256 for part in parts):
            raise VerbError(f"version wants MAJOR.MINOR.BUILD; got {args['version']!r}")
        version = type(version)(*(int(part) for part in parts))
    security = number_of(args, "snp") if "snp" in args else image.snp
    if not 0 <= security < 256:
        raise VerbError(f"snp wants 0 to 255; got {security}")
    answer = host.firmware.stage(FirmwareImage(version, security))
    if answer is not Status.SUCCESS:
        raise VerbError(f"SNP_DOWNLOAD_FIRMWARE_EX: {answer.name}", answer.name)
    return {"running": str(host.firmware.tcbs.running)}


def hashstick(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    firmware = host.firmware
    wrapped = wrap_vlek(firmware.chip, firmware.tcbs.reported)
    return {"hashstick": base64.b64encode(wrapped).decode()}


def cpuid(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    from ..cpuid import FEATURES, table, write

    if host.cpuid_table is None:
        raise VerbError("CPUID is not answered on this host: start it with softsnp run --cpuid")
    without = [name for name in str(args.get("without", "")).split(",") if name]
    for name in without:
        if name not in FEATURES:
            raise VerbError(f"without wants {', '.join(FEATURES)}, with commas; got {name!r}")
    write(host.cpuid_table, table(host.generation, host.topology, without))
    return {"without": without}
