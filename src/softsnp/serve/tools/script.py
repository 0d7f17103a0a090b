"""modprobe, rmmod, lsmod, kexec, systemctl and reboot of a virtual host.

What these do on a machine is a system call, which goes to the machine's own kernel. Here they ask
the virtual one, over its control socket, and say what the real ones say. Nothing of softsnp is
imported: this runs as a script of its own.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from pathlib import Path, PurePath

CONTROL = "/dev/softsnp/ctl"
RELEASE = "/proc/sys/kernel/osrelease"
KNOWN = ("ccp", "kvm", "kvm_amd")
SIZES = {"ccp": 155648, "kvm": 1306624, "kvm_amd": 233472}


class Refused(Exception):
    """The kernel's errno, or 0 with a message of the host's."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


def ask(verb: str, **args: object) -> object:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(CONTROL)
        connection.sendall(json.dumps({"do": verb, "with": args}).encode() + b"\n")
        line = connection.makefile("rb").readline()
    answer = json.loads(line or b'{"ok": false, "error": "the host ended"}')
    if not answer["ok"]:
        raise Refused(answer["error"], getattr(errno, answer.get("errno", ""), 0))
    return answer["result"]


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def loaded() -> dict[str, dict[str, object]]:
    found = ask("modules")
    assert isinstance(found, list)
    return {module["name"]: module for module in found}


def why(error: Refused) -> str:
    return os.strerror(error.number) if error.number else str(error)


# --- modules ------------------------------------------------------------------------------------


def modprobe(args: list[str]) -> int:
    switches = [a for a in args if a.startswith("-")]
    names = [a.replace("-", "_") for a in args if not a.startswith("-")]
    letters = "".join(s[1:] for s in switches if not s.startswith("--"))
    quiet = "q" in letters or "--quiet" in switches
    if "n" in letters or "--dry-run" in switches:
        return 0
    removes = "r" in letters or "--remove" in switches
    if not removes and "a" not in letters and "--all" not in switches:
        names = names[:1]  # the rest are the module's parameters
    if not names:
        tell("modprobe: ERROR: missing parameters. See -h.")
        return 1
    status = 0
    for name in names:
        if name not in KNOWN:
            if not quiet:
                where = f"/lib/modules/{Path(RELEASE).read_text().strip()}"
                tell(f"modprobe: FATAL: Module {name} not found in directory {where}")
            status = 1
        else:
            status = max(status, remove(name) if removes else insert(name))
    return status


def insert(name: str) -> int:
    there = loaded()
    for module in ("ccp", "kvm_amd") if name == "kvm_amd" else (name,):
        if module in there or module == "kvm":
            continue
        try:
            ask("modprobe", module=module)
        except Refused as error:
            tell(f"modprobe: ERROR: could not insert '{module}': {why(error)}")
            return 1
    return 0


def remove(name: str) -> int:
    """What it needed stays: ccp, whose device is there for others too."""
    there = loaded()
    if name not in there:
        return 0
    if name == "kvm" or there[name]["by"]:
        tell(f"modprobe: FATAL: Module {name} is in use.")
        return 1
    try:
        ask("rmmod", module=name)
    except Refused as error:
        in_use = error.number == errno.EBUSY
        told = f"Module {name} is in use." if in_use else f"could not remove: {why(error)}"
        tell(f"modprobe: FATAL: {told}")
        return 1
    return 0


def rmmod(args: list[str]) -> int:
    status = 0
    for name in [a.replace("-", "_") for a in args if not a.startswith("-")]:
        there = loaded()
        if name not in there:
            tell(f"rmmod: ERROR: Module {name} is not currently loaded")
            status = 1
        elif there[name]["by"]:
            users = there[name]["by"]
            assert isinstance(users, list)
            tell(f"rmmod: ERROR: Module {name} is in use by: {' '.join(users)}")
            status = 1
        else:
            try:
                ask("rmmod", module=name)
            except Refused as error:
                in_use = error.number == errno.EBUSY
                told = "is in use" if in_use else f"could not be removed: {why(error)}"
                tell(f"rmmod: ERROR: Module {name} {told}")
                status = 1
    return status


def insmod(args: list[str]) -> int:
    if not args:
        tell("insmod: ERROR: missing filename.")
        return 1
    name = PurePath(args[0]).name.split(".")[0].replace("-", "_")
    if name not in KNOWN:
        tell(f"insmod: ERROR: could not load module {args[0]}: No such file or directory")
        return 1
    if name in loaded():
        tell(f"insmod: ERROR: could not insert module {args[0]}: File exists")
        return 1
    return insert(name)


def lsmod(args: list[str]) -> int:
    sys.stdout.write("Module                  Size  Used by\n")
    for name, module in loaded().items():
        users = module["by"]
        assert isinstance(users, list)
        line = f"{name:<19} {SIZES[name]:>8}  {module['used']} {','.join(users)}"
        sys.stdout.write(f"{line.rstrip()}\n")
    return 0


# --- kernels and power ---------------------------------------------------------------------------


def kexec(args: list[str]) -> int:
    append = ""
    for number, arg in enumerate(args):
        name, given, value = arg.partition("=")
        if name in ("--append", "--command-line"):
            append = value if given else " ".join(args[number + 1 : number + 2])
    words = [w for w in append.split() if w == "nosmt" or w.startswith(("maxcpus=", "nr_cpus="))]
    letters = "".join(a[1:] for a in args if a.startswith("-") and not a.startswith("--"))
    if "l" in letters or "--load" in args:
        ask("kexec-load", append=" ".join(words))
    elif "e" in letters or "--exec" in args:
        ask("kexec")
    else:
        tell("kexec: here it is kexec -l KERNEL [--append=…], then kexec -e")
        return 1
    return 0


def systemctl(args: list[str]) -> int:
    verbs = {"suspend", "hibernate", "kexec", "reboot"}
    asked = [a for a in args if not a.startswith("-")]
    if len(asked) != 1 or asked[0] not in verbs:
        tell(f"systemctl: there is no systemd here; it knows {', '.join(sorted(verbs))}")
        return 1
    ask(asked[0])
    return 0


def reboot(args: list[str]) -> int:
    ask("reboot")
    return 0


def poweroff(args: list[str]) -> int:
    tell("poweroff: a virtual host ends when its command does")
    return 1


def main() -> int:
    name = PurePath(sys.argv[0]).name
    try:
        status: int = globals()[name](sys.argv[1:])
    except Refused as error:
        tell(f"{name}: {why(error)}")
        return 1
    except OSError as error:
        tell(f"{name}: the virtual host cannot be asked: {error}")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
