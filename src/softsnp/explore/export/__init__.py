"""What is explored, written down for another tool. No search depends on it."""

from .members import MOST_MEMBERS
from .promela import exported, promela

__all__ = ["MOST_MEMBERS", "exported", "promela"]
