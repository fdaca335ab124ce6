"""Put a stream on the clock of the reference: its unit and zone by overlap, or a line that was estimated.

Only what is clear is settled, and it is said; the rest is an error that says how to settle it. Knows no output table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plait.core.words import count
from plait.errors import RequestError
from plait.streams.clocks import SECOND, UNITS, offset_of
from plait.streams.drift import Line
from plait.streams.read import Stream

DAY = 86_400 * SECOND
# Hours that zones are off UTC by, as the zone database of 2024 has them
OFFSETS = (*(h + half for h in range(-12, 15) for half in (0, 0.5)), 5.75, 8.75, 12.75)


@dataclass(frozen=True)
class Placed:
    """A stream on the clock of the reference: begin, end: (row,) int64 nanoseconds; order: the rows sorted by time.
    line: where it was estimated, in seconds from zero_own and zero_reference (nanoseconds)."""

    stream: Stream
    begin: np.ndarray
    end: np.ndarray | None
    order: np.ndarray
    notes: tuple[str, ...] = ()
    line: Line | None = None
    zero_own: int = 0
    zero_reference: int = 0

    def to_own(self, times: np.ndarray) -> np.ndarray:
        """Return times of the reference's clock on the stream's own, in nanoseconds."""
        if self.line is None:
            return times
        since = times - self.zero_reference - self.line.offset * SECOND
        return self.zero_own + np.rint(since / self.line.slope).astype(np.int64)

    @property
    def sorted_begin(self) -> np.ndarray:
        return self.begin[self.order]

    @property
    def sorted_end(self) -> np.ndarray:
        return (self.begin if self.end is None else self.end)[self.order]


def place(
    stream: Stream, notes: Sequence[str] = (), line: Line | None = None, zeros: tuple[int, int] = (0, 0)
) -> Placed:
    """Sort a stream by time, on its own clock or through a line. Says what was not in order."""
    moved = stream
    if line is not None:
        (zero, reference), offset = zeros, line.offset * SECOND
        moved = stream.moved(lambda t: reference + np.rint(offset + line.slope * (t - zero)).astype(np.int64))
    begin = moved.begin
    rows = np.flatnonzero(stream.present)
    order = rows[np.argsort(begin[rows], kind="stable")]
    odd = [*stream.clock.notes, *notes]
    back = int((np.diff(begin[rows]) < 0).sum())
    if back:
        odd.append(f"not in order of time ({count(back, 'step')} back); sorted to join")
    twice = int((np.diff(begin[order]) == 0).sum())
    if twice and moved.end is None:
        odd.append(f"{count(twice, 'row repeats', 'rows repeat')} a time; the later row counts")
    blank = len(stream.present) - len(rows)
    if blank:
        have = count(len(stream.present), "row has no time and joins", "rows have no time and join")
        odd.append(f"{count(blank)} of {have} nothing")
    return Placed(stream, begin, moved.end, order, tuple(odd), line, *zeros)


def settle_reference(reference: Stream, streams: Sequence[Stream]) -> tuple[Stream, list[str]]:
    """Find the zone or unit of the reference by the first stream that is sure of its own, where its own is a guess."""
    for stream in streams:
        same = stream.clock.calendar == reference.clock.calendar
        if same and reference.clock.calendar and reference.clock.naive and not stream.clock.naive:
            return _find_zone(stream, reference)
        if same and _is_guess(reference) and not _is_guess(stream) and not stream.clock.calendar:
            return _find_unit(stream, reference)
    return reference, []


def settle(reference: Stream, stream: Stream, estimated: bool) -> tuple[Stream, list[str]]:
    """Return the stream on the kind of clock that the reference has, and notes on what was assumed.
    estimated: a line will be found from signals, so that only the unit has to be right.
    Raises RequestError where one has dates and the other has not, and nothing says where its zero lies."""
    same = stream.clock.calendar == reference.clock.calendar
    if same and _is_guess(stream):
        return _find_unit(reference, stream)
    if same and stream.clock.calendar and stream.clock.naive and not estimated:
        return _find_zone(reference, stream)
    if same or estimated:
        return stream, []
    if (stream.clock.of_day or reference.clock.of_day) and (placed := _find_day(reference, stream)):
        return placed
    dated, other = (reference, stream) if reference.clock.calendar else (stream, reference)
    option = "2024-05-01T10:00:00Z" if other.kind != "table" else f"{other.time_columns[0]}@2024-05-01T10:00:00Z"
    raise RequestError(
        f"{dated.given} has dates ({tell(dated.first, True)} …), but {other.given} counts from a zero of its own "
        f"({other.clock.why}). Expected to know when that zero was: --time {other.given}={option}, or --estimate with "
        "a signal that both have"
    )


def tell(time: int, calendar: bool) -> str:
    """Return a time as a message shows it: a date in UTC, or seconds."""
    if not calendar:
        return f"{time / SECOND:.6g} s"
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=time // 1000)
    return moment.isoformat(timespec="milliseconds" if time % SECOND else "seconds") + "Z"


def check_overlap(reference: Stream, placed: Placed, tolerance: int) -> None:
    """Raise RequestError where a stream shares no time with the reference."""
    begin, end = int(placed.sorted_begin[0]), int(placed.sorted_end.max())
    if begin <= reference.last + tolerance and end >= reference.first - tolerance:
        return
    times = [tell(time, reference.clock.calendar) for time in (begin, end, reference.first, reference.last)]
    raise RequestError(
        f"{placed.stream.given} does not overlap {reference.given}: it runs from {times[0]} to {times[1]}, the "
        f"reference from {times[2]} to {times[3]} ({placed.stream.clock.why}). If the zone or unit is wrong, say it: "
        f"--time {placed.stream.given}=COLUMN@Europe/Berlin or COLUMN@ms; if its clock is off, --estimate finds by how "
        "much, from a signal that both have"
    )


def _is_guess(stream: Stream) -> bool:
    clock = stream.clock
    return clock.unit == "s" and not clock.given and not clock.calendar and stream.kind == "table"


def _share(a: Stream, first: int, last: int) -> float:
    """Return the part of the shorter of two spans that lies in the other: of a stream, and of first to last."""
    shared = min(a.last, last) - max(a.first, first)
    shorter = min(a.last - a.first, last - first)
    return shared / shorter if shared >= 0 and shorter > 0 else 1.0 if shared >= 0 else 0.0


def _find_zone(fixed: Stream, stream: Stream) -> tuple[Stream, list[str]]:
    """Read dates without a zone in the one zone in which they overlap, where as UTC they do not, and only one fits."""
    as_utc = _share(fixed, stream.first, stream.last)
    if as_utc >= 0.5:
        sure = "" if fixed.clock.naive else f"; {fixed.name} says {fixed.clock.zone}"
        return stream, [f"its dates have no zone: taken as UTC, since they overlap so{sure}"]
    offsets = [round(3600 * hours) for hours in OFFSETS]
    spans = [(stream.first - off * SECOND, stream.last - off * SECOND, off) for off in offsets]
    scores = sorted(((_share(fixed, first, last), off) for first, last, off in spans), reverse=True)
    (best, offset), (second, _) = scores[0], scores[1]
    same = offset_of(fixed.clock.zone)
    if next((score for score, off in scores if off == same), 0.0) >= 0.9:
        offset = same or 0
    elif best < 0.9 or second > 0.8:
        return stream, ["its dates have no zone: taken as UTC"]
    name = f"{'-' if offset < 0 else '+'}{abs(offset) // 3600:02d}:{abs(offset) // 60 % 60:02d}"
    why = f"{stream.clock.why.partition(',')[0]}, read as {name}: so it overlaps {fixed.name}"
    placed = stream.moved(lambda times: times - offset * SECOND, zone=name, why=why, sure=0.8, naive=False)
    return placed, [f"its dates have no zone: read as {name}, where they overlap {fixed.name}; as UTC they do not"]


def _find_unit(fixed: Stream, stream: Stream) -> tuple[Stream, list[str]]:
    """Read numbers whose unit is a guess in the one unit in which they last about as long as the other stream."""

    def alike(scale: int) -> float:
        first, last = (round(time / UNITS["s"] * scale) for time in (stream.first, stream.last))
        shared = min(fixed.last, last) - max(fixed.first, first)
        whole = max(fixed.last, last) - min(fixed.first, first)
        return shared / whole if whole > 0 and shared > 0 else 0.0

    scores = {unit: alike(scale) for unit, scale in UNITS.items()}
    fits = [unit for unit, score in scores.items() if score >= 0.5]
    if len(fits) != 1 or fits[0] == "s" or scores["s"] >= 0.05:
        return stream, []
    unit = fits[0]
    why = f"{stream.clock.why.partition(':')[0]}: numbers in {unit}, since so it lasts as long as {fixed.name}"
    scale = SECOND // UNITS[unit]
    clock = {"unit": unit, "why": why, "sure": 0.8, "given": True}
    stream = stream.moved(lambda times: np.rint(times / scale).astype(np.int64), **clock)
    return stream, [f"its numbers are taken as {unit}: as seconds they would not fit {fixed.name}"]


def _find_day(reference: Stream, stream: Stream) -> tuple[Stream, list[str]] | None:
    """Put clock times on the day of the one that has dates, or dates on the day's clock, where they then overlap."""
    dated, clocked = (reference, stream) if reference.clock.calendar else (stream, reference)
    offset = offset_of(dated.clock.zone)
    away = (offset or 0) * SECOND
    midnight = (dated.first + away) // DAY * DAY - away
    zeros = [midnight + day * DAY for day in (-1, 0, 1)]
    best, zero = max((_share(dated, clocked.first + zero, clocked.last + zero), zero) for zero in zeros)
    if best < 0.5:
        return None
    zone = dated.clock.zone if offset else "UTC"
    note = f"clock times of {clocked.name} are taken as times of the day {tell(zero + away, True)[:10]}, {zone}"
    if clocked is stream:
        why = f"{stream.clock.why}, on the day of {reference.name}"
        clock = {"calendar": True, "naive": False, "zone": zone, "sure": 0.6, "why": why}
        return stream.moved(lambda times: times + zero, **clock), [note]
    why = f"{stream.clock.why}, counted from midnight as {reference.name}"
    return stream.moved(lambda times: times - zero, calendar=False, why=why), [note]
