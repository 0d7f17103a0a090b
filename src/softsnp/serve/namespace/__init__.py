"""A private namespace in which a command meets the files of a virtual host."""

from .errors import CommandError, NamespaceError
from .join import hosts, join
from .launch import launch
from .plan import Bind, Plan
from .session import Control, Started

__all__ = [
    "Bind",
    "CommandError",
    "Control",
    "NamespaceError",
    "Plan",
    "Started",
    "hosts",
    "join",
    "launch",
]
