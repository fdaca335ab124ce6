"""Write the table of a mended copy, as CSV or Parquet, a piece at a time. Knows nothing of how cells are mended."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from plait.core.contract import Table
from plait.errors import RequestError

if TYPE_CHECKING:
    import pyarrow as pa

PIECE = 4096  # rows written at a time
FEW = 64  # rows with files in them


@dataclass(frozen=True)
class Inline:
    """A cell that stays as it is; with `at`, its bytes are those of this file, and a path beside them is `name`."""

    name: str = ""
    at: Path | None = None

    def fill(self, old: Any) -> Any:
        """Return the cell of the copy."""
        if self.at is None:
            return old
        content = self.at.read_bytes()
        return {**old, "bytes": content, "path": self.name} if isinstance(old, dict) else content


def is_parquet(table: Table) -> bool:
    """Whether a table was read from a Parquet file."""
    return _begins_with(table, b"PAR1")


def _begins_with(table: Table, mark: bytes) -> bool:
    if not os.path.isfile(table.source):
        return False
    with open(table.source, "rb") as file:
        return file.read(len(mark)) == mark


def free_name(name: str, used: set[str]) -> str:
    """Return a name that is not used, whatever its case: photo.png, else photo_2.png …"""
    stem, ending = os.path.splitext(name)
    names = itertools.chain([name], (f"{stem}_{number}{ending}" for number in itertools.count(2)))
    return next(free for free in names if free not in used and free.lower() not in used)


def write_table(table: Table, folder: Path, rows: Sequence[int], changed: Mapping[str, Any]) -> Path:
    """Write these rows of a table, and return the file.
    changed[column][row]: the cells of columns that are not the table's own, and of new ones; a cell may be an `Inline`.
    Raises RequestError for bytes that a CSV cannot hold."""
    path = folder / table_name(table)
    with open(path, "wb") as file:
        (_write_parquet if is_parquet(table) else _write_csv)(table, file, rows, changed)
        file.flush()
        os.fsync(file.fileno())
    return path


def table_name(table: Table) -> str:
    """Return the file name of the copy: that of the original where it is CSV or Parquet, else with the ending .csv."""
    source = Path(table.source)
    if source.is_file():
        return source.name if table.lines is not None or is_parquet(table) else source.stem + ".csv"
    return (source.name if source.is_dir() else "table") + ".csv"


def _pieces(rows: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _write_csv(table: Table, file: BinaryIO, rows: Sequence[int], changed: Mapping[str, Any]) -> None:
    names = list({**table.data, **changed})
    code = "utf-8-sig" if _begins_with(table, b"\xef\xbb\xbf") else "utf-8"  # Excel needs the mark to see UTF-8
    comma = "\t" if file.name.lower().endswith((".tsv", ".tab")) else ","
    text = io.TextIOWrapper(file, encoding=code, newline="")
    writer = csv.writer(text, delimiter=comma)  # its \r\n makes it put a cell with either sign in quotes
    writer.writerow(names)
    for piece in _pieces(rows, PIECE):
        columns = [[_text_of(cell, name) for cell in _cells_of(table, name, piece, changed)] for name in names]
        writer.writerows(zip(*columns, strict=True))
    text.detach()


def _text_of(cell: Any, name: str) -> str:
    """Return a cell as `plait.read` reads it back."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (dt.datetime, dt.date)):
        return cell.isoformat()
    if isinstance(cell, (bytes, bytearray)):
        raise RequestError(f"column {name!r} holds bytes, which a CSV cannot; write the table to Parquet first")
    if isinstance(cell, (list, dict)):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell).replace("\0", "")  # with zero bytes it would be no CSV any more


def _write_parquet(table: Table, file: BinaryIO, rows: Sequence[int], changed: Mapping[str, Any]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type_of(table, name, rows, changed)) for name in {**table.data, **changed}])
    is_large = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_nested)
    size = FEW if any(holds(f.type) for f in schema for holds in is_large) else PIECE
    with parquet.ParquetWriter(file, schema) as writer:
        for piece in _pieces(rows, size):
            arrays = [
                pa.array(_cells_of(table, name, piece, changed), schema.field(name).type)
                if name in changed
                else table.data[name].take(pa.array(piece, pa.int64())).combine_chunks()
                for name in schema.names
            ]
            writer.write_table(pa.table(arrays, schema=schema))


def _type_of(table: Table, name: str, rows: Sequence[int], changed: Mapping[str, Any]) -> pa.DataType:
    """Return the type of a column of the copy: its own, or that of the numbers that its texts became."""
    import pyarrow as pa

    kinds = {type(changed[name][row]) for row in rows} - {type(None)} if name in changed else set()
    if kinds and kinds <= {int, float}:
        return pa.float64() if float in kinds else pa.int64()
    return pa.string() if kinds == {str} or name not in table.data else table.data[name].type  # type: ignore[union-attr]


def _cells_of(table: Table, name: str, piece: Sequence[int], changed: Mapping[str, Any]) -> list[Any]:
    """Return the cells of a column of the copy for these rows."""
    if name not in changed:
        return table.cells(name, piece)
    new = [changed[name][row] for row in piece]
    if not any(isinstance(cell, Inline) for cell in new):
        return new
    pairs = zip(new, table.cells(name, piece), strict=True)
    return [cell.fill(old) if isinstance(cell, Inline) else cell for cell, old in pairs]
