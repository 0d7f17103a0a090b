"""Verbs that look, and change nothing."""

from __future__ import annotations

from typing import Any

from softsnp.lang import Always
from softsnp.lang.position import frames
from softsnp.lang.telling import c_function, doc_of, holds
from softsnp.run.recording import Recording
from softsnp.run.task import Task
from softsnp.spec.linux.kernel.cpu import MANY_HOLDS
from softsnp.spec.properties import PROPERTIES

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


def variables(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    """By the kernel's names. A count is that of the specification, which stops at three."""
    plane = host.plane
    scalar, spec = plane.scalar, plane.spec
    holds = plane.driver.holds if scalar("cpu_hotplug_disabled") == MANY_HOLDS else None
    own = holds if holds is not None else scalar("cpu_hotplug_disabled")
    return {
        "design": host.circumstances.design.name,
        "cpu_hotplug_disabled": own + scalar("cpu_hotplug_disabled_otherwise"),
        "cpu_hotplug_offline_disabled": bool(scalar("cpu_hotplug_offline_disabled")),
        "cpu_smt_num_threads": min(scalar("cpu_smt_num_threads"), host.topology.threads),
        "snp_initialized": scalar("snp_initialized"),
        "sev_plat_state": scalar("sev_plat_state").value,
        "psp_dead": scalar("psp_dead"),
        "x86_snp_shutdown": host.circumstances.firmware == "x86-shutdown",
        "sev_cmd_mutex_held": bool(scalar("sev_cmd_mutex")),
        "cpu_add_remove_lock_held": bool(scalar("cpu_add_remove_lock")),
        "cpu_hotplug_writer": scalar("cpu_hotplug_lock.writer").name != "none",
        "busy": not spec.at_rest(),
    }


def properties(host: VirtualHost, args: Arguments) -> dict[str, str]:
    """Of those that speak of one state: ``violated``, ``holds``, or ``not exercised``."""
    told = {}
    host.plane.spec.begin_step(-1, atomic="a property is not a step")
    for prop in PROPERTIES:
        if isinstance(prop, Always):
            exercised, violated = prop.judge(host.plane.spec)
            told[prop.name] = "violated" if violated else "holds" if exercised else "not exercised"
    return told


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
