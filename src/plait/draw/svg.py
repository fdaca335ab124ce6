"""The small parts that charts in a page are made of: elements, scales, ticks and numbers as text. Knows no chart.
Colours are classes, not values, so that the page decides them for light, dark and print. All text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from plait.core.words import minus

SHAPES: tuple[tuple[tuple[float, float], ...], ...] = (
    (),  # a circle
    ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    ((0, -1.25), (1.2, 0.95), (-1.2, 0.95)),
    ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
)


def element(name: str, *inner: str, **attributes: object) -> str:
    """Return one SVG element. inner: markup. Attributes are escaped; `class_` is class, `_` a hyphen, None left out.

    >>> element("circle", r=2.50, class_="dot", stroke_width=1)
    '<circle r="2.5" class="dot" stroke-width="1"/>'
    """
    head = name
    for key, value in attributes.items():
        if value is not None:
            text = escape(tidy(value) if isinstance(value, float) else str(value))
            head += f' {key.rstrip("_").replace("_", "-")}="{text}"'
    return f"<{head}>{''.join(inner)}</{name}>" if inner else f"<{head}/>"


def words(x: float, y: float, text: object, class_: str = "", anchor: str = "start", **attributes: object) -> str:
    """Return text at a place. anchor: start, middle or end."""
    inner = escape(str(text)) or " "
    look = {"class_": class_ or None, "text_anchor": None if anchor == "start" else anchor}
    return element("text", inner, x=x, y=y, **look, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str = "axis") -> str:
    return path([(x1, y1), (x2, y2)], class_)


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


def box(x: float, y: float, width: float, height: float, class_: str, *inner: str, **attributes: object) -> str:
    """Return a rectangle; (x, y) is its top left corner."""
    return element("rect", *inner, x=x, y=y, width=width, height=height, class_=class_, **attributes)


def mark(shape: int, x: float, y: float, size: float, class_: str, text: str = "") -> str:
    """Return a mark around a place: circle, square, triangle or diamond, by number, so that it needs no colour."""
    corners = SHAPES[shape % len(SHAPES)]
    if corners:
        return _closed([(x + size * a, y + size * b) for a, b in corners], class_, text)
    return element("circle", *([hint(text)] if text else []), cx=x, cy=y, r=size, class_=class_)


def star(x: float, y: float, size: float, class_: str, text: str = "") -> str:
    """Return a star of five points around a place."""
    turns = [(size * (0.42 if step % 2 else 1), math.pi * (step / 5 - 0.5)) for step in range(10)]
    return _closed([(x + reach * math.cos(turn), y + reach * math.sin(turn)) for reach, turn in turns], class_, text)


def _closed(corners: Sequence[tuple[float, float]], class_: str, text: str) -> str:
    d = "M" + "L".join(f"{tidy(x)} {tidy(y)}" for x, y in corners) + "z"
    return element("path", *([hint(text)] if text else []), d=d, class_=class_)


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
        marks = [s * 10.0**p for p in powers for s in steps if low * 0.999 <= s * 10.0**p <= high * 1.001]
        if len(marks) <= most:
            return marks or [low, high]
    return marks[:: math.ceil(len(marks) / most)]


def around(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """Return the ends of an axis that holds all values, with a margin."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * margin or 0.5
    return low - room, high + room


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
