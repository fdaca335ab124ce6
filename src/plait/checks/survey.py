"""Open every picture and sound of a table once, and keep what the checks need to know of each. Judges nothing.
What is looked at in a cell, its kind says."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.checks.mend.files import right_name
from plait.core.contract import Schema, Table
from plait.core.terminal import Callback, quiet
from plait.core.threads import FEW, THREADS, open_pool, task_threads
from plait.data import formats, media
from plait.data.fact_cache import Cache
from plait.data.feature_cache import digest_bytes
from plait.data.headers import check_header
from plait.data.travel import pack_table, unpack_table
from plait.errors import CellError
from plait.kinds import KINDS, forms_of
from plait.kinds.cell_facts import WHOLE, CellFacts
from plait.kinds.kind import Kind
from plait.tasks.runner import Runner
from plait.tasks.work import Setup

VERSION = 4  # of the facts: raise it when a fact changes its meaning, and what is kept counts no more
CHUNK = 256  # cells that are a task of another process
Asked = tuple[str, list[str | int], list[str | int]]


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
    FEW cells are a task of a thread, CHUNK of a process; pixels and samples live only until their facts are taken.
    cache: a folder in which facts are kept, of files by path, size and time of change, of cells by their content; where
    it cannot be used, the callback gets one note. runner: where tasks are done; without it here, by threads.
    Progress: {"stage": "check", "done", "total"} in cells."""
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
    asked: deque[Asked] = deque()
    done, total = 0, len(table) * len(kinds)
    with ExitStack() as opened:
        found: Iterator[list[tuple[CellFacts | None, str]]]
        if runner is None:
            pool = opened.enter_context(open_pool(total))
            opened.enter_context(task_threads())
            found = _in_threads(pool, kept, _each_chunk(table, kinds, asked, FEW))
        else:
            if kinds:
                runner.check_folders(table.folder or Path())
            setup: Setup = (f"{__name__}:open_desk", {"file": None if file is None else str(file.absolute())})
            requests = (_packed(*part) for part in _each_chunk(table, kinds, asked, CHUNK))
            found = map(_read_facts, runner.map(f"{__name__}:look_at", requests, setup=setup))
        for cells in found:
            name, keys, new = asked.popleft()
            kept.add({key: cell.to_json() for cell, key in cells if key and cell} if kept.path else {})
            known[name] |= {key: cell for key, (cell, _) in zip(new, cells, strict=True)}
            facts[name] += [known[name].get(key) for key in keys]
            done += len(keys)
            callback({"stage": "check", "done": done, "total": total})
    if runner is None:  # else what was asked for is known elsewhere
        kept.tidy()
    if kept.trouble:
        callback({"note": f"nothing is kept for the next check: {kept.trouble}"})
    return Survey(table, schema, facts, cache)


def _each_chunk(
    table: Table, kinds: Mapping[str, Kind], asked: deque[Asked], size: int
) -> Iterator[tuple[Table, Kind]]:
    """Give the cells to open of so many cells of a column, and note (column, keys of all cells, of those to open)."""
    for name, kind in kinds.items():
        narrow = replace(table, data={name: table.data[name]}, lines=None, notes={})
        seen = set[str | int]()
        for start in range(0, len(table), size):
            cells = table.cells(name, range(start, min(start + size, len(table))))
            keys = [cell if isinstance(cell, str) else row for row, cell in enumerate(cells, start)]
            new = {k: row for row, (k, cell) in enumerate(zip(keys, cells, strict=True), start) if cell is not None}
            rows = {key: row for key, row in new.items() if key not in seen}
            seen |= rows.keys()
            asked.append((name, keys, [*rows]))
            yield narrow.take([*rows.values()]), kind


def _in_threads(
    pool: Executor, kept: Cache, parts: Iterable[tuple[Table, Kind]]
) -> Iterator[list[tuple[CellFacts | None, str]]]:
    """Give what `look_at_cells` finds, in order: a part is a thread's task, and no thread waits for another."""
    ahead: deque[Future[list[tuple[CellFacts | None, str]]]] = deque()
    for part in parts:
        ahead.append(pool.submit(look_at_cells, *part, kept))
        if len(ahead) > 2 * THREADS:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def look_at_cells(table: Table, kind: Kind, kept: Cache) -> list[tuple[CellFacts | None, str]]:
    """Return of each cell of the one column its facts, None where it is blank, and the key to keep them under."""
    (name,) = table.names
    rate = table.sample_rates.get(name)
    return [look_into(cell, kind, table.folder, kept, rate) for cell in table.cells(name)]


def _packed(table: Table, kind: Kind) -> dict[str, Any]:
    return {"table": pack_table(table), "kind": kind.name}


def open_desk(request: dict[str, Any]) -> Cache:
    """Return what is kept, in another process."""
    return Cache(None if request["file"] is None else Path(request["file"]))


def look_at(kept: Cache, request: dict[str, Any]) -> dict[str, Any]:
    """Return what `look_at_cells` does, in another process: many are side by side."""
    found = look_at_cells(unpack_table(request["table"]), KINDS[request["kind"]], kept)
    return {
        "kind": request["kind"],
        "facts": [None if facts is None else facts.to_json() for facts, _ in found],
        "places": [None if facts is None else {"path": facts.path, "outside": facts.outside} for facts, _ in found],
        "keep": [key for _, key in found],
    }


def _read_facts(found: dict[str, Any]) -> list[tuple[CellFacts | None, str]]:
    """Return what another process told of cells."""
    form = KINDS[found["kind"]].checks.FACTS
    read = [form.from_json(found["kind"], facts) for facts in found["facts"]]
    facts = [cell and replace(cell, **place) for cell, place in zip(read, found["places"], strict=True)]
    return [*zip(facts, found["keep"], strict=True)]


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
