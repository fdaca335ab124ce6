"""How one answer comes about, as pictures: steps from the base, bars, seconds of a sound, a layer over a picture.

Knows numbers and names; no predictor, no table, no page. Blue speaks for the answer, orange against; what is against is
hatched, to the left, or below as well, so that it reads in black and white.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.words import number, plain, signed
from plait.draw.svg import Scale, around, drawing, element, hint, line, mark, shorten, words

WIDTH = 340.0


def waterfall(
    base: float, shares: Sequence[tuple[str, float | None, str]], total: float, end: str, zero: bool = True
) -> str:
    """Draw how a prediction comes about: the base, then what each part adds or takes.

    shares: (name, share or None, what stands there then). zero: whether the axis goes from 0 to 1, as of probabilities;
    in other numbers the steps would vanish beside the base.
    """
    steps = [base]
    for _, share, _ in shares:
        steps.append(steps[-1] + (share or 0.0))
    ends = (min(0.0, *steps), max(1.0, *steps)) if zero else around([*steps, total], 0.08)
    left, at = 112.0, base
    across = Scale(*ends, left, WIDTH - 58)
    say = number if zero else plain
    rows = [("nothing known", ends[0], base, "bar pale", say(base))]
    for name, share, why in shares:
        look = "bar" if (share or 0.0) >= 0 else "bar against"
        rows.append((name, at, at + (share or 0.0), look, why if share is None else signed(share)))
        at += share or 0.0
    rows.append((end, ends[0], total, "bar pale", say(total)))
    inner = [line(across(base), 4, across(base), 26.0 * len(rows) - 4, "ideal")]
    for index, (name, begin, stop, look, told) in enumerate(rows):
        y, outer = 26.0 * index, index in (0, len(rows) - 1)
        a, b = sorted((across(begin), across(stop)))
        inner.append(words(left - 6, y + 17, shorten(name, 16), "strong" if outer else "", "end"))
        if outer and not zero:  # such an axis does not begin at 0: a bar from its edge would say nothing
            inner.append(mark(3, b, y + 13, 5.5, "dot"))
        elif begin != stop:
            inner.append(element("rect", x=a, y=y + 5, width=max(b - a, 1.0), height=16, class_=look))
        gap = 10 if outer and not zero else 5
        look = "halo strong" if outer else "halo soft" if begin == stop else "halo"
        right = b + gap + 7 * len(told) <= WIDTH
        inner.append(words(b + gap if right else a - gap, y + 17, told, look, "start" if right else "end"))
    told = ", ".join(f"{name} {text}" for name, _, _, _, text in rows)
    return drawing(WIDTH, 26.0 * len(rows), f"How the answer comes about: {told}", *inner)


def bar(value: float | None, limit: float, width: float = 120.0) -> str:
    """Draw a value as a bar; where limit is below 0, around a middle, to both sides."""
    if value is None:
        return ""
    two = limit < 0
    middle, reach = (width / 2, width / 2) if two else (0.0, width)
    wide = min(1.0, abs(value) / (abs(limit) or 1.0)) * reach
    look = "bar" if value >= 0 else "bar against"
    inner = [
        element("rect", x=middle if value >= 0 else middle - wide, y=3, width=max(wide, 0.5), height=12, class_=look)
    ]
    inner += [line(middle, 0, middle, 18, "axis")] if two else []
    return drawing(width, 18, number(value), *inner, class_="chart row")


def seconds_figure(seconds: Sequence[Mapping[str, Any]], duration: float) -> str:
    """Draw what each stretch of a sound speaks for (up) or against (down), as wide as the picture above it."""
    limit = max([abs(float(s["weight"])) for s in seconds] + [1e-12])
    inner = []
    for s in seconds:
        x, wide, tall = (
            100 * s["start"] / duration,
            100 * (s["end"] - s["start"]) / duration,
            20 * abs(s["weight"]) / limit,
        )
        told = hint(f"{s['start']:.2f} to {s['end']:.2f} s: {signed(s['weight'])}")
        y, look = (20 - tall, "bar") if s["weight"] >= 0 else (20, "bar against")
        inner.append(element("rect", told, x=x + 0.15, y=y, width=max(wide - 0.3, 0.2), height=tall, class_=look))
    inner.append(line(0, 20, 100, 20))
    best = max(seconds, key=lambda s: float(s["weight"]))
    label = f"Which seconds counted; most: {best['start']:.2f} to {best['end']:.2f} s"
    return drawing(100, 40, label, *inner, class_="chart strip").replace("<svg ", '<svg preserveAspectRatio="none" ', 1)


def heat_layer(heat: Sequence[Sequence[float]]) -> bytes:
    """Return a PNG to lay over a picture, one pixel a cell: blue speaks for the answer, orange against.

    heat: (height, width), any scale.
    """
    limit = max([abs(float(v)) for row in heat for v in row] + [1e-12])
    rows = b"".join(
        b"\0"
        + b"".join(
            bytes((*((20, 80, 200) if v >= 0 else (235, 120, 20)), round(215 * (abs(v) / limit) ** 0.8))) for v in row
        )
        for row in heat
    )
    header = struct.pack(">IIBBBBB", len(heat[0]), len(heat), 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
