"""Turn what the user has into a Table: a file, a folder, a frame, arrays. What a column holds is told elsewhere."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import SPLITS, Table
from plait.core.files import parse_json
from plait.core.options import checked
from plait.core.words import first_line
from plait.data import formats, media
from plait.data.arrow import columns_of_arrow, plain, read_arrow
from plait.data.delimited import MOST_COLUMNS, check_names, not_utf8, read_delimited
from plait.errors import CellError, TableError, did_you_mean

if TYPE_CHECKING:
    pass

_TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".arrow", ".feather", ".ipc")
_TEXT_ENDINGS = frozenset((".txt", ".md"))
MOST_HOLES, HOLES = 50_000_000, 20  # absent cells of JSON that are made, in all, and for each value that is there
MOST_NESTED = 32  # levels inside a cell of JSON; people write 2 or 3
PLAIN_TYPES = frozenset((str, int, float, bool, type(None)))
_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "save the sheet as 'CSV UTF-8'"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as 'CSV UTF-8'"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first: gunzip FILE"),
    (b"SQLite format 3", "a database", "write the query's result to Parquet or CSV"),
    (b"\x89HDF", "an HDF5 file", "write it to Parquet"),
    (b"%PDF", "a PDF", "give a CSV, TSV, JSONL, Parquet or Arrow file"),
)


@checked
def read(source: Any, folder: str | Path | None = None) -> Table:
    """Read a file, a folder, a data frame or arrays, and return the table.

    Rows keep their order. In a CSV an empty cell is absent, and a blank line is no row. A column of nothing but numbers
    is read as numbers, and then "NA", "null" and their like are absent too; numbers with leading zeros stay text. A
    column without a name is called as pandas calls it: "Unnamed: 0" for the first.

    Args:
        source: path of a CSV, TSV, JSONL, Parquet or Arrow file (told by what is inside); a folder of class-named
            folders; anything that speaks Arrow (`__arrow_c_stream__`: pandas, Polars, DuckDB, pyarrow); a dict of
            arrays or lists with one entry a row, such as {"image": (row, height, width, channel)}; or a Table.
        folder: where relative media paths begin; by default the folder of the file, else the working folder.

    Raises:
        TableError: no such file, empty, no rows, two columns of one name, ragged lines, not UTF-8, or no table.

    Example:
        >>> table = plait.read({"age": [34, None, 51], "note": ["cough", "", "fever"]})
        >>> table.shape, table.cells("note")
        ((3, 2), ['cough', None, 'fever'])
    """
    import pyarrow as pa

    place = None if folder is None else Path(folder).expanduser()
    if place is not None and not place.is_dir():
        raise TableError(f"no such folder for the media: {place}")
    if isinstance(source, Table):
        return source if place is None else dataclasses.replace(source, folder=place)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        table = _read_folder(path) if path.is_dir() else _read_file(path)
        table.folder = place if place is not None else table.folder
    elif isinstance(source, Mapping):
        table = Table(_columns_of_arrays(source), place, "the arrays")
    elif hasattr(source, "__arrow_c_stream__"):
        try:
            frame = pa.RecordBatchReader.from_stream(source).read_all()
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise TableError(f"the frame cannot be turned into Arrow: {first_line(error):.200}") from None
        table = Table(columns_of_arrow(frame, "the frame"), place, "the frame")
    else:
        raise TableError(
            f"cannot read a table from {type(source).__name__}. Give a path, a dict of arrays, or a frame that speaks "
            "Arrow (pandas 2.2 or newer, Polars, pyarrow)"
        )
    if not len(table):
        what = "column names but no rows" if table.data else "no columns"
        raise TableError(f"there are {what} in {table.source}")
    return table


def _read_file(path: Path) -> Table:
    if path.exists() and not path.is_file():
        raise TableError(f"{path} is a pipe or a device; expected a file")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*") if p.suffix.lower() in _TABLE_ENDINGS)
        raise TableError(f"no such file: {path}. {did_you_mean(path.name, near)}")
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise TableError(f"cannot open {path}: {error.strerror}") from None
    if not head.strip():
        raise TableError(f"{path} is empty")
    for start, what, mend in _FOREIGN:
        if head.startswith(start):
            raise TableError(f"{path} is {what}, not a table that plait reads; {mend}")
    if formats.sniff(head):
        raise TableError(f"{path} is {'a picture' if formats.sniff(head) == 'image' else 'a sound'}, not a table")
    if head[:4] in (b"PAR1", b"ARRO", b"FEA1", b"\xff\xff\xff\xff") or path.suffix.lower() in (".parquet", ".pq"):
        return Table(read_arrow(path, head), path.parent, str(path))
    code = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if code == "utf-8-sig" and b"\0" in head:
        raise TableError(f"{path} holds zero bytes, so it is no CSV, TSV or JSONL; nor is it Parquet or Arrow")
    try:
        with open(path, encoding=code, newline="") as file:
            is_json = path.suffix.lower() in (".jsonl", ".ndjson", ".json") or _is_json(file.readline())
            file.seek(0)
            data, lines = (_columns_of_records(path, file.read()), None) if is_json else read_delimited(path, file)
            return Table(data, path.parent, str(path), lines=lines)
    except UnicodeDecodeError:
        raise TableError(not_utf8(path)) from None


def _is_json(line: str) -> bool:
    """Whether a first line is an object, or would be one if it nested less deep or its numbers were shorter."""
    try:
        return line.lstrip().startswith("{") and isinstance(parse_json(line, finite=False), dict)
    except json.JSONDecodeError:
        return False
    except ValueError:
        return True


def _columns_of_records(path: Path, text: str) -> dict[str, Any]:
    whole = text.lstrip().startswith("[")
    parts = {0: text} if whole else {k: line for k, line in enumerate(text.split("\n"), 1) if line.strip()}
    records: list[Any] = []
    for number, part in parts.items():
        try:
            records.append(parse_json(part, finite=False))
        except ValueError as error:
            fault = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            if whole:
                line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
                raise TableError(f"{path} is not JSON: {fault}{line}") from None
            mend = 'Expected one object a line, such as {"image": "a.png", "label": 1}'
            raise TableError(f"{path}, line {number} is not JSON: {fault}. {mend}") from None
    records = records[0] if whole else records
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise TableError(f'{path}, row {row}: expected {{"image": "a.png", …}}, got {str(record)[:40]}')
    names = dict.fromkeys(name for record in records for name in record)
    check_names(names, str(path))
    _check_filled(str(path), len(records), len(names), sum(map(len, records)))

    def column(name: str) -> Any:
        cells = [record.get(name) for record in records]
        places: set[tuple[str, ...]] = set()
        there = sum(_walk(cell, (), places) for cell in cells)
        _check_filled(f"{path}, column {name!r}", len(records), len(places), there)
        return _column_of_cells(cells)

    return _turned({name: name for name in names}, column, f"{path}, ")


def _check_filled(source: str, rows: int, fields: int, there: int) -> None:
    """Raise TableError where every row has keys of its own, so that a table would be nearly all holes."""
    if fields > MOST_COLUMNS or rows * fields > max(MOST_HOLES, HOLES * there):
        raise TableError(
            f"{source} has {fields:,} different keys in {rows:,} rows: {rows * fields:,} cells, nearly all absent. "
            f"Expected at most {MOST_COLUMNS:,} keys and {MOST_HOLES:,} such cells. Give the rows the same keys"
        )


def _walk(cell: Any, place: tuple[str, ...], places: set[tuple[str, ...]]) -> int:
    """Add where the values inside a cell of JSON are, and return how many there are. Raises ValueError if too deep."""
    if isinstance(cell, dict):
        inner = cell.items()
    elif isinstance(cell, list) and not PLAIN_TYPES.issuperset(map(type, cell)):
        inner = (("", item) for item in cell)  # type: ignore[assignment]
    else:
        return 0
    if len(place) >= MOST_NESTED:
        raise ValueError(f"it nests deeper than {MOST_NESTED} levels")
    there = 0
    for key, item in inner:
        places.add((*place, key))
        there += 1 + _walk(item, (*place, key), places)
    return there


def _turned(columns: Mapping[str, Any], turn: Callable[[Any], Any], source: str = "") -> dict[str, Any]:
    """Return each column as `turn` makes it. Raises TableError that names the column."""
    turned = {}
    for name, values in columns.items():
        try:
            turned[str(name)] = turn(values)
        except (ValueError, TypeError, RuntimeError) as error:
            raise TableError(f"{source}column {str(name)!r} cannot be read: {first_line(error):.200}") from None
    return turned


def _read_folder(path: Path) -> Table:
    """Read ROOT/CLASS/FILE, or ROOT/SPLIT/CLASS/FILE where every folder in ROOT is named like a split."""
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    tables = [entry.name for entry in entries if entry.is_file() and entry.suffix.lower() in _TABLE_ENDINGS]
    if tables:
        raise TableError(f"{path} is a folder that holds tables; give one of them, such as {path / tables[0]}")
    skipped = [entry for entry in entries if entry.is_symlink()]
    groups = [("", entry) for entry in entries if _is_folder(entry)]
    if groups and all(entry.name.lower() in SPLITS for _, entry in groups):
        inside = [(top.name, entry) for _, top in groups for entry in sorted(top.iterdir())]
        inner = [(split, entry) for split, entry in inside if _is_folder(entry)]
        skipped += [entry for _, entry in inside if inner and entry.is_symlink()]
        groups = inner or groups
    rows: list[dict[str, str | None]] = []
    for split, folder in groups:
        for file in _files_in(folder, skipped):
            if file.name.startswith(".") or (kind := _kind_of_file(file)) is None:
                continue
            name = file.relative_to(path).as_posix()
            cells = {"text": _text_of_file(file), "path": name} if kind == "text" else {kind: name}
            rows.append({**cells, "label": folder.name, **({"split": split} if split else {})})
    if skipped:
        shown = ", ".join(entry.relative_to(path).as_posix() for entry in skipped[:3])
        more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        said = f"{path}: links, and folders that cannot be entered, are left out: {shown}{more}"
        warnings.warn(said, stacklevel=4)  # who called `read`, which is held against its types
    if not rows:
        mend = f"Expected CLASS/FILE in it, such as {path / 'cat' / '1.png'}"
        raise TableError(f"{path} holds no class-named folders with pictures, sounds or texts. {mend}")
    names = [name for name in ("image", "audio", "text", "path", "label", "split") if any(name in row for row in rows)]
    return Table({name: _column_of_cells([row.get(name) for row in rows]) for name in names}, path, str(path))


def _is_folder(entry: Path) -> bool:
    return entry.is_dir() and not entry.is_symlink()


def _files_in(folder: Path, skipped: list[Path]) -> list[Path]:
    """Return what is no folder in a folder and those in it, in order. Links, which may lead anywhere, are skipped."""
    files, left = list[Path](), [folder]
    while left:
        place = left.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            skipped.append(place)
            continue
        skipped += [entry for entry in entries if entry.is_symlink()]
        left += [entry for entry in entries if _is_folder(entry)]
        files += [entry for entry in entries if not entry.is_symlink() and not entry.is_dir()]
    return sorted(files)


def _text_of_file(file: Path) -> str | None:
    with contextlib.suppress(CellError):  # it is empty, may not be opened, or is no file
        content = media.read_head(file, None, None).decode("utf-8-sig", "replace")
        return content.replace("\r\n", "\n").replace("\r", "\n")
    return None


def _kind_of_file(file: Path) -> str | None:
    ending = file.suffix.lower()
    with contextlib.suppress(CellError):
        if kind := formats.sniff(media.read_head(file, None)):
            return kind
    kinds = {"image": formats.IMAGE_ENDINGS, "audio": formats.AUDIO_ENDINGS, "text": _TEXT_ENDINGS}
    return next((kind for kind, endings in kinds.items() if ending in endings), None)  # broken: a row, with a status


def _columns_of_arrays(arrays: Mapping[str, Any]) -> dict[str, Any]:
    columns = _turned(arrays, _column_of_array)
    if len({len(values) for values in columns.values()}) > 1:
        rows = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise TableError(f"the columns have different numbers of rows: {rows}. Each needs one entry for every row")
    return columns


def _column_of_array(values: Any) -> Any:
    import pyarrow as pa

    if isinstance(values, (list, tuple)):
        return _column_of_list(values)
    if hasattr(values, "__arrow_c_stream__"):
        return plain(pa.chunked_array(values))
    array = np.asarray(values)
    if array.ndim == 0:
        raise ValueError(f"expected an array or a list with one entry for each row, got {type(values).__name__}")
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind in "biufUS":
        array = array[:, 0]
    if array.ndim > 1:
        if array.dtype.kind not in "biuf":
            raise ValueError(f"expected an array of numbers, got {array.dtype} of shape {array.shape}")
        return array
    if array.dtype.kind in "OS":
        return _column_of_list([v.decode() if array.dtype.kind == "S" else v for v in array.tolist()])
    return plain(pa.chunked_array([pa.array(array, from_pandas=True)]))


def _column_of_list(values: Iterable[Any]) -> Any:
    """Return an Arrow column of entries of one type, an array of arrays of one shape, or an array of objects."""
    return _column_of_cells([_plain_cell(value) for value in values])


def _column_of_cells(cells: list[Any]) -> Any:
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if np.ndarray in kinds or {bytes, str} <= kinds or {bytes, dict} <= kinds or {str, dict} <= kinds:
        shapes = {(cell.shape, cell.dtype) if isinstance(cell, np.ndarray) else None for cell in cells}
        if len(shapes) == 1 and None not in shapes:
            return np.stack(cells)
        objects = np.empty(len(cells), object)
        for i, cell in enumerate(cells):
            objects[i] = cell
        return objects
    try:
        return plain(pa.chunked_array([pa.array(cells, from_pandas=True)]))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        if kinds - {str, int, float, bool}:
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ValueError(f"entries of types that do not go together: {names}") from None
        return pa.chunked_array([pa.array([None if c is None else str(c) for c in cells], pa.string())])


def _plain_cell(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, bytes, bool, int, float, dict)):
        return value
    if isinstance(value, (list, tuple)) or hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
        with contextlib.suppress(ValueError):  # a list of lists of different lengths
            return np.asarray(value)
    return value
