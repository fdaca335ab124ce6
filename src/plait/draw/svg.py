"""The small parts that charts in a page are made of: elements, scales, ticks and numbers as text. Knows no chart.

Colours are classes, not values, so that the page decides them for light, dark and print. All text is escaped here.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from html import escape

from plait.core.words import minus


def element(name: str, *inner: str, **attributes: object) -> str:
    """Return one SVG element. inner: markup. Attributes are escaped; `class_` is class, `_` a hyphen, None left out.

    >>> element("circle", r=2.50, class_="dot", stroke_width=1)
    '<circle r="2.5" class="dot" stroke-width="1"/>'
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-") if key != "viewBox" else key}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{''.join(inner)}</{name}>" if inner else f"<{name}{told}/>"


def words(x: float, y: float, text: object, class_: str = "", anchor: str = "start", **attributes: object) -> str:
    """Return text at a place. anchor: start, middle or end."""
    inner = escape(str(text)) or " "
    look = {"class_": class_ or None, "text_anchor": None if anchor == "start" else anchor}
    return element("text", inner, x=x, y=y, **look, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str = "axis") -> str:
    return element("path", d=f"M{tidy(x1)} {tidy(y1)}L{tidy(x2)} {tidy(y2)}", class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> str:
    """Return an open line through points."""
    return element("path", d="M" + "L".join(f"{tidy(x)} {tidy(y)}" for x, y in points), class_=class_)


def hint(text: str) -> str:
    """Return what a browser shows when the pointer rests on the element around it."""
    return f"<title>{escape(text)}</title>"


def drawing(width: float, height: float, label: str, *inner: str, class_: str = "chart") -> str:
    """Return a whole picture. label: what it shows, for those who cannot see it."""
    size = {"viewBox": f"0 0 {tidy(width)} {tidy(height)}", "width": width, "height": height}
    return element("svg", *inner, role="img", aria_label=label, class_=class_, **size)


def mark(shape: int, x: float, y: float, size: float, class_: str, text: str = "") -> str:
    """Return a mark around a place: circle, square, triangle or diamond, by number, so that it needs no colour."""
    s = size
    shapes = [
        "",
        f"M{tidy(x - s)} {tidy(y - s)}h{tidy(2 * s)}v{tidy(2 * s)}h{tidy(-2 * s)}z",
        f"M{tidy(x)} {tidy(y - 1.25 * s)}l{tidy(1.2 * s)} {tidy(2.2 * s)}h{tidy(-2.4 * s)}z",
        f"M{tidy(x)} {tidy(y - 1.4 * s)}l{tidy(1.4 * s)} {tidy(1.4 * s)}l{tidy(-1.4 * s)} {tidy(1.4 * s)}"
        f"l{tidy(-1.4 * s)} {tidy(-1.4 * s)}z",
    ]
    inner = [hint(text)] if text else []
    d = shapes[shape % len(shapes)]
    if not d:
        return element("circle", *inner, cx=x, cy=y, r=size, class_=class_)
    return element("path", *inner, d=d, class_=class_)


def star(x: float, y: float, size: float, class_: str, text: str = "") -> str:
    """Return a star of five points around a place."""
    corners = []
    for step in range(10):
        reach, angle = size * (1 if step % 2 == 0 else 0.42), math.pi * (step / 5 - 0.5)
        corners.append(f"{tidy(x + reach * math.cos(angle))} {tidy(y + reach * math.sin(angle))}")
    return element("path", *([hint(text)] if text else []), d="M" + "L".join(corners) + "z", class_=class_)


# -- scales -----------------------------------------------------------------------------------------------------------


class Scale:
    """Turns a value between low and high into a place between start and end; values beyond are drawn at the edge."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool = False) -> None:
        if not high > low:
            low, high = (low / 2, high * 2) if log else (low - 0.5, high + 0.5)
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, value: float) -> float:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        at = math.log(max(value, self.low)) if self.log else value
        part = min(1.0, max(0.0, (at - low) / (high - low)))
        return self.start + part * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        return log_ticks(self.low, self.high, most) if self.log else ticks(self.low, self.high, most)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return at most about so many round numbers from low to high.

    >>> ticks(0.62, 0.98, 4)
    [0.7, 0.8, 0.9]
    """
    rough = (high - low) / max(1, most)
    if not rough > 0 or not math.isfinite(rough):
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return powers of ten from low to high, with 2 and 5 between them where there is room."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [s * 10.0**p for p in powers for s in steps if low * 0.999 <= s * 10.0**p <= high * 1.001]
        if len(found) <= most:
            return found or [low, high]
    return found[:: math.ceil(len(found) / most)]


def around(
    values: Sequence[float], margin: float = 0.06, floor: float | None = None, top: float | None = None
) -> tuple[float, float]:
    """Return the ends of an axis that holds all values, with a margin, cut at floor and top."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * margin or 0.5
    low, high = low - room, high + room
    return (low if floor is None else max(low, floor)), (high if top is None else min(high, top))


# -- text -------------------------------------------------------------------------------------------------------------


def tidy(value: float) -> str:
    """Return a coordinate with at most two decimals.

    >>> tidy(12.50), tidy(3.0), tidy(-0.001)
    ('12.5', '3', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def axis_numbers(values: Sequence[float]) -> list[str]:
    """Return round numbers with as many decimals as the finest of them needs."""
    if any(abs(v) >= 1e6 or 0 < abs(v) < 1e-4 for v in values):
        return [minus(f"{v:.3g}") for v in values]
    needed = [len(f"{v:.6f}".rstrip("0").split(".")[1]) for v in values]
    return [minus(f"{v:,.{max(needed, default=0)}f}") for v in values]


def width_of(text: str) -> int:
    """Return how many letters wide a text is; a Chinese character is two."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: object, most: int) -> str:
    """Return a text on one line of at most so many letters, cut in the middle.

    >>> shorten("parallel(image, audio, by=gate)", 16)
    'parallel(…=gate)'
    """
    whole = " ".join(str(text).split())
    if width_of(whole) <= most:
        return whole
    head = next(whole[:n] for n in range(most, -1, -1) if width_of(whole[:n]) <= most * 0.6)
    tail = next(whole[n:] for n in range(len(head), len(whole) + 1) if width_of(whole[n:]) < most - width_of(head))
    return f"{head.rstrip()}…{tail.lstrip()}"


def _attribute(value: object) -> str:
    return escape(tidy(value) if isinstance(value, float) else str(value))
