"""Cells of a time column → whole nanoseconds on one scale. What cannot be read is not present, with a reason.
A calendar time counts from 1970-01-01T00:00:00Z, any other from the stream's own zero. int64 nanoseconds are exact
over 292 years; float64 seconds since 1970 would be off by 0.2 µs."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.words import count
from plait.data.parse import MISSING, calendar_form, is_day_first, parse_date, parse_moment
from plait.errors import RequestError, TableError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

SECOND = 1_000_000_000  # nanoseconds
DAY = 86_400 * SECOND
UNITS = {"s": SECOND, "ms": 1_000_000, "µs": 1000, "ns": 1}
_NAMES_OF_UNITS = {
    "s": "s sec secs second seconds",
    "ms": "ms msec msecs millis millisecond milliseconds",
    "µs": "us µs μs usec micros microsecond microseconds",
    "ns": "ns nsec nanos nanosecond nanoseconds",
}
UNIT_OF_WORD = {word: unit for unit, words in _NAMES_OF_UNITS.items() for word in words.split()}

_OFFSET = r"(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_DATE = r"\d{4}-\d{2}-\d{2}"
_ISO = _DATE + r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?"
_ISO_ZONED = _DATE + r"[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s?" + _OFFSET
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,9}))?(?:\s?([ap])\.?m\.?)?", re.IGNORECASE)
_TIME = re.compile(r"time|clock|uhrzeit|hora|heure|时间", re.IGNORECASE)
_FRACTION = re.compile(r":\d{2}[.,](\d{1,9})(?!\d)")
_FIRST, _LAST = -(2**63) // SECOND + 86_400, 2**63 // SECOND - 86_400  # seconds from 1970 that int64 nanoseconds hold


@dataclass(frozen=True)
class Times:
    """A column of times, in row order. values: (row,) int64 nanoseconds; present: (row,) bool.
    calendar: counted from 1970 UTC, else from the stream's own zero. naive: calendar times without a zone, counted as
    if they were UTC. of_day: clock times such as 10:04:46, which may be times of a day or times since a start.
    zone: as it was found or said; None where there is none. given: whether unit and zone were said, not guessed.
    sure: 0 to 1. notes: sentences on what was not plain."""

    values: np.ndarray
    present: np.ndarray
    unit: str
    why: str
    calendar: bool = False
    zone: str | None = None
    naive: bool = False
    of_day: bool = False
    given: bool = False
    sure: float = 1.0
    notes: tuple[str, ...] = ()


def read_times(
    column: pa.ChunkedArray, name: str, *, rate: float | None = None, unit: str | None = None, zone: str | None = None
) -> Times:
    """Read a column of times. name: of the column, which may tell the unit, such as `time_ms`.
    Understood: Arrow timestamps and dates; ISO 8601, and what else `parse_date` knows; HH:MM:SS.mmm; YYYYMMDD;
    seconds, milli-, micro- and nanoseconds since 1970 (told by their size: 1e8 to 1e10 are seconds) or since a start of
    their own; with a rate in Hz, of frames. unit, zone: as the user says them, over what is read. Raises TableError
    where no cell can be read as a time, RequestError for an unknown zone."""
    import pyarrow as pa

    kind, types = column.type, pa.types
    if types.is_timestamp(kind) or types.is_date(kind):
        times = _from_arrow(column)
    elif types.is_integer(kind) or types.is_floating(kind):
        times = _from_numbers(column, name, rate, unit)
    elif types.is_string(kind) or types.is_large_string(kind):
        numbers, notes = _as_numbers(column)
        times = _from_text(_plain_clocks(column, name)) if numbers is None else _from_numbers(numbers, name, rate, unit)
        times = replace(times, notes=(*times.notes, *notes))
    else:
        raise TableError(f"column {name!r} holds {kind}; expected times: dates, clock times or numbers")
    times = place_zone(times, zone) if zone is not None else times
    if not times.present.any():
        what = f": {times.notes[0]}" if times.notes else ". Expected ISO 8601, numbers, or HH:MM:SS.mmm"
        raise TableError(f"no cell of column {name!r} can be read as a time{what}")
    return times


def _dates(values: np.ndarray, present: np.ndarray, unit: str, why: str, **more: Any) -> Times:
    """Return calendar times; where no zone is said they are taken as UTC."""
    times = Times(values, present, unit, why, calendar=True, **more)
    if times.zone:
        return times
    return replace(times, why=f"{why.partition(' ')[0]} without a zone, taken as UTC", zone="UTC", naive=True, sure=0.7)


def _from_arrow(column: pa.ChunkedArray) -> Times:
    import pyarrow as pa

    zone = getattr(column.type, "tz", None)
    stamps = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    values = stamps.fill_null(0).to_numpy().astype(np.int64)
    held = np.asarray(column.is_valid().to_numpy(), bool) & (np.abs(values) < _LAST * 1_000_000)
    return _dates(np.where(held, values * 1000, 0), held, "timestamp", f"timestamps with the zone {zone}", zone=zone)


def _as_numbers(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray | None, list[str]]:
    """Return a column of text as numbers where most cells that are there are numbers, and what the others are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _trim(column)
    alike = pc.match_substring_regex(text, r"^[+-]?\d+(\.\d*)?$")
    if (pc.sum(alike).as_py() or 0) <= 0.5 * (len(text) - text.null_count):
        return None, []
    notes = _say_unread(_flags(pc.invert(alike)), text)
    text = pc.if_else(alike, text, pa.scalar(None, text.type))
    whole = pc.all(pc.match_substring_regex(text, r"^[+-]?\d{1,18}$|^[1-8]\d{18}$")).as_py()
    return pa.chunked_array([text.cast(pa.int64() if whole else pa.float64())]), notes


def _flags(flags: pa.Array) -> np.ndarray:
    """Return (row,) bool; False where nothing is said."""
    return np.asarray(flags.fill_null(False).to_numpy(zero_copy_only=False), bool)


def _trim(column: pa.ChunkedArray) -> pa.Array:
    """Return the cells of a text column without blanks around them, null where they say that nothing is there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column.combine_chunks())
    return pc.if_else(pc.match_substring_regex(text, f"^(?:{MISSING})?$"), pa.scalar(None, text.type), text)


def _from_numbers(column: pa.ChunkedArray, name: str, rate: float | None, unit: str | None) -> Times:
    import pyarrow as pa

    present = np.asarray(column.is_valid().to_numpy(), bool)
    numbers = column.fill_null(0).to_numpy()
    if not pa.types.is_integer(column.type):
        present &= np.isfinite(numbers)
    if not present.any():
        return Times(np.zeros(len(column), np.int64), present, unit or "s", "no number")
    if rate is not None:
        why = f"numbers of frames, {rate:g} a second as said"
        return Times(*_scale(numbers, present, SECOND / rate), "frame", why, given=True)
    middle = float(np.median(np.abs(numbers[present].astype(np.float64))))
    for code, scale in UNITS.items():
        if 1e8 <= middle * scale / SECOND < 1e10 and unit in (None, code):
            why = f"numbers about {middle:.3g}: {code} since 1970 by their size"
            scaled = _scale(numbers, present, scale)
            return Times(*scaled, code, why, calendar=True, zone="UTC", sure=0.95, given=unit is not None)
    if unit is None and calendar_form(name, numbers[present].tolist()):
        moments = [parse_date(number) if held else None for number, held in zip(numbers.tolist(), present, strict=True)]
        return _from_arrow(pa.chunked_array([pa.array(moments, pa.timestamp("us"))]))
    words = re.split(r"[\s_()\[\].:/-]+", name.strip().lower())
    named = next((UNIT_OF_WORD[word] for word in reversed(words) if word in UNIT_OF_WORD), None)
    code = unit or named or "s"
    why = f"numbers from {numbers[present].min():.6g}: {code} since a start of their own"
    why += ", as said" if unit else f", by the name {name!r}" if named else ""
    sure = 1.0 if unit else 0.9 if named else 0.7
    return Times(*_scale(numbers, present, UNITS[code]), code, why, given=bool(unit or named), sure=sure)


def _scale(numbers: np.ndarray, present: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers as int64 nanoseconds; whole and broken part apart, so that no digit is lost."""
    held = present & (np.abs(numbers.astype(np.float64)) * scale < 2.0**63 - SECOND)
    numbers = np.where(held, numbers, 0)
    if float(scale).is_integer():
        whole = np.floor(numbers) if numbers.dtype.kind == "f" else numbers
        broken = np.rint((numbers - whole) * scale).astype(np.int64)
        return whole.astype(np.int64) * np.int64(scale) + broken, held
    return np.rint(numbers.astype(np.float64) * scale).astype(np.int64), held


def _plain_clocks(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Return times of a day such as 18.00.00 with colons, where the column is called so and they cannot be dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _trim(column)
    clocks = pc.match_substring_regex(text, r"^(?:[01]?\d|2[0-3])\.[0-5]\d\.[0-5]\d$")
    if not (_TIME.search(name) and pc.all(clocks).as_py()):
        return column
    if not pc.any(pc.match_substring_regex(text, r"^00?\.|\.00\.|\.(?:1[3-9]|[2-5]\d)\..*(?:3[2-9]|[45]\d)$")).as_py():
        return column  # 10.03.04 may be a date
    return pa.chunked_array([pc.replace_substring(text, ".", ":")])


def _from_text(column: pa.ChunkedArray) -> Times:
    """Read ISO 8601 with Arrow, all cells at once; what Arrow does not read, cell by cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _trim(column)
    rows = len(text)
    values, form = np.zeros(rows, np.int64), np.full(rows, "", dtype="U5")  # zoned, naive, clock; "" is unread
    zones: set[str] = set()
    for kind, pattern in (("zoned", _ISO_ZONED), ("naive", _ISO)):
        chosen = np.flatnonzero(_flags(pc.match_substring_regex(text, f"^{pattern}$")))
        if not len(chosen):
            continue
        cells = pc.replace_substring(text.take(pa.array(chosen)), ",", ".")
        if kind == "zoned":
            ends = pc.struct_field(pc.extract_regex(cells, f"(?P<end>{_OFFSET})$"), "end")
            zones |= {_plain_zone(end) for end in ends.unique().to_pylist()}
            cells = pc.replace_substring_regex(cells, r"\s?(Z|z|UTC|GMT)$", "Z")
            cells = pc.replace_substring_regex(cells, r"\s([+-])", r"\1")
        try:
            stamps = cells.cast(pa.timestamp("ns", "UTC" if kind == "zoned" else None)).cast(pa.int64())
        except pa.ArrowInvalid:
            continue  # one of them is no date, such as February 30; they are read one by one below
        values[chosen] = stamps.to_numpy(zero_copy_only=False)
        form[chosen] = kind
    filled = _flags(text.is_valid())
    rest = np.flatnonzero(filled & (form == ""))
    cells = text.take(pa.array(rest)).to_pylist()
    day_first = is_day_first(cells)
    for row, cell in zip(rest.tolist(), cells, strict=True):
        moment = _read_cell(cell, day_first)
        if moment is not None:
            values[row], form[row], zone = moment
            zones |= {zone} if zone else set()
    return _judge_forms(values, form, filled, zones, text)


def _plain_zone(end: str) -> str:
    if end in ("Z", "z", "UTC", "GMT") or end[1:].replace(":", "") in ("00", "0000"):
        return "UTC"
    digits = end[1:].replace(":", "").ljust(4, "0")
    return f"{end[0]}{digits[:2]}:{digits[2:]}"


def _read_cell(cell: str, day_first: bool | None) -> tuple[int, str, str | None] | None:
    """Return (nanoseconds, form, zone) of one cell, or None where it is no time."""
    if match := _CLOCK.fullmatch(cell):
        hours, minutes, seconds, broken, half = match.groups()
        if hours is None and broken is None:  # 10:04 is a time of day, 10:04.5 are minutes
            hours, minutes, seconds = minutes, seconds, "0"
        if int(seconds) > 59 or (hours and int(minutes) > 59):
            return None
        if half:
            hours = int(hours or 0) % 12 + (12 if half.lower() == "p" else 0)
        total = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
        return total * SECOND + int((broken or "0").ljust(9, "0")), "clock", None
    broken = _FRACTION.search(cell)
    try:
        moment = parse_moment(cell.replace(broken[0], broken[0][:3]) if broken else cell, day_first)
    except (ValueError, OverflowError):
        return None
    if moment is None:
        return None
    zone = None if moment.tzinfo is None else _plain_zone(f"{moment:%z}")
    days = moment.replace(tzinfo=None) - dt.datetime(1970, 1, 1)
    seconds = days.days * 86_400 + days.seconds - (offset_of(zone) or 0)
    if not _FIRST < seconds < _LAST:
        return None
    part = int(broken[1].ljust(9, "0")) if broken else days.microseconds * 1000
    return seconds * SECOND + part, "zoned" if zone else "naive", zone


def offset_of(zone: str | None) -> int | None:
    """Return the seconds that a zone such as +02:00 is ahead of UTC, None for one with a name."""
    if not zone or not re.fullmatch(r"[+-]\d\d:\d\d", zone):
        return None
    return (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)


def _judge_forms(values: np.ndarray, form: np.ndarray, filled: np.ndarray, zones: set[str], text: Any) -> Times:
    """Say what a column of text holds; what is of another form than most cells is unread."""
    zoned, naive, clock = (form == kind for kind in ("zoned", "naive", "clock"))
    calendar = int((zoned | naive).sum()) >= int(clock.sum()) and bool((zoned | naive).any())
    present = (zoned | naive) if calendar else clock
    notes = _say_unread(filled & ~present, text)
    if not calendar:
        values, wrapped = unwrap_days(values, present)
        if wrapped:
            notes.append(f"the clock passes midnight {count(wrapped, 'time')}; the days are counted on")
        why = "clock times HH:MM:SS, counted from 00:00:00"
        return Times(values, present, "HH:MM:SS", why, of_day=True, sure=0.8, notes=tuple(notes))
    if naive.any() and zoned.any():
        notes.append(f"{count(naive.sum(), 'row has', 'rows have')} no zone, taken as UTC; the others say theirs")
    zone = ", ".join(sorted(zones)) if zoned.any() else None
    return _dates(values, present, "ISO 8601", f"dates that say their zone, {zone}", zone=zone, notes=tuple(notes))


def _say_unread(unread: np.ndarray, text: Any) -> list[str]:
    """Say which rows (row,) bool hold no time; nothing where there are none."""
    rows = np.flatnonzero(unread)
    shown = ", ".join(f"row {row} {str(text[int(row)].as_py())[:30]!r}" for row in rows[:3])
    more = ", …" if len(rows) > 3 else ""
    have = count(len(rows), "row has", "rows have")
    return [f"{have} no time that can be read ({shown}{more})"] if len(rows) else []


def distinct(times: np.ndarray) -> np.ndarray:
    """Return the different times, sorted. By sorting, since hashing nanoseconds is ten times slower."""
    times = np.sort(times)
    return times[np.append(True, times[1:] != times[:-1])] if len(times) else times


def unwrap_days(values: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, int]:
    """Add a day after each step back of more than 12 hours, where the clock then never steps back. (row,) both."""
    times = values[present]
    back = np.diff(times) < -DAY // 2
    turned = times + np.concatenate([[0], np.cumsum(back)]).astype(np.int64) * DAY if len(times) else times
    if not back.any() or (np.diff(turned) < 0).any() or times.max() >= DAY:
        return values, 0
    out = values.copy()
    out[present] = turned
    return out, int(back.sum())


def find_zone(name: str) -> dt.tzinfo:
    """Return the zone of a name: UTC, +02:00, Europe/Berlin. Raises RequestError where there is none such."""
    if re.fullmatch(_OFFSET, name):
        return dt.timezone(dt.timedelta(seconds=offset_of(_plain_zone(name)) or 0))
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        near = did_you_mean(name, sorted(known)).partition(" There are")[0]
        hint = near if near.startswith("Did") else "Expected UTC, an offset such as +02:00, or such as Europe/Berlin."
        raise RequestError(f"there is no time zone {name!r}. {hint}") from None


def place_zone(times: Times, name: str) -> Times:
    """Read calendar times that have no zone as times of this one. Cells that say their own zone keep it.
    When clocks are set back an hour comes twice (PEP 495). Where its rows, in file order, step back exactly once, those
    before the step are the first pass; else it cannot be told and they are absent, as are those of the hour that clocks
    skip. The offset is asked once for each quarter of an hour, since zones change on no finer grid."""
    zone = find_zone(name)
    if not times.calendar or not times.naive:
        return times
    local = times.values[times.present]
    quarter = 900 * SECOND
    slots = distinct(local // quarter)
    offsets = np.array([[_offset_at(slot * 900, zone, fold) for slot in slots.tolist()] for fold in (0, 1)], np.int64)
    first, second = offsets.reshape(2, -1)[:, np.searchsorted(slots, local // quarter)]
    twice, never = first > second, first < second
    fold, unsure = _tell_passes(local, twice)
    values, present = times.values.copy(), times.present.copy()
    values[times.present] = local - np.where(fold, second, first) * SECOND
    present[np.flatnonzero(times.present)[never | unsure]] = False
    kinds = (
        (twice & ~unsure, "comes twice; their order tells which"),
        (unsure, "comes twice when clocks are set back, and their order does not tell which; they have no time"),
        (never, "clocks skip; they have no time"),
    )
    lie = [f"{count(rows.sum(), 'row lies', 'rows lie')} in the hour that {what}" for rows, what in kinds if rows.any()]
    why = f"{times.why.partition(',')[0]}, read as {name}"
    return replace(times, values=values, present=present, zone=name, naive=False, why=why, sure=1.0, given=True,
                   notes=(*times.notes, *lie))  # fmt: skip


def _offset_at(seconds: int, zone: dt.tzinfo, fold: int) -> int:
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)
    offset = moment.replace(tzinfo=zone, fold=fold).utcoffset()
    return round(offset.total_seconds()) if offset is not None else 0


def _tell_passes(values: np.ndarray, twice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each row, whether it is of the second pass, and whether that cannot be told."""
    fold, unsure = np.zeros(len(values), bool), np.zeros(len(values), bool)
    rows = np.flatnonzero(twice)
    hours = np.split(rows, np.flatnonzero(np.abs(np.diff(values[rows])) > 12 * 3600 * SECOND) + 1)
    for stretch in hours:  # each is one change of clocks
        back = np.flatnonzero(np.diff(values[stretch]) < 0)
        together = len(stretch) and stretch[-1] - stretch[0] == len(stretch) - 1
        if len(back) == 1 and together:
            fold[stretch[back[0] + 1 :]] = True
        else:
            unsure[stretch] = True
    return fold, unsure
