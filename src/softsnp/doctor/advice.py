"""How grave a finding is, and what to do about it."""

from __future__ import annotations

CRITICAL = frozenset(
    {
        "guest-memory-protected",
        "online-cpus-guarded",
        "firmware-cores-guarded",
        "hsave-kept-under-svme",
        "resume-keeps-cpus-guarded",
    }
)
"""Guests' memory is, or can now be, written to unchecked; or the host can crash."""
OFFLINE = "take these CPUs offline (chcpu -d), where CPU hotplug still lets you; "
RESET = "empty the host, and reset it (a kexec is not enough)"
ADVICE: dict[str, str] = {
    "guest-memory-protected": f"move the guests away now; then {RESET}",
    "online-cpus-guarded": f"start no SNP guest; {OFFLINE}move the guests away; then {RESET}",
    "firmware-cores-guarded": f"bring no CPU online; move the guests away; then {RESET}",
    "snp-en-uniform": f"load neither kvm-amd nor ccp anew: SNP init looks at one CPU only; {RESET}",
    "hotplug-count-balanced": "report the warning with its stack; reset the host when it is empty",
    "hotplug-count-bounded": "CPUs cannot be taken offline or online; reset the host when that is "
    "needed",
    "shutdown-frees-hotplug": "CPUs cannot be taken offline or online until the next boot",
    "driver-and-firmware-agree": "unload kvm-amd and ccp and load them again; if SNP does not come "
    f"up then, {RESET}",
    "mfdm-uniform": "load kvm-amd again, so that SNP init sets MFDM everywhere; or reset the host",
    "snp-en-holds-hotplug": "take no CPU offline and bring none online while SNP is up",
    "hold-implies-snp-en": "CPU hotplug is disabled for nothing: it comes back with the next boot",
    "kvm-snp-is-up": "start no SNP guest: unload kvm-amd and load it again, so that SNP comes up",
    "smt-control-truthful": "write off to smt/control again, and look at the online CPUs",
    "rmp-bounds-uniform": "reset the host; if it stays so, ask the BIOS's vendor",
    "rmp-reserved": "switch SNP memory (RMP) coverage on in the BIOS",
    "psp-answers": "empty the host and reset it",
}
