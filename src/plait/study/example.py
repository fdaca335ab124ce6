"""One row of a run on which to try it, as its report shows some: its cells, those that are files as their bytes.

Knows a table and its columns; no model. With the report switched off a run holds no row.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import jsonable
from plait.data.media import part_of, read_head
from plait.errors import CellError
from plait.kinds import SERIES, is_opened

MOST = 1_000_000  # bytes of the files of a row: a run shall not be large because of it
MOST_NUMBERS = 10_000  # of a vector or a series


def pack_example(
    table: Table, kinds: Mapping[str, str], rows: Sequence[int], statuses: Sequence[str]
) -> dict[str, Any]:
    """Return {column: cell} of the first of these rows that is whole, else of the first that has an answer, as JSON.

    A file is {"base64": its bytes}. kinds: of the columns that count. Empty where no row has an answer.
    """
    known = sorted((status != "ok", place) for place, status in enumerate(statuses) if status != "failed")
    if not known:
        return {}
    row = int(rows[known[0][1]])
    cells = {name: table.cells(name, np.array([row]))[0] for name in kinds if name in table.data}
    packed, left = {}, MOST
    for name, cell in cells.items():
        packed[name] = _pack_file(cell, kinds[name], table, left) if is_opened(kinds[name]) else jsonable(cell)
        left -= len(packed[name]["base64"]) if isinstance(packed[name], dict) else 0
    return {name: cell for name, cell in packed.items() if cell is not None}


def _pack_file(cell: Any, kind: str, table: Table, most: int) -> Any:
    """Return a file as JSON, a vector or series as its numbers; None of what is too large, or is part of a file."""
    try:
        series = kind == SERIES.name
        if series and not isinstance(cell, np.ndarray):
            cell = SERIES.read.read(cell, table.folder)
        if isinstance(cell, (list, np.ndarray)):
            values = np.asarray(cell)
            short = values.ndim <= 1 + series and values.size <= MOST_NUMBERS and values.dtype.kind in "iuf"
            return jsonable(values) if short else None
        content = read_head(cell, table.folder, None)
        whole = part_of(cell, content) == (0.0, None)
    except CellError:
        return None
    text = base64.b64encode(content).decode()
    return {"base64": text} if whole and len(text) <= most else None
