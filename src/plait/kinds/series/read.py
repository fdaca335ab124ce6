"""From cells of series to the inputs of an encoder."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.words import count
from plait.data.bounds import count_numbers
from plait.data.feature_cache import digest_bytes
from plait.data.media import open_cell
from plait.data.numbers import NPY, read_bare, read_list, read_npy, write_npy
from plait.errors import CellError, TableError
from plait.kinds.part import Opener, Part

DTYPE = np.float32
streams = Part.streams
TABLES = (".csv", ".tsv", ".parquet")  # files of one series each: a row for each point in time
MOST_BYTES = 2**26  # of such a file
MOST_NUMBERS = 10_000_000  # in it: of Parquet a few bytes can hold any number of them
NO_NUMBERS = "a list that holds something else than numbers"
CLOCK = re.compile(r"time|time[\s_]?stamp|date|datetime|t|index|sec(ond)?s?|ms|unnamed: 0", re.IGNORECASE)
_INNER = re.compile(r"\[([^\[\]]*)\]")


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> np.ndarray:
    """Return the numbers of a cell as it has them, (channel, time) or (time, channel), float32, NaN in holes.

    cell: an array or a list, of numbers or of such lists, also as text; or a file of NumPy, CSV or Parquet, with a row
    for each point in time and a column for each channel; its clock is none. Raises CellError.
    """
    values = _array_of(cell, folder)
    if values.dtype.kind not in "biuf":
        raise CellError(NO_NUMBERS)
    if values.ndim not in (1, 2):
        raise CellError(f"expected numbers over time, or channels of them, got an array of shape {values.shape}")
    if not values.size:
        raise CellError("an empty list", "no-numbers")
    with np.errstate(over="ignore"):
        values = np.atleast_2d(values).astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    if np.isnan(values).all():
        raise CellError("no number in it is finite", "not-finite")
    return values


def _array_of(cell: Any, folder: Path | None) -> np.ndarray:
    if isinstance(cell, np.ndarray):
        return cell
    if isinstance(cell, str) and (flat := read_bare(cell)) is not None:
        return flat
    if isinstance(cell, str) and cell.strip()[:1] == "[":
        return _of_lists(_parse(cell.strip()))
    if isinstance(cell, (list, tuple)):
        return _of_lists(cell)
    source = open_cell(cell, folder)
    if isinstance(source, Path) and source.suffix.lower() in TABLES:
        return read_file(source, str(cell))
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise CellError(f"cannot be opened: {cell} ({error.strerror})") from None
    if content.startswith(NPY):
        return read_npy(content)
    if isinstance(source, Path):
        raise CellError("no series: expected a list, or a file that ends in .csv, .parquet or .npy", "wrong-kind")
    with tempfile.TemporaryDirectory() as place:  # readers of tables take files
        path = Path(place) / ("cell.parquet" if content.startswith(b"PAR1") else "cell.csv")
        path.write_bytes(content)
        return read_file(path, "the file in the cell")


def _parse(text: str) -> list[Any]:
    """Return the list of lists that a text writes. Raises CellError."""
    rows = [read_list(f"[{inner}]") for inner in _INNER.findall(text)]
    if not rows or any(row is None for row in rows) or "".join(_INNER.sub("", text).split()).replace(",", "") != "[]":
        raise CellError(NO_NUMBERS)
    return rows


def _of_lists(cell: Any) -> np.ndarray:
    """Return an array of a list of numbers, or of lists of one length; None is NaN. Raises CellError."""
    nested = [part for part in cell if isinstance(part, (list, tuple, np.ndarray))]
    lengths = [len(part) for part in nested if np.ndim(part)]
    if nested and len(lengths) < len(cell):
        raise CellError(NO_NUMBERS)
    if len({*lengths}) > 1:
        raise CellError(
            f"ragged: lists of {min(lengths):,} to {max(lengths):,} points; expected as many in each", "ragged"
        )
    flat = [number for part in nested for number in part] if nested else cell
    try:
        array = np.array(cell, np.float64 if any(number is None for number in flat) else None)
    except (ValueError, TypeError, OverflowError):  # a whole number may be larger than any float
        raise CellError(NO_NUMBERS) from None
    return array if array.size else array.astype(np.float64)


def read_file(path: Path, name: str) -> np.ndarray:
    """Return the columns of numbers of a table (channel, time), without its clock. Raises CellError."""
    from plait.data.read import read as read_table  # here, since tables hold series more often than files of them

    if (size := path.stat().st_size) > MOST_BYTES:
        raise CellError(
            f"file too large: {name} has {size / 2**20:,.0f} MB, of at most {MOST_BYTES >> 20}", "too-large"
        )
    if (num := count_numbers(path.read_bytes())) > MOST_NUMBERS:
        raise CellError(f"too many numbers: {num:,}, expected at most {MOST_NUMBERS:,}", "too-large")
    try:
        table = read_table(path)
    except TableError as error:
        why = str(error).rstrip(".").replace(str(path), name)
        raise CellError(f"no table of numbers: {why}", "unreadable") from None
    channels = []
    for place, column in enumerate(table.names):
        cells: Any = table.data[column]
        kind = "" if isinstance(cells, np.ndarray) else str(cells.type)
        if place == 0 and _is_clock(column, kind, cells):
            continue
        if not kind.startswith(("int", "uint", "float", "double", "bool", "null")):
            raise CellError(f"no table of numbers: column {column!r} of {name} holds something else")
        channels.append([np.nan if value is None else value for value in cells.to_pylist()])
    if not channels:
        raise CellError(f"no table of numbers: {name} has no column beside its clock")
    return np.array(channels, np.float64)


def _is_clock(name: str, kind: str, cells: Any) -> bool:
    """Whether the first column of a table says when each row was: a name of time, and it only grows; or dates."""
    if not CLOCK.fullmatch(name.strip()):
        return kind.startswith(("date", "timestamp"))
    if kind.startswith(("int", "uint", "float", "double")):
        values = np.array([np.nan if value is None else value for value in cells.to_pylist()], np.float64)
        return len(values) > 1 and bool((np.diff(values) > 0).all())
    return True  # moments as text


def apply(prep: Any, value: np.ndarray) -> np.ndarray:
    """Return a series in the length and the scale of the training rows. Raises CellError."""
    row = prep.upright(value)
    if blank := np.flatnonzero(np.isnan(row).all(axis=1)).tolist():
        raise CellError(f"channel {blank[0]} of {count(len(row))} has no number that is finite", "not-finite")
    return prep(value)


def digest(cell: Any, folder: Path | None, rate: int | None = None) -> bytes:
    """Return the hash of the numbers, however they are written. Raises CellError."""
    return digest_bytes(write_npy(read(cell, folder)))


OPENER = Opener("a series", read, apply)
prepare = OPENER.prepare


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation fitted to a sample of these rows."""
    return prep.fitted(OPENER.sample(part, rows, generator), generator)
