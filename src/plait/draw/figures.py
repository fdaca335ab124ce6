"""The charts of the report, as SVG that stands in the page. Knows numbers and names; no table, no model, no page.

Each is drawn about 340 wide, the width of a phone, and readable in black and white: shape, hatching, line style and
position carry what colour carries. `url(#hatch)` is a pattern that the page defines once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import count, minus, number, percent, plain, signed
from plait.draw.svg import (
    Scale,
    around,
    axis_numbers,
    drawing,
    element,
    hint,
    line,
    mark,
    path,
    shorten,
    star,
    ticks,
    width_of,
    words,
)

WIDTH = 340.0
MOST_CLASSES, MOST_POINTS = 100, 1500
ROW = 180.0  # width of a whisker in a table

Span = Mapping[str, Any]  # {"value", "low", "high"}, each a number or None


def whisker(span: Span, ends: tuple[float, float], best: bool = False, label: str = "") -> str:
    """Draw a score and its interval on one line of a table. ends: what the axis of the whole column holds."""
    at = Scale(*ends, 6, ROW - 6)
    inner = [line(at(tick), 0, at(tick), 24, "grid") for tick in at.ticks(4)]
    if span.get("value") is not None:
        value = float(span["value"])
        inner += [
            *_interval(at, span, 12),
            star(at(value), 12, 7.5, "win") if best else mark(0, at(value), 12, 4, "dot"),
        ]
    return drawing(ROW, 24, label, *inner, class_="chart row")


def whisker_axis(ends: tuple[float, float]) -> str:
    """Draw the axis that stands above a column of whiskers."""
    at = Scale(*ends, 6, ROW - 6)
    marks = at.ticks(4)
    inner = []
    for tick, text in zip(marks, axis_numbers(marks), strict=True):
        inner += [line(at(tick), 15, at(tick), 20, "axis"), words(at(tick), 11, text, "tick", "middle")]
    return drawing(ROW, 20, "axis of the column", *inner, class_="chart row")


def gain_figure(rows: Sequence[tuple[str, Span]], points: bool, label: str) -> str:
    """Draw differences with their intervals around a line at none. rows: (what, {"value", "low", "high"})."""
    known = [float(span[key]) for _, span in rows for key in ("low", "value", "high")]
    unit, room = (100.0 if points else 1.0), 0.06 * max([abs(v) for v in known] + [0.01])
    at = Scale(min(0.0, *known) - room, max(0.0, *known) + room, 8, WIDTH - 8)
    marks = ticks(at.low * unit, at.high * unit, 5)
    bottom, inner = 50.0 * len(rows), []
    for index, (what, span) in enumerate(rows):
        top, look = 50.0 * index, "strong" if index == 0 else ""
        told = signed(float(span["value"]), points) + (" points" if points else "")
        inner += [words(0, top + 14, shorten(what, 30), look), words(WIDTH, top + 14, told, look, "end")]
        y = top + 32
        inner += [line(at(t / unit), y - 12, at(t / unit), y + 14, "grid") for t in marks]
        inner += [line(at(0), y - 12, at(0), y + 14, "zero"), *_interval(at, span, y)]
        inner.append(mark(3 if index == 0 else 0, at(float(span["value"])), y, 5.5 if index == 0 else 5, "dot"))
    last = -100.0
    for tick, text in zip(marks, axis_numbers(marks), strict=True):
        if at(tick / unit) - last > 34:
            last = at(tick / unit)
            inner.append(words(last, bottom + 14, f"+{text}" if tick > 0 else text, "tick", "middle"))
    return drawing(WIDTH, bottom + 18, label, *inner, class_="chart grow")


def split_figure(splits: Mapping[str, int]) -> str:
    """Draw how many rows each split has, as one bar."""
    total = max(1, sum(splits.values()))
    left, inner = 0.0, []
    for index, (name, rows) in enumerate(splits.items()):
        wide = WIDTH * rows / total
        look = ("bar", "bar pale", "hatched")[index % 3]
        inner.append(
            element(
                "rect",
                hint(f"{name}: {count(rows, 'row')}"),
                x=left,
                y=0,
                width=max(wide - 2, 0.5),
                height=18,
                class_=look,
            )
        )
        left += wide
    told = ", ".join(f"{name} {count(rows, 'row')}" for name, rows in splits.items())
    return drawing(WIDTH, 18, told, *inner)


def find_mistakes(counts: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return which labels a picture of counts (label, class) shows, in order, and the ten most frequent mistakes.

    A mistake is (label, class that it was taken for). Of more than 100 labels the 60 with the most mistakes, either
    way, are shown: more could not be read.
    """
    wrong = np.where(np.eye(*counts.shape) > 0, 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:10]
    pairs = [divmod(int(place), counts.shape[1]) for place in order if wrong.flat[place]]
    shown = np.arange(len(counts))
    if len(shown) > MOST_CLASSES:
        missed = wrong.sum(1) + np.pad(wrong.sum(0), (0, len(counts) - counts.shape[1]))
        shown = np.sort(np.argsort(-missed, kind="stable")[:60])
    return shown, pairs


def confusion_figure(counts: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """Draw counts (label, class), rows true and columns said; names of the rows. Rows beyond the columns: unknown."""
    num, known = len(counts), len(counts[0])
    cell = 58.0 if num <= 3 else 42.0 if num <= 5 else 27.0 if num <= 10 else 24.0 if num <= 26 else 12.0
    letters = 12 if num <= 10 else 16
    font = 7.3 if num <= 26 else 5.8
    side = font * max(width_of(shorten(name, letters)) for name in names) + 8
    turned = font * max(width_of(shorten(name, letters)) for name in names[:known]) > cell - 3
    head = (side if turned else 18) + 20
    left = side + 16
    inner = [
        words(left, 12, "what the model said →", "soft"),
        words(11, head, "← what was true", "soft", "end", transform=f"rotate(-90 11 {head:.1f})"),
    ]
    size = "" if num <= 26 else "tiny"
    for index, name in enumerate(names):
        middle = cell * (index + 0.5)
        inner.append(words(left - 5, head + middle + 4, shorten(name, letters), size, "end"))
        if index < known and turned:
            x, y = left + middle + 4, head - 5
            inner.append(words(x, y, shorten(name, letters), size, transform=f"rotate(-90 {x:.1f} {y:.1f})"))
        elif index < known:
            inner.append(words(left + middle, head - 5, shorten(name, letters), size, "middle"))
    inner.append(element("rect", x=left, y=head, width=cell * known, height=cell * num, class_="sheet"))
    for i, row in enumerate(counts):
        total = max(1, sum(row))
        for j, times in enumerate(row):
            x, y, part = left + cell * j, head + cell * i, times / total
            if not times:
                if i == j:
                    inner.append(element("rect", x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, class_="cell none"))
                continue
            strength = 0.12 + 0.88 * (part if i == j else part**0.6)
            told = hint(
                f"{names[i]} taken for {names[j]}: {count(times)} of {count(total, 'row')}"
                if i != j
                else f"{names[i]}: {count(times)} of {count(total)} right"
            )
            look = "cell right" if i == j else "cell wrong"
            inner.append(
                element(
                    "rect",
                    told,
                    x=x + 1,
                    y=y + 1,
                    width=cell - 2,
                    height=cell - 2,
                    class_=look,
                    fill_opacity=round(strength, 2),
                )
            )
            if num <= 26:
                text = count(times) if times < 10_000 or cell > 30 else f"{times / 1000:.0f}k"
                small = "tiny" if len(text) * 7 > cell - 2 else ""
                over = ("over" if i == j else "over miss") if strength > 0.5 else ""
                inner.append(words(x + cell / 2, y + cell / 2 + 4, text, f"{over} {small}".strip(), "middle"))
    right = sum(counts[i][i] for i in range(min(num, known)))
    whole = sum(map(sum, counts))
    label = f"Confusion matrix of {num} classes: {count(right)} of {count(whole, 'row')} right"
    return drawing(
        left + cell * known + 4, head + cell * num + 4, label, *inner, class_="chart fixed" if num > 10 else "chart"
    )


def scatter_figure(points: Sequence[Sequence[float]], name: str, unit: str = "") -> str:
    """Draw predicted against true numbers. points: (true, predicted), thinned to 1,500."""
    step = max(1, math.ceil(len(points) / MOST_POINTS))
    shown = [(float(t), float(p)) for t, p in points[::step]]
    ends = around([v for point in shown for v in point])
    left, bottom = 52.0, 300.0
    across, up = Scale(*ends, left, WIDTH - 8), Scale(*ends, bottom, 10)
    unit = f" ({unit})" if unit else ""
    inner = _frame(across, up, f"true {shorten(name, 24)}{unit}", f"said{unit}")
    inner.append(line(across(ends[0]), up(ends[0]), across(ends[1]), up(ends[1]), "ideal"))
    look = "point" if len(shown) > 200 else "point large"
    inner += [
        element("circle", cx=across(t), cy=up(p), r=2.6 if len(shown) > 200 else 3.5, class_=look) for t, p in shown
    ]
    return drawing(
        WIDTH,
        bottom + 40,
        f"Predicted against true {name}, {count(len(shown), 'row')}; on the dashed line it is right",
        *inner,
        class_="chart grow",
    )


def reliability_figure(found: Mapping[str, Any], title: str) -> str:
    """Draw how often the model is right against how sure it says it is, from `reliability` of the scores."""
    left, bottom = 60.0, 262.0
    across, up = Scale(0, 1, left, WIDTH - 50), Scale(0, 1, bottom, 22)
    inner = _frame(across, up, "how sure it says it is", "how often it is right", share=True)
    for b in found["bins"]:
        x, wide = across(b["low"]) + 0.5, across(b["high"]) - across(b["low"]) - 1
        told = hint(f"says {percent(b['confidence'])}, right in {percent(b['accuracy'])} of {count(b['rows'], 'row')}")
        y, says = up(b["accuracy"]), up(b["confidence"])
        inner.append(element("rect", told, x=x, y=y, width=wide, height=bottom - y, class_="bar"))
        inner.append(element("rect", told, x=x, y=min(y, says), width=wide, height=abs(says - y), class_="gap"))
    inner += [line(across(0), up(0), across(1), up(1), "ideal"), words(left, 13, title, "strong")]
    most = max([b["rows"] for b in found["bins"]] + [1])
    inner.append(words(left - 6, bottom + 62, "rows", "tick", "end"))
    for b in found["bins"]:
        x, wide, tall = across(b["low"]) + 0.5, across(b["high"]) - across(b["low"]) - 1, 24 * b["rows"] / most
        inner.append(
            element(
                "rect",
                hint(f"{count(b['rows'], 'row')}"),
                x=x,
                y=bottom + 66 - tall,
                width=wide,
                height=tall,
                class_="bar pale",
            )
        )
    inner.append(line(left, bottom + 66, across(1), bottom + 66))
    means = f"says {percent(found['confidence'])} on average, is right in {percent(found['accuracy'])}"
    return drawing(WIDTH - 36, bottom + 70, f"{title}: {means} of {count(found['rows'], 'row')}", *inner)


def curve_figure(
    series: Sequence[Mapping[str, Any]],
    across_name: str,
    up_name: str,
    ends: tuple[float, float],
    title: str = "",
    log: bool = False,
) -> str:
    """Draw lines over levels. series: {"name", "levels": [...], "scores": [...]}, maybe with "low" and "high".

    Levels that do not grow, or are not numbers, stand at equal distances under their text.
    """
    levels = list(series[0]["levels"])
    plain = all(isinstance(v, (int, float)) and math.isfinite(v) for s in series for v in s["levels"])
    plain = plain and all(a < b for s in series for a, b in zip(s["levels"], s["levels"][1:], strict=False))
    left, top, bottom = 44.0, 24.0 if title else 8.0, 172.0
    if plain:
        every = [float(v) for s in series for v in s["levels"]]
        across = Scale(min(every), max(every), left + 6, WIDTH - 10, log and min(every) > 0)
        named = [(float(v), _level(v)) for v in sorted(set(every))] if len(set(every)) <= 9 else None
    else:
        across = Scale(0, max(1, len(levels) - 1), left + 6, WIDTH - 10)
        named = [(float(i), _level(v)) for i, v in enumerate(levels)]
    up = Scale(*ends, bottom, top)
    inner = _frame(across, up, across_name, up_name, named)
    inner += [words(0, 13, shorten(title, 44), "strong")] if title else []
    for index, one in enumerate(series):
        places = one["levels"] if plain else range(len(one["levels"]))
        dots = [(across(float(x)), float(y)) for x, y in zip(places, one["scores"], strict=True) if y is not None]
        for (x, _), low, high in zip(dots, one.get("low", ()), one.get("high", ()), strict=False):
            inner += [
                line(x, up(low), x, up(high), "whisker"),
                line(x - 4, up(low), x + 4, up(low), "whisker"),
                line(x - 4, up(high), x + 4, up(high), "whisker"),
            ]
        inner.append(path([(x, up(y)) for x, y in dots], f"curve c{index % 6}"))
        inner += [mark(index, x, up(y), 3.6, f"spot c{index % 6}", f"{one['name']}: {number(y)}") for x, y in dots]
    tall = bottom + 40
    for index, one in enumerate(series if len(series) > 1 else ()):
        x, y = left + (index % 2) * 150, tall + 8 + 18 * (index // 2)
        inner += [path([(x, y), (x + 28, y)], f"curve c{index % 6}"), mark(index, x + 14, y, 3.6, f"spot c{index % 6}")]
        inner.append(words(x + 34, y + 4, shorten(one["name"], 16)))
    tall += 18 * math.ceil(len(series) / 2) + 2 if len(series) > 1 else 0
    told = "; ".join(f"{one['name']} from {number(one['scores'][0])} to {number(one['scores'][-1])}" for one in series)
    return drawing(WIDTH, tall, f"{title or up_name}: {told}", *inner, class_="chart grow")


def pareto_figure(dots: Sequence[Mapping[str, Any]], metric: str, lower: bool) -> str:
    """Draw score against milliseconds a row. dots: {"name", "ms", "score", "winner", "front": number, "shape"}."""
    left, bottom = 52.0, 270.0
    ms = [float(dot["ms"]) for dot in dots]
    across = Scale(min(ms) / 1.5, max(ms) * 1.5, left, WIDTH - 8, log=True)
    scores = sorted((float(dot["score"]) for dot in dots), reverse=not lower)
    best, middle = scores[0], scores[len(scores) // 2]
    near = [score for score in scores if abs(score - best) <= 4 * abs(middle - best)]  # the others stand at the edge
    up = Scale(*around(near, 0.1), *((14, bottom) if lower else (bottom, 14)))
    inner = _frame(across, up, "milliseconds a row (each step: a multiple)", metric)
    front = sorted((dot for dot in dots if dot["front"]), key=lambda dot: float(dot["ms"]))
    steps: list[tuple[float, float]] = []
    for dot in front:
        x, y = across(dot["ms"]), up(dot["score"])
        steps += [(x, steps[-1][1])] if steps else []
        steps.append((x, y))
    inner += [path([*steps, (WIDTH - 8, steps[-1][1])], "front")] if steps else []
    for dot in dots:
        x, y = across(dot["ms"]), up(dot["score"])
        told = f"{dot['name']}: {number(dot['score'])}, {plain(dot['ms'], digits=2)} ms a row"
        look = "spot c0" if dot["front"] else "other"
        inner.append(star(x, y, 9, "win", told) if dot["winner"] else mark(dot["shape"], x, y, 4.2, look, told))
    taken: list[tuple[float, float]] = []
    for dot in front:
        x, y = across(dot["ms"]), up(dot["score"])
        spot = next(
            (
                (x + a, y + b)
                for a, b in ((-9, -8), (9, 16), (-11, 14), (9, -9), (0, -20), (0, 26))
                if all(abs(x + a - p) > 11 or abs(y + b - q) > 12 for p, q in taken)
            ),
            (x, y - 9),
        )
        taken.append(spot)
        inner.append(words(*spot, dot["front"], "strong halo", "middle"))
    label = f"{metric} against milliseconds a row for {count(len(dots), 'candidate')}; on the front: " + ", ".join(
        f"{d['front']} {d['name']}" for d in front
    )
    return drawing(WIDTH, bottom + 40, label, *inner, class_="chart grow")


def _level(value: Any) -> str:
    """Return a level of a curve as text; None is the input as it came."""
    if value is None:
        return "as it is"
    return (
        str(value) if not isinstance(value, (int, float)) else f"{value:,.0f}" if value == int(value) else f"{value:g}"
    )


def _interval(at: Scale, span: Span, y: float) -> list[str]:
    """Return a line from low to high with a stroke at each end; nothing where there is no interval."""
    if span.get("low") is None or span.get("high") is None:
        return []
    low, high = at(float(span["low"])), at(float(span["high"]))
    return [line(low, y, high, y, "whisker"), *(line(x, y - 4, x, y + 4, "whisker") for x in (low, high))]


def _frame(
    across: Scale,
    up: Scale,
    across_name: str,
    up_name: str,
    named: Sequence[tuple[float, str]] | None = None,
    share: bool = False,
) -> list[str]:
    """Return grid, ticks and the names of both axes. named: (value, text) of the ticks across, where they are given."""
    left, right = min(across.start, across.end) - (6 if named else 0), max(across.start, across.end)
    top, bottom = min(up.start, up.end), max(up.start, up.end)
    marks = up.ticks(5)
    shown = [minus(f"{100 * t:.0f} %") for t in marks] if share else axis_numbers(marks)
    inner = []
    for tick, text in zip(marks, shown, strict=True):
        inner += [line(left, up(tick), right, up(tick), "grid"), words(left - 6, up(tick) + 4, text, "tick", "end")]
    below = across.ticks(5)
    texts = (
        [minus(f"{100 * t:.0f} %") for t in below]
        if share
        else [f"{t:g}" for t in below]
        if across.log
        else axis_numbers(below)
    )
    last = -100.0
    for tick, text in named if named is not None else list(zip(below, texts, strict=True)):
        x, half = across(tick), 3.4 * width_of(text)
        inner.append(line(x, bottom, x, bottom + 4, "axis"))
        if x - half > last + 5:
            last = min(x + half, right + 8)
            inner.append(words(min(x, right + 8 - half), bottom + 17, text, "tick", "middle"))
    inner += [line(left, bottom, right, bottom), words((left + right) / 2, bottom + 34, across_name, "soft", "middle")]
    middle = (top + bottom) / 2
    inner.append(words(11, middle, up_name, "soft", "middle", transform=f"rotate(-90 11 {middle:.1f})"))
    return inner
