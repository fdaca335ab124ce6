"""What a series looks like in a drawn row: its lines over time, and the stretches of it that mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count, plain, signed
from plait.draw.bars import BAR, lay_bars
from plait.draw.page import (
    BLUE,
    CONTENT,
    GAP,
    HALF,
    INK,
    LABEL,
    LINE,
    MARGIN,
    ORANGE,
    SOFT,
    Page,
    frame_axes,
    plain_axes,
)
from plait.kinds.series.inside import MOST_LANES, lanes_of, say, thin
from plait.kinds.series.read import OPENER

LANE, LEAST_HEIGHT = 0.3, 0.8  # inches of a channel, and of all
MOST_BARS = 12


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row."""
    part = OPENER.row_part(table, columns, prep, lambda series: [])
    if "before" in part:
        part |= {"before": prep.upright(part["before"]), "after": part["after"][: prep.channels]}
    return part


def _lanes_height(part: Mapping[str, Any]) -> float:
    return max(LEAST_HEIGHT, LANE * min(MOST_LANES, len(part["after"])))


def row_height(part: Mapping[str, Any]) -> float:
    return _lanes_height(part) + 0.45


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    places = MARGIN + LABEL, MARGIN + LABEL + HALF + GAP
    for x, values, color in zip(places, (part["before"], part["after"]), (SOFT, ORANGE), strict=True):
        axes = page.axes(x, y + 0.22, HALF, _lanes_height(part))
        _draw_lanes(axes, list(np.asarray(values, np.float64)[:MOST_LANES]), color)
        channels, length = np.shape(values)
        there = np.asarray(values)[np.isfinite(values)]
        said = f"{count(length, 'point')}, from {plain(float(there.min()))} to {plain(float(there.max()))}"
        said += f", {count(channels, 'channel')}" if channels > 1 else ""
        holes = channels * length - len(there)
        said += f", {count(holes)} of them holes" if holes else ""
        said += f" (the first {MOST_LANES} are drawn)" if channels > MOST_LANES else ""
        page.write(x, y + 0.15, said + (", scaled" if color == ORANGE else ""), size=9)


def _draw_lanes(axes: Any, courses: Sequence[np.ndarray] | np.ndarray, color: str) -> None:
    """Draw each channel in a lane of its own, the first at the top."""
    for place, lane in enumerate(map(thin, courses)):
        across, hole = (np.arange(len(lane)) + 0.5) / len(lane), np.pad(np.isnan(lane), 1, constant_values=True)
        alone = np.flatnonzero(~hole[1:-1] & hole[:-2] & hole[2:]).tolist()  # between holes: no line is drawn there
        axes.plot(across, 0.9 * (lane - 0.5) - place, color=color, lw=1.1, marker=".", markevery=alone)
        if place:
            axes.axhline(0.5 - place, color=LINE, lw=0.8)
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0.5 - len(courses), 0.5))
    plain_axes(axes)
    frame_axes(axes, color, 0.8)


def _course_height(part: Mapping[str, Any]) -> float:
    lanes = lanes_of(part["before"], part["parts"])
    return max(LEAST_HEIGHT, LANE * len(lanes)) + 0.1 if lanes else 0.0


def share_height(part: Mapping[str, Any]) -> float:
    return _course_height(part) + (0.4 if part.get("flat") else BAR * min(MOST_BARS, len(part["parts"])) + 0.1)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    """Draw the course, behind each stretch how much it counts, and bars of the strongest stretches below."""
    left, inner, tall = MARGIN + LABEL, 2.4, _course_height(part)
    if lanes := lanes_of(part["before"], part["parts"]):
        axes = page.axes(left, y, CONTENT, tall - 0.1)
        most = max([abs(stretch["weight"]) for stretch in part["parts"]] or [0.0]) or 1.0
        _draw_lanes(axes, [lane["course"] for lane in lanes], INK)
        for place, lane in enumerate(lanes):
            for stretch in () if part.get("flat") else lane["stretches"]:
                start, end = stretch["first"] / stretch["length"], (stretch["last"] + 1) / stretch["length"]
                color, deep = BLUE if stretch["weight"] > 0 else ORANGE, 0.6 * abs(stretch["weight"]) / most
                axes.bar(start, 1, end - start, -place - 0.5, align="edge", color=color, alpha=deep, zorder=0)
        y += tall
    if part.get("flat"):
        page.write(left, y + 0.17, "no stretch of it changes the answer much", size=9.5, color=SOFT)
        return
    strongest = sorted(part["parts"], key=lambda stretch: -abs(stretch["weight"]))[:MOST_BARS]
    shown = [stretch for stretch in part["parts"] if any(stretch is one for one in strongest)]
    bars = [(stretch["weight"], signed(stretch["weight"])) for stretch in shown]
    lay_bars(page, (left + inner, y, CONTENT - inner - 0.9), bars, 0.55, part.get("ends"))
    for place, stretch in enumerate(shown):
        page.write(left, y + BAR * (place + 0.62), say(stretch), size=9.5, color=SOFT)
