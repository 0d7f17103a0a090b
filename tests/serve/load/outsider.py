"""``python -m tests.serve.load.outsider INIT``: a client that outlives its host.

It joins the host's mount namespace and no other, so that it does not end with the host's processes.
It asks /dev/sev until that fails, and prints the name of the errno.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from softsnp.abi.sev import Ioctl
from softsnp.serve.namespace import system
from tests.serve.fuzzing.inside import ask


def main() -> int:
    init = int(sys.argv[1])
    flags = system.CLONE_NEWNS
    if not Path(f"/proc/{init}/ns/user").samefile("/proc/self/ns/user"):
        flags |= system.CLONE_NEWUSER
    system.setns(os.pidfd_open(init), flags)
    error = 0
    while not error:
        try:
            error, _ = ask(Ioctl.SNP_PLATFORM_STATUS, bytes(32))
        except OSError as failed:  # it cannot even be opened
            error = failed.errno or -1
    sys.stdout.write(f"{errno.errorcode.get(error, error)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
