"""The numbers and structs of the FUSE protocol, version 7.31, as in the kernel's linux/fuse.h.

Every struct is little-endian here: softsnp runs on x86-64 alone.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final


class Opcode(IntEnum):
    """What the kernel asks for."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    READLINK = 5
    SYMLINK = 6
    MKNOD = 8
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    LINK = 13
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    ACCESS = 34
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    IOCTL = 39
    POLL = 40
    NOTIFY_REPLY = 41
    BATCH_FORGET = 42
    RENAME2 = 45


MAJOR: Final = 7
MINOR: Final = 31
ROOT_ID: Final = 1

# Flags of INIT. None is asked for that is not served: READDIRPLUS, above all, stays away.
ASYNC_READ: Final = 1 << 0
ATOMIC_O_TRUNC: Final = 1 << 3
BIG_WRITES: Final = 1 << 5
PARALLEL_DIROPS: Final = 1 << 18

# Flags of an opened file.
FOPEN_DIRECT_IO: Final = 1 << 0
FOPEN_NONSEEKABLE: Final = 1 << 2
FOPEN_STREAM: Final = 1 << 4
FOPEN_PARALLEL_DIRECT_WRITES: Final = 1 << 6

# What SETATTR wants changed.
FATTR_MODE: Final = 1 << 0
FATTR_UID: Final = 1 << 1
FATTR_GID: Final = 1 << 2

POLL_SCHEDULE_NOTIFY: Final = 1 << 0
NOTIFY_POLL: Final = 1

MAX_WRITE: Final = 128 * 1024
"""Bytes of one WRITE: 32 pages, which is also what the kernel takes for a READ unless told."""
BUFFER_SIZE: Final = MAX_WRITE + 4096
"""Bytes: room for the longest request and its headers."""

HEADER: Final = Struct("<IIQQIIIHH")
"""len, opcode, unique, nodeid, uid, gid, pid, length of extensions, padding."""
REPLY: Final = Struct("<IiQ")
"""len, negative errno, unique. A notification has unique 0 and its code for an errno."""

ATTR: Final = Struct("<QQQQQQIIIIIIIIII")
"""ino, size, blocks, three times, their nanoseconds, mode, nlink, uid, gid, rdev, blksize, flags.
"""
ATTR_OUT: Final = Struct("<QII")
"""How long an attribute is valid, in seconds and nanoseconds; padding. ATTR follows."""
ENTRY_OUT: Final = Struct("<QQQQII")
"""nodeid, generation, how long name and attributes are valid: s, s, ns, ns. ATTR follows."""

INIT_IN: Final = Struct("<IIII")
"""major, minor, max_readahead, flags."""
INIT_OUT: Final = Struct("<IIIIHHIIHHI28x")
"""major, minor, max_readahead, flags, max_background, congestion_threshold, max_write, time_gran,
max_pages, map_alignment, flags2."""
SETATTR_IN: Final = Struct("<I")
"""What is to be changed; the rest is not looked at."""
ACCESS_IN: Final = Struct("<I")
OPEN_IN: Final = Struct("<II")
"""flags of open(2), flags of FUSE."""
OPEN_OUT: Final = Struct("<QII")
"""fh, flags, padding."""
RELEASE_IN: Final = Struct("<Q")
"""fh; the rest is not looked at."""
TRANSFER_IN: Final = Struct("<QQIIQI4x")
"""Of READ and WRITE: fh, offset, size, flags, lock owner, the open file's flags as they are now.
What is to be written follows.
"""
WRITE_OUT: Final = Struct("<II")
"""size, padding."""
IOCTL_IN: Final = Struct("<QIIQII")
"""fh, flags, number, argument, in size, out size. What goes in follows."""
IOCTL_OUT: Final = Struct("<iIII")
"""result, flags, two counts that restricted ioctls have no use for. What goes out follows."""
POLL_IN: Final = Struct("<QQII")
"""fh, kh, flags, events."""
POLL_OUT: Final = Struct("<II")
"""events, padding."""
POLL_WAKEUP: Final = Struct("<Q")
"""kh."""
INTERRUPT_IN: Final = Struct("<Q")
"""The request that is interrupted."""
STATFS_OUT: Final = Struct("<5QIII4x24x")
"""blocks, bfree, bavail, files, ffree, bsize, namelen, frsize."""
DIRENT: Final = Struct("<QQII")
"""ino, offset of the next entry, length of the name, type. The name follows, padded to 8 bytes."""
