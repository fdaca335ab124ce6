"""Write a mended copy of a table and its files into a new folder. The original is only read.
Knows no check: what can be mended is mended, what cannot be read becomes blank, and a column says what was done to each
row. How files are mended stands in `files`; how cells are, their kind says."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.checks.findings import show_rows
from plait.checks.mend.files import Done, Strand, chunks, look_at, mend_files, open_pool, open_strands, place_file
from plait.checks.mend.table import free_name, write_table
from plait.core.contract import Schema, Table
from plait.core.terminal import Callback, quiet
from plait.core.words import count
from plait.data.read import TABLE_ENDINGS
from plait.errors import RequestError
from plait.kinds import kind_of_column
from plait.kinds.mending import MendedCells

NOTE = "mended"  # the column that says what was done
MOST_PAIRS = 20  # pairs of rows that a note names


@dataclass(frozen=True)
class Mended:
    """A mended copy. table: its file; rows: of the copy; dropped: row numbers of the original, from 0.
    counts: what was done, and to how many cells of the copy. notes: what was assumed or left as it is. column: the
    column of the copy that says what was done to each row."""

    table: Path
    rows: int
    dropped: tuple[int, ...]
    counts: dict[str, int]
    notes: tuple[str, ...] = ()
    column: str = NOTE

    def __str__(self) -> str:
        lines = [f"{self.table}: {count(self.rows, 'row')}"]
        if self.dropped:
            lines.append(f"  {count(len(self.dropped))} dropped, the same as an earlier one: {show_rows(self.dropped)}")
        lines += [f"  {count(num)} {what}" for what, num in self.counts.items()]
        if not self.dropped and not self.counts:
            lines.append("  nothing needed mending")
        lines += [f"  {note}" for note in self.notes]
        lines.append(f"The column {self.column!r} says what was done to each row; it is no feature when you fit.")
        return "\n".join(lines)


def mend_table(table: Table, schema: Schema, out: str | Path, *, callback: Callback = quiet) -> Mended:
    """Write a mended copy of a table into the new folder `out`: the table, and a folder for each column of files.
    A file that needs nothing is copied byte for byte; a cell that cannot be read becomes blank. Of rows with the same
    features (files by their content) and the same target the first stays; a row without one of its files is never
    taken for the same as another. Columns left out (role "ignored") stay as they are. Parquet gives Parquet, anything
    else CSV, whole or not at all. Raises RequestError: `out` holds something, cannot be written, or the table holds
    arrays or bytes that no file can be made of."""
    out = Path(out).expanduser().absolute()
    _check_request(table, out)
    part = out.parent / f".{out.name}.{uuid.uuid4().hex[:8]}.part"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for old in sorted(out.parent.iterdir()):
            if old.name.startswith(f".{out.name}.") and old.suffix == ".part":
                callback({"note": f"an earlier copy was not finished; you can delete {old}"})
        part.mkdir()
        mended = _write_copy(table, schema, part, callback)
        if out.exists():
            out.rmdir()  # it is empty, or this refuses
        os.rename(part, out)
    except OSError as error:
        what = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        raise RequestError(
            f"{out} cannot be written: {error.strerror or error}{what}. Nothing was left there; mend that and try again"
        ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return replace(mended, table=out / mended.table.name)


def _check_request(table: Table, out: Path) -> None:
    source = Path(table.source)
    if table.folder is not None and out.resolve() == table.folder.resolve():
        raise RequestError(f"{out} is the folder of the table itself; name a new folder for the mended copy")
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise RequestError(f"{out} lies inside {source}, which is the table; name a new folder outside it")
    if not out.exists() and out.suffix.lower() in TABLE_ENDINGS:
        raise RequestError(f"{out.name} is named like a file; a mended copy is a folder: name it {out.stem}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"{out} exists and is not empty; name a new folder for the mended copy")
    for name, values in table.data.items():
        cells = [values] if getattr(values, "ndim", 1) > 1 else values if isinstance(values, np.ndarray) else []
        if any(isinstance(cell, np.ndarray) for cell in cells):
            raise RequestError(
                f"column {name!r} holds arrays; tables of arrays cannot be mended into files. Write them to files"
            )


def _write_copy(table: Table, schema: Schema, part: Path, callback: Callback) -> Mended:
    """Fill the folder `part`, and return what was done."""
    mended, values = _mend_cells(table, schema)
    notes = [f"{name}: {column.note}" for name, column in mended.items() if column.note]
    strands = open_strands(table, schema, part)
    look_at(table, strands, callback)
    notes += [f"{strand.name}: {strand.goal.note}" for strand in strands if strand.goal.note]
    keep, dropped, pairs = _keep_rows(table, schema, strands, values, callback)
    if pairs:
        more = f", and {count(len(pairs) - MOST_PAIRS)} more" if len(pairs) > MOST_PAIRS else ""
        shown = ", ".join(f"{other} and {row}" for other, row in pairs[:MOST_PAIRS]) + more
        notes.append(f"the same features with different targets, all kept: rows {shown} (of the original)")
    done: dict[str, Done] = {strand.name: strand.done for strand in strands}
    for name, column_of in mended.items():
        done[name] = {row: ((what,), words) for row, (what, words) in column_of.done.items()}
    of_rows = {row: [(name, *done[name][row]) for name in table.names if row in done.get(name, ())] for row in keep}
    counts = Counter(what for parts in of_rows.values() for _, whats, _ in parts for what in whats)
    column = free_name(NOTE, set(table.names))
    changed: dict[str, Any] = values | {strand.name: strand.cells for strand in strands}
    changed[column] = {row: "; ".join(f"{name}: {say}" for name, _, say in parts) for row, parts in of_rows.items()}
    path = write_table(table, part, keep, changed)
    for strand in strands:
        shutil.rmtree(strand.work)
    return Mended(path, len(keep), tuple(dropped), dict(counts.most_common()), tuple(notes), column)


def _mend_cells(table: Table, schema: Schema) -> tuple[dict[str, MendedCells], dict[str, list[Any]]]:
    """Return what became of each column of text, numbers and dates, and the cells of those in which one changed."""
    mended, values = {}, {}
    for column in schema.columns:
        kind = kind_of_column(column.kind)
        if column.role == "ignored" or kind is None or kind.opened or kind.mend is None or _is_note(column.name):
            continue
        cells = table.cells(column.name)
        mended[column.name] = new = kind.mend.mend(column.kind, cells)
        if any(cell is not old for cell, old in zip(new.cells, cells, strict=True)):
            values[column.name] = new.cells
    return mended, values


def _is_note(name: str) -> bool:
    """Whether a column has the name of one that an earlier mend wrote; it is not mended."""
    return re.fullmatch(rf"{NOTE}(_\d+)?", name) is not None


def _keep_rows(
    table: Table, schema: Schema, strands: Sequence[Strand], values: dict[str, list[Any]], callback: Callback
) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Mend the files of every row, and return rows that stay, rows that are the same as an earlier one, and pairs of
    rows with the same features and different targets."""
    target = schema.role("target")
    columns = [column.name for column in schema.columns if column.role == "feature" or column.name == target]
    by_name = {strand.name: strand for strand in strands}
    passes = 2 if strands else 1
    known: dict[bytes, dict[str, int]] = {}  # features → target → the first row with them
    keep: list[int] = []
    dropped: list[int] = []
    pairs: list[tuple[int, int]] = []
    with open_pool() as pool:
        for rows in chunks(len(table)):
            for strand in strands:
                mend_files(table, strand, rows, pool)
            cells = {
                name: [by_name[name].digest(row) for row in rows]
                if name in by_name
                else _comparable(values[name][rows.start : rows.stop] if name in values else table.cells(name, rows))
                for name in columns
            }
            for i, row in enumerate(rows):
                aim = repr(cells[target][i] if target is not None else "")
                features = {name: cells[name][i] for name in columns if name != target}
                if _is_whole(features, by_name):
                    targets = known.setdefault(hashlib.sha256(repr(features).encode()).digest(), {})
                    if aim in targets:
                        dropped.append(row)
                        continue
                    pairs += [(other, row) for earlier, other in targets.items() if "None" not in (earlier, aim)]
                    targets[aim] = row
                keep.append(row)
                for strand in strands:
                    place_file(strand, row)
            done = (passes - 1) * len(table) + rows[-1] + 1
            callback({"stage": "mend", "done": done, "total": passes * len(table)})
    return keep, dropped, pairs


def _comparable(cells: Sequence[Any]) -> list[Any]:
    """Return cells so that 3 and 3.0 are the same."""
    return [float(cell) if type(cell) in (int, float) and abs(cell) < 2**53 else cell for cell in cells]


def _is_whole(features: dict[str, Any], files: dict[str, Strand]) -> bool:
    """Whether a row can be told to be the same as another: something is in it, and no file is missing."""
    something = any(cell is not None for name, cell in features.items() if not _is_note(name))
    return something and all(features[name] is not None for name in files if name in features)
