"""CPUs, SMT and modules, as sysfs and /proc have them."""

from __future__ import annotations

from softsnp.doctor import cpuset
from softsnp.doctor.facts import Fact, Known, Unknown

from .files import Files, told

CPU = "/sys/devices/system/cpu"
PARAMETERS = {
    "kvm-amd-sev": ("kvm_amd", "sev"),
    "kvm-amd-sev-snp": ("kvm_amd", "sev_snp"),
    "psp-init-on-probe": ("ccp", "psp_init_on_probe"),
}
YES, NO = ("Y", "y", "1"), ("N", "n", "0")


def cpus(files: Files) -> dict[str, Fact]:
    found = {name: _cpus(files, f"{CPU}/{name}") for name in ("possible", "present", "online")}
    found["second-threads"] = _second_threads(files, found["online"])
    found["smt-control"] = files.text(f"{CPU}/smt/control")
    return found


def _cpus(files: Files, name: str) -> Fact:
    fact = files.text(name)
    if not isinstance(fact, Known):
        return fact
    try:
        return fact._replace(value=cpuset.parse(str(fact.value)))
    except ValueError as error:
        return Unknown(f"wanted {error}", name)


def _second_threads(files: Files, online: Fact) -> Fact:
    """Of a core's threads, all but the one with the lowest number. Only CPUs that are online have a
    topology.
    """
    if not isinstance(online, Known):
        return Unknown("which CPUs are online is not known", CPU)
    found = 0
    for cpu in cpuset.each(int(online.value)):
        name = f"{CPU}/cpu{cpu}/topology/thread_siblings_list"
        threads = _cpus(files, name)
        if not isinstance(threads, Known):
            return threads
        together = int(threads.value)
        if together and cpu != next(cpuset.each(together)):
            found |= 1 << cpu
    return files.known(found, f"{CPU}/cpu*/topology/thread_siblings_list")


def modules(files: Files) -> dict[str, Fact]:
    """A module that is not loaded has no parameters, and offers nothing."""
    found: dict[str, Fact] = {}
    for module in ("ccp", "kvm_amd"):
        found[f"{module.replace('_', '-')}-loaded"] = files.there(f"/sys/module/{module}")
    for name, (module, parameter) in PARAMETERS.items():
        loaded = found[f"{module.replace('_', '-')}-loaded"]
        where = f"/sys/module/{module}/parameters/{parameter}"
        if not isinstance(loaded, Known):
            found[name] = loaded
        elif not loaded.value:
            found[name] = (
                Unknown("ccp is not loaded", where)
                if module == "ccp"
                else files.known(False, f"/sys/module/{module}")
            )
        else:
            found[name] = _flag(files, where)
    return found


def _flag(files: Files, name: str) -> Fact:
    try:
        text = files.read(name).strip()
    except OSError as error:
        return Unknown(told(error), name)
    if text not in (*YES, *NO):
        return Unknown(f"wanted Y or N; got {text[:40]!r}", name)
    return files.known(text in YES, name)


def processor(files: Files) -> dict[str, Fact]:
    """What /proc/cpuinfo says of the first CPU."""
    where = "/proc/cpuinfo"
    try:
        text = files.read(where)
    except OSError as error:
        why = Unknown(told(error), where)
        return dict.fromkeys(("vendor", "family", "model", "brand", "cpu-has-snp"), why)
    fields: dict[str, str] = {}
    for line in text.partition("\n\n")[0].splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip()] = value.strip()
    return {
        "vendor": files.known(fields.get("vendor_id", ""), where),
        "family": _number(files, fields, "cpu family"),
        "model": _number(files, fields, "model"),
        "brand": files.known(fields.get("model name", ""), where),
        "cpu-has-snp": files.known("sev_snp" in fields.get("flags", "").split(), where),
    }


def _number(files: Files, fields: dict[str, str], name: str) -> Fact:
    text = fields.get(name, "")
    if not (text.isascii() and text.isdecimal()):
        return Unknown(f"wanted a number at {name!r}; got {text[:40]!r}", "/proc/cpuinfo")
    return files.known(int(text[:9]), "/proc/cpuinfo")


def kernel(files: Files) -> dict[str, Fact]:
    return {
        "release": files.text("/proc/sys/kernel/osrelease"),
        "command-line": files.text("/proc/cmdline"),
    }
