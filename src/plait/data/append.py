"""The rows of a table below those of another. Knows columns and cells, not what they mean."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.data.columns import column_of_cells
from plait.data.spelling import match_names


def append_rows(table: Table, other: Table, name: str, cells: list[Any]) -> tuple[Table, list[str]]:
    """Return a table with the rows of another below its own, and the columns that the other lacks: absent there.

    Columns go by their names, as far as these are surely the same; what only the other has is left out.
    name, cells: a column of the table that comes of it, whether or not they have it.
    """
    found = match_names(other.names, table.names)
    data = {own: _join(table, other, own, found.get(own)) for own in table.names if own != name}
    data[name] = column_of_cells(cells)
    rates = {own: other.sample_rates[its] for own, its in found.items() if its in other.sample_rates}
    source, rates = f"{table.source} and {other.source}", rates | table.sample_rates
    joined = replace(table, data=data, source=source, sample_rates=rates, notes={}, lines=None)  # of two files
    return joined, [own for own in table.names if own not in found and own != name]


def _join(table: Table, other: Table, name: str, own: str | None) -> Any:
    """Return the cells of a column of both tables, of one type where they are; absent ones without it."""
    import pyarrow as pa

    values = table.data[name]
    below = other.data[own] if own is not None else None
    if isinstance(values, np.ndarray) and isinstance(below, np.ndarray) and values.shape[1:] == below.shape[1:]:
        return np.concatenate([values, below])
    if isinstance(values, pa.ChunkedArray) and (below is None or isinstance(below, pa.ChunkedArray)):
        more = pa.chunked_array([pa.nulls(len(other), values.type)]) if below is None else below
        if more.type == values.type:
            return pa.chunked_array([*values.chunks, *more.chunks], values.type)
        if pa.types.is_integer(values.type) or pa.types.is_integer(more.type):
            with contextlib.suppress(pa.ArrowInvalid):
                return pa.chunked_array([*values.cast(pa.float64()).chunks, *more.cast(pa.float64()).chunks])
    cells = other.cells(own) if own is not None else [None] * len(other)
    return column_of_cells([*table.cells(name), *cells])
