"""Small drawings in a line of text: a bar, a strip, a sparkline; in ASCII where the terminal has no more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_EIGHTHS = " ▏▎▍▌▋▊▉"
_SHADES, _PLAIN_SHADES = " ░▒▓█", " .-+#"
_STEPS, _PLAIN_STEPS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
MARKS = f"{_EIGHTHS}{_SHADES}{_STEPS}·✓"
"""Whatever is drawn where a terminal takes it."""


def can_draw(encoding: str | None) -> bool:
    """Whether a stream of this encoding takes the marks."""
    try:
        MARKS.encode(encoding or "ascii")
    except (LookupError, UnicodeError):
        return False
    return True


def draw_bar(share: float, *, width: int, is_plain: bool = False) -> str:
    """A bar that is filled by a share of 0 to 1. Full is only what is whole, and empty what is nothing."""
    share = min(max(share, 0.0), 1.0)
    if is_plain:
        full = min(int(share * width), width)
        return "#" * full + "-" * (width - full)
    eighths = int(share * width * 8)
    if share and not eighths:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def draw_strip(shares: Sequence[float], *, width: int, is_plain: bool = False) -> str:
    """A strip of places, each as dark as its share of 0 to 1. Only what is whole is black."""
    shades = _PLAIN_SHADES if is_plain else _SHADES
    most = len(shades) - 1
    found = []
    for share in _squeeze(shares, width):
        step = most if share >= 0.9995 else min(int(share * most), most - 1)
        found.append(shades[max(step, 1) if share > 0 else 0])
    return "".join(found)


def draw_spark(values: Sequence[float], *, width: int, is_plain: bool = False) -> str:
    """A line of columns as high as the values, of which the largest is full; nothing is a blank."""
    steps = _PLAIN_STEPS if is_plain else _STEPS
    squeezed = _squeeze(values, width)
    top = max(squeezed, default=0) or 1
    return "".join(steps[min(int(v / top * len(steps)), len(steps) - 1)] if v > 0 else " " for v in squeezed)


def _squeeze(values: Sequence[float], width: int) -> list[float]:
    """The values in at most so many places, each the mean of those that fall into it."""
    count = len(values)
    if count <= width:
        return list(values)
    edges = [n * count // width for n in range(width + 1)]
    return [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
