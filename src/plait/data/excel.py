"""A sheet of a workbook (Excel, OpenDocument) → columns, as of the same sheet saved as CSV.

Knows cells and sheets; formats, formulas and charts of a workbook are not read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.core.words import count
from plait.data.delimited import Read, read_delimited
from plait.errors import MissingExtra, TableError, did_you_mean, need

_SAVE = "save the sheet as 'CSV UTF-8'"


def read_sheet(path: Path, sheet: str | None) -> tuple[Read, str]:
    """Return what `read_delimited` returns of a sheet, the lines being its rows from 1, and the name of the sheet.

    sheet: its name; by default the first that holds something, with a warning where others do too. Raises TableError,
    and MissingExtra without the package that opens workbooks.
    """
    try:
        need("python_calamine")
    except MissingExtra as error:
        raise MissingExtra(f"{path} is a workbook: {error}; or {_SAVE}") from None
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        # by what is inside, where a path would be judged by its name
        with open(path, "rb") as file, CalamineWorkbook.from_filelike(file) as book:
            if sheet is not None and sheet not in book.sheet_names:
                raise TableError(f"{path} has no sheet {sheet!r}. {did_you_mean(sheet, book.sheet_names)}")
            filled = {}
            for name in book.sheet_names if sheet is None else [sheet]:
                one = book.get_sheet_by_name(name)
                if rows := one.to_python(skip_empty_area=True):
                    filled[name] = rows, 1 + (one.start or (0, 0))[0]
    except (CalamineError, OSError, ValueError) as error:
        if isinstance(error, TableError):
            raise
        if _is_locked(path):
            raise TableError(f"{path} is locked by a password; save it without one, or {_SAVE}") from None
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise TableError(f"{path} cannot be opened as a workbook ({said}). Is it damaged?") from None
    if not filled:
        raise TableError(f"{path} is empty" if sheet is None else f"sheet {sheet!r} of {path} is empty")
    name, (rows, first) = next(iter(filled.items()))
    if len(filled) > 1:
        others = ", ".join(repr(other) for other in list(filled)[1:4])
        more = count(len(filled), "sheet")
        warnings.warn(f"{path} has {more}: {name!r} is read; another as {path.name}#NAME ({others})", stacklevel=6)
    return _read_rows(path, rows, first), name


def _is_locked(path: Path) -> bool:
    """Say whether a workbook is encrypted, as Excel and LibreOffice do with a password."""
    try:
        with zipfile.ZipFile(path) as book:
            return b"encryption-data" in book.read("META-INF/manifest.xml")
    except (zipfile.BadZipFile, KeyError):
        return "EncryptedPackage".encode("utf-16-le") in path.read_bytes()
    except OSError:
        return False


def _read_rows(path: Path, rows: Sequence[Sequence[Any]], first: int) -> Read:
    """Return the columns of rows of cells; first: the number of the first in the sheet."""
    lines, places = list[str](), list[int]()  # of the text, and of each the row that it is of
    for number, cells in enumerate(rows, first):
        written, line = [_write(cell) for cell in cells], io.StringIO(newline="")
        if any(map(str.strip, written)):  # else a blank line, which is no row
            csv.writer(line, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="").writerow(written)
        lines.append(line.getvalue())
        line.seek(0)
        places += [number] * max(1, sum(1 for _ in line))  # a cell may hold several lines
    columns, begins, units = read_delimited(path, io.StringIO("\n".join(lines), newline=""))
    return columns, [places[begin - 1] for begin in begins], units


def _write(cell: Any) -> str:
    """Return a cell as CSV holds it. A number shows by a fourth decimal that its point is none between thousands."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        written = str(int(cell)) if cell.is_integer() and abs(cell) < 2**63 else repr(cell)
        return written + "0" if len(written.partition(".")[2]) == 3 else written
    if isinstance(cell, dt.datetime):
        return str(cell.date()) if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell.total_seconds()) if isinstance(cell, dt.timedelta) else str(cell)
