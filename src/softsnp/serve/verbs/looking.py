"""Verbs that look, and change nothing."""

from __future__ import annotations

from typing import Any

from softsnp.lang.position import frames
from softsnp.lang.telling import c_function, doc_of, holds
from softsnp.run.recording import Recording
from softsnp.run.task import Task

from ..host import VirtualHost
from .verb import Arguments


def status(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    plane, platform, tcbs = host.plane, host.mailbox.platform(), host.firmware.tcbs
    return {
        **host.circumstances.header(),
        "online": [c for c in range(host.topology.cpus) if host.cpu(c, "online")],
        "present": [c for c in range(host.topology.cpus) if host.cpu(c, "present")],
        "snp_en": [c for c in range(host.topology.cpus) if host.cpu(c, "snp_en")],
        "modules": [name for name, _, _ in host.loaded()],
        "sev": "INIT" if platform.sev_initialized else "UNINIT",
        "snp": "INIT" if platform.snp_initialized else "UNINIT",
        "snp_initialized": plane.scalar("snp_initialized"),
        "psp_dead": plane.scalar("psp_dead"),
        "guests": platform.snp_guests,
        "tcb": {
            "running": str(tcbs.running),
            "committed": str(tcbs.committed),
            "reported": str(tcbs.reported),
        },
        "firmware_version": str(tcbs.image.version),
        "steps": host.steps,
        "tasks": tasks(host, args),
        "faults": faults(host, args),
    }


def tasks(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [_told(host, task) for task in host.plane.live.tasks]


def _told(host: VirtualHost, task: Task) -> dict[str, Any]:
    spec, live = host.plane.spec, host.plane.live
    functions = [
        c_function(doc_of(spec, frame.f_code)) or frame.f_code.co_name
        for frame in frames(task.coroutine)
        if "/softsnp/lang/" not in frame.f_code.co_filename
    ]
    can = live.can_step(task)
    return {
        "lane": task.lane,
        "operation": task.begin.get("operation", task.begin.get("activity", "")),
        "function": functions[-1] if functions else "",
        "resting": task.resting,
        "paused": task.paused,
        "waits": "" if can else task.step.what,
        "holds": list(holds(spec, task.number)),
        "failed": task.failed,
    }


def modules(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [{"name": n, "used": used, "by": list(by)} for n, used, by in host.loaded()]


def faults(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    return [{"what": f.what, "status": f.status, "times": f.times} for f in host.faults.waiting]


def trace(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    recording = Recording(host.circumstances.header(), host.start, tuple(host.recorded))
    return recording.to_json()
