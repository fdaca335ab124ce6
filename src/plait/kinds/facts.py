"""What is counted of one column before anyone judges it. No cell is decoded; Arrow does the work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from plait.core.contract import Column, Table
from plait.data.lists import array_of
from plait.data.parse import is_missing

if TYPE_CHECKING:
    import pyarrow as pa

V = TypeVar("V")
SAMPLE = 200  # cells looked into, spread over the column
FEW = 20  # different values that are few
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Guess:
    """What a column seems to hold. usable: False where nothing can be learned from it, as `why` tells."""

    kind: str
    why: str
    confidence: float
    usable: bool = True


@dataclass(frozen=True)
class Facts:
    """What is counted of a column. filled: cells that are there; distinct: different values, None where not counted;
    sample: some of the filled cells, in row order; form: text, whole, real, bool, date, bytes, array or other;
    category: whether these are numbers that their type calls categories. rate: of arrays, Hz that were given with them.
    """

    name: str
    rows: int
    filled: int
    distinct: int | None
    sample: list[Any]
    form: str
    values: pa.ChunkedArray | None = field(default=None, repr=False, compare=False)
    category: bool = False
    rate: int | None = None

    @property
    def holes(self) -> int:
        return self.rows - self.filled

    @property
    def written(self) -> bool:
        """Whether the cells are strings."""
        return self.form == "text"

    @property
    def differs(self) -> bool:
        """Whether (nearly) all values are different."""
        return self.distinct is not None and self.filled > 1 and self.distinct >= 0.99 * self.filled

    def uniques(self) -> list[Any]:
        return [] if self.values is None else self.values.unique().to_pylist()

    def rows_each(self) -> list[int]:
        """Return in how many rows each of the different values is."""
        return [] if self.values is None else self.values.value_counts().field("counts").to_pylist()


def facts_of(table: Table, name: str) -> Facts:
    """Count one column: filled cells, different values, a sample."""
    import pyarrow as pa

    values = table.data[name]
    rate = table.sample_rates.get(name)
    if isinstance(values, np.ndarray):
        if values.ndim > 1:
            sample = [values[i] for i in spread(len(values))]
            return Facts(name, len(values), len(values), None, sample, "array", rate=rate)
        if values.dtype == object:
            cells = [cell for cell in table.cells(name) if cell is not None]
            sample = [cells[i] for i in spread(len(cells))]
            form = "array" if any(isinstance(cell, np.ndarray) for cell in sample) else "other"
            return Facts(name, len(values), len(cells), None, sample, form, rate=rate)
        values = pa.chunked_array([array_of(values, nan=False)])
    present, form = _present(values)
    countable = form in ("text", "whole", "real", "bool", "date")
    distinct = len(present.unique()) if countable else None
    sample = present.take(array_of(spread(len(present)))).to_pylist()
    counted = present if countable else None
    return Facts(name, len(values), len(present), distinct, sample, form, counted, name in table.categories)


def absent_cells(table: Table, column: Column) -> list[bool]:
    """Return which cells of a column are absent: blank, or a word for nothing among numbers and dates; elsewhere such
    a word, as in `none`, `low`, `high`, is a value."""
    worded = column.kind in ("number", "date")
    return [cell is None or (worded and is_missing(cell)) for cell in table.cells(column.name)]


def spread(length: int) -> np.ndarray:
    """Return at most SAMPLE row numbers, spread evenly from the first to the last."""
    return np.unique(np.linspace(0, max(length - 1, 0), min(length, SAMPLE)).astype(np.int64))


def _present(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    """Return the filled cells, and their form."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, present, types = values.type, values.drop_null(), pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return present.filter(pc.utf8_length(pc.utf8_trim_whitespace(present)).cast(pa.bool_())), "text"
    if types.is_floating(kind):
        return present.filter(pc.invert(pc.is_nan(present))), "real"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return present.filter(pc.binary_length(present).cast(pa.bool_())), "bytes"
    if types.is_struct(kind) and {f.name for f in kind} & {"bytes", "path"}:
        held = [pc.is_valid(pc.struct_field(present, [f.name])) for f in kind if f.name in ("bytes", "path")]
        return present.filter(held[0] if len(held) == 1 else pc.or_(*held)), "bytes"
    for is_form, form in (
        (types.is_integer, "whole"), (types.is_boolean, "bool"), (types.is_date, "date"), (types.is_timestamp, "date"),
    ):  # fmt: skip
        if is_form(kind):
            return present, form
    return present, "other"


def rows_of(values: Iterable[V | None]) -> dict[V, list[int]]:
    """Return the rows that each value is in, in order; None is left out.

    >>> rows_of(["a", None, "b", "a"])
    {'a': [0, 3], 'b': [2]}
    """
    rows: dict[V, list[int]] = {}
    for row, value in enumerate(values):
        if value is not None:
            rows.setdefault(value, []).append(row)
    return rows


def count_matching(cells: list[Any], test: Any) -> int:
    return sum(test(cell) is not None for cell in cells)


def share_matching(cells: list[Any], test: Any) -> float:
    return count_matching(cells, test) / len(cells) if cells else 0.0
