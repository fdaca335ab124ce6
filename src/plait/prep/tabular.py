"""Tables: numbers, dates and categories → one row of numbers. Knows no table file and no network.

A row is laid out as: first `numbers` numbers (scaled; where absent, the training median), then as many indicators
(1 = absent), then one code for each category column (0 = absent). A cell that cannot be read counts as absent, and
`broken` names it.
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from plait.errors import RequestError, RunError, did_you_mean
from plait.options import from_strings

KINDS = ("number", "category", "date")
SCALES = ("quantile", "standard")
PARTS = ("year", "month", "day of week", "season sine", "season cosine", "hour")

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_FORMS = (  # what to match, the sign between thousands, the decimal sign
    (re.compile(r"[+-]?\d{1,3}([, '])\d{3}(?:\1\d{3})*(?:\.\d+)?"), ", '", "."),
    (re.compile(r"[+-]?\d{1,3}([. '])\d{3}(?:\1\d{3})*,\d+"), ". '", ","),
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"[+-]?\d*,\d+"), "", ","),
)
_CURRENCY = "$€£¥₹₩"

_ZONE = r"(?:\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_CLOCK = rf"(?:[T,\s]\s*(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:\.\d+)?)?(?:\s*([ap])\.?m\.?)?{_ZONE})?"
_DIGITS = re.compile(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})" + _CLOCK, re.IGNORECASE)
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(?:(\d{1,2})[日号號])?" + _CLOCK, re.IGNORECASE)
_MONTH_ONLY = re.compile(r"(\d{4})[-./](\d{1,2})")
_DAY_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{2,4})" + _CLOCK, re.IGNORECASE)
_NAME_DAY = re.compile(r"([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})" + _CLOCK, re.IGNORECASE)
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_number(cell: Any) -> float | None:
    """Return a cell as a number, or None where absent. Raises ValueError where it is neither.

    Of text, these are understood: blanks around it, groups of thousands ("1,234.5", "1.234,5", "1 234"), a decimal
    comma ("3,5"), a currency sign, a percent sign. "1,234" is 1234 and "1.234" is 1.234. "12%" is 12: scaling follows,
    and a column that holds both forms means the same by them. A number beyond 1e30 is taken for a mistake.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        text = unicodedata.normalize("NFKC", cell).replace("−", "-").strip()
        if not text or text.lower() == "nan":
            return None
        sign = text[0] if text[0] in "+-" else ""
        text = sign + text[len(sign) :].strip(f"{_CURRENCY} ").removesuffix("%").strip()
        for form, between, point in _FORMS:
            if not _PLAIN.fullmatch(text) and form.fullmatch(text):
                text = text.translate({ord(c): None for c in between}).replace(point, ".")
        if not _PLAIN.fullmatch(text):
            raise ValueError
        value = float(text)
    elif isinstance(cell, (bool, int, float, decimal.Decimal, np.number, np.bool_)):
        value = float(cell)
    else:
        raise ValueError
    if math.isnan(value):
        return None
    if abs(value) > 1e30:
        raise ValueError
    return value


def parse_date(cell: Any, day_first: bool = False) -> dt.datetime | None:
    """Return a cell as a date and time without a zone (as its clock shows it), or None where absent.

    ISO 8601, 31.12.2024, 12/31/2024, 31 Dec 2024, December 31, 2024, 2024年12月31日, each with a clock or without; of
    numbers 20241231 and seconds since 1970 (or milli-, micro-, nanoseconds, by size). day_first settles 1/2/2024, where
    the numbers do not. Raises ValueError where the cell is neither.
    """
    if cell is None or cell != cell:
        return None
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool):
        return _from_number(float(cell))
    if not isinstance(cell, str):
        raise ValueError
    text = unicodedata.normalize("NFKC", cell).strip()
    if not text:
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return _from_words(_WEEKDAY.sub("", text, count=1), day_first)


def _from_number(number: float) -> dt.datetime:
    if 1e7 <= number < 1e8 and number.is_integer():
        return dt.datetime(int(number) // 10_000, int(number) // 100 % 100, int(number) % 100)
    for power in (0, 3, 6, 9):
        if 1e8 <= abs(number) / 10**power < 1e10:
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=number / 10**power)
    raise ValueError


def _from_words(text: str, day_first: bool) -> dt.datetime:
    if match := _DIGITS.fullmatch(text):
        first, _sign, second, third, *clock = match.groups()
        if len(first) > 2:
            return _moment(first, second, third, clock)
        try:
            return _moment(third, *((second, first) if day_first else (first, second)), clock)
        except ValueError:
            return _moment(third, *((first, second) if day_first else (second, first)), clock)
    if match := _CHINESE.fullmatch(text):
        year, month, day, *clock = match.groups()
        return _moment(year, month, day or "1", clock)
    if match := _MONTH_ONLY.fullmatch(text):
        return _moment(match[1], match[2], "1", [None] * 4)
    if match := _DAY_NAME.fullmatch(text):
        day, name, year, *clock = match.groups()
    elif match := _NAME_DAY.fullmatch(text):
        name, day, year, *clock = match.groups()
    else:
        raise ValueError
    return _moment(year, str(_MONTHS.index(name[:3].lower()) + 1), day, clock)


def _moment(year: str, month: str, day: str, clock: Sequence[str | None]) -> dt.datetime:
    hour, minute, second, half = clock
    hours, years = int(hour or 0), int(year)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    if len(year) <= 2:  # 69 is 2069, 70 is 1970
        years += 2000 if years < 70 else 1900
    return dt.datetime(years, int(month), int(day), hours, int(minute or 0), int(second or 0))


def _is_day_first(cells: Iterable[Any]) -> bool:
    """Tell the order of 1/2/2024 from the cells that leave no doubt; else day first, but month first with slashes."""
    votes, signs = 0, Counter[str]()
    for cell in cells:
        match = _DIGITS.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if match and len(match[1]) <= 2:
            votes += (int(match[1]) > 12) - (int(match[3]) > 12)
            signs[match[2]] += 1
    return votes > 0 or (votes == 0 and bool(signs) and signs.most_common(1)[0][0] != "/")


def _parts(moment: dt.datetime | None, clock: bool) -> list[float]:
    """Return the parts of a date as numbers, NaN where absent: as many as PARTS, without the hour when not clock."""
    if moment is None:
        return [math.nan] * (len(PARTS) - (not clock))
    angle = 2 * math.pi * (moment.timetuple().tm_yday - 1) / 365.25
    parts = [moment.year, moment.month, moment.weekday(), math.sin(angle), math.cos(angle)]
    return [*parts, moment.hour + moment.minute / 60] if clock else parts


def _key(cell: Any) -> str | None:
    """Return what a category cell is called: 3, 3.0 and " 3 " are all "3". None where absent."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFC", str(cell)).strip() or None


@dataclass(frozen=True)
class Scaler:
    """How one number is scaled: (x − centre) / spread, or with points by rank to a normal distribution."""

    name: str
    fill: float = 0.0  # the training median, what an absent cell is given
    centre: float = 0.0
    spread: float = 1.0
    points: tuple[float, ...] = ()  # quantiles of the training values, evenly spaced

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scale x (batch,), NaN where absent. The result stays within ±100, by rank within ±3.1."""
        x = np.where(np.isnan(x), self.fill, x)
        if not self.points:
            return np.clip((x - self.centre) / self.spread, -100, 100)
        from scipy.special import ndtri

        points = np.asarray(self.points)
        if points[0] == points[-1]:
            return np.zeros_like(x)
        share = np.linspace(0, 1, len(points))
        low = np.interp(x, points, share)  # of equal points np.interp takes the last; the middle of them is meant
        high = 1 - np.interp(-x, -points[::-1], share)
        return ndtri(np.clip((low + high) / 2, 0.001, 0.999))


@dataclass(frozen=True)
class ColumnPrep:
    """What was learned of one column."""

    name: str
    kind: str
    scalers: tuple[Scaler, ...] = ()  # one for a number, one for each part of a date
    day_first: bool = False
    clock: bool = False  # the dates hold a time of day
    values: tuple[str, ...] = ()  # code of values[i] is i + 1
    rare: bool = False  # the last code stands for all values that were seen once or are not among the most common

    @property
    def size(self) -> int:
        """Codes of a category column, 0 included."""
        return 1 + len(self.values) + self.rare


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class TabularPrep:
    """Cells of number, date and category columns → (batch, feature). `fitted` learns the columns."""

    scale: str = _option("quantile", "How numbers are scaled: quantile (by rank, no outliers) or standard.")
    max_categories: int = _option(50, "Values of a category column that get a code of their own: the most common.")
    min_count: int = _option(2, "Rows that a value must be in to get a code of its own.")
    columns: tuple[ColumnPrep, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise RequestError(f"tabular.scale is {self.scale!r}. {did_you_mean(str(self.scale), SCALES)}")
        for name in ("max_categories", "min_count"):
            if getattr(self, name) < 1:
                raise RequestError(f"tabular.{name} is {getattr(self, name)}; expected 1 or more.")

    @classmethod
    def of(cls, options: Mapping[str, object]) -> TabularPrep:
        """Make the options from names and values, which may be strings. Raises RequestError for an unknown one."""
        return from_strings(cls, options, "tabular")

    def fitted(self, columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> TabularPrep:
        """Return a copy that has learned from the training cells; kinds[column] is number, category or date."""
        learned = []
        for name, cells in columns.items():
            kind = kinds.get(name)
            if kind not in KINDS:
                raise RequestError(f"column {name!r} is of kind {kind!r}; expected one of: {', '.join(KINDS)}.")
            learn = {"number": self._learn_number, "date": self._learn_date, "category": self._learn_category}[kind]
            learned.append(learn(name, cells))
        return replace(self, columns=tuple(learned))

    def _learn_number(self, name: str, cells: Sequence[Any]) -> ColumnPrep:
        values = _read(ColumnPrep(name, "number"), cells, {})[:, 0]
        return ColumnPrep(name, "number", (self._scaler(name, values),))

    def _learn_date(self, name: str, cells: Sequence[Any]) -> ColumnPrep:
        column = ColumnPrep(name, "date", day_first=_is_day_first(cells), clock=True)
        parts = _read(column, cells, {})
        column = replace(column, clock=bool(np.nansum(parts[:, -1]) > 0))
        scalers = [
            Scaler(f"{name}: {part}") if part.startswith("season") else self._scaler(f"{name}: {part}", values)
            for part, values in zip(PARTS[: len(PARTS) - (not column.clock)], parts.T, strict=False)
        ]
        return replace(column, scalers=tuple(scalers))

    def _learn_category(self, name: str, cells: Sequence[Any]) -> ColumnPrep:
        counts = Counter(key for cell in cells if (key := _key(cell)) is not None)
        ordered = sorted(counts, key=lambda value: (-counts[value], value))
        values = tuple(v for v in ordered if counts[v] >= self.min_count)[: self.max_categories]
        return ColumnPrep(name, "category", values=values, rare=len(values) < len(ordered))

    def _scaler(self, name: str, x: np.ndarray) -> Scaler:
        x = x[~np.isnan(x)]
        if not len(x):
            return Scaler(name)
        middle = float(np.median(x))
        if self.scale == "standard":
            # Not the bare deviation: that of a constant column is rounding, and would blow it up.
            spread = float(np.std(x)) if np.ptp(x) > 1e-9 * np.abs(x).max() else 1.0
            return Scaler(name, middle, float(np.mean(x)), spread)
        points = np.quantile(x, np.linspace(0, 1, min(256, max(2, len(x)))))
        return Scaler(name, middle, points=tuple(float(p) for p in points))

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Return (batch, feature) float32: numbers, indicators (1 = absent), codes; see the module.

        Raises RequestError when a learned column is not there; give a column of None where it is absent in every row.
        """
        values: list[np.ndarray] = []
        holes: list[np.ndarray] = []
        codes: list[np.ndarray] = []
        for column in self.columns:
            cells = _cells(columns, column.name)
            if column.kind == "category":
                known = {value: k + 1 for k, value in enumerate(column.values)}
                other = column.size - 1 if column.rare else 0
                keys = [_key(cell) for cell in cells]
                codes.append(np.array([0 if key is None else known.get(key, other) for key in keys], float))
                continue
            read = _read(column, cells, {})
            for scaler, x in zip(column.scalers, read.T, strict=True):
                values.append(scaler(x))
                holes.append(np.isnan(x).astype(float))
        rows = len(next(iter(columns.values()), ()))
        if any(len(x) != rows for x in (*values, *codes)):
            lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
            raise RequestError(f"the columns are not of one length: {lengths}.")
        stacked = np.stack([*values, *holes, *codes], axis=1) if self.columns else np.zeros((rows, 0))
        return stacked.astype(np.float32)

    def broken(self, columns: Mapping[str, Sequence[Any]]) -> dict[int, str]:
        """Return {row: reason} for the rows with a cell that cannot be read; such a cell counts as absent."""
        out: dict[int, str] = {}
        for column in self.columns:
            _read(column, _cells(columns, column.name), out)
        return out

    def readable(self, name: str, cell: Any) -> bool:
        """Tell whether a cell of this column can be read; an absent one can."""
        column = next((c for c in self.columns if c.name == name), None)
        if column is None:
            raise RequestError(f"there is no column {name!r}. {did_you_mean(name, [c.name for c in self.columns])}")
        broken: dict[int, str] = {}
        _read(column, [cell], broken)
        return not broken

    def onehot(self, x: np.ndarray) -> np.ndarray:
        """Turn codes into one column for each, 0 included, for learners without embeddings: (batch, wider feature)."""
        start = 2 * self.numbers
        wide = [np.eye(size, dtype=np.float32)[x[:, start + k].astype(int)] for k, size in enumerate(self.categories)]
        return np.concatenate([x[:, :start], *wide], axis=1)

    def describe(self, row: np.ndarray) -> dict[str, str]:
        """Return what a row (feature,) of numbers says of each column, for a person."""
        out, place, code = {}, 0, 2 * self.numbers
        for column in self.columns:
            if column.kind == "category":
                number = int(row[code])
                word = "absent" if not number else "a rare value" if number > len(column.values) else "known"
                out[column.name] = f"code {number} of {column.size - 1} ({word})"
                code += 1
                continue
            end = place + len(column.scalers)
            shown = [f"{v:+.2f}" for v in row[place:end]]
            if column.kind == "date":
                shown = [f"{part} {value}" for part, value in zip(PARTS, shown, strict=False)]
            absent = bool(row[self.numbers + place])
            out[column.name] = ("absent, filled with " if absent else "") + ", ".join(shown)
            place = end
        return out

    @property
    def numbers(self) -> int:
        """How many numbers a row begins with (and how many indicators follow)."""
        return sum(len(column.scalers) for column in self.columns)

    @property
    def categories(self) -> tuple[int, ...]:
        """How many codes each category column has, 0 (absent) included."""
        return tuple(column.size for column in self.columns if column.kind == "category")

    @property
    def names(self) -> list[str]:
        """The name of each feature."""
        values = [scaler.name for column in self.columns for scaler in column.scalers]
        return [*values, *(f"{v}: absent" for v in values), *(c.name for c in self.columns if c.kind == "category")]

    def to_json(self) -> dict[str, Any]:
        """Return all that rebuilds this object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TabularPrep:
        """Rebuild what `to_json` gave. Raises RunError when it is damaged."""
        try:
            columns = []
            for entry in data["columns"]:
                scalers = tuple(Scaler(**{**s, "points": tuple(s["points"])}) for s in entry["scalers"])
                columns.append(ColumnPrep(**{**entry, "scalers": scalers, "values": tuple(entry["values"])}))
            return cls(**{**data, "columns": tuple(columns)})
        except (KeyError, TypeError) as error:
            raise RunError(f"the preparation of the table is damaged: {error}. Fit again.") from None


def _cells(columns: Mapping[str, Sequence[Any]], name: str) -> Sequence[Any]:
    if name not in columns:
        raise RequestError(f"the column {name!r} was there in training and is not here. {did_you_mean(name, columns)}")
    return columns[name]


def _read(column: ColumnPrep, cells: Sequence[Any], broken: dict[int, str]) -> np.ndarray:
    """Return the numbers of a column (batch, part), NaN where absent; note in `broken` the rows that cannot be read."""
    hole = _parts(None, column.clock) if column.kind == "date" else [math.nan]
    out = []
    for row, cell in enumerate(cells):
        value: list[float] | None = None
        try:
            if column.kind == "number":
                number = parse_number(cell)
                value = [math.nan if number is None else number]
            elif column.kind == "date":
                value = _parts(parse_date(cell, column.day_first), column.clock)
        except (ValueError, OverflowError):
            shown = repr(cell) if len(repr(cell)) <= 40 else repr(cell)[:37] + "…"
            reason = f"column {column.name!r}: {shown} is not a {column.kind}"
            broken[row] = f"{broken[row]}; {reason}" if row in broken else reason
        out.append(value or hole)
    return np.array(out, float).reshape(len(cells), len(hole))
