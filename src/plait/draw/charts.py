"""Pictures of a trained model, as PNG: confusion, reliability, curves, predicted against true. Knows numbers, names.
What stands in the report's page too is drawn once, as SVG by `figures`, and painted from that. Painted with matplotlib
objects: no global figure, no display, nobody's settings changed. Notes stand above, where there is room."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from plait.core.files import write_bytes
from plait.core.words import count, number, percent, plain, say_unsure
from plait.draw import figures
from plait.draw.page import BLUE, INK, LINE, ORANGE, PALE, SOFT, fonts_for, shorten

LINES = (BLUE, ORANGE, "#2f8062", "#8a4fa3", "#56606b", "#a8323e")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
MARKS = ("o", "s", "^", "D", "v", "P", "X")
NO_FONT = "no font here can write some of the names; they stand as their number in the list"
MOST_CANDIDATES = 12
DOTS = 150  # an inch
# how each class of a figure looks on paper, as report.css says it; lines in points
LOOKS: dict[str, dict[str, Any]] = {
    "sheet": {"facecolor": PALE},
    "none": {"edgecolor": LINE},
    "right": {"facecolor": BLUE},
    "wrong": {"facecolor": ORANGE},
    "bar": {"facecolor": BLUE},
    "pale": {"facecolor": "#a9c6e0", "edgecolor": BLUE},
    "gap": {"edgecolor": ORANGE, "hatch": "/////"},
    "grid": {"edgecolor": "#e6eaee"},
    "axis": {"edgecolor": SOFT},
    "ideal": {"edgecolor": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))},
    "whisker": {"edgecolor": INK, "linewidth": 1.4},
    "curve": {"edgecolor": BLUE, "linewidth": 2},
    "spot": {"facecolor": BLUE, "edgecolor": "white"},
    "point": {"facecolor": BLUE, "alpha": 0.45},
}
WORDS: dict[str, dict[str, Any]] = {
    "soft": {"color": SOFT},
    "tick": {"color": SOFT, "fontsize": 10.5},
    "tiny": {"fontsize": 8.5},
    "over": {"color": "white"},
}


def confusion_picture(path: str | Path, counts: np.ndarray, names: Sequence[object], title: str = "") -> Path:
    """Draw which class was taken for which. counts: (label, class), rows true, columns predicted; names of the rows.
    Rows beyond the columns are labels that the model never saw; they are marked. The darker a cell, the larger its
    share of the row. Above 100 classes only the 60 with the most mistakes are drawn. Returns the path."""
    counts, known = np.asarray(counts), np.shape(counts)[1]
    shown, notes = short_names(names)
    right, total = int(np.trace(counts)), int(counts.sum())
    notes = [f"{count(right)} of {count(total, 'row')} right ({percent(right / max(total, 1))})", *notes]
    if len(shown) > known:
        shown[known:] = [name + " *" for name in shown[known:]]
        notes.append("* a label that the model never saw in training")
    rows, pairs = figures.find_mistakes(counts)
    if len(rows) < len(shown):
        notes.append(f"the {len(rows)} of {count(len(shown))} classes with the most mistakes")
    notes.append("blue right, orange wrong; darker: more of the row")
    drawn = counts[np.ix_(rows, rows[rows < known])].tolist()
    axes = paint(figures.confusion_figure(drawn, [shown[i] for i in rows], most=30))
    if len(rows) > 2 and pairs:
        hang_text(axes, (1, 1), (18, -10), "Most frequent mistakes", color=INK, fontsize=10.5)
        most = pairs[: 6 if len(rows) <= 6 else 10]
        text = "\n".join(f"{count(counts[i, j])} ×  {shown[i]} taken for {shown[j]}" for i, j in most)
        hang_text(axes, (1, 1), (18, -18), text, color=SOFT, fontsize=9.5, va="top", linespacing=1.6)
    return save_picture(axes, path, title or "What was taken for what", notes)


def scatter_picture(path: str | Path, target: np.ndarray, values: np.ndarray, name: str = "value") -> Path:
    """Draw predicted against true numbers, both (rows,), in the unit of the target. Returns the path."""
    points = np.stack([np.asarray(target, float).ravel(), np.asarray(values, float).ravel()], axis=1)
    (name,), notes = short_names([name])
    axes = paint(figures.scatter_figure(points.tolist(), name))
    off = f"rows: {count(len(points))}, off by {plain(float(np.abs(np.diff(points)).mean()), digits=3)} on average"
    notes = [off, "on the line is right", *notes]
    if len(points) > figures.MOST_POINTS:
        notes.append("a dot for every few rows")
    return save_picture(axes, path, "Predicted against true", notes)


def reliability_picture(path: str | Path, measured: Mapping[str, Any], title: str = "") -> Path:
    """Draw how often the model is right against what it says, from what `reliability` returns. Returns the path."""
    means = f"says {percent(measured['confidence'])} on average, is right in {percent(measured['accuracy'])}"
    notes = [
        f"{means} of {count(measured['rows'], 'row')}",
        figures.say_calibration(measured),
        "bars: how often it is right; hatched: the gap to what it says",
        "dashes: right as often as it says",
    ]
    axes = paint(figures.reliability_figure(measured, ""))
    return save_picture(axes, path, title or "Can its probabilities be believed?", notes)


def curves_picture(path: str | Path, history: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the metric of every candidate over the epochs, and under it a small panel of losses for each candidate.
    history: dicts of candidate, epoch, loss, val_loss (or None), metric and metric_name, in the order they happened.
    Above 12 candidates the 12 best are drawn. Returns the path."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for entry in history:
        runs.setdefault(str(entry["candidate"]), []).append(entry)
    axes = new_axes(7.6, 3.4)
    metric = str(history[0]["metric_name"])
    sign = -1 if metric in figures.LOWER_IS_BETTER else 1
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
    points: [{"rows", "val": {"value", "low", "high"}}], the fewest rows first; the bars are the 95 % intervals."""
    bars = say_unsure(p["val"] for p in points) or "bars: 95 % intervals"
    notes = ["the winner, learned from parts of the rows, on validation rows", bars]
    return save_picture(paint(figures.growth_figure(points, metric)), path, "Learning curve", notes)


def paint(drawing: str) -> Any:
    """Return the axes of a new figure that show a drawing of `figures`, one unit a point."""
    from matplotlib.patches import Circle, PathPatch, Rectangle
    from matplotlib.path import Path as Outline

    root = ElementTree.fromstring(drawing)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    axes = new_axes(width / 72, height / 72)
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    for level, part in enumerate(root):
        at = {key: float(value) for key, value in part.attrib.items() if re.fullmatch(r"-?[\d.]+", value)}
        classes = part.attrib.get("class", "").split()
        look: dict[str, Any] = {"zorder": level}
        for name in classes:
            look |= (WORDS if part.tag == "text" else LOOKS).get(name, {})
        if part.tag == "text":
            anchor = {"middle": "center", "end": "right"}.get(part.attrib.get("text-anchor", ""), "left")
            look = {"color": INK, "fontsize": 11, "ha": anchor, "va": "baseline", **look}
            turned = {"rotation": 90, "rotation_mode": "anchor"} if "transform" in part.attrib else {}
            axes.text(at["x"], at["y"], part.text, **look, **turned)
            continue
        look = {"facecolor": "none", "edgecolor": "none", "linewidth": 1, "clip_on": False, "in_layout": False, **look}
        if "fill-opacity" in at:
            look["alpha"] = at["fill-opacity"]
        if part.tag == "rect":
            patch: Any = Rectangle((at["x"], at["y"]), at["width"], at["height"], **look)
        elif part.tag == "circle":
            patch = Circle((at["cx"], at["cy"]), at["r"], **look)
        else:
            corners = [[float(x) for x in place.split()] for place in part.attrib["d"].strip("M").split("L")]
            patch = PathPatch(Outline(corners), **look)
        axes.add_artist(patch)
    return axes


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


def hang_text(axes: Any, corner: tuple[float, float], points: tuple[float, float], text: str, **look: Any) -> None:
    axes.annotate(text, corner, points, "axes fraction", "offset points", annotation_clip=False, **look)


def save_picture(axes: Any, path: str | Path, title: str, notes: Sequence[str]) -> Path:
    """Add title and notes, and write the PNG, whole or not at all."""
    from matplotlib.text import Text

    for line, note in enumerate(reversed(notes)):
        hang_text(axes, (0, 1), (0, 14 + 14 * line), note, color=SOFT, fontsize=10)
    hang_text(axes, (0, 1), (0, 20 + 14 * len(notes)), title, color=INK, fontsize=15)
    texts = axes.figure.findobj(Text)
    families, missing = fonts_for("".join(text.get_text() for text in texts))
    for text in texts:
        text.set(fontfamily=list(families), parse_math=False)
        if missing & set(text.get_text()):
            text.set_text("".join("□" if mark in missing else mark for mark in text.get_text()))
    buffer, path = BytesIO(), Path(path)
    axes.figure.savefig(buffer, format="png", dpi=DOTS, bbox_inches="tight", pad_inches=0.3, facecolor="white")
    write_bytes(path, buffer.getvalue())
    return path


def short_names(names: Sequence[object], most: int = 26) -> tuple[list[str], list[str]]:
    """Return names that fit and can be written, and a note where one cannot: it is then its number, from 1."""
    texts = [" ".join("".join(" " if unicodedata.category(m)[0] in "CZ" else m for m in str(n)).split()) for n in names]
    missing = fonts_for("".join(texts))[1]
    shown: list[str] = []
    for place, text in enumerate(texts, 1):
        name = f"no. {place}" if missing & set(text) else shorten(text, most)
        shown.append(f"{name} ({place})" if name in shown else name)
    return shown, [NO_FONT] if any(missing & set(text) for text in texts) else []


def _series(run: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    values = np.array([entry.get(key) for entry in run], float)  # None becomes NaN
    return np.where(np.isfinite(values), values, math.nan)


def _epochs(run: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the epochs, or where they start again (another stage of training) the running number from the first."""
    epochs = np.array([int(entry["epoch"]) for entry in run])
    return epochs if (np.diff(epochs) > 0).all() else epochs[0] + np.arange(len(epochs))
