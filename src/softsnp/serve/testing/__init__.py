"""A virtual host for a tool's own test suite: ``SnpHost``, and the pytest fixtures around it."""

from .host import SnpHost
from .options import HostOptions
from .process import HostError, HostUnavailable

__all__ = ["HostError", "HostOptions", "HostUnavailable", "SnpHost"]
