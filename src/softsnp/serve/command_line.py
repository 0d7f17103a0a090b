"""What a kernel is told of CPUs when it begins: by the boot loader, or by kexec."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.spec.linux.init.main import CommandLine

ALWAYS = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro mem_encrypt=on kvm_amd.sev_snp=1"


class CommandLineError(Exception):
    """Words that the specification does not know; one clear message."""


@dataclass(frozen=True)
class BootLine:
    """One kernel's command line."""

    append: str = ""
    """As it was given."""
    about_cpus: CommandLine = CommandLine.NOTHING
    most: int = 0
    """How many CPUs the kernel brings up, for maxcpus=."""

    def __str__(self) -> str:
        return f"{ALWAYS} {self.append}".rstrip()


def parse(append: str, there: int) -> BootLine:
    """``there``: how many CPUs the machine has. Raises CommandLineError."""
    found = BootLine(append)
    for word in append.split():
        name, _, value = word.partition("=")
        if found.about_cpus is not CommandLine.NOTHING:
            raise CommandLineError(f"one of maxcpus=, nr_cpus= and nosmt at a time; got {append!r}")
        if name == "maxcpus" and value.isdecimal() and len(value) < 10 and int(value) >= 1:
            found = BootLine(append, CommandLine.MAXCPUS, int(value))
        elif name == "nr_cpus" and value == str(there - 1):
            found = BootLine(append, CommandLine.NR_CPUS)
        elif word == "nosmt":
            found = BootLine(append, CommandLine.NOSMT)
        else:
            raise CommandLineError(
                f"append wants maxcpus=N, nosmt or nr_cpus={there - 1} (the specification knows "
                f"one CPU less, not more); got {word!r}"
            )
    return found
