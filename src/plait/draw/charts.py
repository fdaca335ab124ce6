"""Pictures of a trained model: confusion, reliability, curves, predicted against true. Knows numbers, names.
The ending of the path says the form: PNG, SVG, PDF.
What stands in the report's page too is drawn once, as SVG by `figures`, and painted from that. Painted with matplotlib
objects: no global figure, no display, nobody's settings changed. Notes stand above, where there is room."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from plait.core.files import write_bytes
from plait.core.language import say
from plait.core.words import LOWER_IS_BETTER, count, metric_ends, metric_name, number, percent, plain, say_unsure
from plait.draw import figures
from plait.draw.page import BLUE, INK, LINE, ORANGE, PALE, SOFT, fonts_for, tell_apart, wrap_text

LINES = (BLUE, ORANGE, "#2f8062", "#8a4fa3", "#56606b", "#a8323e")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
CURVES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.8, 1.8)), (0, (6, 2, 1.5, 2)), (0, (8, 3)), (0, (3, 3)))  # of c0 …
MARKS = ("o", "s", "^", "D", "v", "P", "X")
NO_FONT = (
    "no font here can write some of the names, so they stand as their number in the list; install one, such as "
    "fonts-noto-cjk for Chinese"
)
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
    "zero": {"edgecolor": INK, "linewidth": 1.2, "linestyle": (0, (4, 3))},
    "dot": {"facecolor": BLUE, "edgecolor": "white"},
    "win": {"facecolor": INK, "edgecolor": "white"},
    "other": {"facecolor": "white", "edgecolor": SOFT, "linewidth": 1.2},
    "front": {"edgecolor": BLUE, "linewidth": 1.6},
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
    told = {"num": count(right), "rows": count(total, "row"), "share": percent(right / max(total, 1))}
    notes = [say("{num} of {rows} right ({share})", **told), *notes]
    if len(shown) > known:
        shown[known:] = [name + " *" for name in shown[known:]]
        notes.append(say("* a label that the model never saw in training"))
    rows, pairs = figures.find_mistakes(counts)
    if len(rows) < len(shown):
        some = "the {num} of {all} classes with the most mistakes"
        notes.append(say(some, num=len(rows), all=count(len(shown))))
    notes.append(say("blue right, orange wrong; darker: more of the row"))
    drawn = counts[np.ix_(rows, rows[rows < known])].tolist()
    axes = paint(figures.confusion_figure(drawn, [shown[i] for i in rows], most=30))
    if len(rows) > 2 and pairs:
        hang_text(axes, (1, 1), (18, -10), say("Most frequent mistakes"), color=INK, fontsize=10.5)
        most = pairs[: 6 if len(rows) <= 6 else 10]
        pair = "{true} predicted as {said}"
        text = "\n".join(f"{count(counts[i, j])} ×  {say(pair, true=shown[i], said=shown[j])}" for i, j in most)
        hang_text(axes, (1, 1), (18, -18), text, color=SOFT, fontsize=9.5, va="top", linespacing=1.6)
    return save_picture(axes, path, title or say("Confusion matrix"), notes)


def scatter_picture(path: str | Path, target: np.ndarray, values: np.ndarray, name: str = "value") -> Path:
    """Draw predicted against true numbers, both (rows,), in the unit of the target. Returns the path."""
    points = np.stack([np.asarray(target, float).ravel(), np.asarray(values, float).ravel()], axis=1)
    (name,), notes = short_names([name])
    axes = paint(figures.scatter_figure(points.tolist(), name))
    off = plain(float(np.abs(np.diff(points)).mean()), digits=3)
    off = say("{rows}, off by {off} on average", rows=count(len(points), "row"), off=off)
    notes = [off, say("on the line is right"), *notes]
    if len(points) > figures.MOST_POINTS:
        notes.append(say("a dot for every few rows"))
    return save_picture(axes, path, say("Predicted against true"), notes)


def reliability_picture(path: str | Path, measured: Mapping[str, Any], title: str = "") -> Path:
    """Draw accuracy against confidence, from what `reliability` returns. Returns the path."""
    notes = [
        figures.say_confidence(measured),
        figures.say_calibration(measured),
        say("bars: accuracy; hatched: the gap to the confidence"),
        say("dashes: as often right as it says"),
    ]
    axes = paint(figures.reliability_figure(measured, ""))
    return save_picture(axes, path, title or say("Can its probabilities be believed?"), notes)


def operating_picture(path: str | Path, curves: Sequence[Mapping[str, Any]], what: str) -> Path:
    """Draw the ROC curves of classes, or those of precision over recall. what: "roc" or "recall". Returns the path."""
    shown, notes = short_names([curve["name"] for curve in curves])
    named = [{**curve, "name": name} for curve, name in zip(curves, shown, strict=True)]
    title = say("ROC curve" if what == "roc" else "precision-recall curve")
    against = [say("each class against the rest; beside its name the area")] if len(curves) > 1 else []
    axes = paint(figures.operating_figure(named, what).replace(f">{title}<", "><", 1))
    return save_picture(axes, path, title[:1].upper() + title[1:], [*against, *notes])


def panel_picture(path: str | Path, drawing: str, title: str) -> Path:
    """Draw any figure of the report under a title. Returns the path."""
    return save_picture(paint(drawing), path, title, [])


def curves_picture(path: str | Path, history: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the metric of every candidate over the epochs, and under it a small panel of losses for each candidate.
    history: dicts of candidate, epoch, loss, val_loss (or None), metric and metric_name, in the order they happened.
    Above 12 candidates the 12 best are drawn. Returns the path."""
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for entry in history:
        runs.setdefault(str(entry["candidate"]), []).append(entry)
    axes = new_axes(7.6, 3.4)
    metric = str(history[0]["metric_name"])
    sign = -1 if metric in LOWER_IS_BETTER else 1
    best = {name: float(np.nanmax([-math.inf, *(sign * _series(run, "metric"))])) for name, run in runs.items()}
    order = sorted(runs, key=lambda name: -best[name])[:MOST_CANDIDATES]
    shown, notes = short_names(order, most=72)
    best_of = say("the {num} best of {candidates}", num=len(order), candidates=count(len(runs), "candidate"))
    notes += [best_of] if len(runs) > len(order) else []
    for index, (name, text) in enumerate(zip(order, shown, strict=True)):
        look: dict[str, Any] = {"color": LINES[index % 6], "ls": DASHES[index % 4], "marker": MARKS[index % 7], "ms": 5}
        look.update(lw=2.2 if index == 0 else 1.5, markevery=0.15 if len(runs[name]) > 6 else None, zorder=20 - index)
        value = number(sign * best[name])
        label = f"{index + 1}.  {value}  {text}"
        axes.plot(_epochs(runs[name]), _series(runs[name], "metric"), label=label, clip_on=False, **look)
    axes.set(ylabel=say("{metric} on validation", metric=metric_name(metric)), xlabel=say("epoch"))
    axes.set_ylim(*metric_ends(metric, axes.get_ylim()))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), frameon=False, labelcolor=INK, fontsize=10)
    losses = np.concatenate([_series(runs[name], key) for name in order for key in ("loss", "val_loss")])
    losses = losses[np.isfinite(losses)]
    top = max(0.0, float(np.quantile(losses, 0.99)) * 1.1) if len(losses) else 1.0
    across = max(2, min(4, len(order)))
    titles = [wrap_text(f"{place}. {text}", 28) for place, text in enumerate(shown, 1)]
    step = 0.58 + 0.05 * max(map(len, titles))
    for index, name in enumerate(order):
        row, column = divmod(index, across)
        place = column * 1.44 / across, -0.07 - (row + 1) * step, 1.44 / across - 0.06, 0.42
        panel = plain_axes(axes.inset_axes(place))
        for key, dashes, color in (("loss", "-", SOFT), ("val_loss", (0, (4, 1.5)), BLUE)):
            mark = "." if len(runs[name]) == 1 else ""
            panel.plot(_epochs(runs[name]), _series(runs[name], key), color=color, lw=1.6, ls=dashes, marker=mark)
        panel.set(xlim=axes.get_xlim(), ylim=(min(0.0, losses.min(initial=0.0) * 1.1), top or 1.0))
        panel.xaxis.get_major_locator().set_params(integer=True, nbins=4)
        panel.set_title("\n".join(titles[index]), fontsize=9, color=INK, loc="left", pad=4)
        if index == 0:
            panel.set_ylabel(say("loss"))
    notes = [say("best value first"), *notes, say("below: loss, grey line training, blue dashes validation")]
    return save_picture(axes, path, say("Training"), notes)


def growth_picture(path: str | Path, points: Sequence[Mapping[str, Any]], metric: str) -> Path:
    """Draw the metric on validation rows against the training rows that were learned from. Returns the path.
    points: [{"rows", "val": {"value", "low", "high"}}], the fewest rows first; the bars are the 95 % intervals."""
    bars = say_unsure(p["val"] for p in points) or say("bars: 95 % intervals")
    notes = [say("the winner, learned from parts of the rows, on validation rows"), bars]
    return save_picture(paint(figures.growth_figure(points, metric)), path, say("Learning curve"), notes)


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
            if re.fullmatch(r"c\d", name):
                number_of = int(name[1:])
                line = {"edgecolor": LINES[number_of], "linestyle": CURVES[number_of]}
                look |= line if "curve" in classes else {"facecolor": LINES[number_of]}
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
            corners = [[float(x) for x in place.split()] for place in part.attrib["d"].strip("Mz").split("L")]
            corners += corners[:1] if part.attrib["d"].endswith("z") else []
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
    """Add title and notes, and write the picture, whole or not at all."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
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
    form = path.suffix[1:].lower() or "png"
    dateless = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]  # same numbers, same bytes
    axes.figure.set_dpi(DOTS)
    paper = axes.figure.get_tightbbox(FigureCanvasAgg(axes.figure).get_renderer()).padded(0.3)  # "tight" draws it twice
    look: dict[str, Any] = {"dpi": DOTS, "bbox_inches": paper, "facecolor": "white"}
    with rc_context({"svg.hashsalt": "plait"}):
        axes.figure.savefig(buffer, format=form, metadata=dateless, **look)
    write_bytes(path, buffer.getvalue())
    return path


def short_names(names: Sequence[object], most: int = 26) -> tuple[list[str], list[str]]:
    """Return names that fit and can be written, and a note where one cannot: it is then its number, from 1."""
    texts = [" ".join("".join(" " if unicodedata.category(m)[0] in "CZ" else m for m in str(n)).split()) for n in names]
    missing = fonts_for("".join(texts))[1]
    shown = tell_apart(texts, most)
    strange = [bool(missing & set(text)) for text in texts]
    shown = [f"no. {place}" if odd else name for place, (odd, name) in enumerate(zip(strange, shown, strict=True), 1)]
    return [f"{n} ({place})" if n in shown[:place] else n for place, n in enumerate(shown)], [NO_FONT] * any(strange)


def _series(run: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    values = np.array([entry.get(key) for entry in run], float)  # None becomes NaN
    return np.where(np.isfinite(values), values, math.nan)


def _epochs(run: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the epochs, or where they start again (another stage of training) the running number from the first."""
    epochs = np.array([int(entry["epoch"]) for entry in run])
    return epochs if (np.diff(epochs) > 0).all() else epochs[0] + np.arange(len(epochs))


def write_figures(
    folder: Path, content: Mapping[str, Any], history: Sequence[Mapping[str, Any]], form: str
) -> list[str]:
    """Write each figure of a report as a file of its own; return the names. content: as `report` describes it.

    history: what `curves_picture` takes; form: svg, pdf or png.
    """
    from plait.draw import sections  # here: a picture of a fit needs no section

    question, metric = content["question"], content["question"]["metric"]
    drawn: dict[str, Any] = {}
    if head := sections.show_head(content)["rows"]:
        drawing = figures.compare_figure(head, metric)
        title = say("{metric} on rows that it did not learn from", metric=metric_name(metric))
        drawn["scores"] = partial(panel_picture, drawing=drawing, title=title)
    verdict = sections.show_verdict(content["verdict"])
    if verdict["rows_shown"]:
        drawing = figures.gain_figure(verdict["rows_shown"], verdict["points"], "")
        drawn["gain"] = partial(panel_picture, drawing=drawing, title=say("What combining gains"))
    if facts := content.get("confusion"):
        drawn["confusion"] = partial(confusion_picture, counts=np.array(facts["counts"]), names=facts["names"])
    if content.get("calibration"):
        drawn["reliability"] = partial(reliability_picture, measured=content["calibration"]["after"])
    if curves := content.get("curves"):
        drawn["roc"] = partial(operating_picture, curves=curves, what="roc")
        drawn["precision-recall"] = partial(operating_picture, curves=curves, what="recall")
    if content.get("scatter"):
        true, said = np.array(content["scatter"]["points"]).T
        drawn["scatter"] = partial(scatter_picture, target=true, values=said, name=question["target"])
    for place, panel in enumerate(
        (sections.show_robustness(content.get("robustness") or []) or {"panels": []})["panels"], 1
    ):
        drawn[f"robustness-{place}"] = partial(panel_picture, drawing=panel, title=say("What if the input gets worse?"))
    worth = (sections.show_importance(content.get("importance"), content.get("worth")) or {}).get("worth")
    if worth and worth["drawn"]:
        drawing = figures.gain_figure(worth["drawn"], worth["points"], "")
        drawn["importance"] = partial(panel_picture, drawing=drawing, title=say("What each modality adds to the score"))
    cost = sections.show_cost(content["leaderboard"], metric)
    if cost["dots"]:
        drawing = figures.pareto_figure(cost["dots"], metric, metric in LOWER_IS_BETTER)
        drawn["cost"] = partial(panel_picture, drawing=drawing, title=say("What it costs"))
    if len(points := content.get("learning_curve") or []) > 1:
        drawn["learning-curve"] = partial(growth_picture, points=points, metric=metric)
    if history:
        drawn["curves"] = partial(curves_picture, history=history)
    return [draw(folder / f"{name}.{form}").name for name, draw in drawn.items()]
