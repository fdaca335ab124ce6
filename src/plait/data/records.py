"""JSON → the columns of a Table: objects line by line, or one value in any of the forms that people and pandas write.

What strangers wrote may nest without end, or give each row keys of its own: both are refused before they grow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plait.core.files import parse_json
from plait.data.columns import column_of_cells, record_cell
from plait.data.delimited import MOST_COLUMNS, check_names
from plait.data.frames import turned
from plait.data.layout import is_json_line
from plait.errors import TableError

MOST_HOLES, HOLES = 50_000_000, 20  # absent cells of JSON that are made, in all, and for each value that is there
MOST_NESTED = 32  # levels inside a cell of JSON; people write 2 or 3
PLAIN_TYPES = frozenset((str, int, float, bool, type(None)))


def read_json(path: Path, text: str) -> dict[str, Any]:
    """Return the columns of JSON text. Raises TableError."""
    lines = [line for line in text.split("\n", 200) if line.strip()]
    whole = text.lstrip().startswith("[") or (path.suffix.lower() == ".json" and not _is_record(lines))
    if whole:
        return _columns_of_records(path, _records_of(path, _parse(path, text)))
    numbered = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return _columns_of_records(path, [_parse(path, line, number) for number, line in numbered])


def _is_record(lines: list[str]) -> bool:
    """Whether a text of these lines holds an object in its first line, and more in others."""
    return len(lines) > 1 and is_json_line(lines[0])


def _parse(path: Path, text: str, line: int | None = None) -> Any:
    """Return the value of JSON text, which is the whole file or one line of it. Raises TableError."""
    try:
        return parse_json(text, finite=False)
    except ValueError as error:
        at = error.lineno if isinstance(error, json.JSONDecodeError) and line is None else line
        fault = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        place = "" if at is None else f", line {at}"
        mend = "" if line is None else '. Expected one object a line, such as {"image": "a.png", "label": 1}'
        raise TableError(f"{path}{place} is not JSON: {fault}{mend}") from None


def _columns_of_records(path: Path, records: list[Any]) -> dict[str, Any]:
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
        return column_of_cells([record_cell(cell) for cell in cells])

    return turned({name: name for name in names}, column, f"{path}, ")


def _records_of(path: Path, value: Any) -> list[Any]:
    """Return the rows of one JSON value: rows as objects or lists, columns as objects or lists, or what pandas calls
    split and table."""
    if isinstance(value, list):
        return _records_of_lists(path, value) if value and isinstance(value[0], list) else value
    if not isinstance(value, dict):
        raise TableError(f'{path} holds {str(value)[:40]}; expected rows, such as [{{"image": "a.png", …}}]')
    rows, schema = value.get("data"), value.get("schema")
    if isinstance(rows, list) and isinstance(value.get("columns"), list):
        names = [str(tuple(name) if isinstance(name, list) else name) for name in value["columns"]]
        return _with_index(_records_of_lists(path, rows, names), value.get("index"))
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        if isinstance(schema, dict) and schema.get("primaryKey") == ["index"]:
            index = [row.get("index") for row in rows]
            rows = [{name: cell for name, cell in row.items() if name != "index"} for row in rows]
            return _with_index(rows, index)
        return rows
    inner = list(value.values())
    if inner and all(isinstance(cells, list) for cells in inner) and len(set(map(len, inner))) == 1:
        return [dict(zip(value, row, strict=True)) for row in zip(*inner, strict=True)]
    fields = {name for cells in inner if isinstance(cells, dict) for name in cells}
    if inner and all(isinstance(cells, dict) for cells in inner) and not fields <= {"bytes", "path"}:
        return _records_of_nested(path, value, fields)
    return [value]


def _records_of_lists(path: Path, rows: list[Any], names: list[str] | None = None) -> list[Any]:
    """Return rows that are lists with the names of their columns: where none are given, of a first row of words that
    stand over something else, and otherwise x0, x1 …"""
    width = len(rows[0] if names is None and rows else names or [])
    for row, cells in enumerate(rows):
        if not isinstance(cells, list) or len(cells) != width:
            raise TableError(f"{path}, row {row}: expected a list of {width} values, got {str(cells)[:40]}")
    if names is None:
        headed = all(isinstance(cell, str) for cell in rows[0])
        headed = headed and any(not isinstance(cell, (str, type(None))) for row in rows[1:] for cell in row)
        names = rows[0] if headed else [f"x{place}" for place in range(width)]
        rows = rows[1:] if headed else rows
    check_names(names, str(path))
    return [dict(zip(names, cells, strict=True)) for cells in rows]


def _records_of_nested(path: Path, value: dict[str, dict[str, Any]], fields: set[str]) -> list[Any]:
    """Return the rows of {column: {row: cell}} or of {row: {column: cell}}, whichever it is beyond doubt: rows are
    counted, a column holds one type, and there are more rows than columns."""
    turned_round: dict[str, dict[str, Any]] = {}
    for column, cells in value.items():
        for row, cell in cells.items():
            turned_round.setdefault(row, {})[column] = cell
    tests = (
        (_are_counted(fields), _are_counted(value)),
        (_are_alike(value.values()), _are_alike(turned_round.values())),
        (len(fields) >= 2 * len(value), len(value) >= 2 * len(fields)),
    )
    for by_column, by_row in tests:
        if by_column != by_row:
            records = turned_round if by_column else value
            return _with_index(list(records.values()), list(records))
    raise TableError(
        f"{path} may hold columns of rows or rows of columns: {str(value)[:60]}. Write it as rows: orient='records'"
    )


def _are_counted(names: Iterable[str]) -> bool:
    return all(name.isdecimal() for name in names)


def _are_alike(groups: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the values of each group are of one type."""
    types = [{float if type(v) is int else type(v) for v in group.values() if v is not None} for group in groups]
    return all(len(found) <= 1 for found in types)


def _with_index(records: list[Any], index: Any) -> list[Any]:
    """Return the rows with their names as a column "index", where they have names rather than numbers."""
    named = isinstance(index, list) and len(index) == len(records) and all(isinstance(name, str) for name in index)
    if not named or _are_counted(index) or any("index" in record for record in records if isinstance(record, dict)):
        return records
    return [{"index": name, **record} for name, record in zip(index, records, strict=True)]


def _check_filled(source: str, rows: int, fields: int, there: int) -> None:
    """Raise TableError where every row has keys of its own, so that a table would be nearly all holes."""
    if fields > MOST_COLUMNS or rows * fields > max(MOST_HOLES, HOLES * there):
        raise TableError(
            f"{source} has {fields:,} different keys in {rows:,} rows: {rows * fields:,} cells, nearly all missing. "
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
