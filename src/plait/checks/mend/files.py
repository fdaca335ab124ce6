"""Mend the files of a table's columns: look at each once, mend each once, give each its name in the copy.
Knows nothing of rows that are dropped or of text, numbers and dates. What is done to one file, its kind says. A file
that needs nothing is copied, never encoded anew."""

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
from plait.core.terminal import Callback
from plait.data import formats, media
from plait.errors import CellError
from plait.kinds import kind_of_column
from plait.kinds.mending import BLANK, Goal, Look, take_content

RENAMED = "renamed"
CUT = re.compile(r"#t=[^#]*$")
CHUNK = 64  # rows whose files are under way at a time
MOST_THREADS = 8

Done = dict[int, tuple[tuple[str, ...], str]]  # row → (what counts call it, what the row's note says)


@dataclass
class Result:
    """What became of one file. at: where it lies until it gets its name; None where the cell stays as it is."""

    name: str = ""
    digest: bytes = b""  # SHA-256 of the mended file
    at: Path | None = None
    done: tuple[str, ...] = ()
    words: str = ""
    error: str = ""
    cut: str = ""  # which part of the file the cell names, as it is written
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
    cells: dict[int, Any] = field(default_factory=dict)  # of the copy, by row of the original
    done: Done = field(default_factory=dict)
    names: set[str] = field(default_factory=set)  # of the files in the copy, in small letters

    def work_on(
        self, rows: range, cells: Sequence[Any], work: Callable[[int, Any], Any], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[int, Any]]:
        """Give (row, what the work on its cell returns) of each row that names a file first."""
        new = {row: cell for row, cell in zip(rows, cells, strict=True) if self.first[row] == row}
        return zip(new, pool.map(work, new, new.values()), strict=True)

    def digest(self, row: int) -> bytes | None:
        """Return the digest of what a row's file holds, or None where there is none that can be read."""
        result, seen = self.results.get(self.first[row]), self.looks.get(self.first[row])
        return None if result is None or result.error else (seen and seen.holds) or result.digest


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

    kind = getattr(table.data[name], "type", pa.null())
    if pa.types.is_struct(kind):
        return "bytes" in {f.name for f in kind}
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


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
                    first = firsts.setdefault(cell, row) if isinstance(cell, str) else row
                    strand.first.append(-1 if cell is None else first)
                if not strand.copied:
                    strand.looks.update(strand.work_on(rows, cells, partial(_look, strand.mend, table.folder), pool))
            callback({"stage": "mend", "done": rows[-1] + 1, "total": 2 * len(table)})
    for strand in strands:
        if not strand.copied:
            strand.goal = strand.mend.choose_goal(strand.looks.values())


def _look(mend: Any, folder: Path | None, _row: int, cell: Any) -> Look:
    try:
        content = media.open_cell(cell, folder) if getattr(mend, "LARGE", False) else take_content(cell, folder)
        return mend.look(content)
    except CellError as error:
        return Look(error=str(error))


def mend_files(table: Table, strand: Strand, rows: range, pool: ThreadPoolExecutor) -> None:
    """Put the mended (or the same) files that these rows name first into the work folder."""
    cells = table.cells(strand.name, rows)
    strand.results.update(strand.work_on(rows, cells, partial(_mend_file, strand, table.folder), pool))


def _mend_file(strand: Strand, folder: Path | None, row: int, cell: Any) -> Result:
    seen = strand.looks.get(row, Look())
    try:
        if seen.error:
            raise CellError(seen.error)
        source = media.open_cell(cell, folder)
        if strand.copied and isinstance(cell, str) and not isinstance(source, Path):
            return Result(error="what a text holds stays in it")
        changed = None if strand.copied else strand.mend.change(cell, folder, seen, strand.goal)
    except CellError as error:
        return Result(error=str(error))
    form = changed.format if changed is not None else seen.format
    path = cell.get("path") if isinstance(cell, dict) else None
    old = source.name if isinstance(source, Path) else re.split(r"[/\\]", path or "")[-1]
    endings = strand.mend.ENDINGS.get(form, "").split() if form else []
    name = right_name(old, endings) if old else f"{row}{endings[0] if endings else ''}"
    done, words = (list(changed.done), [changed.said]) if changed is not None else ([], [])
    if old and name != old and (changed is None or form == seen.format):
        done.append(RENAMED)
        words.append(f"renamed to {os.path.splitext(name)[1]}")
    at, digest = strand.work / str(row), seen.digest
    stays = strand.inline and changed is None and not done and not isinstance(source, Path)
    if changed is not None:
        at.write_bytes(changed.content)
        digest = hashlib.sha256(changed.content).digest()
    elif isinstance(source, Path):
        shutil.copyfile(source, at)
        if strand.copied:
            with at.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
    elif not stays:
        at.write_bytes(source)
    if strand.copied and not isinstance(source, Path):
        digest = hashlib.sha256(source).digest()
    cut = CUT.search(cell) if isinstance(cell, str) and media.part_of(cell, source) != (0.0, None) else None
    if cut is not None:  # two parts of one file are not the same
        digest += cut[0].encode()
    return Result(name, digest, None if stays else at, tuple(done), ", ".join(words), cut=cut[0] if cut else "")


def right_name(name: str, endings: Sequence[str]) -> str:
    """Return a file's name with an ending of its format; one without an ending of a picture, sound or video stays."""
    stem, ending = os.path.splitext(name)
    known = ending.lower() in formats.IMAGE_ENDINGS | formats.AUDIO_ENDINGS | formats.VIDEO_ENDINGS
    return stem + endings[0] if known and endings and ending.lower() not in endings else name


def place_file(strand: Strand, row: int) -> None:
    """Give the file of a row that stays its name in the copy, and note the row's cell."""
    result = strand.results.get(strand.first[row])
    if result is None:
        strand.cells[row] = None
    elif result.error:
        strand.cells[row] = Inline() if strand.copied else None
        if not strand.copied:
            strand.done[row] = (BLANK,), f"left blank ({result.error})"
    else:
        if result.done:
            strand.done[row] = result.done, result.words
        if result.placed is None:
            result.placed = _name_file(strand, result)
        strand.cells[row] = result.placed


def _name_file(strand: Strand, result: Result) -> Inline | str:
    if strand.inline or result.at is None:
        return Inline(result.name, result.at)
    name = free_name(result.name, strand.names)
    strand.names.add(name.lower())
    os.rename(result.at, strand.folder / name)
    return f"{strand.folder.name}/{name}{result.cut}"
