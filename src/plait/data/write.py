"""Write a table again, whole or not at all, with its paths of media begun anew at another folder."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.core.contract import Table
from plait.core.files import write_bytes
from plait.data.formats import sniff
from plait.data.in_text import held_in
from plait.data.media import is_address
from plait.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa


def check_out(out: str | Path, sources: Sequence[Any], what: str) -> Path:
    """Return the path of a table to write. Raises RequestError for another ending, a folder, or one of the sources.
    what: what a source is called, such as "one of the streams"."""
    path = Path(out).expanduser()
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise RequestError(
            f"the table cannot be written to {path.name!r}; expected a name that ends in .csv or .parquet"
        )
    if path.is_dir():
        raise RequestError(f"{path} is a folder; expected the name of a file to write")
    files = [Path(source).expanduser() for source in sources if isinstance(source, (str, os.PathLike))]
    if any(path.absolute() == file.absolute() for file in files):
        raise RequestError(f"{path} is {what}; expected another name, since what is read is never changed")
    return path


def write_table(table: Table, path: Path) -> None:
    """Write CSV or Parquet, by the ending. Raises RequestError where a CSV cannot hold a column."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    whole = table.to_arrow()
    buffer = io.BytesIO()
    if path.suffix.lower() != ".parquet":
        whole = pa.table({name: _as_text(whole.column(name)) for name in whole.column_names})
    if path.suffix.lower() == ".parquet":
        parquet.write_table(whole, buffer)
    else:
        nested = [f.name for f in whole.schema if pa.types.is_nested(f.type) or pa.types.is_binary(f.type)]
        if nested:
            raise RequestError(f"column {nested[0]!r} holds bytes or records, which a CSV cannot; write a .parquet")
        csv.write_csv(whole, buffer)
    write_bytes(path, buffer.getvalue())


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return lists of numbers, and lists of such lists, as JSON; any other column as it is."""
    import pyarrow as pa

    inner, types = column.type, pa.types
    while types.is_list(inner) or types.is_large_list(inner) or types.is_fixed_size_list(inner):
        inner = inner.value_type
    if inner == column.type or not (types.is_floating(inner) or types.is_integer(inner)):
        return column
    cells = [None if cell is None else json.dumps(cell) for cell in column.to_pylist()]
    return pa.chunked_array([pa.array(cells, pa.string())])


def move_path(path: str, old: Path | None, new: Path) -> str:
    """Return a path that was relative to `old` relative to `new`; addresses, whole paths and what holds data stay."""
    whole = is_address(path) or os.path.isabs(path) or path.strip().lower().startswith(("file:", "data:"))
    listed = path.strip()[:1] == "[" and path.strip()[-1:] == "]"
    if whole or listed or not path.strip() or held_in(path, sniff) is not None:
        return path
    there = os.path.abspath((old or Path()) / path.strip().replace("\\", "/"))
    return Path(os.path.relpath(there, os.path.abspath(new))).as_posix()
