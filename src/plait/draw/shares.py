"""How one answer comes about, as pictures: steps from the base, bars, seconds of a sound, a layer over a picture.

Knows numbers and names; no predictor, no table, no page. Blue speaks for the answer, orange against; what is against is
hatched, to the left, or below as well, so that it reads in black and white.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from plait.core.words import number, plain, signed
from plait.draw.figures import WIDTH
from plait.draw.page import shorten
from plait.draw.svg import Scale, around, box, drawing, hint, line, mark, words


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
    for index, (name, begin, stop, look, text) in enumerate(rows):
        y, outer = 26.0 * index, index in (0, len(rows) - 1)
        a, b = sorted((across(begin), across(stop)))
        inner.append(words(left - 6, y + 17, shorten(name, 16), "strong" if outer else "", "end"))
        if outer and not zero:  # such an axis does not begin at 0: a bar from its edge would say nothing
            inner.append(mark(3, b, y + 13, 5.5, "dot"))
        elif begin != stop:
            inner.append(box(a, y + 5, max(b - a, 1.0), 16, look))
        gap = 10 if outer and not zero else 5
        look = "halo strong" if outer else "halo soft" if begin == stop else "halo"
        right = b + gap + 7 * len(text) <= WIDTH
        inner.append(words(b + gap if right else a - gap, y + 17, text, look, "start" if right else "end"))
    label = "How the answer comes about: " + ", ".join(f"{name} {text}" for name, _, _, _, text in rows)
    return drawing(WIDTH, 26.0 * len(rows), label, *inner)


def bar(value: float | None, limit: float, width: float = 120.0) -> str:
    """Draw a value as a bar; where limit is below 0, around a middle, to both sides."""
    if value is None:
        return ""
    two = limit < 0
    middle, reach = (width / 2, width / 2) if two else (0.0, width)
    wide = min(1.0, abs(value) / (abs(limit) or 1.0)) * reach
    left, look = (middle, "bar") if value >= 0 else (middle - wide, "bar against")
    inner = [box(left, 3, max(wide, 0.5), 12, look)]
    inner += [line(middle, 0, middle, 18, "axis")] if two else []
    return drawing(width, 18, number(value), *inner, class_="chart row")


def seconds_figure(seconds: Sequence[Mapping[str, Any]], duration: float) -> str:
    """Draw what each stretch of a sound speaks for (up) or against (down), as wide as the picture above it."""
    limit = max([abs(float(s["weight"])) for s in seconds] + [1e-12])
    inner = []
    for s in seconds:
        x, wide = (100 * length / duration for length in (s["start"], s["end"] - s["start"]))
        tall, title = (
            20 * abs(s["weight"]) / limit,
            hint(f"{s['start']:.2f} to {s['end']:.2f} s: {signed(s['weight'])}"),
        )
        y, look = (20 - tall, "bar") if s["weight"] >= 0 else (20, "bar against")
        inner.append(box(x + 0.15, y, max(wide - 0.3, 0.2), tall, look, title))
    inner.append(line(0, 20, 100, 20))
    best = max(seconds, key=lambda s: float(s["weight"]))
    label = f"Which seconds counted; most: {best['start']:.2f} to {best['end']:.2f} s"
    return drawing(100, 40, label, *inner, class_="chart strip").replace("<svg ", '<svg preserveAspectRatio="none" ', 1)


def heat_layer(heat: Sequence[Sequence[float]]) -> bytes:
    """Return a PNG to lay over a picture, one pixel a cell: blue speaks for the answer, orange against.

    heat: (height, width), any scale.
    """
    from PIL import Image

    weight = np.asarray(heat, float)
    layer = np.where(weight[..., None] >= 0, (20, 80, 200, 0), (235, 120, 20, 0))
    layer[..., 3] = np.rint(215 * (np.abs(weight) / max(np.abs(weight).max(), 1e-12)) ** 0.8)
    buffer = BytesIO()
    Image.fromarray(layer.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
