"""What can be wrong with a recording."""

from __future__ import annotations


class RunError(Exception):
    """A recording that cannot be read, or that is of another specification. One clear message."""
