"""Looking at a live host: read-only, through the ordinary interfaces."""

from .host import observe

__all__ = ["observe"]
