"""Turn what the user has into a Table: a file, a folder, a frame, arrays. What a column holds is told elsewhere."""

from __future__ import annotations

import dataclasses
import os
import re
import warnings
from pathlib import Path
from typing import Any

from plait.core.contract import Table
from plait.core.options import checked
from plait.data import formats
from plait.data.encodings import code_of_bom
from plait.data.layout import is_json_line
from plait.errors import TableError, did_you_mean

TABLE_ENDINGS = (
    ".csv",
    ".tsv",
    ".tab",
    ".jsonl",
    ".ndjson",
    ".json",
    ".parquet",
    ".arrow",
    ".feather",
    ".ipc",
    *formats.BOOK_ENDINGS,
)
_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive, and no workbook", "unpack it first"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first: gunzip FILE"),
    (b"SQLite format 3", "a database", "write the query's result to Parquet or CSV"),
    (b"\x89HDF", "an HDF5 file", "write it to Parquet"),
    (b"%PDF", "a PDF", "give a CSV, TSV, JSONL, Parquet or Arrow file"),
)


@checked
def read(source: Any, folder: str | Path | None = None) -> Table:
    """Read a file, a folder, a data frame or arrays, and return the table.

    Rows keep their order. In a CSV an empty cell is missing, and a blank line is no row. A column of nothing but
    numbers is read as numbers, and then "NA", "#DIV/0!" and their like are missing too; numbers with leading zeros,
    or of more digits than 64 bits hold, stay text. A column without a name is called as pandas calls it: "Unnamed: 0".

    Args:
        source: path of a CSV, TSV, JSON, JSONL, Parquet or Arrow file (told by what is inside; JSON in any form that
            pandas writes), or of a workbook, or one of its sheets: "people.xlsx#Sheet2" (`plait[excel]`); a folder of
            class-named folders; a frame of pandas or Polars, and whatever else speaks Arrow
            (`__arrow_c_stream__`: DuckDB, pyarrow); a Dataset or DatasetDict of Hugging Face (its parts become the
            column "split"); a dict of arrays or lists with one entry a row, such as
            {"image": (row, height, width, channel)}; an array of numbers (row, column), whose columns are called
            x0, x1 …; a list of dicts, one for each row; or a Table.
        folder: where relative media paths begin; by default the folder of the file, else the working folder.

    Raises:
        TableError: no such file, empty, no rows, two columns of one name, ragged lines, not UTF-8, or no table.

    Example:
        >>> table = plait.read({"age": [34, None, 51], "note": ["cough", "", "fever"]})
        >>> table.shape, table.cells("note")
        ((3, 2), ['cough', None, 'fever'])
    """
    table = _read(source, folder)
    if not len(table):
        what = "column names but no rows" if table.data else "no columns"
        raise TableError(f"there are {what} in {table.source}")
    return table


@checked
def read_rows(source: Any, folder: str | Path | None = None) -> Table:
    """Read what `read` reads, or a table without a row: as many answers come out as rows go in."""
    return _read(source, folder)


def _read(source: Any, folder: str | Path | None) -> Table:
    place = None if folder is None else Path(folder).expanduser()
    if place is not None and not place.is_dir():
        raise TableError(f"no such folder for the media: {place}")
    if isinstance(source, Table):
        return source if place is None else dataclasses.replace(source, folder=place)
    if isinstance(source, (str, os.PathLike)):
        path, sheet = Path(source).expanduser(), None
        if not path.exists() and (
            cut := re.fullmatch(rf"(.+(?:{'|'.join(formats.BOOK_ENDINGS)}))#(.+)", str(path), re.IGNORECASE)
        ):
            path, sheet = Path(cut[1]), cut[2]
        table = _read_folder(path) if path.is_dir() else _read_file(path, sheet)
        table.folder = place if place is not None else table.folder
    else:
        from plait.data.arrow import categories_in
        from plait.data.frames import columns_of_object

        columns, name = columns_of_object(source)
        table = Table(columns, place, name, categories=categories_in(source))
    return table


def _read_file(path: Path, sheet: str | None = None) -> Table:
    if path.exists() and not path.is_file():
        raise TableError(f"{path} is a pipe or a device; expected a file")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*") if p.suffix.lower() in TABLE_ENDINGS)
        tables = did_you_mean(path.name, near) if near else f"No table lies in {path.parent.absolute()}."
        raise TableError(f"no such file: {path}. {tables}")
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise TableError(f"cannot open {path}: {error.strerror}") from None
    if not head and path.suffix.lower() in (".jsonl", ".ndjson"):
        return Table({}, path.parent, str(path))  # no line is no row
    if not head.strip():
        raise TableError(f"{path} is empty")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) and formats.is_workbook(path, head):
        from plait.data.excel import read_sheet

        (data, lines, units), sheet = read_sheet(path, sheet)
        return Table(data, path.parent, f"{path}#{sheet}", lines=lines, units=units)
    for start, what, mend in _FOREIGN:
        if head.startswith(start):
            raise TableError(f"{path} is {what}, not a table that plait reads; {mend}")
    if formats.sniff(head):
        raise TableError(f"{path} is {'a picture' if formats.sniff(head) == 'image' else 'a sound'}, not a table")
    if head[:4] in (b"PAR1", b"ARRO", b"FEA1", b"\xff\xff\xff\xff") or path.suffix.lower() in (".parquet", ".pq"):
        from plait.data.arrow import read_arrow  # each reader here, since a prediction waits for one of them at most

        return read_arrow(path, head)
    code = code_of_bom(head)
    if code is None:
        raise TableError(f"{path} holds zero bytes, so it is no CSV, TSV or JSONL; nor is it Parquet or Arrow")
    try:
        with open(path, encoding=code, newline="") as file:
            is_json = path.suffix.lower() in _JSON_ENDINGS or is_json_line(file.readline())
            file.seek(0)
            if is_json:
                from plait.data.records import read_json

                return Table(read_json(path, file.read()), path.parent, str(path))
            from plait.data.delimited import read_delimited

            data, lines, units = read_delimited(path, file)
            return Table(data, path.parent, str(path), lines=lines, units=units)
    except UnicodeDecodeError:
        from plait.data.delimited import not_utf8

        raise TableError(not_utf8(path)) from None


def _read_folder(path: Path) -> Table:
    """Read a folder of class-named folders; notes become a warning."""
    from plait.data.columns import column_of_cells
    from plait.data.folders import read_folder

    tables = [e.name for e in sorted(path.iterdir()) if e.is_file() and e.suffix.lower() in TABLE_ENDINGS]
    if tables := [name for name in tables if not name.startswith(".")]:
        raise TableError(f"{path} is a folder that holds tables; give one of them, such as {path / tables[0]}")
    rows, notes = read_folder(path)
    if notes:
        # who called `read`, which is held against its types
        warnings.warn(f"{path}: {'; '.join(notes)}", stacklevel=5)
    if not rows:
        mend = f"Expected CLASS/FILE in it, such as {path / 'cat' / '1.png'}"
        raise TableError(f"{path} holds no class-named folders with pictures, sounds or texts. {mend}")
    names = [name for name in ("image", "audio", "text", "path", "label", "split") if any(name in row for row in rows)]
    return Table({name: column_of_cells([row.get(name) for row in rows]) for name in names}, path, str(path))
