"""A file → a Stream: its rows with a begin (and an end) each, on its own clock. Knows nothing of other streams.
A table brings a time column, SRT and WebVTT bring cues, and a sound is one row that lasts as long as it sounds."""

from __future__ import annotations

import contextlib
import html
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
from plait.data.read import read
from plait.errors import CellError, RequestError, TableError, did_you_mean
from plait.streams.clocks import SECOND, UNIT_OF_WORD, Times, distinct, find_zone, read_times

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
_CUE = re.compile(r"(?<!\d)((?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3})\s*-->\s*((?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3})")
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
        if path.suffix.lower() in (".srt", ".vtt") or head.lstrip(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
            return _place_start(_read_cues(path, given, name), parse_spec(asked, ()))
    table = read(source)
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


def _read_cues(path: Path, given: str, name: str) -> Stream:
    import pyarrow as pa

    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(not_utf8(path)) from None
    if not text.strip():
        raise TableError(f"{path} is empty")
    cues = []
    for block in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((i for i, line in enumerate(lines[:3]) if "-->" in line), None)
        if at is None or re.match(r"(?:NOTE|STYLE|REGION)\b", lines[0]):
            continue
        match = _CUE.search(lines[at])
        words = " ".join(html.unescape(re.sub(r"<[^>]*>", "", line)).strip() for line in lines[at + 1 :]).strip()
        cues.append((match[1] if match else lines[at], match[2] if match else None, words or None))
    if not cues:
        raise TableError(f"{path} holds no cues. Expected lines such as 00:00:01,000 --> 00:00:02,500")
    starts, ends, words = (pa.chunked_array([pa.array(cells, pa.string())]) for cells in zip(*cues, strict=True))
    clock = read_times(starts, "start")
    finish = read_times(ends, "end") if ends.null_count < len(ends) else clock
    clock = replace(clock, of_day=False, sure=1.0, why="times of the cues, from 00:00:00")
    columns = {}
    for column, times in (("start", clock), ("end", finish)):
        columns[column] = pa.chunked_array([pa.array(times.values / SECOND, mask=~times.present)])
    table = Table({**columns, "text": words}, path.parent, str(path))
    stream = Stream(name, given, "cues", table, clock, clock.values, time_columns=("start", "end"), path=path)
    return _with_ends(stream, finish)


def _read_table(table: Table, given: str, name: str, spec: TimeSpec, path: Path | None) -> Stream:
    columns = spec.columns or (find_times(table, given),)
    options: dict[str, Any] = {"rate": spec.rate, "unit": spec.unit, "zone": spec.zone}
    if not spec.rate and _FRAME_NAME.fullmatch(columns[0].strip()):
        raise RequestError(f"{given}: column {columns[0]!r} holds numbers of frames, and their rate is not known. "
                           f"Say it: --time {given}={columns[0]}@25")  # fmt: skip
    clock = _column_times(table, columns[0], given, options)
    why = f"column {columns[0]!r}: {clock.why}" + ("" if spec.columns else "; found by its name and cells")
    clock = replace(clock, why=why)
    stream = Stream(name, given, "table", table, clock, clock.values, time_columns=columns[:1], path=path)
    partner = columns[1] if len(columns) > 1 else _find_end(table, columns[0])
    if partner is None:
        return stream
    is_length = partner.lower().startswith(_LENGTHS)
    if is_length and clock.unit in UNIT_OF_WORD.values() and not clock.calendar:
        options["unit"] = clock.unit
    finish = _column_times(table, partner, given, options)
    if is_length and not finish.calendar:
        finish = replace(finish, values=clock.values + finish.values, calendar=clock.calendar)
    if finish.calendar != clock.calendar:
        return stream
    return _with_ends(replace(stream, time_columns=(columns[0], partner)), finish)


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
    dated += [name for name in number_columns(table, table.names) if _FRAME_NAME.fullmatch(name.strip())]
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
    """Return those of these columns that hold numbers."""
    import pyarrow as pa

    kinds = {name: table.data[name].type for name in names}  # type: ignore[union-attr]
    return [name for name, kind in kinds.items() if pa.types.is_integer(kind) or pa.types.is_floating(kind)]


def numbers_of(table: Table, name: str) -> np.ndarray:
    """Return a column of numbers as (row,) float64, NaN where absent."""
    import pyarrow as pa

    values = table.data[name].cast(pa.float64(), safe=False)  # type: ignore[union-attr]
    return np.asarray(values.to_numpy(), np.float64)
