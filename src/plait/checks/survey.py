"""Open every picture and sound of a table once, and keep what the checks need to know of each. Judges nothing.

What is looked at in a cell, its kind says.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Schema, Table
from plait.data import media
from plait.data.fact_cache import Cache
from plait.data.feature_cache import digest_bytes
from plait.data.headers import check_header
from plait.errors import CellError
from plait.kinds import KINDS
from plait.kinds.cell_facts import WHOLE, CellFacts
from plait.kinds.kind import Kind

VERSION = 2  # of the facts: raise it when a fact changes its meaning, and what is kept counts no more
CHUNK = 256  # cells that are looked into before what was found is kept
ENDINGS = {"png": "PNG", "gif": "GIF", "bmp": "BMP", "webp": "WebP", "wav": "WAV", "flac": "FLAC", "mp3": "MP3"}
ENDINGS |= dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), "JPEG") | dict.fromkeys(("tif", "tiff"), "TIFF")
ENDINGS |= dict.fromkeys(("ogg", "oga", "opus"), "OGG") | dict.fromkeys(("aif", "aiff", "aifc"), "AIFF")
ENDINGS |= dict.fromkeys(("au", "snd"), "AU")


def _quiet(event: dict[str, Any]) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Survey:
    """facts[column]: one entry for each row of a picture or sound column; None where the cell is blank.

    cache: the folder of what is kept between commands, or None.
    """

    rows: int
    facts: Mapping[str, list[CellFacts | None]] = field(default_factory=dict)
    cache: Path | None = field(default=None, compare=False)

    def seen(self, table: Table, columns: Sequence[str], rows: np.ndarray | None = None) -> dict[str, list[Any]]:
        """Return what is known of each cell of these columns: its facts where it was opened, else the cell itself.

        rows: (n,) rows of the table; all of them where it is left out.
        """
        return {
            name: table.cells(name, rows)
            if name not in self.facts
            else self.facts[name]
            if rows is None
            else [self.facts[name][row] for row in rows]
            for name in columns
        }


def survey_table(
    table: Table, schema: Schema, *, cache: Path | None = None, callback: Callable[[dict[str, Any]], None] = _quiet
) -> Survey:
    """Return the facts of every cell of the picture and sound columns that are features, each file opened once.

    A pool of threads reads CHUNK cells at a time; decoded pixels and samples live only until their facts are taken.
    cache: a folder in which facts of files are kept, by path, size and time of change, and of cells by their content; a
    second survey reads no file again. Where it cannot be used, the callback gets one note. Progress: {"stage": "check",
    "done", "total"} in cells.
    """
    kinds = {
        name: kind
        for modality in schema.modalities
        if (kind := KINDS[modality.kind]).opened and kind.checks is not None
        for name in modality.columns
    }
    kept = Cache(_cache_file(table, cache))
    facts: dict[str, list[CellFacts | None]] = {name: [] for name in kinds}
    done, total = 0, len(table) * len(kinds)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, kind in kinds.items():
            known: dict[str, CellFacts | None] = {}  # of cells that name files, so that no file is opened twice
            for start in range(0, len(table), CHUNK):
                rows = np.arange(start, min(start + CHUNK, len(table)))
                cells = table.cells(name, rows)
                asked = {cell: cell for cell in cells if isinstance(cell, str) and cell not in known}
                rest = {row: cell for row, cell in enumerate(cells) if cell is not None and not isinstance(cell, str)}
                rate = table.sample_rates.get(name)
                looked = pool.map(
                    lambda cell, kind=kind, rate=rate: look_into(cell, kind, table.folder, kept, rate),
                    [*asked.values(), *rest.values()],
                )
                new: dict[str, dict[str, Any]] = {}
                found: dict[Any, CellFacts | None] = {}
                for place, (cell_facts, key) in zip([*asked, *rest], looked, strict=True):
                    found[place] = cell_facts
                    if key and cell_facts is not None:
                        new[key] = cell_facts.to_json()
                known |= {cell: found[cell] for cell in asked}
                kept.add(new)
                for row, cell in enumerate(cells):
                    facts[name].append(known[cell] if isinstance(cell, str) else found.get(row))
                done += len(rows)
                callback({"stage": "check", "done": done, "total": total})
    kept.tidy()
    if kept.trouble:
        callback({"note": f"nothing is kept for the next check: {kept.trouble}"})
    return Survey(len(table), facts, cache)


def _cache_file(table: Table, folder: Path | None) -> Path | None:
    """One file for each folder of media, so that a check of one table does not read the facts of all others."""
    if folder is None:
        return None
    place = os.path.abspath(table.folder) if table.folder is not None else ""
    return folder / f"check-{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:16]}.jsonl"


def look_into(
    cell: Any, kind: Kind, folder: Path | None, cache: Cache, rate: int | None = None
) -> tuple[CellFacts | None, str]:
    """Return the facts of one cell, None where it is blank after all, and the key to keep them under.

    The key is "" where they are kept already, or where nothing could be opened.
    """
    checks, path, outside = kind.checks, "", False
    facts_class = checks.FACTS
    try:
        if isinstance(cell, np.ndarray):
            return checks.look(cell, folder, rate), ""
        source = media.open_cell(cell, folder)
        if isinstance(source, Path):
            path = str(source)
            outside = _is_outside(path, folder)
            state = source.stat()
            key = f"{os.path.abspath(path)}|{state.st_size}|{state.st_mtime_ns}"
        else:
            key = hashlib.sha256(source).hexdigest()
        part = checks.part_of(cell, source)
        key = f"{VERSION}|{kind.name}|{key}|{part}"
        facts: CellFacts | None = facts_class.from_json(kind.name, cache.get(key))
        if facts is not None:
            return replace(facts, path=path, outside=outside), ""
        if path and part != WHOLE:  # many rows may hold parts of one long file: only the part is read
            return replace(checks.look(cell, folder, rate), path=path, outside=outside), key
        content = source if isinstance(source, bytes) else source.read_bytes()
    except CellError as error:
        if error.fault == "blank":  # a record with nothing in it
            return None, ""
        return facts_class(kind.name, error.fault, str(error), path, outside=outside), ""
    except OSError as error:
        reason = f"cannot be opened: {cell} ({error.strerror})"
        return facts_class(kind.name, "unreadable", reason, path, outside=outside), ""
    name = path or (str(cell.get("path") or "") if isinstance(cell, dict) else "")
    try:
        # Named as the cell has it, decoded from the bytes that are here already.
        named = {"bytes": content, "path": str(cell) if path else name or "the bytes"}
        facts = checks.look(named, None, rate, content)
    except CellError as error:
        facts = facts_class(kind.name, error.fault, str(error))
    fault, words = check_header(content)
    found = media.sniff_format(content[: media.HEAD])
    form = found[1] if found else ""
    is_kind = found is not None and found[0] == kind.name
    if fault == "truncated" and facts.fault in ("", "no-samples", "unreadable", "too-large") and is_kind:
        if facts.fault or checks.WHOLE_FILES:
            reason = f"cut off: {cell if path else name or 'the bytes'} ({words})"
            facts = facts_class(kind.name, "truncated", reason)
        else:
            facts = replace(facts, header=words)
    elif fault and not facts.fault:
        facts = replace(facts, header=words)
    ending = ENDINGS.get(os.path.splitext(name)[1].lower().lstrip("."))
    facts = replace(
        facts,
        path=path,
        outside=outside,
        digest=hashlib.sha256(content).hexdigest(),
        cell=digest_bytes(content).hex() if part == WHOLE else "",
        format=form,
        renamed=bool(ending and form and ending != form),
    )
    return facts, key


def _is_outside(path: str, folder: Path | None) -> bool:
    if folder is None:
        return False
    root = os.path.abspath(folder)
    return not os.path.abspath(path).startswith(root.rstrip(os.sep) + os.sep)
