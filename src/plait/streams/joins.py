"""Which row of a stream belongs to which moment, on sorted int64 times; -1, an empty range or NaN where none does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

MOST_PAIRS = 4_000_000  # pairs of overlapping rows held at a time


def find_previous(when: np.ndarray, times: np.ndarray, tolerance: int) -> np.ndarray:
    """Return for each moment the last row at or before it, at most `tolerance` ago, or -1.

    when: (row,), any order; times: (stream row,), sorted; all int64 nanoseconds. Of rows with one time the last counts.
    """
    place = np.searchsorted(times, when, side="right") - 1
    return np.where((place >= 0) & (when - times[place] <= tolerance), place, -1)


def find_nearest(when: np.ndarray, times: np.ndarray, tolerance: int) -> np.ndarray:
    """Return for each moment the row nearest to it, at most `tolerance` away, or -1; the earlier one of two as near.
    Shapes and rows with one time as in `find_previous`."""
    after = np.searchsorted(times, when, side="right")
    left, right = np.maximum(after - 1, 0), np.minimum(after, len(times) - 1)
    right = np.searchsorted(times, times[right], side="right") - 1
    place = np.where(np.abs(times[right] - when) < np.abs(when - times[left]), right, left)
    return np.where(np.abs(times[place] - when) <= tolerance, place, -1)


def find_window(begin: np.ndarray, end: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (low, high): the rows low … high - 1 are those with begin ≤ time < end. All (row,), times sorted."""
    low = np.searchsorted(times, begin, side="left")
    return low, np.maximum(np.searchsorted(times, end, side="left"), low)


def window_means(low: np.ndarray, high: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of the values that are there in each window, NaN where none is. values: (stream row,) float."""
    present = np.isfinite(values)
    middle = float(values[present].mean()) if present.any() else 0.0  # the sums stay small, so their digits stay
    sums = np.concatenate([[0.0], np.cumsum(np.where(present, values - middle, 0.0))])
    counts = np.concatenate([[0], np.cumsum(present)])
    num = counts[high] - counts[low]
    return np.where(num > 0, middle + (sums[high] - sums[low]) / np.maximum(num, 1), np.nan)


def window_last(low: np.ndarray, high: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the last row of each window whose cell is there, or -1. present: (stream row,) bool."""
    latest = np.concatenate([[-1], np.maximum.accumulate(np.where(present, np.arange(len(present)), -1))])
    return np.where(latest[high] >= low, latest[high], -1)


def window_series(low: np.ndarray, high: np.ndarray, values: np.ndarray) -> pa.Array:
    """Return the rows of each window as lists (channel, time) of Arrow, null where there is none.

    values: (channel, stream row) float, NaN where a cell is not there.
    """
    import pyarrow as pa

    filled, channels = high > low, len(values)
    places = [np.arange(first, last) for first, last in zip(low[filled], high[filled], strict=True)]
    flat = [values[channel, place] for place in places for channel in range(channels)]
    points = pa.array(np.concatenate(flat) if flat else np.zeros(0), from_pandas=True)
    ends = np.cumsum([0, *map(len, flat)])
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), points)
    starts = np.cumsum([0, *(channels * filled)])
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32(), mask=np.append(~filled, False)), lists)


def interpolate(when: np.ndarray, times: np.ndarray, values: np.ndarray, tolerance: int) -> np.ndarray:
    """Return the values at these moments on straight lines between neighbours, NaN elsewhere.
    Never beyond the first or the last value, nor between neighbours more than `tolerance` apart. Cells that are not
    there (NaN) are no neighbours. Of rows with one time the last counts."""
    present = np.isfinite(values)
    times, values = times[present], values[present].astype(np.float64)
    if not len(times):
        return np.full(len(when), np.nan)
    latest = np.append(times[1:] != times[:-1], True)
    times, values = times[latest], values[latest]
    left = np.searchsorted(times, when, side="right") - 1
    right = np.searchsorted(times, when, side="left")
    inside = (left >= 0) & (right < len(times))
    near = inside & (times[np.minimum(right, len(times) - 1)] - times[left] <= tolerance)
    return np.where(near, np.interp(when - times[0], times - times[0], values), np.nan)


def overlap_pairs(
    begin: np.ndarray, end: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (row, stream row, overlap in ns) of all pairs that share time, by row and then by start, in pieces.
    begin, end: (row,); starts, ends: (stream row,), sorted by start. A row of no length is a point in time: it shares
    1 ns with what begins at or before it and ends after it. No row is cut in two by the pieces."""
    end, ends = np.maximum(end, begin + 1), np.maximum(ends, starts + 1)
    reach = np.maximum.accumulate(ends) if len(ends) else ends  # grows, so that it can be searched
    low = np.searchsorted(reach, begin, side="right")
    high = np.maximum(np.searchsorted(starts, end, side="left"), low)
    totals = np.concatenate([[0], np.cumsum(high - low)])
    first = 0
    while first < len(begin):
        last = int(np.searchsorted(totals, totals[first] + MOST_PAIRS, side="right")) - 1
        last = min(max(last, first + 1), len(begin))
        counts = (high - low)[first:last]
        rows = np.repeat(np.arange(first, last), counts)
        within = np.arange(len(rows)) - np.repeat(totals[first:last] - totals[first], counts)
        others = np.repeat(low[first:last], counts) + within
        shared = np.minimum(end[rows], ends[others]) - np.maximum(begin[rows], starts[others])
        real = shared > 0
        yield rows[real], others[real], shared[real]
        first = last


def find_longest(begin: np.ndarray, end: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return for each row the stream's row that shares most time with it (the earlier of two as long), or -1."""
    longest = np.full(len(begin), -1)
    for rows, others, shared in overlap_pairs(begin, end, starts, ends):
        order = np.lexsort((others, -shared, rows))
        rows, others = rows[order], others[order]
        firsts = np.unique(rows, return_index=True)[1]
        longest[rows[firsts]] = others[firsts]
    return longest
