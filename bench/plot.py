"""What was measured as a picture: an SVG, states a second against the size, one line an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

from .report import TELLING
from .rounds import Measured

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 24, 44
COLORS = ("#0b5fa5", "#58a6d6", "#103a5c", "#c23b22", "#e07b39", "#8c564b", "#2e8b57", "#777777")
LINE = 15
"""Pixels from one name to the next, at least."""
STYLE = "text { font: 12px sans-serif } path { fill: none; stroke-width: 2 } line { stroke: #ddd }"


def plot(measured: Sequence[Measured]) -> str:
    """On a logarithmic scale, so that equal distances are equal ratios; complete searches only."""
    shown = [m for m in measured if m.engine.complete and m.states >= TELLING]
    names = list(dict.fromkeys(m.engine.name for m in shown))
    lines = {n: [(m.cpus, m.states_a_second) for m in shown if m.engine.name == n] for n in names}
    return series(lines, "CPUs in the model", "states a second")


def series(lines: dict[str, list[tuple[int, float]]], across: str, up: str) -> str:
    """Any lines of (size, positive value), by name."""
    xs = sorted({x for line in lines.values() for x, _ in line}) or [0]
    ys = [y for line in lines.values() for _, y in line] or [1.0]
    low, high = floor(log10(min(ys))), ceil(log10(max(ys)) + 1e-9)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x: int, y: float) -> tuple[float, float]:
        part = xs.index(x) / max(1, len(xs) - 1)
        return (
            LEFT + part * (right - LEFT),
            bottom - (log10(y) - low) / (high - low) * (bottom - TOP),
        )

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(up)}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        _, y = at(xs[0], 10.0**power)
        drawn.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        drawn.append(_text(LEFT - 8, y + 4, _magnitude(power), "end"))
    drawn += [_text(at(x, 10.0**low)[0], bottom + 18, str(x), "middle") for x in xs]
    drawn.append(_text((LEFT + right) / 2, HEIGHT - 8, across, "middle"))
    drawn.append(_text(LEFT - 40, TOP - 8, up, "start"))
    drawn += _lines(lines, at, right)
    return "\n".join([*drawn, "</svg>", ""])


def _lines(
    lines: dict[str, list[tuple[int, float]]],
    at: Callable[[int, float], tuple[float, float]],
    right: float,
) -> list[str]:
    """Each with its name at its end, names apart from each other."""
    drawn: list[str] = []
    ends: list[tuple[float, str, str]] = []
    for number, (name, line) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        points = [at(x, y) for x, y in sorted(line)]
        way = " L ".join(f"{x:.1f} {y:.1f}" for x, y in points)
        drawn.append(f'<path d="M {way}" stroke="{color}"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]
        ends.append((points[-1][1], name, color))
    below = 0.0
    for y, name, color in sorted(ends):
        below = max(y, below + LINE)
        drawn.append(_text(right + 12, below + 4, name, "start", color))
    return drawn


def _text(x: float, y: float, text: str, anchor: str, color: str = "#333") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"'
    return f"<text {where}>{escape(text)}</text>"


def _magnitude(power: int) -> str:
    """10⁴ as 10 k, and so on."""
    unit = {0: "", 1: " k", 2: " M", 3: " G"}.get(power // 3)
    return f"1e{power}" if unit is None else f"{10 ** (power % 3)}{unit}"
