"""The explorer. It knows nothing of what it explores."""

from .check import Outcome, Result, check
from .search import Limits, Progress

__all__ = ["Limits", "Outcome", "Progress", "Result", "check"]
