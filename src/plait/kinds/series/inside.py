"""Inside a series: which stretches of time of which channels moved an answer. Knows how they are left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from plait.core.words import plain
from plait.data.numbers import write_npy
from plait.kinds.part import Part
from plait.kinds.series.read import read

PARTS, SHOWN = "stretches", 3
MOST_LANES, FINE = 8, 2000  # channels that are drawn, and points of a line: more than a page shows
MOST_PARTS, MOST_STRETCHES = 48, 12  # of all channels, and of one; channels after so many are looked at together


def split(part: Part, prep: Any) -> tuple[Any, list[dict[str, Any]], list[int], Callable[[np.ndarray], dict[str, Any]]]:
    """Return the series of one row, stretches of their time, which can be left out, and what is left without some.

    leave(kept (stretch,) bool) → {column: cell}, in which what is left out is as in the mean of the training rows.
    """
    series = {
        column: prep.upright(read(cells[0], part.table.folder))
        for column, cells in part.cells().items()
        if cells[0] is not None
    }
    usual = {column: prep.usual_course(values.shape[1]) for column, values in series.items()}
    stretches: list[dict[str, Any]] = []
    for column, values in series.items():
        channels, length = values.shape
        bands = np.linspace(0, channels, min(channels, MOST_PARTS // 2) + 1).astype(int)
        num = max(2, min(MOST_STRETCHES, MOST_PARTS // (len(bands) - 1), length))
        edges = np.linspace(0, length, num + 1).astype(int)
        for (first, after), (low, high) in itertools.product(itertools.pairwise(bands), itertools.pairwise(edges)):
            place = {"column": column, "channel": int(first), "last_channel": int(after) - 1, "channels": channels}
            stretches.append({**place, "first": int(low), "last": int(high) - 1, "length": length})

    def leave(kept: np.ndarray) -> dict[str, Any]:
        left = {column: values.copy() for column, values in series.items()}
        for stretch, stays in zip(stretches, kept, strict=True):
            if not stays:
                place = _place(stretch)
                left[stretch["column"]][place] = usual[stretch["column"]][place]
        return {column: write_npy(np.ascontiguousarray(prep.upright(values))) for column, values in left.items()}

    return {column: values.tolist() for column, values in series.items()}, stretches, list(range(len(stretches))), leave


def _place(stretch: dict[str, Any]) -> tuple[slice, slice]:
    """Return where a stretch lies in its series (channel, time)."""
    return slice(stretch["channel"], stretch["last_channel"] + 1), slice(stretch["first"], stretch["last"] + 1)


def say(part: dict[str, Any]) -> str:
    """Return how a stretch is named in a line of text."""
    when = f"points {part['first']}–{part['last']} of {part['length']:,}"
    if part["channels"] == 1:
        return when
    one = part["channel"] == part["last_channel"]
    return f"channel {part['channel']}, {when}" if one else f"channels {part['channel']}–{part['last_channel']}, {when}"


def lanes_of(before: dict[str, Any], parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the channels to draw, of all columns the first few: their course (time,), and their stretches."""
    lanes = []
    for column, channels in before.items():
        own = [part for part in parts if part["column"] == column]
        for channel, values in enumerate(channels):
            there = [part for part in own if part["channel"] <= channel <= part["last_channel"]]
            lanes.append({"course": np.asarray(values, np.float64), "stretches": there})
    return lanes[:MOST_LANES]


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: the course of each channel, and each stretch with the mean of its numbers."""
    columns = []
    for stretch in detail.parts:
        values = np.array(detail.before[stretch["column"]], np.float64)
        own = values[_place(stretch)]
        there = own[np.isfinite(own)]
        mean = f"mean {plain(float(there.mean()))}" if there.size else "a hole"
        columns.append({"name": say(stretch), "value": mean, "weight": stretch["weight"]})
    lanes = [
        {
            "course": [round(x, 6) if np.isfinite(x) else None for x in thin(lane["course"]).tolist()],
            "stretches": [
                {"start": s["first"] / s["length"], "end": (s["last"] + 1) / s["length"], "weight": s["weight"]}
                for s in lane["stretches"]
            ],
        }
        for lane in lanes_of(detail.before, detail.parts)
    ]
    return {"form": "columns", "columns": columns, "lanes": lanes}


def thin(course: np.ndarray) -> np.ndarray:
    """Return a course (time,) of no more points than a page shows, in its own ups and downs from 0 to 1."""
    course = course[:: -(-len(course) // FINE)]
    there = course[np.isfinite(course)]
    low, high = (float(there.min()), float(there.max())) if len(there) else (0.0, 0.0)
    return (course - low) / (high - low) if high > low else np.where(np.isfinite(course), 0.5, np.nan)
