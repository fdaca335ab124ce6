"""Open every picture and sound of a table once, and keep what the checks need to know of each. Judges nothing.
What is looked at in a cell, its kind says."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plait.checks.mend.files import right_name
from plait.core.contract import Schema, Table
from plait.core.terminal import Callback, quiet
from plait.core.threads import InThisThread
from plait.data import formats, media
from plait.data.fact_cache import Cache
from plait.data.feature_cache import digest_bytes
from plait.data.headers import check_header
from plait.data.travel import pack_table, unpack_table
from plait.errors import CellError
from plait.kinds import KINDS, forms_of
from plait.kinds.cell_facts import WHOLE, CellFacts
from plait.kinds.kind import Kind
from plait.tasks.here import Here
from plait.tasks.runner import Runner
from plait.tasks.work import Setup

VERSION = 3  # of the facts: raise it when a fact changes its meaning, and what is kept counts no more
CHUNK = 256  # cells that are looked into before what was found is kept


@dataclass(frozen=True)
class Survey:
    """A table, its schema, and facts[column]: one entry for each row of a picture or sound column, None where blank.
    cache: the folder of what is kept between commands, or None."""

    table: Table = field(compare=False)
    schema: Schema
    facts: Mapping[str, list[CellFacts | None]] = field(default_factory=dict)
    cache: Path | None = field(default=None, compare=False)

    def seen(self, columns: Sequence[str], rows: np.ndarray | None = None) -> dict[str, list[Any]]:
        """Return what is known of the cells of these rows (all, where left out): their facts, or else themselves."""
        chosen = range(len(self.table)) if rows is None else rows
        return {
            name: [self.facts[name][row] for row in chosen] if name in self.facts else self.table.cells(name, rows)
            for name in columns
        }

    def of(self, schema: Schema) -> Survey:
        """Return the same with another target."""
        return replace(self, schema=_own_kinds(schema))


def survey_table(
    table: Table,
    schema: Schema,
    *,
    cache: Path | None = None,
    callback: Callback = quiet,
    runner: Runner | None = None,
) -> Survey:
    """Return the facts of every cell of the picture and sound columns that are features, each file opened once.
    CHUNK cells are a task; pixels and samples live only until their facts are taken. cache: a folder in which facts are
    kept, of files by path, size and time of change, of cells by their content; where it cannot be used, the callback
    gets one note. runner: where tasks are done; without it here, by a pool of threads. Progress: {"stage": "check",
    "done", "total"} in cells."""
    schema = _own_kinds(schema)
    kinds = {
        name: kind
        for modality in schema.modalities
        if (kind := KINDS[modality.kind]).opened and kind.checks is not None
        for name in modality.columns
    }
    kept = Cache(file := _cache_file(table, cache))
    facts: dict[str, list[CellFacts | None]] = {name: [] for name in kinds}
    # what was found, by the file that is named, else by row: none is opened twice
    known: dict[str, dict[str | int, CellFacts | None]] = {name: {} for name in kinds}
    asked: deque[tuple[str, list[str | int], list[str | int]]] = deque()
    done, total = 0, len(table) * len(kinds)
    with ExitStack() as opened:
        runner = runner or opened.enter_context(Here())
        away = runner.engine != "here"
        setup: Setup = (f"{__name__}:open_desk", {"file": None if file is None else str(file.absolute())})
        if not away:
            pool = opened.enter_context(ThreadPoolExecutor(os.cpu_count() or 1))
            setup = (f"{__name__}:take_desk", {"desk": (kept, pool)})
        elif kinds:
            runner.check_folders(table.folder or Path())
        for found in runner.map(f"{__name__}:look_at", _each_chunk(table, kinds, asked, away), setup=setup):
            name, keys, new = asked.popleft()
            kept.add({key: fact for key, fact in zip(found["keep"], found["facts"], strict=True) if key and fact})
            read = [_read_facts(*given, kinds[name]) for given in zip(found["facts"], found["places"], strict=True)]
            known[name] |= dict(zip(new, read, strict=True))
            facts[name] += [known[name].get(key) for key in keys]
            done += len(keys)
            callback({"stage": "check", "done": done, "total": total})
    if not away:  # else what was asked for is known elsewhere
        kept.tidy()
    if kept.trouble:
        callback({"note": f"nothing is kept for the next check: {kept.trouble}"})
    return Survey(table, schema, facts, cache)


def _each_chunk(
    table: Table,
    kinds: Mapping[str, Kind],
    asked: deque[tuple[str, list[str | int], list[str | int]]],
    away: bool,
) -> Iterator[dict[str, Any]]:
    """Return a request for each CHUNK cells of a column, and note (column, keys of all cells, of those to open)."""
    for name, kind in kinds.items():
        narrow = replace(table, data={name: table.data[name]}, lines=None, notes={})
        seen = set[str | int]()
        for start in range(0, len(table), CHUNK):
            cells = table.cells(name, range(start, min(start + CHUNK, len(table))))
            keys = [cell if isinstance(cell, str) else row for row, cell in enumerate(cells, start)]
            new = {k: row for row, (k, cell) in enumerate(zip(keys, cells, strict=True), start) if cell is not None}
            rows = {key: row for key, row in new.items() if key not in seen}
            seen |= rows.keys()
            asked.append((name, keys, [*rows]))
            part = narrow.take([*rows.values()])
            yield {"table": pack_table(part) if away else part, "kind": kind.name}


def take_desk(request: dict[str, Any]) -> tuple[Cache, Executor]:
    """Return what is kept, and threads, in this process."""
    desk: tuple[Cache, Executor] = request["desk"]
    return desk


def open_desk(request: dict[str, Any]) -> tuple[Cache, Executor]:
    """Return what is kept, and no threads, in another process: many are side by side."""
    return Cache(None if request["file"] is None else Path(request["file"])), InThisThread()


def look_at(desk: tuple[Cache, Executor], request: dict[str, Any]) -> dict[str, Any]:
    """Return of each cell its facts, None where it is blank, where it lies, and the key to keep them under."""
    table = request["table"] if isinstance(request["table"], Table) else unpack_table(request["table"])
    (name,), (kept, pool) = table.names, desk
    rate = table.sample_rates.get(name)
    look = partial(look_into, kind=KINDS[request["kind"]], folder=table.folder, cache=kept, rate=rate)
    found = [*pool.map(look, table.cells(name))]
    return {
        "facts": [None if facts is None else facts.to_json() for facts, _ in found],
        "places": [None if facts is None else {"path": facts.path, "outside": facts.outside} for facts, _ in found],
        "keep": [key for _, key in found],
    }


def _read_facts(facts: dict[str, Any] | None, place: dict[str, Any] | None, kind: Kind) -> CellFacts | None:
    """Return the facts of a cell as they were told."""
    read: CellFacts | None = kind.checks.FACTS.from_json(kind.name, facts)
    return None if read is None else replace(read, **(place or {}))


def _own_kinds(schema: Schema) -> Schema:
    """Return it without the sounds of videos: of a column of several modalities its own kind looks at all of it."""
    own = [m for m in schema.modalities if not forms_of(of := schema.column(m.columns[0]).kind) or m.kind == of]
    return replace(schema, modalities=tuple(own))


def _cache_file(table: Table, folder: Path | None) -> Path | None:
    """One file for each folder of media, so that a check of one table does not read the facts of all others."""
    if folder is None:
        return None
    place = os.path.abspath(table.folder) if table.folder is not None else ""
    return folder / f"check-{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:16]}.jsonl"


def look_into(
    cell: Any, kind: Kind, folder: Path | None, cache: Cache, rate: int | None = None
) -> tuple[CellFacts | None, str]:
    """Return the facts of one cell, None where it is blank after all, and the key to keep them under, "" where they are
    kept already or nothing could be opened."""
    checks, place = kind.checks, dict[str, Any]()
    try:
        if isinstance(cell, np.ndarray) or (hasattr(checks, "is_whole") and checks.is_whole(cell)):
            return checks.look(cell, folder, rate), ""
        source = media.open_cell(cell, folder)
        if isinstance(source, Path):
            place = {"path": str(source), "outside": _is_outside(str(source), folder)}
        part = checks.part_of(cell, source) if hasattr(checks, "part_of") else WHOLE
        key = f"{getattr(checks, 'VERSION', VERSION)}|{kind.name}|{media.name_content(source)}|{part}"
        facts: CellFacts | None = checks.FACTS.from_json(kind.name, cache.get(key))
        if facts is not None:
            return replace(facts, **place), ""
        # many rows may hold parts of one long file, and a video may be of any length: only what is asked for is read
        if place and (part != WHOLE or getattr(checks, "LARGE", False)):
            return replace(checks.look(cell, folder, rate), **place), key
        content = source if isinstance(source, bytes) else source.read_bytes()
    except CellError as error:
        if error.fault == "blank":  # a record with nothing in it
            return None, ""
        return checks.FACTS(kind.name, error.fault, str(error), **place), ""
    except OSError as error:
        reason = f"cannot be opened: {cell} ({error.strerror})"
        return checks.FACTS(kind.name, "unreadable", reason, **place), ""
    digest = digest_bytes(content).hex()
    facts = _read_content(cell, kind, content, place.get("path", ""), rate)
    return replace(facts, digest=digest, cell=digest if part == WHOLE else "", **place), key


def _read_content(cell: Any, kind: Kind, content: bytes, path: str, rate: int | None) -> CellFacts:
    """Return what the bytes of a cell hold, and what their header and the name of the file tell wrongly."""
    checks = kind.checks
    name = path or (str(cell.get("path") or "") if isinstance(cell, dict) else "")
    called = str(cell) if path else name or "the bytes"
    try:
        # Named as the cell has it, decoded from the bytes that are here already.
        facts: CellFacts = checks.look({"bytes": content, "path": called}, None, rate, content)
    except CellError as error:
        facts = checks.FACTS(kind.name, error.fault, str(error))
    fault, words = check_header(content)
    sniffed, form = formats.sniff_format(content[: formats.HEAD]) or ("", "")
    cut_off = fault == "truncated" and facts.fault in ("", "no-samples", "unreadable", "too-large")
    if cut_off and sniffed == kind.name and (facts.fault or checks.WHOLE_FILES):
        facts = checks.FACTS(kind.name, "truncated", f"cut off: {called} ({words})")
    elif fault and not facts.fault:
        facts = replace(facts, header=words)
    endings = getattr(kind.mend, "ENDINGS", {}).get(form.upper(), "").split()
    return replace(facts, format=form, renamed=right_name(name, endings) != name)


def _is_outside(path: str, folder: Path | None) -> bool:
    return folder is not None and not Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
