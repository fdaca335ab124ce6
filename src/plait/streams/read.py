"""A file → a Stream: its rows with a begin (and an end) each, on its own clock. Knows nothing of other streams.
A table brings a time column, SRT and WebVTT bring cues, and a sound is one row that lasts as long as it sounds."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count
from plait.data import formats, media
from plait.data.delimited import not_utf8
from plait.data.encodings import code_of_bom
from plait.data.parse import read_numbers
from plait.data.read import read
from plait.errors import CellError, RequestError, TableError, did_you_mean
from plait.kinds.facts import facts_of
from plait.kinds.recognise import judge
from plait.streams.clocks import DAY, SECOND, UNIT_OF_WORD, Times, distinct, find_zone, place_zone, read_times
from plait.streams.cues import holds_cues, parse_cues, segments_of

_BEGINS = {"start": "end", "begin": "end", "onset": "offset", "from": "to", "starts": "ends", "tmin": "tmax",
           "first": "last", "开始": "结束"}  # fmt: skip
_LENGTHS = ("duration", "dur", "length")
_UNITS = "|".join(sorted(map(re.escape, UNIT_OF_WORD), key=len, reverse=True))
_UNIT_ENDING = rf"(?:[\s_.(\[-]*(?:{_UNITS})[)\]]?)?"
_TIME_NAMES = (  # the earlier, the surer
    r"time[\s_-]?stamps?|datetime|date[\s_-]?time|times?|clock|utc(?:[\s_-]?time)?|ts|t|时间戳?",
    r"(?:start|begin|onset|from|starts|tmin|开始)(?:[\s_-]?(?:time|stamp))?",
    r".*(?:timestamp|datetime)|.*[\s_-](?:time|ts|at)|date|day|seconds?|secs?|millis(?:econds)?|ms",
)
_FRAME_NAME = re.compile(r"frames?(?:[\s_-]?(?:no|nr|num|number|id|idx|index))?", re.IGNORECASE)
_PAIRED = re.compile(r"date|day|time|clock|datum|tag|uhrzeit|zeit|hour|日期|时间|fecha|hora|heure|[\s_-]")
_HOW = "Name it: --time FILE=COLUMN (numbers of frames: FILE=COLUMN@RATE; two columns: FILE=START,END)"


@dataclass(frozen=True)
class Stream:
    """Rows with their times, in file order.
    begin, end: (row,) int64 nanoseconds on the stream's own clock; end is None for points in time. clock: how the times
    were read. time_columns: the columns that hold them. A sound has one row, and rate in Hz."""

    name: str
    given: str
    kind: str  # table, cues or sound
    table: Table
    clock: Times
    begin: np.ndarray
    end: np.ndarray | None = None
    time_columns: tuple[str, ...] = ()
    path: Path | None = None
    rate: int | None = None

    @property
    def present(self) -> np.ndarray:
        """Which rows have a time. (row,) bool."""
        return self.clock.present

    @property
    def values(self) -> list[str]:
        """The columns that hold no time."""
        return [name for name in self.table.names if name not in self.time_columns]

    @property
    def first(self) -> int:
        return int(self.begin[self.present].min())

    @property
    def last(self) -> int:
        return int((self.begin if self.end is None else self.end)[self.present].max())

    @cached_property
    def step(self) -> int:
        """The usual distance from one row to the next in nanoseconds (the median); 0 with fewer than two times."""
        times = distinct(self.begin[self.present])
        return int(np.median(np.diff(times))) if len(times) > 1 else 0

    def moved(self, turn: Callable[[np.ndarray], np.ndarray], **clock: Any) -> Stream:
        """Return the stream with its times turned into others, and what its clock is then."""
        end = None if self.end is None else turn(self.end)
        return replace(self, begin=turn(self.begin), end=end, clock=replace(self.clock, **clock))


@dataclass(frozen=True)
class TimeSpec:
    """What `--time FILE=COLUMN@…` says: columns, and rate, unit, zone or start after each @."""

    columns: tuple[str, ...] = ()
    rate: float | None = None
    unit: str | None = None
    zone: str | None = None
    start: str | None = None


def parse_spec(text: str | None, names: Sequence[str]) -> TimeSpec:
    """Take `COLUMN`, `START,END`, `COLUMN@30`, `COLUMN@ms`, `COLUMN@Europe/Berlin`, `COLUMN@2024-05-01` apart.
    names: the columns there are; a column whose name holds an @ or a comma goes first. Without columns (a sound, cues)
    all of the text is what follows the @. Raises RequestError for an unknown column."""
    if not text or text in names:
        return TimeSpec((text,) if text else ())
    head, *tail = text.split("@")
    if not names and head:
        head, tail = "", [head, *tail]
    columns = (head,) if head in names else tuple(part.strip() for part in head.split(",") if part.strip())
    for column in columns:
        if column not in names:
            raise RequestError(f"--time: there is no column {column!r}. {did_you_mean(column, names)}")
    if len(columns) > 2:
        raise RequestError(f"--time {text}: expected one column, or two for start and end")
    spec = TimeSpec(columns)
    for part in tail:
        if part.lower() in UNIT_OF_WORD:
            spec = replace(spec, unit=UNIT_OF_WORD[part.lower()])
        elif re.fullmatch(r"\d+(?:\.\d+)?(?:/\d+)?", part):
            above, _, below = part.partition("/")
            rate = float(above) / float(below or 1) if float(below or 1) else 0.0
            if not rate:
                raise RequestError(f"--time {text}: a rate must be above 0")
            spec = replace(spec, rate=rate)
        elif re.match(r"\d{4}-\d{2}-\d{2}", part):
            spec = replace(spec, start=part)
        else:
            find_zone(part)
            spec = replace(spec, zone=part)
    return spec


def read_stream(source: Any, name: str, asked: str | None = None) -> Stream:
    """Read a stream from a path, or from anything `plait.read` takes. asked: what `--time` says of it.
    Raises TableError: no such file, empty, or no time in it; RequestError: `asked` names what is not there."""
    path = Path(source).expanduser() if isinstance(source, (str, os.PathLike)) else None
    given = str(source) if path is not None else name
    if path is not None and path.is_file():
        if not path.stat().st_size:
            raise TableError(f"{path} is empty")
        head = media.read_head(str(path.absolute()), None, 4096)
        if formats.is_sound(path, head):
            return _place_start(_read_sound(path, given, name), parse_spec(asked, ()))
        start = head.decode(code_of_bom(head) or "utf-8-sig", "replace")
        if holds_cues(start, path.suffix.lower()):
            return _place_start(_read_cues(path, given, name), parse_spec(asked, ()))
    segments = segments_of(_text_of(path)) if path is not None and path.suffix.lower() == ".json" else None
    table = read(source if segments is None else segments)
    arrays = [column for column in table.names if isinstance(table.data[column], np.ndarray)]
    if arrays:
        raise TableError(f"column {arrays[0]!r} of {given} holds arrays; align takes tables of single cells")
    spec = parse_spec(asked, table.names)
    return _place_start(_read_table(table, given, name, spec, path), spec)


def _read_sound(path: Path, given: str, name: str) -> Stream:
    import pyarrow as pa
    import soundfile

    frames = 0
    with contextlib.suppress(RuntimeError, OSError):  # as libsndfile's errors are
        frames, rate = (facts := soundfile.info(str(path))).frames, facts.samplerate
    if not 0 < frames < 2**62:  # a stream that does not tell its length, or what libsndfile does not read
        try:
            samples, rate = media.read_sound(str(path.absolute()), None)
        except CellError as error:
            why = "is empty: it has 0 samples" if error.fault == "no-samples" else f"cannot be read: {error}"
            raise TableError(f"{path} {why}") from None
        frames = len(samples)
    table = Table({name: pa.chunked_array([[path.name]])}, path.parent, str(path))
    why = f"sample number at {rate} a second, from 0"
    clock = Times(np.zeros(1, np.int64), np.ones(1, bool), "sample", why)
    end = np.array([round(frames * SECOND / rate)], np.int64)
    return Stream(name, given, "sound", table, clock, clock.values, end, path=path, rate=rate)


def _text_of(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode(code_of_bom(content[:4096]) or "utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(not_utf8(path)) from None


def _read_cues(path: Path, given: str, name: str) -> Stream:
    import pyarrow as pa

    cues, notes = parse_cues(_text_of(path))
    if not cues:
        raise TableError(f"{path} holds no cues. Expected lines such as 00:00:01,000 --> 00:00:02,500")
    columns = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in zip(*cues, strict=True)]
    starts, ends, words, speakers = columns
    clock = read_times(starts, "start")
    finish = read_times(ends, "end") if ends.null_count < len(ends) else clock
    why = "times of the cues, from 00:00:00"
    clock = replace(clock, of_day=False, sure=1.0, why=why, notes=(*clock.notes, *notes))
    data = {}
    for column, times in (("start", clock), ("end", finish)):
        data[column] = pa.chunked_array([pa.array(times.values / SECOND, mask=~times.present)])
    data |= {"text": words} | ({"speaker": speakers} if speakers.null_count < len(speakers) else {})
    table = Table(data, path.parent, str(path))
    stream = Stream(name, given, "cues", table, clock, clock.values, time_columns=("start", "end"), path=path)
    return _with_ends(stream, finish)


def _read_table(table: Table, given: str, name: str, spec: TimeSpec, path: Path | None) -> Stream:
    parts = () if spec.columns else _date_parts(table)
    if parts:
        table = replace(table, data={**table.data, parts[0]: _join_parts(table, parts)})
    columns = spec.columns or parts[:1] or (find_times(table, given),)
    options: dict[str, Any] = {"rate": spec.rate, "unit": spec.unit, "zone": spec.zone}
    if not spec.rate and _FRAME_NAME.fullmatch(columns[0].strip()):
        raise RequestError(f"{given}: column {columns[0]!r} holds numbers of frames, and their rate is not known. "
                           f"Say it: --time {given}={columns[0]}@25")  # fmt: skip
    options["unit"] = spec.unit or UNIT_OF_WORD.get(table.units.get(columns[0], "").lower())
    clock = _column_times(table, columns[0], given, options)
    how = "" if spec.columns else f"; with {', '.join(parts[1:])}" if parts else "; found by its name and cells"
    if pair := _find_pair(table, columns, clock):
        day, columns = _column_times(table, pair[0], given, {}), (*pair, *(c for c in columns if c not in pair))
        if clock.calendar:
            clock = _column_times(table, pair[1], given, {})
        clock, how = _join_clock(day, clock, spec.zone), f"; with the days of {pair[0]!r}"
    else:
        day, pair = clock, parts or columns[:1]
        clock = replace(clock, notes=(*clock.notes, *_say_days(table, columns, clock)))
    clock = replace(clock, why=f"column {columns[len(pair) - 1 if not parts else 0]!r}: {clock.why}{how}")
    stream = Stream(name, given, "table", table, clock, clock.values, time_columns=pair, path=path)
    partner = columns[len(pair)] if len(columns) > len(pair) else _find_end(table, pair[-1])
    if partner is None:
        return stream
    is_length = partner.lower().startswith(_LENGTHS)
    if is_length and clock.unit in UNIT_OF_WORD.values() and not clock.calendar:
        options["unit"] = clock.unit
    finish = _column_times(table, partner, given, options)
    if finish.of_day and len(pair) > 1 and not is_length:
        finish = _join_clock(day, finish, spec.zone)
        late = finish.present & (finish.values < clock.values)  # it ends after midnight
        finish = replace(finish, values=finish.values + late * DAY)
    if not (is_length or spec.unit or spec.rate) and _is_speech_in_ms(table, stream, finish):
        clock, finish = (_column_times(table, column, given, {"unit": "ms"}) for column in (columns[0], partner))
        why = "ms, since nobody speaks as slowly as in seconds; else say @s"
        stream = stream.moved(lambda times: clock.values, unit="ms", why=f"column {columns[0]!r}: {why}", sure=0.9)
        clock = stream.clock
    if is_length and not finish.calendar:
        finish = replace(finish, values=clock.values + finish.values, calendar=clock.calendar)
    if finish.calendar != clock.calendar:
        return stream
    return _with_ends(replace(stream, time_columns=(*pair, partner)), finish)


def _date_parts(table: Table) -> tuple[str, ...]:
    """Return the columns called year, month, day and what there is of hour, minute, second; () without the three."""
    lower = {name.strip().lower(): name for name in number_columns(table, table.names)}
    parts = [lower[part] for part in ("year", "month", "day", "hour", "minute", "second") if part in lower]
    return tuple(parts) if lower.keys() >= {"year", "month", "day"} else ()


def _join_parts(table: Table, parts: Sequence[str]) -> Any:
    """Return dates and times, as text, of columns that hold their parts; blank where one of them is."""
    import pyarrow as pa

    signs = dict(zip(("year", "month", "day", "hour", "minute", "second"), ("", "-", "-", " ", ":", ":"), strict=True))
    rows = zip(*(numbers_of(table, part).tolist() for part in parts), strict=True)
    clock = "" if len(parts) < 4 else ":00" * (6 - max(4, len(parts)))
    cells = [
        "".join(signs[part.strip().lower()] + f"{value:02.0f}" for part, value in zip(parts, row, strict=True)) + clock
        if all(value == value for value in row) else None
        for row in rows
    ]  # fmt: skip
    return pa.chunked_array([pa.array(cells, pa.string())])


def _find_pair(table: Table, columns: Sequence[str], clock: Times) -> tuple[str, ...]:
    """Return the columns of a day and of a time of that day, which are one moment; () where there is one column.
    columns: as they were found or named, the first of them read as `clock`."""
    if not (clock.of_day or _are_days(clock)):
        return ()
    others = columns[1:2] or [name for name in table.names if name != columns[0]]
    times = {name: found for name in others if (found := _sample(table, name, 0.9)) is not None}
    suits = [name for name, found in times.items() if (_are_days(found) if clock.of_day else found.of_day)]
    if len(suits) > 1:  # the one called alike, start_date and start_time, or the only one beside it
        bare = _PAIRED.sub("", columns[0].lower())
        alike = [name for name in suits if _PAIRED.sub("", name.lower()) == bare]
        place = table.names.index(columns[0])
        beside = [name for name in suits if abs(table.names.index(name) - place) == 1]
        suits = next((some for some in (alike, beside) if len(some) == 1), suits)
    if len(suits) != 1:
        return ()
    return (suits[0], columns[0]) if clock.of_day else (columns[0], suits[0])


def _are_days(times: Times) -> bool:
    return times.calendar and not (times.values[times.present] % DAY).any()


def _say_days(table: Table, columns: Sequence[str], clock: Times) -> list[str]:
    """Say that dates were left aside, where times of a day stand beside several columns of them."""
    others = [name for name in table.names if name not in columns] if clock.of_day and len(columns) == 1 else []
    days = [name for name in others if (found := _sample(table, name, 0.9)) is not None and _are_days(found)]
    several = f"which of {', '.join(days)} holds the days of {columns[0]!r} cannot be told; say so: DATE,{columns[0]}"
    return [several] if days else []


def _join_clock(day: Times, clock: Times, zone: str | None) -> Times:
    """Return the moments of days and times of these days."""
    values = day.values + clock.values % DAY
    notes = (*day.notes, *clock.notes)
    joined = replace(day, values=values, present=day.present & clock.present, notes=notes)
    return joined if zone is None else place_zone(joined, zone)


def _is_speech_in_ms(table: Table, stream: Stream, finish: Times) -> bool:
    """Whether whole numbers of seconds are milliseconds, as recognisers write them: beside sentences that would then
    be spoken at 3 to 40 letters a second (people speak at 10 to 20), and not in the full minutes of a diary."""
    import pyarrow as pa

    clock, held = stream.clock, stream.present & finish.present & (finish.values > stream.begin)
    if clock.calendar or clock.of_day or clock.given or clock.unit != "s" or not held.any():
        return False
    whole = not any((times % SECOND).any() for times in (stream.begin[held], finish.values[held]))
    minutes = not any((times % (60 * SECOND)).any() for times in (stream.begin[held], finish.values[held]))
    seconds, texts = (finish.values - stream.begin)[held] / SECOND, list[np.ndarray]()
    for name in table.names:
        kind = table.data[name].type  # type: ignore[union-attr]
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            cells = [cell or "" for cell in table.cells(name, np.flatnonzero(held))]
            if np.median([cell.strip().count(" ") for cell in cells]) >= 2:
                texts.append(np.array([len(cell) for cell in cells]))
    return whole and not minutes and any(3 <= 1000 * np.median(letters / seconds) <= 40 for letters in texts)


def _column_times(table: Table, column: str, given: str, options: dict[str, Any]) -> Times:
    try:
        return read_times(table.data[column], column, **options)
    except TableError as error:
        raise TableError(f"{given}: {error}. {_HOW}") from None


def _with_ends(stream: Stream, finish: Times) -> Stream:
    """Give rows their ends. A row without one, or with one before its begin, is a point in time, and counted."""
    good = finish.present & (finish.values >= stream.begin)
    bad = int((stream.present & ~good).sum())
    have = count(bad, "row has", "rows have")
    note = f"{have} no end, or one before their start; they count as points in time"
    clock = replace(stream.clock, notes=(*stream.clock.notes, *([note] if bad else [])))
    return replace(stream, end=np.where(good, finish.values, stream.begin), clock=clock)


def _place_start(stream: Stream, spec: TimeSpec) -> Stream:
    """Put the stream's zero where the user says it lies on the calendar."""
    if spec.start is None:
        return stream
    import pyarrow as pa

    start = read_times(pa.chunked_array([[spec.start]]), "start", zone=spec.zone)
    if stream.clock.calendar:
        raise RequestError(f"{stream.given}: its times are dates already, so they take no start ({spec.start})")
    why = f"{stream.clock.why}; its zero is {spec.start} as said"
    clock = {"calendar": True, "naive": start.naive, "zone": start.zone, "why": why, "of_day": False}
    return stream.moved(lambda times: times + int(start.values[0]), **clock)


def find_times(table: Table, given: str) -> str:
    """Return the column that holds the times, told by its name and by its cells.
    Raises TableError that says what was looked at, and how to name it."""
    import pyarrow as pa

    named: list[str] = []
    for pattern in _TIME_NAMES:
        form = re.compile(f"(?:{pattern}){_UNIT_ENDING}", re.IGNORECASE)
        alike = [name for name in table.names if form.fullmatch(name.strip())]
        for name in alike:
            if _sample(table, name):
                return name
        named += alike
    dated = [name for name in table.names if pa.types.is_timestamp(table.data[name].type)]  # type: ignore[union-attr]
    samples = {} if dated else {name: _sample(table, name, 0.9) for name in table.names}
    dated += [name for name, times in samples.items() if times and (times.calendar or times.of_day)]
    dated += number_columns(table, [name for name in table.names if _FRAME_NAME.fullmatch(name.strip())])
    if dated:
        return dated[0]
    if not named:
        raise TableError(
            f"{given} has no time column that can be told: looked for a name such as time, timestamp or start and for "
            f"cells that are dates, among {', '.join(table.names[:12])}. {_HOW}"
        )
    name = min(named, key=table.names.index)
    cells = [cell for cell in table.cells(name) if cell is not None]
    what = f"its cells cannot be read as times, such as {str(cells[0])[:40]!r}" if cells else "all its cells are blank"
    raise TableError(f"{given}: column {name!r} has the name of a time column, but {what}. {_HOW}")


def _sample(table: Table, name: str, least: float = 0.5) -> Times | None:
    """Return the first filled cells of a column as times, None where fewer than this share of them can be read."""
    sample = table.data[name].drop_null()[:200]  # type: ignore[union-attr]
    try:
        times = read_times(sample, name)
    except TableError:
        return None
    return times if times.present.mean() >= least else None


def _find_end(table: Table, begin: str) -> str | None:
    """Return the column that ends what `begin` starts: start_time → end_time; or one called duration."""
    lower = {name.lower(): name for name in table.names}
    for start, end in _BEGINS.items():
        if re.search(rf"(?:^|[\s_-]){start}|^{start}", begin.lower()):
            partner = lower.get(begin.lower().replace(start, end, 1))
            if partner is not None and _sample(table, partner):
                return partner
    form = re.compile(rf"(?:{'|'.join(_LENGTHS)}){_UNIT_ENDING}", re.IGNORECASE)
    lengths = [name for name in table.names if form.fullmatch(name) and _sample(table, name)]
    return lengths[0] if lengths and any(word in begin.lower() for word in _BEGINS) else None


def number_columns(table: Table, names: Sequence[str]) -> list[str]:
    """Return those of these columns that hold numbers, also those written as 1.234,50 € or 12 kg."""
    import pyarrow as pa

    kinds = {name: table.data[name].type for name in names}  # type: ignore[union-attr]
    numbers = {name for name, kind in kinds.items() if pa.types.is_integer(kind) or pa.types.is_floating(kind)}
    texts = [name for name, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
    numbers |= {name for name in texts if judge(facts_of(table, name), table.folder).kind == "number"}
    return [name for name in names if name in numbers]


def numbers_of(table: Table, name: str) -> np.ndarray:
    """Return a column of numbers as (row,) float64, NaN where absent."""
    import pyarrow as pa

    values = table.data[name]
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):  # type: ignore[union-attr]
        return np.array(read_numbers(table.cells(name)), np.float64)
    values = values.cast(pa.float64(), safe=False)  # type: ignore[union-attr]
    return np.asarray(values.to_numpy(), np.float64)
