"""What ends a run of kernel code: everything that is not emulated, and the kernel's own panic."""

from __future__ import annotations


class NotEmulated(Exception):
    """The kernel did something that nobody here answers for. The run proves nothing, and stops."""


class KernelBug(Exception):
    """The kernel's own BUG() or panic()."""


class Unusable(Exception):
    """A file that is no kernel with debug information, or lacks what is needed."""
