"""Record anew: ``python -m recordings.ioctl.record``, from the checkout's root.

It needs softsnp[conform], and the kernels that ``python -m recordings.kernels.fetch`` fetches. The
same kernel gives the same file, byte for byte.
"""

from __future__ import annotations

from pathlib import Path

from recordings.kernels.fetch import DEFAULT, SERIES
from softsnp.conform.kernel import Kernel

from .cases import cases
from .driver import IoctlHost
from .recording import HERE, Recording, dump


def main() -> None:
    for name in SERIES:
        recording = record(name, DEFAULT / name)
        (HERE / f"{name}.json").write_text(dump(recording), encoding="utf-8")


def record(name: str, directory: Path) -> Recording:
    """Every call, on the kernel of a design."""
    kernel = Kernel(directory / "vmlinux")
    kernel.load_module(directory / "ccp.ko")
    host = IoctlHost(kernel, name)
    return Recording(kernel.release, {case.name: host.call(case) for case in cases()})


if __name__ == "__main__":
    main()
