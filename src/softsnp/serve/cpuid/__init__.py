"""CPUID answered by the virtual machine, for dynamically linked x86-64 programs.

CPUID is an instruction, and no file can answer it. A library that is preloaded into each program
replaces the CPUID instructions of the program and of its libraries by UD2, which is as long and
traps, and answers in the handler of SIGILL from a table (layout.py, processor.py) that the host
can change while programs run. Which bytes are instructions it asks in a directory (mirror.py,
sites.py).

Where it cannot work, and the real processor answers:

- static programs, and those of 32 bits;
- setuid and setgid programs, and whatever drops LD_PRELOAD from its environment (sudo, env -i);
- the loader and libc: they have chosen their functions before, and must choose by the real
  processor. Resolvers of indirect functions that run while a library is bound at the start too;
- Go's programs without cgo, with all their libraries, if they are not static anyway: there Go's
  runtime takes SIGILL by the system call itself;
- code that is made at run time, or is read from a file by other means than the loader;
- assembly that has neither unwinding information nor symbols, in a file that has some: it cannot be
  told from tables of numbers with certainty (libjpeg, x265, a function of nettle; what compilers
  make has it);
- programs that the server does not see as they see themselves (mounted inside the virtual host,
  another root, deleted), with all their libraries; such libraries of other programs; everything on
  systems that refuse to make code writable.

It can be noticed: an address is not 0F A2 any more, the instruction takes microseconds, and a
debugger stops at each SIGILL. A program that blocks SIGILL in the mask of sigsuspend, ppoll,
pselect or epoll_pwait, by sigset, by posix_spawn's or a thread's attributes, or by the system call
itself, is killed if it then asks CPUID, for instance in a handler of another signal.
"""

from .layout import describe, write
from .library import CannotBuild, build, environment
from .memory_encryption import FEATURES
from .mirror import Finder, Mirror, write_mirror
from .processor import table
from .sites import NoDisassembler, OwnSignals, check, find_sites

__all__ = [
    "FEATURES",
    "CannotBuild",
    "Finder",
    "Mirror",
    "NoDisassembler",
    "OwnSignals",
    "build",
    "check",
    "describe",
    "environment",
    "find_sites",
    "table",
    "write",
    "write_mirror",
]
