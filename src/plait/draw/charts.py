"""Pictures of a trained model, as PNG: confusion, reliability, curves, predicted against true. Knows numbers, names.

Drawn with matplotlib objects: no global figure, no display, nobody's settings changed. Each can be read in black and
white: lightness, hatching, line style and marks carry what colour carries. Notes stand above, where there is room.
"""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.words import count, number, percent, plain
from plait.draw.figures import find_mistakes

INK, SOFT, PALE, BLUE, ORANGE = "#1f2933", "#66727f", "#f1f3f5", "#1f5f99", "#c4560f"
LINES = (BLUE, ORANGE, "#2f8062", "#8a4fa3", "#56606b", "#a8323e")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
MARKS = ("o", "s", "^", "D", "v", "P", "X")
LOWER_IS_BETTER = ("mae", "rmse", "loss", "wer", "cer")
FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei")
NO_FONT = "no font here can write some of the names; they stand as their number in the list"
MOST_CANDIDATES = 12
# up to so many classes: inches a cell, points a letter
CELLS = ((3, 1.5, 11), (6, 0.85, 11), (12, 0.52, 11), (25, 0.4, 9), (60, 0.16, 7), (100, 0.13, 6))


def confusion_picture(path: str | Path, counts: np.ndarray, names: Sequence[object], title: str = "") -> Path:
    """Draw which class was taken for which. counts: (label, class), rows true, columns predicted; names of the rows.

    Rows beyond the columns are labels that the model never saw; they are marked. The darker a cell, the larger its
    share of the row. Above 100 classes only the 60 with the most mistakes are drawn. Returns the path.
    """
    counts, known = np.asarray(counts), np.shape(counts)[1]
    shown, notes = short_names(names)
    right, total = int(np.trace(counts)), int(counts.sum())
    notes = [f"{count(right)} of {count(total, 'row')} right ({percent(right / max(total, 1))})", *notes]
    if len(shown) > known:
        shown[known:] = [name + " *" for name in shown[known:]]
        notes.append("* a label that the model never saw in training")
    rows, pairs = find_mistakes(counts)
    if len(rows) < len(shown):
        notes.append(f"the {len(rows)} of {count(len(shown))} classes with the most mistakes")
    columns, num = rows[rows < known], len(rows)
    cell, font = next(sizes for most, *sizes in CELLS if num <= most)
    axes = new_axes(cell * max(1, len(columns)), cell * num)
    across = [shown[i] for i in columns]
    look: dict[str, Any] = {"fontsize": font}
    if max(map(_width, across), default=0) * font * 0.0085 > cell:
        look.update(rotation=40, va="top") if num <= 25 else look.update(rotation=90, va="center")
        look.update(ha="right", rotation_mode="anchor")
    axes.set_xticks(range(len(columns)), across, **look)
    axes.set_yticks(range(num), [shown[i] for i in rows], fontsize=font)
    axes.set(xlabel="predicted", ylabel="true")
    _cells(axes, counts[np.ix_(rows, columns)], counts.sum(1)[rows], rows[:, None] == columns, font)
    if num > 2 and pairs:
        hang_text(axes, (1, 1), (18, -10), "Most frequent mistakes", color=INK, fontsize=10.5)
        most = pairs[: 6 if num <= 6 else 10]
        text = "\n".join(f"{count(counts[i, j])} ×  {shown[i]} taken for {shown[j]}" for i, j in most)
        hang_text(axes, (1, 1), (18, -18), text, color=SOFT, fontsize=9.5, va="top", linespacing=1.6)
    notes.append("blue right, orange wrong; darker: more of the row")
    return save_picture(axes, path, title or "What was taken for what", notes)


def scatter_picture(path: str | Path, target: np.ndarray, values: np.ndarray, name: str = "value") -> Path:
    """Draw predicted against true numbers, both (rows,), in the unit of the target. Returns the path."""
    target, values = np.asarray(target, float).ravel(), np.asarray(values, float).ravel()
    (name,), notes = short_names([name])
    axes = new_axes(5.4, 5.4)
    low, high = min(target.min(), values.min()), max(target.max(), values.max())
    margin = 0.05 * (high - low) or max(1.0, abs(high) * 0.05)
    ends = (low - margin, high + margin)
    if len(target) > 3000:
        axes.hexbin(target, values, gridsize=60, cmap="Blues", bins="log", vmin=0.3, mincnt=1, extent=(*ends, *ends))
    else:
        size = 40 if len(target) <= 100 else 22 if len(target) <= 800 else 12
        axes.scatter(target, values, s=size, color=BLUE, alpha=0.55, lw=0.4, edgecolor="white")
    axes.plot(ends, ends, color=INK, lw=1.1, ls=(0, (5, 3)))
    axes.set(xlim=ends, ylim=ends, xlabel=f"true {name}", ylabel=f"predicted {name}")
    off = f"rows: {count(len(target))}, off by {plain(float(np.abs(values - target).mean()), digits=3)} on average"
    return save_picture(axes, path, "Predicted against true", [off, "on the line is right", *notes])


def reliability_picture(path: str | Path, found: Mapping[str, Any], title: str = "") -> Path:
    """Draw how often the model is right against what it says, from what `reliability` returns. Returns the path."""
    axes = new_axes(5.2, 5.2)
    bins = found["bins"]
    left, width = [b["low"] for b in bins], [b["high"] - b["low"] for b in bins]
    height = np.array([b["accuracy"] for b in bins])
    gap = np.array([b["confidence"] for b in bins]) - height
    bar: dict[str, Any] = {"align": "edge", "edgecolor": "white", "lw": 1}
    axes.bar(left, height, width, color=BLUE, label="how often it is right", **bar)
    bar.update(edgecolor=ORANGE, lw=0.8, hatch="////", facecolor="none")
    axes.bar(left, gap, width, height, label="gap to what it says", **bar)
    axes.plot((0, 1), (0, 1), color=INK, lw=1.2, ls=(0, (5, 3)), label="right as often as it says")
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="how often it is right")
    axes.legend(loc="upper left", frameon=False, labelcolor=INK, fontsize=10)
    axes.tick_params(labelbottom=False)
    below = plain_axes(axes.inset_axes((0, -0.3, 1, 0.25)))
    below.bar(left, [b["rows"] for b in bins], width, align="edge", color=SOFT, edgecolor="white", lw=1)
    below.set(xlim=(0, 1), xlabel="how sure it says it is", ylabel="rows")
    means = f"says {percent(found['confidence'])} on average, is right in {percent(found['accuracy'])}"
    error = f"expected calibration error {number(found['expected_calibration_error'])} (0 is best)"
    notes = [f"{means} of {count(found['rows'], 'row')}", error]
    return save_picture(axes, path, title or "Can its probabilities be believed?", notes)


def curves_picture(path: str | Path, history: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the metric of every candidate over the epochs, and under it a small panel of losses for each candidate.

    history: dicts of candidate, epoch, loss, val_loss (or None), metric and metric_name, in the order they happened.
    Above 12 candidates the 12 best are drawn. Returns the path.
    """
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for entry in history:
        runs.setdefault(str(entry["candidate"]), []).append(entry)
    axes = new_axes(7.6, 3.4)
    if not runs:
        axes.set_axis_off()
        return save_picture(axes, path, "Training", ["nothing was trained in epochs"])
    metric = str(history[0]["metric_name"])
    sign = -1 if metric in LOWER_IS_BETTER else 1
    best = {name: float(np.nanmax([-math.inf, *(sign * _series(run, "metric"))])) for name, run in runs.items()}
    order = sorted(runs, key=lambda name: -best[name])[:MOST_CANDIDATES]
    shown, notes = short_names(order, most=44)
    notes += [f"the {len(order)} best of {count(len(runs), 'candidate')}"] if len(runs) > len(order) else []
    for index, (name, text) in enumerate(zip(order, shown, strict=True)):
        look: dict[str, Any] = {"color": LINES[index % 6], "ls": DASHES[index % 4], "marker": MARKS[index % 7], "ms": 5}
        look.update(lw=2.2 if index == 0 else 1.5, markevery=0.15 if len(runs[name]) > 6 else None, zorder=20 - index)
        value = number(sign * best[name])
        axes.plot(_epochs(runs[name]), _series(runs[name], "metric"), label=f"{value}  {text}", **look)
    axes.set(ylabel=f"{metric.replace('_', ' ')} (validation)", xlabel="epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, labelcolor=INK, fontsize=10)
    losses = np.concatenate([_series(runs[name], key) for name in order for key in ("loss", "val_loss")])
    losses = losses[np.isfinite(losses)]
    top = max(0.0, float(np.quantile(losses, 0.99)) * 1.1) if len(losses) else 1.0
    across = max(2, min(4, len(order)))
    for index, (name, text) in enumerate(zip(order, short_names(order, most=27)[0], strict=True)):
        row, column = divmod(index, across)
        panel = plain_axes(axes.inset_axes((column * 1.44 / across, -0.69 - row * 0.62, 1.44 / across - 0.06, 0.42)))
        for key, dashes, color in (("loss", "-", SOFT), ("val_loss", (0, (4, 1.5)), BLUE)):
            mark = "." if len(runs[name]) == 1 else ""
            panel.plot(_epochs(runs[name]), _series(runs[name], key), color=color, lw=1.6, ls=dashes, marker=mark)
        panel.set(xlim=axes.get_xlim(), ylim=(min(0.0, losses.min(initial=0.0) * 1.1), top or 1.0))
        panel.xaxis.get_major_locator().set_params(integer=True, nbins=4)
        panel.set_title(text, fontsize=9, color=INK, loc="left", pad=4)
        if index == 0:
            panel.set_ylabel("loss")
    notes = ["best value first", *notes, "below: loss, grey line training, blue dashes validation"]
    return save_picture(axes, path, "Training", notes)


def growth_picture(path: str | Path, points: Sequence[Mapping[str, Any]], metric: str) -> Path:
    """Draw the metric on validation rows against the training rows that were learned from. Returns the path.

    points: [{"rows", "val": {"value", "low", "high"}}], the fewest rows first; the bars are the 95 % intervals.
    """
    axes = new_axes(6.0, 3.8)
    rows = [int(point["rows"]) for point in points]
    value, low, high = (_series([point["val"] for point in points], key) for key in ("value", "low", "high"))
    axes.set_xscale("log", base=2)
    axes.errorbar(
        rows, value, (value - low, high - value), color=BLUE, lw=2.2, marker="o", ms=6, capsize=4, elinewidth=1
    )
    axes.set_xticks(rows, [count(num) for num in rows])
    axes.minorticks_off()
    axes.set(xlabel="training rows", ylabel=f"{metric.replace('_', ' ')} (validation)")
    return save_picture(
        axes, path, "Learning curve", ["the winner, learned from parts of the rows", "bars: 95 % intervals"]
    )


def new_axes(width: float, height: float) -> Any:
    """Return the axes of a new figure, of this size in inches; labels hang outside, saving cuts the paper to fit."""
    from matplotlib.figure import Figure

    return plain_axes(Figure((width, height)).add_axes((0, 0, 1, 1)))


def plain_axes(axes: Any) -> Any:
    from matplotlib.ticker import MaxNLocator

    axes.set_facecolor("white")
    for place, spine in axes.spines.items():
        spine.set(visible=place in ("left", "bottom"), color=SOFT, linewidth=0.8)
    axes.tick_params(colors=INK, labelsize=9, width=0.8, color=SOFT)
    axes.grid(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=SOFT, fontsize=11)
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    return axes


def _cells(axes: Any, counts: np.ndarray, row_totals: np.ndarray, right: np.ndarray, font: float) -> None:
    """Draw the squares: counts (label, class), row_totals (label,), right (label, class) bool."""
    from matplotlib.colors import to_rgb

    num, parts = len(counts), counts / np.maximum(row_totals, 1)[:, None]
    strength = np.where(right, parts**0.8, parts**0.5)[..., None]  # a rare mistake has to be seen
    light = np.where(right[..., None], to_rgb("#d9e5f0"), to_rgb("#fbe6d6"))
    picture = light + (np.where(right[..., None], to_rgb(BLUE), to_rgb(ORANGE)) - light) * strength
    picture = np.where(counts[..., None] > 0, picture, to_rgb(PALE))
    axes.imshow(picture, aspect="auto", interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(1, counts.shape[1]) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, num) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=2 if num <= 6 else 1 if num <= 25 else 0.5)
    axes.tick_params(which="both", length=0)
    for row in np.flatnonzero(row_totals == 0):
        axes.axhspan(row - 0.5, row + 0.5, facecolor="none", edgecolor=SOFT, hatch="////", lw=0, alpha=0.35)
    for (row, column), times in np.ndenumerate(counts if num <= 25 else np.zeros((0, 0))):
        if times or num <= 3:
            color = "white" if picture[row, column] @ (0.3, 0.59, 0.11) < 0.62 else INK
            size = 17 if num <= 3 else 13 if num <= 6 else font if times < 1000 else font - 2.5
            axes.text(column, row, count(times), ha="center", va="center", color=color, fontsize=size)
            if num <= 6 and row_totals[row]:
                axes.text(
                    column, row + 0.25, percent(parts[row, column]), ha="center", va="center", color=color, fontsize=8.5
                )


def hang_text(axes: Any, corner: tuple[float, float], points: tuple[float, float], text: str, **look: Any) -> None:
    axes.annotate(text, corner, points, "axes fraction", "offset points", annotation_clip=False, **look)


def save_picture(axes: Any, path: str | Path, title: str, notes: Sequence[str]) -> Path:
    """Add title and notes, write the PNG beside its place and move it there, so that no half of it is ever found."""
    from matplotlib.text import Text

    for line, note in enumerate(reversed(notes)):
        hang_text(axes, (0, 1), (0, 14 + 14 * line), note, color=SOFT, fontsize=10)
    hang_text(axes, (0, 1), (0, 20 + 14 * len(notes)), title, color=INK, fontsize=15)
    texts = axes.figure.findobj(Text)
    families, missing = _fonts("".join(sorted({mark for text in texts for mark in text.get_text()})))
    for text in texts:
        text.set(fontfamily=list(families), parse_math=False)
        if missing & set(text.get_text()):
            text.set_text("".join("□" if mark in missing else mark for mark in text.get_text()))
    buffer, path = BytesIO(), Path(path)
    axes.figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight", pad_inches=0.3, facecolor="white")
    half = path.with_name(path.name + ".part")
    half.write_bytes(buffer.getvalue())
    os.replace(half, path)
    return path


def short_names(names: Sequence[object], most: int = 26) -> tuple[list[str], list[str]]:
    """Return names that fit and can be written, and a note where one cannot: it is then its number, from 1."""
    texts = [" ".join("".join(" " if unicodedata.category(m)[0] in "CZ" else m for m in str(n)).split()) for n in names]
    missing = _fonts("".join(sorted(set("".join(texts)))))[1]
    shown: list[str] = []
    for place, text in enumerate(texts, 1):
        name = f"no. {place}" if missing & set(text) else _shorten(text, most)
        shown.append(f"{name} ({place})" if name in shown else name)
    return shown, [NO_FONT] if any(missing & set(text) for text in texts) else []


def _shorten(text: str, most: int) -> str:
    if _width(text) <= most:
        return text
    head = next(text[:end] for end in range(most, -1, -1) if _width(text[:end]) <= most * 0.6)
    tail = next(text[start:] for start in range(len(head), len(text) + 1) if _width(text[start:]) <= most * 0.4 - 1)
    return f"{head.rstrip()}…{tail.lstrip()}"


def _width(text: str) -> int:
    """Return how many letters wide a text is; a Chinese character is two."""
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in text)


@lru_cache(maxsize=64)
def _fonts(marks: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the installed font families that together write these marks, and the marks that none can write."""
    from matplotlib.font_manager import fontManager

    families, missing = ["DejaVu Sans"], frozenset("".join(marks.split())) - _writes("DejaVu Sans")
    plain = [f for f in fontManager.ttflist if f.style == f.stretch == "normal" and f.weight in (400, "normal")]
    installed = {font.name for font in plain if "Last Resort" not in font.name} if missing else set()  # it draws boxes
    for name in [*(f for f in FONTS if f in installed), *sorted(installed - set(FONTS))]:
        if missing & _writes(name):
            families.append(name)
            missing -= _writes(name)
        if not missing:
            break
    return tuple(families), missing


@lru_cache(maxsize=1024)
def _writes(family: str) -> frozenset[str]:
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    try:
        return frozenset(map(chr, get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap()))
    except (RuntimeError, ValueError, OSError):  # a colour font or a broken one: as good as none
        return frozenset()


def _series(run: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    values = np.array([entry.get(key) for entry in run], float)  # None becomes NaN
    return np.where(np.isfinite(values), values, math.nan)


def _epochs(run: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the epochs, or where they start again (another stage of training) the running number from the first."""
    epochs = np.array([int(entry["epoch"]) for entry in run])
    return epochs if (np.diff(epochs) > 0).all() else epochs[0] + np.arange(len(epochs))
