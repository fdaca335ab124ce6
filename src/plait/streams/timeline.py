"""The picture of streams on one axis of time, before and after they were aligned. Knows spans, names and words only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.draw.charts import LINES, hang_text, new_axes, plain_axes, save_picture, short_names
from plait.draw.page import INK, PALE, SOFT
from plait.streams.clocks import SECOND

PIXELS = 1200  # pieces nearer to each other than a pixel are drawn as one
_UNITS = ((2 * 86_400, 86_400, "days"), (2 * 3600, 3600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))


@dataclass(frozen=True)
class Lane:
    """One stream. before, after: (piece, 2) int64 nanoseconds from the picture's zero; words: what stands beside it."""

    name: str
    before: np.ndarray
    after: np.ndarray
    words: str = ""


def pieces(begin: np.ndarray, end: np.ndarray | None, step: int) -> np.ndarray:
    """Return (piece, 2): the stretches of time that sorted rows fill. A point fills up to 1.5 usual steps."""
    if not len(begin):
        return np.zeros((0, 2), np.int64)
    if end is None:
        end = np.minimum(np.append(begin[1:], begin[-1] + step), begin + int(1.5 * step))
    return _merge(np.stack([begin, np.maximum.accumulate(np.maximum(end, begin))], axis=1), 0)


def draw_timeline(path: Path, lanes: Sequence[Lane], counted: str) -> Path:
    """Draw the lanes before and after. The first is the reference. counted: what the axis counts from."""
    names, notes = short_names([lane.name for lane in lanes], 24)
    height = 0.46 * len(lanes) + 0.35
    axes = new_axes(8.6, height)
    below = plain_axes(axes.inset_axes((0, -1 - 1.0 / height, 1, 1)))
    spans = [np.concatenate([getattr(lane, side) for lane in lanes]) for side in ("before", "after")]
    for panel, side, how, span in ((axes, "before", "each by its own", spans[0]), (below, "after", "on one", spans[1])):
        _draw_panel(panel, lanes, names, side, span)
        hang_text(panel, (0, 1), (0, 5), f"{side}: {how} clock", color=INK, fontsize=11)
    below.set_xlabel(below.get_xlabel() + counted)
    notes = ["grey: the time of the reference; pale: outside it, so unused; gaps are gaps in the stream", *notes, ""]
    return save_picture(axes, path, "Streams on one axis of time", notes)


def _draw_panel(panel: Any, lanes: Sequence[Lane], names: Sequence[str], side: str, span: np.ndarray) -> None:
    low, high = span.min() / SECOND, max(span.max() / SECOND, span.min() / SECOND + 1e-3)
    unit, word = next((size, word) for least, size, word in _UNITS if high - low >= least)
    low, high = low / unit, high / unit
    least = (high - low) / PIXELS
    inside = getattr(lanes[0], side) / SECOND / unit
    first, last = inside.min(), inside.max()
    panel.axvspan(first, max(last, first + least), color=PALE, lw=0, zorder=0)
    for place, lane in enumerate(lanes):
        color = INK if place == 0 else LINES[(place - 1) % len(LINES)]
        whole = _merge(getattr(lane, side) / SECOND / unit, least)
        panel.broken_barh([(a, max(b - a, least)) for a, b in whole], (place - 0.3, 0.6), color=color, alpha=0.3, lw=0)
        used = np.clip(whole, first, last)
        kept = [(a, max(b - a, least)) for (a, b), (c, d) in zip(used, whole, strict=True) if c <= last and d >= first]
        panel.broken_barh(kept, (place - 0.3, 0.6), color=color, lw=0)
        if side == "after" and lane.words:
            at = (1, 1 - (place + 0.5) / len(lanes))
            hang_text(panel, at, (8, 0), lane.words, color=SOFT, fontsize=9, va="center")
    margin = 0.01 * (high - low)
    panel.set(xlim=(low - margin, high + margin), ylim=(len(lanes) - 0.5, -0.5))
    panel.set_yticks(range(len(lanes)), names, fontsize=10)
    panel.set_xlabel(word)


def _merge(spans: np.ndarray, least: float) -> np.ndarray:
    """Join sorted pieces (piece, 2) with at most so much between them, so that a million are drawn as a few."""
    cuts = np.flatnonzero(spans[1:, 0] - spans[:-1, 1] > least) + 1
    return np.stack([spans[np.append(0, cuts), 0], spans[np.append(cuts, len(spans)) - 1, 1]], axis=1)
