"""The synchronised table: which rows it has, and what each stream puts into them.
A row stands for a moment, and for a stretch of time: to its end column, for 1 / rate seconds, or to the next row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import Table, free_name
from plait.core.words import count, plain
from plait.data.write import move_path
from plait.errors import RequestError, did_you_mean
from plait.kinds import TEXT
from plait.kinds.facts import facts_of
from plait.kinds.recognise import judge
from plait.kinds.relocate import move_media
from plait.streams import joins
from plait.streams.clocks import SECOND, distinct
from plait.streams.read import number_columns, numbers_of
from plait.streams.settle import Placed

if TYPE_CHECKING:
    import pyarrow as pa

JOINS = ("nearest", "previous", "overlap", "window", "linear")
MOST_ROWS = 100_000_000
LEAST_POINTS = 9  # in most windows, from which on their rows are kept as a series: fewer say no more than their mean
ALWAYS_NAMED = ("count", "series")  # columns that never go without the name of their stream


@dataclass(frozen=True)
class Rows:
    """The rows of the output on the clock of the reference. begin, end: (row,) int64 ns; present: (row,) bool."""

    begin: np.ndarray
    end: np.ndarray
    present: np.ndarray
    step: int


@dataclass(frozen=True)
class Joined:
    """What a stream puts into the rows: columns by name, which rows it reaches (row,) bool, and what to say of it."""

    columns: dict[str, pa.ChunkedArray]
    reached: np.ndarray
    note: str


def make_rows(reference: Placed, rate: float | None, tolerance: int | None) -> Rows:
    """Return a row for each row of the reference (a sound is one), or each 1 / rate seconds. Raises RequestError."""
    stream = reference.stream
    if rate is not None:
        num = max(1, int((stream.last - stream.first) * rate / SECOND + 1e-6))
        if num > MOST_ROWS:
            raise RequestError(f"--rate {rate:g} makes {count(num, 'row')}; expected at most {count(MOST_ROWS)}")
        edges = stream.first + np.rint(np.arange(num + 1) * (SECOND / rate)).astype(np.int64)
        return Rows(edges[:-1], edges[1:], np.ones(num, bool), max(1, round(SECOND / rate)))
    if stream.kind == "sound":  # it has no rows of its own: one, the whole
        return Rows(np.array([stream.first]), np.array([stream.last]), np.ones(1, bool), stream.last - stream.first)
    begin = np.where(stream.present, reference.begin, 0)
    if reference.end is not None:
        return Rows(begin, np.maximum(reference.end, begin), stream.present, stream.step)
    times = distinct(reference.sorted_begin)
    following = np.append(times[1:], times[-1] + stream.step)
    end = following[np.searchsorted(times, begin).clip(max=len(times) - 1)]
    if tolerance is not None:
        end = np.minimum(end, begin + tolerance)
    return Rows(begin, end, stream.present, stream.step)


def choose_join(placed: Placed, asked: str | None) -> str:
    """Return how a stream is joined. Raises RequestError for a way that does not suit it."""
    stream = placed.stream
    if asked is not None and asked not in JOINS:
        raise RequestError(f"--join {stream.given}={asked}: there is no such way. {did_you_mean(asked, JOINS)}")
    if stream.kind == "sound":
        if asked not in (None, "overlap", "window"):
            raise RequestError(f"--join {stream.given}={asked}: a sound is cut at the rows' times, which is overlap")
        return "overlap"
    if asked == "linear" and not number_columns(stream.table, stream.values):
        ways = ", ".join(JOINS[:4])
        raise RequestError(f"--join {stream.given}=linear: it has no column of numbers. Expected {ways}")
    return asked or ("nearest" if stream.end is None else "overlap")


def default_tolerance(rows: Rows, placed: Placed) -> int:
    """Return 1.5 times the usual step of the stream: what is farther away lies beyond a gap."""
    return int(1.5 * (placed.stream.step or rows.step))


def join_stream(rows: Rows, placed: Placed, how: str, tolerance: int | None, folder: Path) -> Joined:
    """Join one stream to the rows. folder: where the output lies, so that paths of media begin there."""
    if placed.stream.kind == "sound":
        return _cut_sound(rows, placed, folder)
    reach = default_tolerance(rows, placed) if tolerance is None else tolerance
    table = move_media(placed.stream.table, placed.stream.values, folder)
    if how == "overlap":
        return _join_overlap(rows, placed, table)
    if how == "window":
        return _join_window(rows, placed, table)
    if how == "linear":
        return _join_linear(rows, placed, table, reach)
    find = joins.find_nearest if how == "nearest" else joins.find_previous
    source = _rows_of(placed, np.where(rows.present, find(rows.begin, placed.sorted_begin, reach), -1))
    off = np.abs(rows.begin - placed.begin[source])[source >= 0] / SECOND
    far = f", {plain(float(np.median(off)), digits=3)} s away in the middle" if len(off) else ""
    return Joined(_take(table, source), source >= 0, f"{how} within {plain(reach / SECOND, digits=3)} s{far}")


def _rows_of(placed: Placed, places: np.ndarray) -> np.ndarray:
    """Turn places in the sorted order into rows of the stream's table; -1 stays."""
    return np.where(places >= 0, placed.order[np.maximum(places, 0)], -1)


def _take(table: Table, source: np.ndarray) -> dict[str, Any]:
    index = _cells(source, source >= 0).combine_chunks()
    return {name: values.take(index) for name, values in table.data.items()}


def _cells(values: Any, present: np.ndarray | None = None) -> Any:
    """Return values as a column, blank where they are not present."""
    import pyarrow as pa

    return pa.chunked_array([pa.array(values, mask=None if present is None else ~present)])


def _join_overlap(rows: Rows, placed: Placed, table: Table) -> Joined:
    """Give each row what it overlaps longest; prose is joined in order of time, so that no word is lost."""
    import pyarrow as pa

    far = np.iinfo(np.int64).max // 2
    spans = [np.where(rows.present, times, far) for times in (rows.begin, rows.end)]
    spans += [placed.sorted_begin, placed.sorted_end]
    longest = joins.find_longest(*spans)
    columns = _take(table, _rows_of(placed, longest))
    prose = [name for name in table.names if judge(facts_of(table, name), table.folder).kind in TEXT.columns]
    for name in prose:
        cells = table.data[name].take(pa.array(placed.order)).to_pylist()
        words: list[list[str]] = [[] for _ in longest]
        for row, other, _ in joins.overlap_pairs(*spans):
            for place, source in zip(row.tolist(), other.tolist(), strict=True):
                if cells[source] is not None:
                    words[place].append(str(cells[source]))
        joined = [" ".join(some) if some else None for some in words]
        columns[name] = pa.chunked_array([pa.array(joined, pa.string())])
    note = "overlap: of several, the one that overlaps longest"
    return Joined(columns, longest >= 0, note + (f"; {', '.join(prose)} joined in order of time" if prose else ""))


def _join_window(rows: Rows, placed: Placed, table: Table) -> Joined:
    """Give each row the mean and the last of its stretch of time, and how many rows of the stream lie in it."""
    import pyarrow as pa

    times = placed.sorted_begin
    low, high = joins.find_window(rows.begin, rows.end, times)
    inside = rows.present & (rows.end > times[0]) & (rows.begin <= times[-1])
    high = np.where(inside, high, low)
    numbers, columns = number_columns(table, table.names), {}
    for name in table.names:
        cells = table.data[name].take(pa.array(placed.order))
        present = np.asarray(cells.is_valid().to_numpy(), bool)
        if name in numbers:
            values = numbers_of(table, name)[placed.order]
            present &= np.isfinite(values)
            means = joins.window_means(low, high, values)
            columns[f"{name}_mean"] = _cells(means, np.isfinite(means))
        latest = joins.window_last(low, high, present)
        columns[f"{name}_last"] = cells.take(pa.array(latest, mask=latest < 0))
    columns["count"] = _cells(high - low, inside)
    note = "window: mean and last of each row's stretch of time, and the count of its rows"
    filled = high > low
    if numbers and filled.any() and np.median((high - low)[filled]) >= LEAST_POINTS:
        whole = np.stack([numbers_of(table, name)[placed.order] for name in numbers])
        columns["series"] = pa.chunked_array([joins.window_series(low, high, whole)])
        note += f"; as a series {', '.join(numbers)}"
    return Joined(columns, filled, note)


def _join_linear(rows: Rows, placed: Placed, table: Table, reach: int) -> Joined:
    """Give each row the value on the line between the neighbours in time; what is no number comes from the nearest."""
    times = placed.sorted_begin
    numbers = number_columns(table, table.names)
    rest = [name for name in table.names if name not in numbers]
    nearest = np.where(rows.present, joins.find_nearest(rows.begin, times, reach), -1)
    columns = _take(table, _rows_of(placed, nearest))
    reached = np.zeros(len(rows.begin), bool)
    for name in numbers:
        values = joins.interpolate(rows.begin, times, numbers_of(table, name)[placed.order], reach)
        present = rows.present & np.isfinite(values)
        reached |= present
        columns[name] = _cells(values, present)
    note = f"linear between neighbours at most {plain(reach / SECOND, digits=3)} s apart"
    return Joined(columns, reached, note + (f"; {', '.join(rest)} from the nearest row" if rest else ""))


def _cut_sound(rows: Rows, placed: Placed, folder: Path) -> Joined:
    """Give each row its part of a sound as `path#t=start,end` in seconds (W3C Media Fragments URI 1.0)."""
    import pyarrow as pa

    stream = placed.stream
    zero, length = int(stream.begin[0]), int(stream.last - stream.begin[0])
    start, end = (np.clip(placed.to_own(times) - zero, 0, length) for times in (rows.begin, rows.end))
    reached = rows.present & (end - start >= SECOND / (stream.rate or 1))  # a sample at least
    path = move_path(str(stream.path.name if stream.path else stream.name), stream.table.folder, folder)
    cells = [f"{path}#t={_seconds(s)},{_seconds(e)}" for s, e in zip(start.tolist(), end.tolist(), strict=True)]
    column = pa.chunked_array([pa.array(np.array(cells, object), pa.string(), mask=~reached)])
    return Joined({stream.name: column}, reached, "cut at the rows' times: path#t=start,end in seconds")


def _seconds(time: int) -> str:
    return f"{time / SECOND:.6f}".rstrip("0").rstrip(".")


def name_columns(reference: Sequence[str], streams: Sequence[tuple[str, Joined]]) -> list[dict[str, str]]:
    """Return for each stream {its column: name in the output}, `stream.column` where a name comes more than once."""
    counts = Counter([*reference, *(column for _, joined in streams for column in joined.columns)])
    taken, names = set(reference), []
    for stream, joined in streams:
        chosen = {}
        for column in joined.columns:
            alone = counts[column] == 1 and column not in ALWAYS_NAMED and column not in taken
            chosen[column] = column if alone else free_name(f"{stream}.{column}", taken)
            taken.add(chosen[column])
        names.append(chosen)
    return names
