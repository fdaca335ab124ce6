"""Mend the files of a table's columns: look at each once, mend each once, give each its name in the copy.

Knows nothing of rows that are dropped or of text, numbers and dates. What is done to one file, its kind says. A file
that needs nothing is copied, never encoded anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from plait.checks.mend.table import Inline, free_name, is_parquet, table_name
from plait.core.contract import Schema, Table
from plait.data import media
from plait.errors import CellError
from plait.kinds import kind_of_column
from plait.kinds.mending import BLANK, Goal, Look, take_content

RENAMED = "renamed"
CHUNK = 64  # rows whose files are under way at a time
MOST_THREADS = 8

Done = dict[int, tuple[tuple[str, ...], str]]  # row → (what counts call it, what the row's note says)
Callback = Callable[[dict[str, Any]], None]


@dataclass
class Result:
    """What became of one file. at: where it lies until it gets its name; None where the cell stays as it is."""

    name: str = ""
    digest: bytes = b""  # SHA-256 of the mended file
    at: Path | None = None
    done: tuple[str, ...] = ()
    said: str = ""
    error: str = ""
    placed: Any = None  # the cell of the copy, once a row that stays has named it


@dataclass
class Strand:
    """One column of pictures or sounds while it is mended. first[row]: the row that named the same file first."""

    name: str
    mend: Any  # how its kind mends
    folder: Path  # in the copy
    work: Path  # for files without a name yet
    inline: bool  # bytes stay in the cell
    copied: bool  # left out by the user, or of a kind that mends nothing: its files are copied as they are
    first: list[int] = field(default_factory=list)  # -1 where the cell is blank
    looks: dict[int, Look] = field(default_factory=dict)  # of first rows
    goal: Goal = field(default_factory=Goal)
    results: dict[int, Result] = field(default_factory=dict)  # of first rows
    cells: list[Any] = field(default_factory=list)  # of the copy, for each row of the original
    done: Done = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of the files in the copy, in small letters

    def result(self, row: int) -> Result | None:
        """Return what became of the file of a row, None where its cell is blank."""
        return self.results.get(self.first[row])


def open_strands(table: Table, schema: Schema, part: Path) -> list[Strand]:
    """Return the columns of files, each with an empty folder in the copy."""
    strands: list[Strand] = []
    used = {table_name(table).lower()}
    for column in schema.columns:
        kind = kind_of_column(column.kind)
        if kind is not None and kind.opened and column.role in ("feature", "ignored"):
            name = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", column.name).strip(". ") or "files"
            folder, work = part / free_name(name, used), part / f".work-{len(strands)}"
            used.add(folder.name.lower())
            folder.mkdir()
            work.mkdir()
            inline = is_parquet(table) and _holds_bytes(table, column.name)
            copied = column.role == "ignored" or kind.mend is None
            strands.append(Strand(column.name, kind.mend, folder, work, inline, copied))
    return strands


def _holds_bytes(table: Table, name: str) -> bool:
    import pyarrow as pa

    kind = getattr(table.data[name], "type", None)
    if kind is not None and pa.types.is_struct(kind):
        return "bytes" in {f.name for f in kind}
    return kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def open_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1))


def chunks(rows: int) -> Iterator[range]:
    return (range(start, min(start + CHUNK, rows)) for start in range(0, rows, CHUNK))


def look_at(table: Table, strands: Sequence[Strand], callback: Callback) -> None:
    """Decode every file once, and choose what those of each column become."""
    seen: list[dict[str, int]] = [{} for _ in strands]
    with open_pool() as pool:
        for rows in chunks(len(table)) if strands else ():
            for strand, firsts in zip(strands, seen, strict=True):
                cells = table.cells(strand.name, rows)
                for row, cell in zip(rows, cells, strict=True):
                    key = cell if isinstance(cell, str) else None
                    strand.first.append(-1 if cell is None else row if key is None else firsts.setdefault(key, row))
                if not strand.copied:
                    new = [(row, cell) for row, cell in zip(rows, cells, strict=True) if strand.first[row] == row]
                    looks = pool.map(partial(_look, strand.mend, folder=table.folder), [cell for _row, cell in new])
                    strand.looks.update(zip((row for row, _cell in new), looks, strict=True))
            callback({"stage": "mend", "done": rows[-1] + 1, "total": 2 * len(table)})
    for strand in strands:
        if not strand.copied:
            strand.goal = strand.mend.choose_goal(strand.looks.values())


def _look(mend: Any, cell: Any, folder: Path | None) -> Look:
    try:
        look: Look = mend.look(take_content(cell, folder))
        return look
    except CellError as error:
        return Look(error=str(error))


def mend_files(table: Table, strand: Strand, rows: range, pool: ThreadPoolExecutor) -> None:
    """Put the mended (or the same) files that these rows name first into the work folder."""
    cells = table.cells(strand.name, rows)
    new = [(row, cell) for row, cell in zip(rows, cells, strict=True) if strand.first[row] == row]
    results = pool.map(lambda pair: _mend_file(strand, pair[0], pair[1], table.folder), new)
    strand.results.update(zip((row for row, _cell in new), results, strict=True))


def _mend_file(strand: Strand, row: int, cell: Any, folder: Path | None) -> Result:
    seen = strand.looks.get(row, Look())
    try:
        if seen.error:
            raise CellError(seen.error)
        source = media.open_cell(cell, folder)
        changed = None if strand.copied else strand.mend.change(cell, folder, seen, strand.goal)
    except CellError as error:
        return Result(error=str(error))
    form = changed.format if changed is not None else seen.format
    said_path = cell.get("path") if isinstance(cell, dict) else None
    old = source.name if isinstance(source, Path) else re.split(r"[/\\]", said_path or "")[-1]
    endings = strand.mend.ENDINGS.get(form, "").split() if form else []
    name = right_name(old, endings) if old else f"{row}{endings[0] if endings else ''}"
    result = Result(name, seen.digest, strand.work / str(row))
    done = [*(changed.done if changed is not None else ())]
    words = [changed.said] if changed is not None else []
    if old and name != old and (changed is None or form == seen.format):
        done.append(RENAMED)
        words.append(f"renamed to {os.path.splitext(name)[1]}")
    result.done, result.said = tuple(done), ", ".join(words)
    assert result.at is not None
    if changed is not None:
        result.at.write_bytes(changed.content)
        result.digest = hashlib.sha256(changed.content).digest()
    elif isinstance(source, Path):
        shutil.copyfile(source, result.at)
    elif strand.inline and not done:
        result.at = None
    else:
        result.at.write_bytes(source)
    return result


def right_name(name: str, endings: Sequence[str]) -> str:
    """Return a file's name with an ending of its format. A name without an ending of a picture or sound stays.

    >>> right_name("a.png", [".jpg", ".jpeg"]), right_name("a.jpeg", [".jpg", ".jpeg"]), right_name("Dr. Li", [".jpg"])
    ('a.jpg', 'a.jpeg', 'Dr. Li')
    """
    stem, ending = os.path.splitext(name)
    known = ending.lower() in media.IMAGE_ENDINGS | media.AUDIO_ENDINGS
    return stem + endings[0] if known and endings and ending.lower() not in endings else name


def place_file(strand: Strand, row: int) -> None:
    """Give the file of a row that stays its name in the copy, and append the row's cell."""
    result = strand.result(row)
    if result is None:
        strand.cells.append(None)
    elif result.error:
        strand.cells.append(Inline() if strand.copied else None)
        if not strand.copied:
            strand.done[row] = (BLANK,), f"left blank ({result.error})"
    else:
        if result.done:
            strand.done[row] = result.done, result.said
        if result.placed is None:
            result.placed = _name_file(strand, result)
        strand.cells.append(result.placed)


def _name_file(strand: Strand, result: Result) -> Inline | str:
    if strand.inline:
        return Inline(result.name, result.at)
    assert result.at is not None
    name = free_name(result.name, strand.names)
    strand.names.add(name.lower())
    os.rename(result.at, strand.folder / name)
    return f"{strand.folder.name}/{name}"
