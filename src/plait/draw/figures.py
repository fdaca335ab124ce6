"""The charts of the report, as SVG that stands in the page. Knows numbers and names; no table, no model, no page.
Each is drawn about 340 wide, the width of a phone, and readable in black and white: shape, hatching, line style and
position carry what colour carries. `url(#hatch)` is a pattern that the page defines once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.language import say
from plait.core.words import count, metric_ends, metric_name, minus, number, percent, plain, signed
from plait.draw.page import shorten, tell_apart, text_width
from plait.draw.svg import Scale, around, axis_numbers, box, drawing, hint, line, mark, path, star, ticks, words

WIDTH = 340.0
MOST_CLASSES, MOST_POINTS = 100, 1500
ROW = 180.0  # width of a whisker in a table
CELLS = ((3, 58.0), (6, 42.0), (10, 27.0), (26, 24.0), (10_000, 12.0))  # up to so many classes: the side of a cell

Span = Mapping[str, Any]  # {"value", "low", "high"}, each a number or None


def whisker(span: Span, ends: tuple[float, float], best: bool = False, label: str = "") -> str:
    """Draw a score and its interval on one line of a table. ends: what the axis of the whole column holds."""
    at = Scale(*ends, 6, ROW - 6)
    inner = [line(at(tick), 0, at(tick), 24, "grid") for tick in at.ticks(4)]
    if span.get("value") is not None:
        x = at(float(span["value"]))
        inner += [*_interval(at, span, 12), star(x, 12, 7.5, "win") if best else mark(0, x, 12, 4, "dot")]
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
    known = [float(span[key]) for _, span in rows for key in ("low", "value", "high") if span[key] is not None]
    unit, room = (100.0 if points else 1.0), 0.06 * max([abs(v) for v in known] + [0.01])
    at = Scale(min(0.0, *known) - room, max(0.0, *known) + room, 8, WIDTH - 8)
    marks = ticks(at.low * unit, at.high * unit, 5)
    bottom, inner = 50.0 * len(rows), []
    for index, (what, (_, span)) in enumerate(zip(tell_apart([what for what, _ in rows], 38), rows, strict=True)):
        top, look = 50.0 * index, "strong" if index == 0 else ""
        size = signed(float(span["value"]), points)
        size = say("{size} points", size=size) if points else size
        inner += [words(0, top + 14, what, look), words(WIDTH, top + 14, size, look, "end")]
        y = top + 32
        inner += [line(at(t / unit), y - 12, at(t / unit), y + 14, "grid") for t in marks]
        inner += [line(at(0), y - 12, at(0), y + 14, "zero"), *_interval(at, span, y)]
        inner.append(mark(3 if index == 0 else 0, at(float(span["value"])), y, 5.5 if index == 0 else 5, "dot"))
    last = -100.0
    for tick, text in zip(marks, axis_numbers(marks), strict=True):
        if at(tick / unit) - last > 34:
            last = at(tick / unit)
            text = f"+{text}" if tick > 0 else text
            inner.append(words(min(last, WIDTH - 3.4 * text_width(text)), bottom + 14, text, "tick", "middle"))
    return drawing(WIDTH, bottom + 18, label, *inner, class_="chart grow")


def compare_figure(rows: Sequence[tuple[str, Span]], metric: str) -> str:
    """Draw scores as bars under one another, the last the strongest, with their intervals. rows: (what, span)."""
    known = [float(v) for _, span in rows for key in ("low", "value", "high") if (v := span.get(key)) is not None]
    low, high = metric_ends(metric, (min([0.0, *known]), max([0.0, *known])))
    most = 1.0 if high > 0.5 and metric_ends(metric, (0.0, 2.0))[1] == 1.0 else high or 1.0
    at, inner = Scale(max(low, -most), most, 4, WIDTH - 8), []
    for index, (what, span) in enumerate(rows):
        y, last = 46.0 * index, index == len(rows) - 1
        inner.append(words(4, y + 13, what, "strong" if last else ""))
        inner.append(words(WIDTH - 8, y + 13, number(span.get("value")), "strong" if last else "", "end"))
        if span.get("value") is None:
            continue
        left, right = sorted((at(0.0), at(float(span["value"]))))
        inner.append(box(left, y + 19, max(right - left, 1.0), 16, "bar" if last else "bar pale"))
        inner += _interval(at, span, y + 27)
    bottom = 46.0 * len(rows) - 6
    marks = at.ticks(5)
    for tick, text in zip(marks, axis_numbers(marks), strict=True):
        inner += [line(at(tick), bottom, at(tick), bottom + 4), words(at(tick), bottom + 17, text, "tick", "middle")]
    inner.append(line(at(at.low), bottom, at(at.high), bottom))
    label = metric_name(metric) + ": " + ", ".join(f"{what} {number(span.get('value'))}" for what, span in rows)
    return drawing(WIDTH, bottom + 22, label, *inner, class_="chart grow")


def operating_figure(curves: Sequence[Mapping[str, Any]], what: str) -> str:
    """Draw ROC curves, or those of precision over recall, of classes, each with its area. what: "roc" or "recall".
    curves: what `proof.operating.operating_curves` returns."""
    left, top, bottom = 52.0, 24.0, 270.0
    across, up = Scale(0, 1, left, WIDTH - 40), Scale(0, 1, bottom, top)
    roc = what == "roc"
    names = ("false positive rate", "true positive rate") if roc else ("recall", "precision")
    inner = _frame(across, up, say(names[0]), say(names[1]))
    inner.append(words(0, 13, say("ROC curve" if roc else "precision-recall curve"), "strong"))
    inner += [line(across(0), up(0), across(1), up(1), "ideal")] if roc else []
    shown = tell_apart([curve["name"] for curve in curves], 24)
    for index, curve in enumerate(curves):
        inner.append(path([(across(x), up(y)) for x, y in curve[what]], f"curve c{index % 6}"))
    tall, areas = bottom + 40, [number(curve["auroc" if roc else "average_precision"]) for curve in curves]
    for index, (name, area) in enumerate(zip(shown, areas, strict=True)):
        y = tall + 8 + 18 * index
        inner.append(path([(left, y), (left + 28, y)], f"curve c{index % 6}"))
        inner.append(words(left + 34, y + 4, f"{name}  {area}"))
    label = say("Area under the {curve} of each class:", curve=say("ROC curve" if roc else "precision-recall curve"))
    label += " " + ", ".join(f"{curve['name']} {area}" for curve, area in zip(curves, areas, strict=True))
    return drawing(WIDTH - 26, tall + 18 * len(curves) + 4, label, *inner, class_="chart")


def split_figure(splits: Mapping[str, int]) -> str:
    """Draw how many rows each split has, as one bar."""
    total = max(1, sum(splits.values()))
    texts = [f"{say(name)} {count(rows, 'row')}" for name, rows in splits.items()]
    left, inner = 0.0, []
    for index, (text, rows) in enumerate(zip(texts, splits.values(), strict=True)):
        wide, look = WIDTH * rows / total, ("bar", "bar pale", "hatched")[index % 3]
        inner.append(box(left, 0, max(wide - 2, 0.5), 18, look, hint(text)))
        left += wide
    return drawing(WIDTH, 18, ", ".join(texts), *inner)


def find_mistakes(counts: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return which labels a picture of counts (label, class) shows, in order, and the ten most frequent mistakes.
    A mistake is (label, class that it was taken for). Of more than 100 labels the 60 with the most mistakes, either
    way, are shown: more could not be read."""
    wrong = np.where(np.eye(*counts.shape) > 0, 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:10]
    pairs = [divmod(int(place), counts.shape[1]) for place in order if wrong.flat[place]]
    shown = np.arange(len(counts))
    if len(shown) > MOST_CLASSES:
        missed = wrong.sum(1) + np.pad(wrong.sum(0), (0, len(counts) - counts.shape[1]))
        shown = np.sort(np.argsort(-missed, kind="stable")[:60])
    return shown, pairs


def confusion_figure(counts: Sequence[Sequence[int]], names: Sequence[str], most: int | None = None) -> str:
    """Draw counts (label, class), rows true and columns said; names of the rows. Rows beyond the columns: unknown.
    most: letters of a name."""
    num, known = len(counts), len(counts[0])
    cell = next(side for classes, side in CELLS if num <= classes)
    font, size = (7.3, "") if num <= 26 else (5.8, "tiny")
    shown = tell_apart(names, most or (12 if num <= 10 else 16))
    side = font * max(map(text_width, shown)) + 8
    turned = font * max(map(text_width, shown[:known])) > cell - 3
    left, head = side + 16, (side if turned else 18) + 20
    inner = [
        words(left, 12, say("predicted as →"), "soft"),
        words(11, head, say("← true"), "soft", "end", transform=f"rotate(-90 11 {head:.1f})"),
    ]
    for index, name in enumerate(shown):
        middle = cell * (index + 0.5)
        inner.append(words(left - 5, head + middle + 4, name, size, "end"))
        if index < known and turned:
            x, y = left + middle + 4, head - 5
            inner.append(words(x, y, name, size, transform=f"rotate(-90 {x:.1f} {y:.1f})"))
        elif index < known:
            inner.append(words(left + middle, head - 5, name, size, "middle"))
    inner.append(box(left, head, cell * known, cell * num, "sheet"))
    for i, row in enumerate(counts):
        for j, times in enumerate(row):
            if times or i == j:
                says = names[i] if i == j else say("{true} predicted as {said}", true=names[i], said=names[j])
                inner += _cell(left + cell * j, head + cell * i, cell, times, max(1, sum(row)), says, i == j)
    right = sum(counts[i][i] for i in range(min(num, known)))
    told = {"num": num, "right": count(right), "rows": count(sum(map(sum, counts)), "row")}
    label = say("Confusion matrix of {num} classes: {right} of {rows} right", **told)
    look = "chart fixed" if num > 10 else "chart"
    return drawing(left + cell * known + 4, head + cell * num + 4, label, *inner, class_=look)


def _cell(x: float, y: float, side: float, times: int, total: int, says: str, right: bool) -> list[str]:
    """Draw how often a label was taken for a class: the stronger, the larger its share of the row."""
    place, part = (x + 1, y + 1, side - 2, side - 2), times / total
    if not times:
        return [box(*place, "cell none")]
    told = {"says": says, "num": count(times), "rows": count(total) if right else count(total, "row")}
    title = hint(say("{says}: {num} of {rows} right", **told) if right else say("{says}: {num} of {rows}", **told))
    strength = round(0.12 + 0.88 * (part if right else part**0.6), 2)
    drawn = [box(*place, "cell right" if right else "cell wrong", title, fill_opacity=strength)]
    if side > 12:
        text = count(times) if times < 10_000 or side > 30 else f"{times / 1000:.0f}k"
        small = " tiny" if len(text) * 7 > side - 2 else ""
        over = ("over" if right else "over miss") if strength > 0.5 else ""
        drawn.append(words(x + side / 2, y + side / 2 + 4, text, (over + small).strip(), "middle"))
        if side > 40:
            drawn.append(words(x + side / 2, y + side - 5, percent(part), f"{over} tiny".strip(), "middle"))
    return drawn


def scatter_figure(points: Sequence[Sequence[float]], name: str) -> str:
    """Draw predicted against true numbers. points: (true, predicted), thinned to 1,500."""
    shown = [(float(t), float(p)) for t, p in points[:: max(1, math.ceil(len(points) / MOST_POINTS))]]
    ends = around([v for point in shown for v in point])
    left, bottom = 52.0, 300.0
    across, up = Scale(*ends, left, WIDTH - 8), Scale(*ends, bottom, 10)
    inner = _frame(across, up, say("true {name}", name=shorten(name, 24)), say("predicted"))
    inner.append(line(across(ends[0]), up(ends[0]), across(ends[1]), up(ends[1]), "ideal"))
    size, look = (2.6, "point") if len(shown) > 200 else (3.5, "point large")
    inner += [mark(0, across(t), up(p), size, look) for t, p in shown]
    told = {"name": name, "rows": count(len(shown), "row")}
    label = say("Predicted against true {name}, {rows}; on the dashed line it is right", **told)
    return drawing(WIDTH, bottom + 40, label, *inner, class_="chart grow")


def reliability_figure(measured: Mapping[str, Any], title: str) -> str:
    """Draw how often the model is right against how sure it says it is, from `reliability` of the scores."""
    left, bottom = 60.0, 262.0
    across, up = Scale(0, 1, left, WIDTH - 50), Scale(0, 1, bottom, 22)
    inner = _frame(across, up, say("confidence"), say("accuracy"), share=True)
    most = max([b["rows"] for b in measured["bins"]] + [1])
    below = []
    for b in measured["bins"]:
        x, wide, rows = across(b["low"]) + 0.5, across(b["high"]) - across(b["low"]) - 1, count(b["rows"], "row")
        told = {"confidence": percent(b["confidence"]), "accuracy": percent(b["accuracy"]), "rows": rows}
        title_of = hint(say("confidence {confidence}, right in {accuracy} of {rows}", **told))
        y, says, tall = up(b["accuracy"]), up(b["confidence"]), 24 * b["rows"] / most
        inner.append(box(x, y, wide, bottom - y, "bar", title_of))
        inner.append(box(x, min(y, says), wide, abs(says - y), "gap", title_of))
        below.append(box(x, bottom + 66 - tall, wide, tall, "bar pale", hint(rows)))
    inner += [line(across(0), up(0), across(1), up(1), "ideal"), words(left, 13, title, "strong")]
    inner += [words(left - 6, bottom + 62, say("rows"), "tick", "end"), *below]
    inner.append(line(left, bottom + 66, across(1), bottom + 66))
    return drawing(WIDTH - 36, bottom + 70, f"{title}: {say_confidence(measured)}", *inner)


def say_confidence(measured: Mapping[str, Any]) -> str:
    """Return the mean confidence beside the accuracy."""
    told = {"confidence": percent(measured["confidence"]), "accuracy": percent(measured["accuracy"])}
    said = "confidence {confidence} on average, right in {accuracy} of {rows}"
    return say(said, **told, rows=count(measured["rows"], "row"))


def say_calibration(measured: Mapping[str, Any]) -> str:
    """Return whether probabilities can be believed: a word, and of enough rows how far off they are."""
    if measured["band"] is None:
        return say(str(measured["word"]))
    low, high = map(number, measured["band"])
    told = {"word": say(str(measured["word"])), "error": number(measured["expected_calibration_error"])}
    return say(
        "{word}: expected calibration error {error}; by chance alone {low} to {high}", **told, low=low, high=high
    )


def growth_figure(points: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Draw the score on validation rows against the training rows. points: [{"rows", "val": span}], fewest first."""
    value, low, high = (
        [p["val"].get(key) if p["val"].get(key) is not None else p["val"].get("value") for p in points]
        for key in ("value", "low", "high")
    )
    levels = [int(p["rows"]) for p in points]
    curve = {"name": say("validation"), "levels": levels, "scores": value, "low": low, "high": high}
    ends = metric_ends(metric, around([v for v in (*value, *low, *high) if v is not None], 0.08))
    return curve_figure([curve], say("training rows"), metric_name(metric), ends, log=True)


def curve_figure(
    series: Sequence[Mapping[str, Any]], across_name: str, up_name: str, ends: tuple[float, float], title: str = "",
    log: bool = False,
) -> str:  # fmt: skip
    """Draw lines over levels. series: {"name", "levels": [...], "scores": [...]}, maybe with "low" and "high".
    Levels that do not grow, or are not numbers, stand at equal distances under their text."""
    left, top, bottom = 50.0, 24.0 if title else 8.0, 172.0
    across, marked, places = _lay_levels([curve["levels"] for curve in series], (left + 6, WIDTH - 10), log)
    up = Scale(*ends, bottom, top)
    inner = _frame(across, up, across_name, up_name, marked)
    inner += [words(0, 13, shorten(title, 44), "strong")] if title else []
    for index, curve in enumerate(series):
        nothing = [None] * len(curve["scores"])
        spans = curve.get("low", nothing), curve.get("high", nothing)
        entries = zip(places[index], curve["scores"], *spans, strict=True)
        dots = [(across(x), float(y), low, high) for x, y, low, high in entries if y is not None]
        for x, _, low, high in dots:
            if low is not None:
                inner.append(line(x, up(low), x, up(high), "whisker"))
                inner += [line(x - 4, up(end), x + 4, up(end), "whisker") for end in (low, high)]
        inner += [path([(x, up(y)) for x, y, _, _ in dots], f"curve c{index % 6}")] if dots else []
        for x, y, _, _ in dots:
            inner.append(mark(index, x, up(y), 3.6, f"spot c{index % 6}", f"{curve['name']}: {number(y)}"))
    tall = bottom + 40
    named = tell_apart([curve["name"] for curve in series], 16)
    for index in range(len(series) if len(series) > 1 else 0):
        x, y = left + (index % 2) * 150, tall + 8 + 18 * (index // 2)
        inner += [path([(x, y), (x + 28, y)], f"curve c{index % 6}"), mark(index, x + 14, y, 3.6, f"spot c{index % 6}")]
        inner.append(words(x + 34, y + 4, named[index]))
    tall += 18 * math.ceil(len(series) / 2) + 2 if len(series) > 1 else 0
    ends_of = [(curve["name"], number(curve["scores"][0]), number(curve["scores"][-1])) for curve in series]
    label = "; ".join(say("{name} from {first} to {last}", name=n, first=a, last=b) for n, a, b in ends_of)
    return drawing(WIDTH, tall, f"{title or up_name}: {label}", *inner, class_="chart grow")


def _lay_levels(
    levels: Sequence[Sequence[Any]], ends: tuple[float, float], log: bool
) -> tuple[Scale, list[tuple[float, str]] | None, list[list[float]]]:
    """Return the scale across, the ticks where they are named, and the places of each series of levels on the scale."""
    every = [v for some in levels for v in some]
    known = all(isinstance(v, (int, float)) and math.isfinite(v) for v in every)
    if known and all(a < b for some in levels for a, b in itertools.pairwise(some)):
        marks = sorted({float(v) for v in every})
        scale = Scale(marks[0], marks[-1], *ends, log and marks[0] > 0)
        return scale, [(v, _level(v)) for v in marks] if len(marks) <= 9 else None, [list(some) for some in levels]
    named = [(float(i), _level(v)) for i, v in enumerate(levels[0])]
    return Scale(0, max(1, len(named) - 1), *ends), named, [[float(i) for i in range(len(some))] for some in levels]


def pareto_figure(dots: Sequence[Mapping[str, Any]], metric: str, lower: bool) -> str:
    """Draw score against latency per row. metric: its key.

    dots: {"name", "ms", "score", "winner", "front": number, "shape"}.
    """
    left, bottom = 52.0, 270.0
    ms = [float(dot["ms"]) for dot in dots]
    across = Scale(min(ms) / 1.5, max(ms) * 1.5, left, WIDTH - 8, log=True)
    scores = sorted((float(dot["score"]) for dot in dots), reverse=not lower)
    best, middle = scores[0], scores[len(scores) // 2]
    near = [score for score in scores if abs(score - best) <= 4 * abs(middle - best)]  # the others stand at the edge
    up = Scale(*metric_ends(metric, around(near, 0.1)), *((14, bottom) if lower else (bottom, 14)))
    inner = _frame(across, up, say("latency per row, ms (each step: a multiple)"), metric_name(metric))
    front = sorted((dot for dot in dots if dot["front"]), key=lambda dot: float(dot["ms"]))
    steps: list[tuple[float, float]] = []
    for dot in front:
        x, y = across(dot["ms"]), up(dot["score"])
        steps += [(x, steps[-1][1])] if steps else []
        steps.append((x, y))
    inner += [path([*steps, (WIDTH - 8, steps[-1][1])], "front")] if steps else []
    for dot in dots:
        x, y = across(dot["ms"]), up(dot["score"])
        told = {"name": dot["name"], "score": number(dot["score"]), "ms": plain(dot["ms"], digits=2)}
        title = say("{name}: {score}, {ms} ms per row", **told)
        look = "spot c0" if dot["front"] else "other"
        inner.append(star(x, y, 9, "win", title) if dot["winner"] else mark(dot["shape"], x, y, 4.2, look, title))
    taken: list[tuple[float, float]] = []
    for dot in front:
        x, y = across(dot["ms"]), up(dot["score"])
        spots = [(x + a, y + b) for a, b in ((-9, -8), (9, 16), (-11, 14), (9, -9), (0, -20), (0, 26))]
        free = [(a, b) for a, b in spots if all(abs(a - p) > 11 or abs(b - q) > 12 for p, q in taken)]
        taken.append(free[0] if free else (x, y - 9))
        inner.append(words(*taken[-1], dot["front"], "strong halo", "middle"))
    told = {"metric": metric_name(metric), "candidates": count(len(dots), "candidate")}
    label = say("{metric} against latency per row of {candidates}; on the line:", **told) + " "
    label += ", ".join(f"{dot['front']} {dot['name']}" for dot in front)
    return drawing(WIDTH, bottom + 40, label, *inner, class_="chart grow")


def waterfall(base: float, shares: Mapping[str, float | None], total: float, zero: bool = True) -> str:
    """Draw how a prediction comes about: the base, then what each part adds or takes; None where one is not there.
    zero: whether the axis goes from 0 to 1, as of probabilities, whose steps are told in points; beside other numbers
    the steps would vanish."""
    steps = [base]
    for share in shares.values():
        steps.append(steps[-1] + (share or 0.0))
    ends = (min(0.0, *steps), max(1.0, *steps)) if zero else around([*steps, total], 0.08)
    left, at = 112.0, base
    across = Scale(*ends, left, WIDTH - 62)  # beside a whole bar is room for > 99.9 %
    write = percent if zero else plain
    rows = [(say("nothing known"), ends[0], base, "bar pale", write(base))]
    for name, share in zip(tell_apart(list(shares), 16), shares.values(), strict=True):
        look = "bar" if (share or 0.0) >= 0 else "bar against"
        rows.append((name, at, at + (share or 0.0), look, say("missing") if share is None else signed(share, zero)))
        at += share or 0.0
    rows.append((say("the answer"), ends[0], total, "bar pale", write(total)))
    inner = [line(across(base), 4, across(base), 26.0 * len(rows) - 4, "ideal")]
    for index, (name, begin, stop, look, text) in enumerate(rows):
        y, outer = 26.0 * index, index in (0, len(rows) - 1)
        a, b = sorted((across(begin), across(stop)))
        inner.append(words(left - 6, y + 17, name, "strong" if outer else "", "end"))
        if outer and not zero:  # such an axis does not begin at 0: a bar from its edge would say nothing
            inner.append(mark(3, b, y + 13, 5.5, "dot"))
        elif begin != stop:
            inner.append(box(a, y + 5, max(b - a, 1.0), 16, look))
        gap = 10 if outer and not zero else 5
        look = "halo strong" if outer else "halo soft" if begin == stop else "halo"
        right = b + gap + 7 * len(text) <= WIDTH
        free = a if not outer else b  # left of a bar that begins at the axis stands its name
        inner.append(words(b + gap if right else free - gap, y + 17, text, look, "start" if right else "end"))
    label = say("How the answer comes about:") + " " + ", ".join(f"{name} {text}" for name, _, _, _, text in rows)
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


def seconds_figure(seconds: Sequence[Mapping[str, Any]], duration: float, limit: float, points: bool = False) -> str:
    """Draw what each stretch of a sound speaks for (up) or against (down), as wide as the picture above it.
    limit: the weight that is as tall as can be. points: whether weights are told in points, as of a probability."""
    inner = []
    for s in seconds:
        x, wide = (100 * length / duration for length in (s["start"], s["end"] - s["start"]))
        title = hint(f"{s['start']:.2f} to {s['end']:.2f} s: {signed(s['weight'], points)}")
        tall = 20 * abs(s["weight"]) / limit
        y, look = (20 - tall, "bar") if s["weight"] >= 0 else (20, "bar against")
        inner.append(box(x + 0.15, y, max(wide - 0.3, 0.2), tall, look, title))
    inner.append(line(0, 20, 100, 20))
    best = max(seconds, key=lambda s: float(s["weight"]))
    label = say(
        "Which seconds counted; most: {start} to {end} s", start=f"{best['start']:.2f}", end=f"{best['end']:.2f}"
    )
    return drawing(100, 40, label, *inner, class_="chart strip").replace("<svg ", '<svg preserveAspectRatio="none" ', 1)


def course_figure(lanes: Sequence[Mapping[str, Any]], limit: float, points: bool = False) -> str:
    """Draw the course of each channel (time,), 0 to 1, None in a hole; behind it each stretch, the deeper the more it
    speaks for (blue) or against (orange). limit, points: as of `seconds_figure`."""
    inner, wide, tall = [], 2 * WIDTH, 64.0 if len(lanes) == 1 else 36.0
    for place, lane in enumerate(lanes):
        top, course = place * tall, lane["course"]
        for s in lane["stretches"]:
            look = {"fill_opacity": 0.6 * abs(s["weight"]) / limit}
            x, end = wide * s["start"], wide * s["end"]
            colour = "bar" if s["weight"] >= 0 else "bar against"
            inner.append(box(x, top, end - x, tall, colour, hint(signed(s["weight"], points)), **look))
        dots = [(wide * (number + 0.5) / len(course), y) for number, y in enumerate(course)]
        for there, run in itertools.groupby(dots, key=lambda dot: dot[1] is not None):
            if there:
                drawn = [(x, top + 4 + (tall - 8) * (1 - y)) for x, y in run]
                if len(drawn) == 1:  # between two holes: a dash, since a line of one point is not seen
                    (x, y), half = drawn[0], wide / len(course) / 2
                    drawn = [(x - half, y), (x + half, y)]
                inner.append(path(drawn, "curve c0"))
        inner.append(line(0, top + tall, wide, top + tall, "grid"))
    label = say("The course of the series; blue stretches count for the answer, orange ones against it")
    return drawing(wide, tall * len(lanes), label, *inner, class_="chart strip course")


def _level(value: Any) -> str:
    """Return a level of a curve as text; None is the input as it came."""
    if not isinstance(value, (int, float)):
        return say("as it is") if value is None else say(str(value))
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _interval(at: Scale, span: Span, y: float) -> list[str]:
    """Return a line from low to high with a stroke at each end; nothing where there is no interval."""
    if span.get("low") is None or span.get("high") is None:
        return []
    low, high = at(float(span["low"])), at(float(span["high"]))
    return [line(low, y, high, y, "whisker"), *(line(x, y - 4, x, y + 4, "whisker") for x in (low, high))]


def _frame(
    across: Scale, up: Scale, across_name: str, up_name: str, named: Sequence[tuple[float, str]] | None = None,
    share: bool = False,
) -> list[str]:  # fmt: skip
    """Return grid, ticks and the names of both axes. named: (value, text) of the ticks across, where they are given."""

    def texts(scale: Scale) -> list[tuple[float, str]]:
        marks = scale.ticks(5)
        if share:
            return [(t, minus(f"{100 * t:.0f} %")) for t in marks]
        return list(zip(marks, [f"{t:g}" for t in marks] if scale.log else axis_numbers(marks), strict=True))

    left, right = min(across.start, across.end) - (6 if named else 0), max(across.start, across.end)
    top, bottom = min(up.start, up.end), max(up.start, up.end)
    inner = []
    for tick, text in texts(up):
        inner += [line(left, up(tick), right, up(tick), "grid"), words(left - 6, up(tick) + 4, text, "tick", "end")]
    last = -100.0
    for tick, text in texts(across) if named is None else named:
        x, half = across(tick), 3.4 * text_width(text)
        inner.append(line(x, bottom, x, bottom + 4, "axis"))
        if x - half > last + 5:
            last = min(x + half, right + 8)
            inner.append(words(min(x, right + 8 - half), bottom + 17, text, "tick", "middle"))
    inner += [line(left, bottom, right, bottom), words((left + right) / 2, bottom + 34, across_name, "soft", "middle")]
    middle = (top + bottom) / 2
    inner.append(words(11, middle, up_name, "soft", "middle", transform=f"rotate(-90 11 {middle:.1f})"))
    return inner
