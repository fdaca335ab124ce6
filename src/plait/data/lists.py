"""Lists and numpy's arrays → Arrow arrays, where that is simple, without pandas, which Arrow imports for each of them.

Knows texts and numbers; of all else Arrow makes what it makes.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

SHORT = 20_000  # cells; of 800,000 Arrow is quicker by as much as it takes to import pandas
MOST_BYTES = 2**31 - 1  # of the texts of one array


def array_of(cells: Sequence[Any] | np.ndarray, kind: str | None = None, nan: bool = True) -> pa.Array:
    """Return `pyarrow.array(cells, kind, from_pandas=not nan)`. kind: "string", "double", another name of Arrow's, or
    None to see. nan: whether NaN stays a number, and is not absent."""
    import pyarrow as pa

    if len(cells) > SHORT or "pandas" in sys.modules:
        return pa.array(cells, kind, from_pandas=not nan)
    if isinstance(cells, np.ndarray):
        plain = _is_plain(cells) and kind is None
        return _of_numbers(cells, nan) if plain else pa.array(cells, kind, from_pandas=not nan)
    kinds = {*map(type, cells)} - {type(None)}
    if kinds == {str} and kind in (None, "string"):
        data, lengths = _encoded(["" if cell is None else cell for cell in cells])
        if len(data) <= MOST_BYTES:
            ends = np.cumsum([0, *lengths], dtype=np.int32)
            return pa.Array.from_buffers(pa.string(), len(cells), [_present(cells), *map(pa.py_buffer, (ends, data))])
    if kinds <= {float} and (kind == "double" or (kinds and kind is None)):
        values = np.array([0.0 if cell is None else cell for cell in cells], np.float64)
        absent = None if nan else np.isnan(values)
        return pa.Array.from_buffers(pa.float64(), len(cells), [_present(cells, absent), pa.py_buffer(values)])
    if kinds == {int} and kind is None:
        with contextlib.suppress(OverflowError):
            values = np.array([0 if cell is None else cell for cell in cells], np.int64)
            return pa.Array.from_buffers(pa.int64(), len(cells), [_present(cells), pa.py_buffer(values)])
    return pa.array(cells, kind, from_pandas=not nan)


def _is_plain(values: np.ndarray) -> bool:
    """Whether Arrow holds this array as it lies in memory."""
    return values.dtype.kind in "iuf" and values.ndim == 1 and values.flags.carray and values.dtype.isnative


def _of_numbers(values: np.ndarray, nan: bool) -> pa.Array:
    import pyarrow as pa

    there = None if nan or values.dtype.kind != "f" else ~np.isnan(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [_bits(there), pa.py_buffer(values)])


def _encoded(texts: list[str]) -> tuple[bytes, Sequence[int]]:
    """Return texts as UTF-8, one after the other, and the bytes of each."""
    data = "".join(texts).encode()
    lengths = [*map(len, texts)]
    return data, lengths if len(data) == sum(lengths) else [len(text.encode()) for text in texts]


def _present(cells: Sequence[Any], absent: np.ndarray | None = None) -> pa.Buffer | None:
    """Return Arrow's bits that say which cells are there, or None where all are. absent: those that are not, too."""
    there = np.array([cell is not None for cell in cells], bool)
    return _bits(there if absent is None else there & ~absent)


def _bits(there: np.ndarray | None) -> pa.Buffer | None:
    import pyarrow as pa

    return None if there is None or there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
