"""What is explored, written down for another tool. Nothing of the explorer's runs depends on it."""

from .promela import exported, promela

__all__ = ["exported", "promela"]
