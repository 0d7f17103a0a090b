"""The explorer. It knows nothing of what it explores."""

from .check import Outcome, Result, check
from .rungs.ladder import RUNGS, Ladder
from .search import Limits, Progress

__all__ = ["RUNGS", "Ladder", "Limits", "Outcome", "Progress", "Result", "check"]
