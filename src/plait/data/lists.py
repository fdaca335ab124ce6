"""Lists of Python values → Arrow arrays, where that is simple, without pandas, which Arrow imports for each list.

Knows texts and numbers; of all else Arrow makes what it makes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

SHORT = 20_000  # cells; of 800,000 Arrow is quicker by as much as it takes to import pandas
MOST_BYTES = 2**31 - 1  # of the texts of one array


def array_of(cells: Sequence[Any], kind: str | None = None) -> pa.Array:
    """Return `pyarrow.array(cells, kind)`. kind: "string", "double", another name of Arrow's, or None to see."""
    import pyarrow as pa

    if len(cells) > SHORT or "pandas" in sys.modules:
        return pa.array(cells, kind)
    kinds = {*map(type, cells)} - {type(None)}
    if kinds == {str} and kind in (None, "string"):
        data, lengths = _encoded(["" if cell is None else cell for cell in cells])
        if len(data) <= MOST_BYTES:
            ends = np.cumsum([0, *lengths], dtype=np.int32)
            return pa.Array.from_buffers(pa.string(), len(cells), [_present(cells), *map(pa.py_buffer, (ends, data))])
    if kinds <= {float} and kind == "double":
        values = np.array([0.0 if cell is None else cell for cell in cells], np.float64)
        return pa.Array.from_buffers(pa.float64(), len(cells), [_present(cells), pa.py_buffer(values)])
    return pa.array(cells, kind)


def _encoded(texts: list[str]) -> tuple[bytes, Sequence[int]]:
    """Return texts as UTF-8, one after the other, and the bytes of each."""
    data = "".join(texts).encode()
    lengths = [*map(len, texts)]
    return data, lengths if len(data) == sum(lengths) else [len(text.encode()) for text in texts]


def _present(cells: Sequence[Any]) -> pa.Buffer | None:
    """Return Arrow's bits that say which cells are there, or None where all are."""
    import pyarrow as pa

    there = np.array([cell is not None for cell in cells], bool)
    return None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little"))
