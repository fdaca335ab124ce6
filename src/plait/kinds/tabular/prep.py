"""Tables: numbers, dates and categories → one row of numbers. Knows no table file and no network.

A row is laid out as: first `numbers` numbers (scaled; where absent, the training median), then as many indicators
(1 = absent), then one code for each category column (0 = absent). A cell that cannot be read counts as absent, and
`broken` names it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from plait.core.options import option
from plait.core.words import count
from plait.data.parse import (
    CLOCK,
    FEET,
    LARGEST_NUMBER,
    LONGEST,
    SPAN,
    counts_from_1970,
    how_written,
    is_day_first,
    parse_date,
    parse_number,
    zone_of,
    zones_in,
)
from plait.data.spelling import fold_value, spellings
from plait.errors import RequestError, RunError, did_you_mean
from plait.kinds.preparation import Preparation, check_bounds

KINDS = ("number", "category", "date")
SCALES = ("auto", "quantile", "standard")
FAR, SKEWED, END = 6.0, 1.25, 10.0  # spreads from the mean, and skewness, of what has a long tail; and no answer beyond
MOST, BEFORE = 10_000, 50  # categories of a column: by default, and as 0.1.0 had it
BOUNDS = {"max_categories": (1, 65_536, ""), "min_count": (1, math.inf, "")}
MOST_OTHERS = 100_000  # rare values of a column that are known again, 8 bytes each
LOT = 1024  # cells that are read at once; one that is odd has so many read one by one
PARTS = ("year", "month", "day of week", "season sine", "season cosine", "hour")


def _parts(moment: dt.datetime | None, clock: bool) -> list[float]:
    """Return the parts of a date as numbers, NaN where absent: as many as PARTS, without the hour when not clock."""
    if moment is None:
        return [math.nan] * (len(PARTS) - (not clock))
    angle = 2 * math.pi * (moment.timetuple().tm_yday - 1) / 365.25
    parts = [moment.year, moment.month, moment.weekday(), math.sin(angle), math.cos(angle)]
    return [*parts, moment.hour + moment.minute / 60] if clock else parts


def key_of(cell: Any) -> str | None:
    """Return what a category cell is called: 3, 3.0 and " 3 " are all "3". None where absent."""
    if cell is None or cell != cell:
        return None
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFC", str(cell)).strip() or None


@dataclass(frozen=True)
class Scaler:
    """How one number is scaled: (x − centre) / spread, at most `end`, or with points by rank to a bell curve."""

    name: str
    fill: float = 0.0  # the training median, what an absent cell is given
    centre: float = 0.0
    spread: float = 1.0
    points: tuple[float, ...] = ()  # quantiles of the training values, evenly spaced
    end: float = 100.0

    def __post_init__(self) -> None:
        if not (self.spread > 0 and all(map(math.isfinite, (self.fill, self.centre, self.spread, *self.points)))):
            raise RequestError(f"the scale of {self.name!r} is not of finite numbers, with a spread above 0.")
        steps = np.diff(self.points)
        if (steps < -1e-9 * np.abs(self.points).max(initial=1)).any():  # quantiles may be off by a rounding
            raise RequestError(f"the points of {self.name!r} do not rise.")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Scale x (batch,), NaN where absent. The result stays within ±end, by rank within ±3.1."""
        x = np.where(np.isnan(x), self.fill, x)
        if not self.points:
            return np.clip((x - self.centre) / self.spread, -self.end, self.end)
        from statistics import NormalDist  # scipy's function is as exact, and takes long to import

        turn = NormalDist().inv_cdf
        points = np.asarray(self.points)
        if points[0] == points[-1]:
            return np.zeros_like(x)
        share = np.linspace(0, 1, len(points))
        low = np.interp(x, points, share)  # of equal points np.interp takes the last; the middle of them is meant
        high = 1 - np.interp(-x, -points[::-1], share)
        return np.array([turn(middle) for middle in np.clip((low + high) / 2, 0.001, 0.999).tolist()])


@dataclass(frozen=True)
class ColumnPrep:
    """What was learned of one column."""

    name: str
    kind: str
    scalers: tuple[Scaler, ...] = ()  # one for a number, one for each part of a date
    day_first: bool | None = False  # None: in training no date was such as 1/2/2024
    decimal_comma: bool = False
    clock: bool = False  # the dates hold a time of day
    zones: tuple[int, ...] = ()  # of dates that name one: minutes ahead of UTC
    values: tuple[str, ...] = ()  # code of values[i] is i + 1
    unit: str = ""  # of the numbers, such as kg
    zone: int | None = None  # of the dates, in minutes ahead of UTC; None: as their clocks show them
    rare: bool = False  # the last code stands for all values that were seen once or are not among the most common

    @classmethod
    def of(cls, name: str, kind: str, cells: Sequence[Any]) -> ColumnPrep:
        """Return a column of which is known how its cells write numbers and dates."""
        if kind == "date":
            zones, zone = tuple(sorted(zones_in(cells))), zone_of(cells)
            if counts_from_1970(next((cell for cell in cells if cell is not None), None)):
                zones, zone = (0,), 0
            return cls(name, kind, day_first=is_day_first(cells), zone=zone, zones=zones, clock=True)
        return cls(name, kind, **how_written(cells)._asdict()) if kind == "number" else cls(name, kind)

    @property
    def parts(self) -> int:
        """How many numbers a cell gives; none of a category."""
        return {"number": 1, "date": len(PARTS) - (not self.clock)}.get(self.kind, 0)

    @property
    def size(self) -> int:
        """Codes of a category column, 0 included."""
        return 1 + len(self.values) + self.rare


@dataclass(frozen=True)
class TabularPrep(Preparation):
    """How cells of number, date and category columns become numbers (batch, feature).

    Args:
        scale: how numbers are scaled: "quantile" (by rank, no outliers), "standard", or "auto": by rank where they have
            a long tail.
        max_categories: values of a category column that get a code of their own: the most common.
        min_count: rows that a value must be in to get a code of its own.
        columns: what `fitted` learned of each column.
        others: hashes of the values of category columns that have no code of their own: {column: (value,)}.

    Example:
        >>> cells = {"age": [34, None, 51], "town": ["Bern", "Bern", "Basel"]}
        >>> prep = plait.TabularPrep().fitted(cells, {"age": "number", "town": "category"})
        >>> prep.names, prep(cells).shape
        (['age', 'age: missing', 'town'], (3, 3))
    """

    KIND: ClassVar[str] = "tabular"

    scale: str = option(
        "auto",
        "How numbers are scaled: quantile (by rank, no outliers), standard, or auto: by rank those with a long tail.",
    )
    max_categories: int = option(MOST, "Values of a category column that get a code of their own: the most common.")
    min_count: int = option(2, "Rows that a value must be in to get a code of its own.")
    columns: tuple[ColumnPrep, ...] = field(default=(), repr=False)
    others: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise RequestError(f"tabular.scale is {self.scale!r}. {did_you_mean(str(self.scale), SCALES)}")
        check_bounds(self, BOUNDS)
        for column in self.columns:
            if column.kind not in KINDS or len(column.scalers) != column.parts:
                scales = f"{len(column.scalers)} scales; expected {column.parts} of {', '.join(KINDS)}"
                raise RequestError(f"column {column.name!r} is of kind {column.kind!r} with {scales}.")
            if len(column.values) > self.max_categories:
                listed = f"{len(column.values)} categories; expected at most {self.max_categories}"
                raise RequestError(f"column {column.name!r} has {listed}.")

    def fitted(self, columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> TabularPrep:
        """Return a copy that has learned the columns from the training cells.

        Args:
            columns: {column: (batch,) cells}.
            kinds: {column: number, category or date}.

        Raises:
            RequestError: a column of another kind.
        """
        learned, others = list[ColumnPrep](), dict[str, np.ndarray]()
        for name, cells in columns.items():
            kind = kinds.get(name)
            if kind not in KINDS:
                raise RequestError(f"column {name!r} is of kind {kind!r}; expected one of: {', '.join(KINDS)}.")
            if kind == "category":
                column, rest = self._learn_category(name, kind, cells)
                if 0 < len(rest) <= MOST_OTHERS:
                    others[name] = np.sort([_hash(value) for value in rest])
            else:
                column = self._learn_numbers(name, kind, cells)
            learned.append(column)
        least = self.max_categories == MOST and all(len(column.values) < BEFORE for column in learned)
        most = BEFORE if least else self.max_categories  # the same then, and what 0.1.0 kept is found
        return replace(self, columns=tuple(learned), max_categories=most, others=others)

    def _learn_numbers(self, name: str, kind: str, cells: Sequence[Any]) -> ColumnPrep:
        column = ColumnPrep.of(name, kind, cells)
        parts = read_numbers(column, cells, {})
        if kind == "number":
            return replace(column, scalers=(self._scaler(name, parts[:, 0]),))
        column = replace(column, clock=bool(np.nansum(parts[:, -1]) > 0))
        scalers = [
            Scaler(f"{name}: {part}") if part.startswith("season") else self._scaler(f"{name}: {part}", values)
            for part, values in zip(PARTS[: len(PARTS) - (not column.clock)], parts.T, strict=False)
        ]
        return replace(column, scalers=tuple(scalers))

    def _learn_category(self, name: str, kind: str, cells: Sequence[Any]) -> tuple[ColumnPrep, list[str]]:
        """Return what was learned of a column, and its values that have no code of their own."""
        counts = Counter(key for cell in cells if (key := key_of(cell)) is not None)
        ordered = sorted(counts, key=lambda value: (-counts[value], value))
        values = tuple(v for v in ordered if counts[v] >= self.min_count)[: self.max_categories]
        known = {*values}
        rest = [value for value in ordered if value not in known]
        return ColumnPrep(name, kind, values=values, rare=bool(rest)), rest

    def _scaler(self, name: str, x: np.ndarray) -> Scaler:
        x = x[~np.isnan(x)]
        if not len(x):
            return Scaler(name)
        middle = float(np.median(x))
        even = self.scale == "auto" and not has_tail(x)
        if self.scale == "standard" or even:
            # Not the bare deviation: that of a constant column is rounding, and would blow it up.
            spread = float(np.std(x)) if np.ptp(x) > 1e-9 * np.abs(x).max() else 1.0
            if not 0 < spread < math.inf:  # its squares are too large, or too small, for a float
                return Scaler(name, middle, middle, float(np.ptp(x)))
            return Scaler(name, middle, float(np.mean(x)), spread, end=END if even else 100.0)
        points = np.quantile(x, np.linspace(0, 1, min(256, max(2, len(x)))))
        return Scaler(name, middle, points=tuple(float(p) for p in points))

    def __call__(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Return `columns`, {name: (batch,) cells}, as float32 (batch, feature), laid out as `names` says.

        Raises:
            RequestError: a learned column is not there (give one of None), or columns are not of one length.
        """
        values, holes, codes = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
        for column in self.columns:
            cells = _cells(columns, column.name)
            if column.kind == "category":
                keys, other = [key_of(cell) for cell in cells], column.size - 1 if column.rare else 0
                known = {value: k + 1 for k, value in enumerate(column.values)}
                meant = self.meant(column, keys)
                codes.append(
                    np.array([0 if key is None else known.get(meant[key] or "", other) for key in keys], float)
                )
                continue
            read = read_numbers(column, cells, {})
            for scaler, x in zip(column.scalers, read.T, strict=True):
                values.append(scaler(x))
                holes.append(np.isnan(x).astype(float))
        rows = len(next(iter(columns.values()), ()))
        if any(len(x) != rows for x in (*values, *codes)):
            lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
            raise RequestError(f"the columns are not of one length: {lengths}.")
        stacked = np.stack([*values, *holes, *codes], axis=1) if self.columns else np.zeros((rows, 0))
        return stacked.astype(np.float32)

    def meant(self, column: ColumnPrep, keys: Iterable[str | None]) -> dict[str, str | None]:
        """Return {key: the value of training that it surely is, or None where it is new}."""
        known, other = {*column.values}, self.others.get(column.name)
        meant: dict[str, str | None] = {key: key for key in keys if key is not None}
        strange = [key for key in meant if key not in known]
        if not strange or (column.rare and other is None):  # which values were rare is not known: it may be any
            return meant
        alike = spellings(column.values, truths=not column.rare)
        for key in strange:
            if other is None or not _is_in(other, _hash(key)):
                meant[key] = alike.get(fold_value(key))
        return meant

    def broken(self, columns: Mapping[str, Sequence[Any]]) -> dict[int, str]:
        """Return {row: reason} for the rows with a cell that cannot be read; such a cell counts as missing."""
        out: dict[int, str] = {}
        for column in self.columns:
            read_numbers(column, _cells(columns, column.name), out)
        return out

    def onehot(self, x: np.ndarray) -> np.ndarray:
        """Return x with codes turned into one column for each, 0 included: (batch, wider feature)."""
        start = 2 * self.numbers
        wide = [np.eye(size, dtype=np.float32)[x[:, start + k].astype(int)] for k, size in enumerate(self.categories)]
        return np.concatenate([x[:, :start], *wide], axis=1)

    def describe(self, row: np.ndarray) -> dict[str, str]:
        """Return what a row (feature,) of numbers says of each column, for a person."""
        out, place, code = {}, 0, 2 * self.numbers
        for column in self.columns:
            if column.kind == "category":
                number = int(row[code])
                word = "missing" if not number else "a rare value" if number > len(column.values) else "known"
                out[column.name] = f"code {number} of {column.size - 1} ({word})"
                code += 1
                continue
            end = place + len(column.scalers)
            shown = [f"{v:+.2f}" for v in row[place:end]]
            if column.kind == "date":
                shown = [f"{part} {value}" for part, value in zip(PARTS, shown, strict=False)]
            absent = bool(row[self.numbers + place])
            out[column.name] = ("missing, filled with " if absent else "") + ", ".join(shown)
            place = end
        return out

    @property
    def cuts(self) -> list[str]:
        """A sentence for each category column of which only the commonest values are told apart."""
        most, flag = count(self.max_categories), f"--prep {self.KIND}.max_categories=N"
        cut = [c.name for c in self.columns if c.rare and len(c.values) == self.max_categories]
        return [f"{name}: the {most} commonest values are told apart, all others count as one; {flag}." for name in cut]

    @property
    def numbers(self) -> int:
        """How many numbers a row begins with (and how many indicators follow)."""
        return sum(len(column.scalers) for column in self.columns)

    @property
    def categories(self) -> tuple[int, ...]:
        """How many codes each category column has, 0 (missing) included."""
        return tuple(column.size for column in self.columns if column.kind == "category")

    @property
    def names(self) -> list[str]:
        """The name of each feature."""
        values = [scaler.name for column in self.columns for scaler in column.scalers]
        return [*values, *(f"{v}: missing" for v in values), *(c.name for c in self.columns if c.kind == "category")]

    def to_json(self) -> dict[str, Any]:
        """Return all that rebuilds this object."""
        data = super().to_json()
        for entry in data["columns"]:
            for scaler in entry["scalers"]:
                if scaler["end"] == 100.0:
                    del scaler["end"]
            for name, usual in (("decimal_comma", False), ("unit", ""), ("zone", None), ("zones", ())):
                if entry[name] == usual or entry[name] == []:  # as 0.1.0 wrote it, so that what it kept is found
                    del entry[name]
        return data

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this object: a dict for JSON and named arrays."""
        places = {column.name: place for place, column in enumerate(self.columns)}
        return self.to_json(), {f"others.{places[name]}": values for name, values in self.others.items()}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> TabularPrep:
        """Return what `state` gave as an object again; arrays are not there in what plait 0.1.0 wrote.

        Raises RunError where they are no hashes.
        """
        prep = cls.from_json(data)
        others = {c.name: arrays[key] for i, c in enumerate(prep.columns) if (key := f"others.{i}") in arrays}
        for name, values in others.items():
            if values.dtype != np.int64 or values.ndim != 1:
                raise RunError(f"the tabular preparation is damaged: the rare values of {name!r} are none. Fit again.")
        return replace(prep, others=others)


def has_tail(x: np.ndarray) -> bool:
    """Whether a few numbers lie so far out that they would outweigh all others, or all are the same.

    Of others no rank is taken: what two say by their sum, difference or ratio would be lost to a linear learner.
    """
    spread = float(np.std(x))
    if not 0 < spread < math.inf or np.ptp(x) <= 1e-9 * np.abs(x).max():
        return True
    apart = (x - np.mean(x)) / spread
    return bool(np.abs(apart).max() > FAR or abs((apart**3).mean()) > SKEWED)


def _cells(columns: Mapping[str, Sequence[Any]], name: str) -> Sequence[Any]:
    if name not in columns:
        raise RequestError(f"the column {name!r} was there in training and is not here. {did_you_mean(name, columns)}")
    return columns[name]


def show_cell(cell: Any) -> str:
    """Return a cell as a reason quotes it, cut where it is long."""
    shown = str(cell) if isinstance(cell, dt.date) else repr(cell)
    return shown if len(shown) <= 40 else shown[:37] + "…"


def note(reasons: dict[int, str], row: int, why: str) -> None:
    """Add why a cell is of no use to the reasons of its row."""
    reasons[row] = f"{reasons[row]}; {why}" if row in reasons else why


def _hash(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def _is_in(hashes: np.ndarray, wanted: int) -> bool:
    """Whether a hash is among these, which are sorted."""
    place = int(np.searchsorted(hashes, wanted))
    return place < len(hashes) and int(hashes[place]) == wanted


def read_numbers(column: ColumnPrep, cells: Sequence[Any], broken: dict[int, str]) -> np.ndarray:
    """Return the numbers of a column (batch, part), NaN where absent; note in `broken` the rows that cannot be read."""
    hole = _parts(None, column.clock) if column.kind == "date" else [math.nan]
    out, at_once = list[np.ndarray](), column.kind == "number" and not column.decimal_comma
    at_once = at_once and column.unit not in (CLOCK, SPAN, FEET)
    for start in range(0, len(cells), LOT):
        lot = cells[start : start + LOT]
        numbers = plain_numbers(lot) if at_once else None
        out.append(_read_each(column, lot, start, hole, broken) if numbers is None else numbers[:, None])
    return np.concatenate([np.zeros((0, len(hole))), *out])


def _read_each(
    column: ColumnPrep, cells: Sequence[Any], start: int, hole: list[float], broken: dict[int, str]
) -> np.ndarray:
    """Return the numbers of cells, each by itself (batch, part). start: the row of the first."""
    out = []
    for row, cell in enumerate(cells, start):
        value: list[float] | None = None
        try:
            if column.kind == "number":
                number = parse_number(cell, column.decimal_comma, column.unit)
                value = [math.nan if number is None else number]
            elif column.kind == "date":
                value = _parts(parse_date(cell, column.day_first, column.zone), column.clock)
        except (ValueError, OverflowError):
            unit = f" in {column.unit}" if column.unit else ""
            note(broken, row, f"column {column.name!r}: {show_cell(cell)} is not a {column.kind}{unit}")
        out.append(value or hole)
    return np.array(out, float).reshape(len(cells), len(hole))


def plain_numbers(cells: Sequence[Any]) -> np.ndarray | None:
    """Return cells as numbers (batch,), NaN where absent, or None where one has to be looked at by itself.

    Numbers, or texts that are written as Python writes numbers: these are read in a fifth of the time.
    """
    if all(kind is str for kind in {type(cell) for cell in cells}):
        # of these letters float reads what PLAIN matches, and nothing else
        odd = "".join(cells).encode("utf-8", "surrogatepass").translate(None, b"0123456789+-.eE")
        if odd or max(map(len, cells), default=0) > LONGEST:
            return None
        try:
            numbers = np.array([*map(float, cells)])
        except ValueError:
            return None
    elif all(issubclass(kind, (int, float, np.number)) for kind in {type(cell) for cell in cells} - {type(None)}):
        try:
            numbers = np.array([math.nan if cell is None else float(cell) for cell in cells])
        except (OverflowError, TypeError):  # a whole number of over 300 digits, or a complex one
            return None
    else:
        texts = [cell for cell in cells if cell is not None]
        read = plain_numbers(texts) if len(texts) < len(cells) else None
        if read is None:
            return None
        numbers = np.full(len(cells), math.nan)
        numbers[[cell is not None for cell in cells]] = read
    return None if (np.abs(numbers) > LARGEST_NUMBER).any() else numbers


PREP = TabularPrep


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of a table: how many numbers, and how many codes of each category."""
    return {"numbers": prep.numbers, "categories": list(prep.categories)}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (feature,): numbers, a flag for each, a code for each category."""
    return (2 * layout["numbers"] + len(layout["categories"]),)
