"""The verb align: streams with clocks of their own → one table on the clock of the first. Knows no models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table, free_name
from plait.core.options import checked
from plait.core.terminal import Callback, quiet, text_table
from plait.core.words import count, percent, plain
from plait.data.write import check_out, write_table
from plait.errors import RequestError, did_you_mean
from plait.kinds.relocate import move_media
from plait.streams import timeline
from plait.streams.build import Joined, Rows, choose_join, default_tolerance, join_stream, make_rows, name_columns
from plait.streams.clocks import SECOND
from plait.streams.read import Stream, read_stream
from plait.streams.settle import Placed, check_overlap, place, settle, settle_reference, tell
from plait.streams.signals import find_signals, place_estimated


@dataclass(frozen=True)
class Alignment:
    """What `align` gives. table: the synchronised rows. report: how each stream's clock was read and what it reached.

    out and picture are the files written, or None. str() gives the report as text, `to_json` as JSON can hold it.
    """

    table: Table
    report: dict[str, Any]
    out: Path | None = None
    picture: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return {"rows", "streams": {name: {"unit", "zone", "why", "coverage", "largest_gap", "offset", "drift_ppm",
        "residual", "note"}}}.

        coverage: share of the rows that the stream reaches. largest_gap: seconds between two of its rows, at most.
        offset (seconds) and drift_ppm: {"value", "low", "high"} with a 95 % interval, None where nothing was estimated;
        reference time = offset + (1 + drift_ppm / 1e6) × the stream's own time. residual: seconds, root mean square of
        the windows about that line.
        """
        return self.report

    def __str__(self) -> str:
        rows, notes = [], []
        for name, facts in self.report["streams"].items():
            clock = " ".join(word for word in (facts["unit"], facts["zone"]) if word)
            gap = "" if facts["largest_gap"] is None else f"{plain(facts['largest_gap'])} s"
            rows.append([name, clock, percent(facts["coverage"]), gap, _words(facts)])
            notes += [f"{name}: {facts['why']}"] + [f"  {note}" for note in facts["note"].split(". ") if note]
        table = text_table(["stream", "clock", "rows reached", "largest gap", "offset and drift"], rows)
        written = [f"written to {self.out}" if self.out else "", f"open {self.picture}" if self.picture else ""]
        return "\n".join(
            [count(self.report["rows"], "row"), "", table, "", *notes, *(line for line in written if line)]
        )


@checked
def align(
    reference: Any,
    *streams: Any,
    out: str | Path | None = None,
    time: Mapping[Any, str] | None = None,
    join: Mapping[Any, str] | None = None,
    tolerance: float | None = None,
    rate: float | None = None,
    signal: Mapping[Any, str] | None = None,
    estimate: bool = False,
    callback: Callback | None = None,
) -> Alignment:
    """Put streams with clocks of their own onto the clock of the first, as one table.

    In `time`, `join` and `signal` a stream is named by its path, its file name, or that name without the ending.

    Args:
        reference (REFERENCE): Stream whose clock counts.
        streams (STREAM ...): Tables with times, sounds, SRT, VTT.
        out (--out TABLE): CSV or Parquet file to write.
        time (--time FILE=COLUMN): Where the times are; COLUMN@30 of frames, COLUMN@ZONE, COLUMN@ms.
        join (--join FILE=WAY): nearest, previous, overlap, window or linear.
        tolerance (--tolerance SECONDS): Farther away is missing. Without it 1.5 usual steps.
        rate (--rate HZ): Rows a second. Without it the rows of the reference.
        signal (--signal FILE=COLUMN): Column of numbers that --estimate compares.
        estimate (--estimate): Find offset and drift from a shared signal.
        callback: Called with a dict for progress.

    Returns:
        The synchronised rows (`table`) and how each clock was read (`report`); print it.

    Raises:
        TableError: a stream cannot be read or holds no times.
        RequestError: a wrong request, streams that do not overlap, or an offset that is not clear.

    Example:
        >>> steps = {"time": [0.0, 1.0, 2.0], "steps": [1, 2, 3]}
        >>> pulse = {"time": [0.1, 1.1, 2.1], "pulse": [60, 62, 61]}
        >>> plait.align(steps, pulse).table.cells("pulse")
        [60, 62, 61]
    """
    callback = callback or quiet
    place_of_out = None if out is None else check_out(out, [reference, *streams], "one of the streams")
    _check_numbers(tolerance, rate)
    sources = [reference, *streams]
    names, renamed = _name_streams(sources)
    times, joins, shared = (
        _by_stream(f"--{flag}", given, sources, names)
        for flag, given in (("time", time), ("join", join), ("signal", signal))
    )
    read = []
    for number, source in enumerate(sources):
        read.append(read_stream(source, names[number], times.get(names[number])))
        callback({"stage": "read", "done": number + 1, "total": len(sources)})
    signals = find_signals(read, shared, estimate)
    reach = None if tolerance is None else round(tolerance * SECOND)
    base, notes = settle_reference(read[0], read[1:])
    if base.kind == "sound" and rate is None:
        notes = [*notes, "one row for the whole sound; --rate HZ makes so many a second"]
    head = place(base, [*renamed.get(base.name, []), *notes])
    placed = [head]
    for number, stream in enumerate(read[1:], 1):
        estimated = estimate and stream.name in signals and base.name in signals
        settled, notes = settle(base, stream, estimated)
        notes = [*renamed.get(stream.name, []), *notes]
        if estimate and not estimated:
            mend = f": name a column that it shares with {base.name}, --signal {stream.given}=COLUMN"
            notes.append(f"not estimated, so its clock is believed{mend if stream.kind == 'table' else ''}")
        placed.append(place_estimated(base, settled, signals, notes) if estimated else place(settled, notes))
        callback({"stage": "clocks", "done": number, "total": len(streams)})
    rows = make_rows(head, rate, reach)
    for other in placed[1:]:
        check_overlap(base, other, reach if reach is not None else default_tolerance(rows, other))
    folder = place_of_out.parent if place_of_out else base.table.folder or Path()
    ways = [choose_join(one, joins.get(one.stream.name)) for one in placed]
    if rate is None and base.name in joins:
        raise RequestError("--join of the reference needs --rate: without it its rows stay as they are")
    joined: list[Joined] = []
    for number, (one, way) in enumerate(zip(placed, ways, strict=True)):
        keep = number == 0 and rate is None and one.stream.kind != "sound"
        joined.append(_keep_reference(one, folder) if keep else join_stream(rows, one, way, reach, folder))
        callback({"stage": "join", "done": number + 1, "total": len(placed)})
    table = _assemble(base, rows, rate, placed, joined, folder)
    facts = {one.stream.name: _report(one, part) for one, part in zip(placed, joined, strict=True)}
    report, picture = {"rows": len(table), "streams": facts}, None
    if place_of_out is not None:
        write_table(table, place_of_out)
        picture = place_of_out.with_name(f"{place_of_out.stem}-timeline.png")
        _draw(picture, read, placed, report)
    return Alignment(table, report, place_of_out, picture)


def _check_numbers(tolerance: float | None, rate: float | None) -> None:
    for flag, value, zero in (("--tolerance", tolerance, True), ("--rate", rate, False)):
        if value is not None and not (np.isfinite(value) and (value > 0 or (zero and value == 0))):
            least = "0 or more seconds" if zero else "more than 0 rows a second"
            raise RequestError(f"{flag} {value:g}: expected {least}")


def _name_streams(sources: Sequence[Any]) -> tuple[list[str], dict[str, list[str]]]:
    """Return a name for each stream, none twice, and what to say where a name had to change."""
    names: list[str] = []
    notes: dict[str, list[str]] = {}
    for number, source in enumerate(sources):
        is_file = isinstance(source, (str, os.PathLike))
        wish = Path(source).stem if is_file else "reference" if number == 0 else f"stream {number}"
        name = free_name(wish, names)
        if name != wish:
            notes[name] = [f"another stream is called {wish} too, so {source} is called {name}"]
        names.append(name)
    return names, notes


def _by_stream(
    flag: str, given: Mapping[Any, str] | None, sources: Sequence[Any], names: Sequence[str]
) -> dict[str, str]:
    """Return {name of the stream: value} for keys that are paths as given, file names, or names of streams."""
    out: dict[str, str] = {}
    files = [os.fspath(s) if isinstance(s, (str, os.PathLike)) else names[i] for i, s in enumerate(sources)]
    for key, value in (given or {}).items():
        text = os.fspath(key) if isinstance(key, os.PathLike) else str(key)
        ways = (files, [os.path.normpath(f) for f in files], [Path(f).name for f in files], list(names))
        found = next((hits for way in ways if (hits := [i for i, word in enumerate(way) if word == text])), [])
        if not found:
            raise RequestError(f"{flag} {text}={value}: there is no stream {text!r}. {did_you_mean(text, names)}")
        if len(found) > 1:
            paths = ", ".join(files[i] for i in found)
            raise RequestError(
                f"{flag} {text}={value}: {len(found)} streams are called {text!r}; give the path: {paths}"
            )
        if names[found[0]] in out:
            raise RequestError(f"{flag} names {text!r} twice; expected it once")
        out[names[found[0]]] = str(value)
    return out


def _keep_reference(head: Placed, folder: Path) -> Joined:
    table = move_media(head.stream.table, head.stream.table.names, folder)
    return Joined(dict(table.data), head.stream.present, "its rows are the rows of the table")


def _assemble(base: Stream, rows: Rows, rate: float | None, placed: Sequence[Placed], joined: Sequence[Joined],
              folder: Path) -> Table:  # fmt: skip
    import pyarrow as pa

    streams, data = list(zip(placed, joined, strict=True)), dict[str, Any]()
    if rate is None:
        data.update(joined[0].columns)
        del streams[0]
    else:
        times = rows.begin // 1000 if base.clock.calendar else rows.begin / SECOND
        kind = pa.timestamp("us", "UTC") if base.clock.calendar else pa.float64()
        data["time"] = pa.chunked_array([pa.array(times, kind)])
    parts = [(one.stream.name, part) for one, part in streams]
    for (_, part), chosen in zip(parts, name_columns(list(data), parts), strict=True):
        data |= {chosen[column]: values for column, values in part.columns.items()}
    return Table(data, folder, "the aligned table")


def _report(one: Placed, part: Joined) -> dict[str, Any]:
    clock, line = one.stream.clock, one.line
    offset = ppm = None
    if line is not None:
        # On a reference with dates and a stream without, offset is the date of the stream's zero, in seconds from 1970
        extra = one.zero_reference / SECOND if one.zero_own == 0 else 0.0
        low, high = line.interval("offset")
        offset = {"value": float(line.offset) + extra, "low": low + extra, "high": high + extra}
        ppm = dict(zip(("value", "low", "high"), (float(1e6 * (line.slope - 1)), *line.interval("drift")), strict=True))
    return {
        "unit": clock.unit,
        "zone": clock.zone,
        "why": f"{clock.why} ({percent(clock.sure, 0)} sure)",
        "coverage": float(part.reached.mean()),
        "largest_gap": _largest_gap(one),
        "offset": offset,
        "drift_ppm": ppm,
        "residual": line.residual if line is not None else None,
        "note": ". ".join([*one.notes, part.note]),
    }


def _largest_gap(one: Placed) -> float | None:
    """Return the longest time in seconds that no row fills: between points, or from an end to the next start."""
    begin, end = one.sorted_begin, one.sorted_end
    if one.stream.kind == "sound":
        return 0.0
    if len(begin) < 2:
        return None
    gaps = begin[1:] - np.maximum.accumulate(end)[:-1]
    return float(max(gaps.max(), 0)) / SECOND


def _words(facts: Mapping[str, Any]) -> str:
    if facts["offset"] is None:
        return ""
    offset, ppm = facts["offset"], facts["drift_ppm"]
    half, wide = (offset["high"] - offset["low"]) / 2, (ppm["high"] - ppm["low"]) / 2
    begins = f"{offset['value']:+.4f} s"
    if abs(offset["value"]) > 1e8:  # seconds since 1970: the date of the stream's zero
        begins = f"zero at {tell(round(offset['value'] * 1000) * 1_000_000, True)}"
    return f"{begins} (± {1000 * half:.2g} ms), {ppm['value']:+.2f} ppm (± {wide:.2g})"


def _draw(path: Path, read: Sequence[Stream], placed: Sequence[Placed], report: Mapping[str, Any]) -> None:
    calendar = placed[0].stream.clock.calendar
    zero = placed[0].stream.first if calendar else 0
    lanes = []
    for stream, one in zip(read, placed, strict=True):
        raw, clock = place(stream), stream.clock
        before = timeline.pieces(raw.sorted_begin, raw.sorted_end if stream.end is not None else None, stream.step)
        after = timeline.pieces(one.sorted_begin, one.sorted_end if one.end is not None else None, one.stream.step)
        begins = (zero if calendar else stream.first) if clock.calendar else 0
        facts = report["streams"][one.stream.name]
        words = _words(facts).replace("), ", ")\n") if facts["offset"] else f"{percent(facts['coverage'], 0)} of rows"
        lanes.append(timeline.Lane(one.stream.name, before - begins, after - zero, words))
    timeline.draw_timeline(path, lanes, f" from {tell(zero, True)}" if calendar else " on the reference's clock")
