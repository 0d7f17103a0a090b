"""What a trace says, for people: a chart to paste into a mail, and commands to try."""

from .chart import WIDTH, chart
from .fold import fold
from .reproducer import reproducer

__all__ = ["WIDTH", "chart", "fold", "reproducer"]
