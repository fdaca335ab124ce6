"""Which signals two streams share (a sound, or a column of numbers), and a stream placed by the line between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from plait.core.words import count
from plait.data.media import read_sound
from plait.data.sound import to_mono
from plait.errors import CellError, RequestError, TableError, did_you_mean
from plait.streams import drift
from plait.streams.clocks import SECOND
from plait.streams.read import Stream, number_columns, numbers_of
from plait.streams.settle import Placed, place, tell


def find_signals(streams: Sequence[Stream], asked: Mapping[str, str], estimate: bool) -> dict[str, str]:
    """Return {stream: column of its signal}, "" for a sound. Raises RequestError where a column cannot be one."""
    columns: dict[str, str] = {}
    for stream in streams:
        column = asked.get(stream.name)
        if stream.kind == "sound":
            if column is not None:
                raise RequestError(f"--signal {stream.given}={column}: a sound is a signal itself; leave it out")
            columns[stream.name] = ""
            continue
        numbers = number_columns(stream.table, stream.values)
        if column is not None and column not in numbers:
            what = f"column {column!r} is not of numbers" if column in stream.table.names else f"no column {column!r}"
            raise RequestError(f"--signal {stream.given}={column}: {what}. {did_you_mean(column, numbers)}")
        if column is not None or len(numbers) == 1:
            columns[stream.name] = column if column is not None else numbers[0]
    if not estimate:
        if asked:
            raise RequestError("--signal says what --estimate compares; give --estimate as well")
        return {}
    base, *others = streams
    if base.name not in columns:
        raise RequestError(f"--estimate needs a signal in the reference: --signal {base.given}=COLUMN, or a sound")
    # Beside a sound a column counts only when it is named: a table with one column of numbers may hold anything.
    sure = {s.name for s in streams if s.kind == "sound" or s.name in asked}
    chosen = [s for s in others if s.name in columns and (base.kind == s.kind or {base.name, s.name} <= sure)]
    if not chosen:
        which = ", ".join(f"--signal {s.given}=COLUMN" for s in others if s.name not in sure) or "another stream"
        raise RequestError(f"--estimate needs a signal that a stream shares with {base.given}: a sound, or {which}")
    return {name: columns[name] for name in (base.name, *(s.name for s in chosen))}


def place_estimated(base: Stream, stream: Stream, signals: Mapping[str, str], notes: list[str]) -> Placed:
    """Place a stream by the line that its signal and the reference's tell."""
    zero_reference = base.first if base.clock.calendar else 0
    since = base if base.clock.calendar else stream
    zero_own = since.first if stream.clock.calendar else 0
    both = base.kind == stream.kind == "sound"
    a = _signal(base, signals[base.name], zero_reference, both)
    b = _signal(stream, signals[stream.name], zero_own, both)
    try:
        line = drift.estimate(a, b)
    except RequestError as error:
        raise RequestError(f"the clock of {stream.given} cannot be estimated from {base.given}: {error}") from None
    if stream.clock.calendar:
        zero = tell(zero_own, True)
        both_from = f"offset and drift count both times from {zero}, the first of {base.name}"
        notes = [*notes, both_from if since is base else f"its own time counts from {zero}, its first"]
    used, windows = line.windows
    notes = [*notes, f"offset and drift estimated from {used} of {windows} windows"]
    return place(stream, notes, line, (zero_own, zero_reference))


def _signal(stream: Stream, column: str, zero: int, both_sounds: bool) -> drift.Signal:
    """Return the samples of a sound, or a column of numbers at a steady rate; beside a column a sound's loudness."""
    start = (stream.first - zero) / SECOND
    if stream.kind == "sound":
        try:
            samples, rate = read_sound(str(Path(stream.path or "").absolute()), None)
        except CellError as error:
            raise TableError(f"{stream.given} cannot be read: {error}") from None
        mono = to_mono(samples)
        if both_sounds:
            return drift.Signal(mono, rate, start, wave=True)
        size = max(1, rate // 100)
        blocks = mono[: len(mono) // size * size].reshape(-1, size)
        half = (size - 1) / 2 / rate  # a block's loudness belongs to its middle
        return drift.Signal(np.sqrt((blocks**2).mean(axis=1)), rate / size, start + half)
    values = numbers_of(stream.table, column)
    rows = np.flatnonzero(stream.present & np.isfinite(values))[::-1]
    times, latest = np.unique(stream.begin[rows], return_index=True)  # of rows with one time the last counts
    values = values[rows[latest]]
    if len(times) < 64:
        have = f"column {column!r} has {len(times)} numbers with a time"
        raise RequestError(f"{stream.given}: {have}; expected at least 64")
    step = float(np.median(np.diff(times)))
    seconds = (times - times[0]) / SECOND
    grid = np.arange(0, seconds[-1] + 1e-9, step / SECOND)
    if len(grid) > 2**24:
        raise RequestError(
            f"{stream.given}: {count(len(grid), 'step')} of {step / SECOND:g} s from first to last; expected at most "
            f"{count(2**24)}. Give a part of it, or check the times"
        )
    steady = np.interp(grid, seconds, values)
    after = np.searchsorted(seconds, grid).clip(1, len(seconds) - 1)
    inside_gap = (seconds[after] - seconds[after - 1]) > 5 * step / SECOND
    steady[inside_gap] = steady[~inside_gap].mean() if not inside_gap.all() else 0.0
    return drift.Signal(steady, SECOND / step, (int(times[0]) - zero) / SECOND)
