"""The kernel's error numbers, as its functions return them: negative, zero is success."""

EPERM = -1
ENOENT = -2
EIO = -5
ENOMEM = -12
EFAULT = -14
EBUSY = -16
EEXIST = -17
ENODEV = -19
EINVAL = -22
EOPNOTSUPP = -95
ETIMEDOUT = -110

_NAMES = {n: f"-{name}" for name, n in dict(vars()).items() if name.startswith("E")}


def error_name(rc: int) -> str:
    """``-EBUSY`` for -16; the number itself for what is no error."""
    return _NAMES.get(rc, str(rc))
