"""An index: unit vectors of cells in shards that are mapped into memory, and exact search over them.

A folder holds a copy of the run, its space, shards, and index.json, which is written last and vouches for the others.
Knows a fitted model and a space; not how the space was learned, nor the command line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.files import consistent, digest, file_in, seal, write_bytes, write_json
from plait.core.terminal import Callback, quiet
from plait.core.words import count
from plait.data.read import read_rows
from plait.errors import CellError, RequestError, RunError, did_you_mean, need
from plait.runs.embedding import NAMES, Embeddings, Read, Space, mean_vector, read_features, unit
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.space.exact import Found, nearest_exact
from plait.space.hits import Hits
from plait.space.lance import Lance
from plait.space.learn import measure, say_space
from plait.space.lesson import contents_of, lesson_of
from plait.space.measures import never_paired
from plait.space.shards import (
    AGAIN_INDEX,
    FACTS,
    FORMAT,
    MOST,
    Part,
    Shard,
    Told,
    open_shards,
    pack_facts,
    read_facts,
    sweep,
)
from plait.space.together import measure_together

MODEL = "model"  # the folder of the run inside the folder of the index
ANY = "any"
LARGE = 300_000  # vectors beyond which an exact search takes long enough to be said
SLOW = "comparing a query with each takes a while; `--index lancedb` makes an index that need not."
ENGINES = ("exact", "lancedb")  # what finds the nearest
DRAWN = 50  # queries on a page
LONGEST = 300  # characters of a text that a hit shows


@dataclass
class Index:
    """Cells of tables as vectors of one space, to be searched. `plait.index` makes one.

    Args:
        model: the run that the vectors are from.
        space: the space that they are in.
        folder: where it is kept; None: in memory alone.
        shards, parts: the vectors, and what index.json says of them.
        rows: of all tables that were added.
        media: the folder in which their paths of media began.
        lance: tables of LanceDB that find the nearest; None: all vectors are compared.

    Example:
        >>> index = plait.index(model, "people.csv")
        >>> hits = index.search({"note": ["fever and cough"]}, into="tabular", top=3)
        >>> len(hits), len(hits.queries[0]["hits"])
        (1, 3)
    """

    model: Model
    space: Space
    folder: Path | None = None
    shards: list[Shard] = field(default_factory=list, repr=False)
    rows: int = 0  # of all tables that were added
    media: str | None = None  # the folder in which paths of media began
    parts: list[Part] = field(default_factory=list, repr=False)
    lance: Lance | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._chance: dict[tuple[tuple[str, ...], str], np.ndarray] = {}

    def __len__(self) -> int:
        return sum(len(x) for shard in self.shards for x in shard.rows.values())

    @property
    def kinds(self) -> dict[str, int]:
        """How many cells of each modality it holds."""
        return {name: sum(len(s.rows.get(name, ())) for s in self.shards) for name in self.space.heads}

    def to_json(self, out: str | Path | None = None) -> dict[str, Any]:
        """Return what `index --json` prints.

        Args:
            out: the folder that is named there.
        """
        space = {"name": self.space.name, "seal": self.space.seal, "for": self.space.aim}
        told = {"rows": self.rows, "entries": self.kinds, "dim": self.space.dim, "space": space}
        return {**told, "out": out, "report": self.space.report}

    def __str__(self) -> str:
        held = ", ".join(f"{name} {count(num)}" for name, num in self.kinds.items())
        given = f"{count(self.rows, 'row')} given, {count(len(self), 'different cell')}"
        return "\n".join([f"{given}: {held}", "", *self.space.say()])

    # -- rows that come -------------------------------------------------------------------------------------------

    def add(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> int:
        """Put in the rows of a table, and return how many cells are new: the same twice is one entry.

        Args:
            rows: anything that `plait.read` takes.
            folder, callback: as in `plait.predict`.

        Raises:
            TableError, RequestError: the table cannot be read, or has none of the model's columns.

        Example:
            >>> index = plait.index(model, table)
            >>> index.add(table), index.add({"note": ["a new one"]})
            (0, 1)
        """
        read = read_features(self.model, rows, folder=folder, before=self.space.reads_before, callback=callback)
        for note in read.notes:
            callback({"note": note})
        return self.put(read, callback)

    def put(self, read: Read, callback: Callback = quiet) -> int:
        """Put in rows that were read, as `add` does."""
        embedded, table = Embeddings.of(self.space, read), read.table
        with self._writing():
            shard = self._new_cells(embedded, table)
            new = sum(len(x) for x in shard.rows.values())
            shard.rows = {name: x + self.rows for name, x in shard.rows.items()}
            rows = self.rows + len(table)
            if self.media is None:
                self.media = str((table.folder or Path()).absolute())
            if self.folder is not None:
                shard = self._write(self.folder, shard if new else None, rows) or shard
            self.rows = rows  # from here on it is there, and not where writing has failed
            if new:
                self.shards.append(shard)
        before = len(self) - new
        if self.lance is None and before <= LARGE < len(self):
            callback({"note": f"the index holds {count(len(self))} vectors; {SLOW}"})
        return new

    def _new_cells(self, embedded: Embeddings, table: Table) -> Shard:
        contents, shard = contents_of(self.model, table), Shard({}, {}, {}, {})
        for name, vectors in embedded.vectors.items():
            there = np.flatnonzero(~np.isnan(vectors[:, 0]))
            _, first = np.unique(contents[name][there], return_index=True)
            rows = there[np.sort(first)]
            for old in self.shards:
                rows = rows[~np.isin(contents[name][rows], old.contents.get(name, ()))]
            shard.vectors[name], shard.rows[name] = vectors[rows], rows
            shard.contents[name] = contents[name][rows]
            shard.cells[name] = show_cells(table, self._columns(name), rows)
        return shard

    def _columns(self, name: str) -> tuple[str, ...]:
        return next(view.modality.columns for view in self.model.views if view.is_main and view.of == name)

    # -- search ---------------------------------------------------------------------------------------------------

    def search(
        self,
        rows: Any,
        *,
        into: str = ANY,
        top: int = 10,
        folder: str | Path | None = None,
        callback: Callback = quiet,
    ) -> Hits:
        """Return the nearest cells for each row of a table, as many sets of hits as rows, in order.

        Args:
            rows: anything that `plait.read` takes; several cells of a row are one query.
            into: the modality to look in; "any": all of them, taking turns by rank.
            top: hits of each query.
            folder, callback: as in `plait.predict`.

        Raises:
            RequestError: there is no such modality, or the table has none of the model's columns.

        Example:
            >>> hits = plait.index(model, table).search(table[:2], into="text")
            >>> [hit["kind"] for hit in hits.queries[0]["hits"]][:2]
            ['text', 'text']
        """
        if into != ANY and into not in self.space.heads:
            raise RequestError(f"the space knows no modality {into!r}. {did_you_mean(into, [*self.space.heads, ANY])}")
        if isinstance(top, bool) or not isinstance(top, int) or top < 1:
            raise RequestError(f"top is {top!r}; expected a whole number above 0.")
        before = self.space.reads_before
        read = read_features(self.model, rows, folder=folder, given=True, before=before, callback=callback)
        embedded = Embeddings.of(self.space, read)
        names, queries = [*embedded.vectors], []
        vectors = self.mix(embedded.vectors, embedded.lengths)
        into_all = [*self.space.heads] if into == ANY else [into]
        nearest = {name: self.nearest(vectors, name, top) for name in into_all}
        for row in range(len(embedded)):
            used = [name for name in names if not np.isnan(embedded.vectors[name][row, 0])]
            status, reason, hits = embedded.status[row], embedded.reason[row], []
            if not np.isnan(vectors[row, 0]):
                by_kind = [self._hits(*nearest[name][row], used, name) for name in into_all]
                hits = take_turns(by_kind)[:top]
            else:
                status = "failed"
            queries.append({"status": status, "reason": reason, "used": used, "hits": hits})
        space = {"name": self.space.name, "seal": self.space.seal}
        return Hits(space, into, queries, embedded.notes, self._show_hit)

    def _show_hit(self, hit: Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
        """Return what can be seen or heard of a hit. folder: of relative paths; by default that of the first table."""
        folder = folder or (Path(self.media) if self.media else None)
        return self._show_cell(hit["kind"], hit["cell"], folder, hit["cell"])

    def mix(self, vectors: Mapping[str, np.ndarray], lengths: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """Return one vector (rows, dim) of those of several modalities, as validation found it best.

        lengths: {modality: (rows,)} how much each cell says, 1 as usual.
        """
        known = lengths or {}
        return mean_vector([*vectors.values()], [self._weight(name) * known.get(name, 1.0) for name in vectors])

    def _weight(self, name: str) -> float:
        report = self.space.report
        weighs = report.get("combine") == "product"
        return float(report.get("weights", {}).get(name, 1.0)) if weighs else 1.0

    def nearest(self, vectors: np.ndarray, name: str, top: int) -> list[Found]:
        """Return (cosines, shards, places) of the best cells of a modality for each query, the best first."""
        asked = np.nan_to_num(vectors)
        if self.lance is not None:
            return self.lance.nearest(asked, name, top, self.shards)
        return nearest_exact(self.shards, asked, name, top)

    def draw(self, hits: Hits, rows: Any, path: str | Path, *, folder: str | Path | None = None) -> None:
        """Write a page on which queries and hits can be seen and heard: one HTML file, also offline.

        Args:
            hits: what `search` returned.
            rows: the rows that were searched for.
            path: the file.
            folder: where relative paths of both begin; by default the folder of the table, and that of the first table
                that was indexed.
        """
        from plait.draw.hits import write_hits

        table = read_rows(rows, folder)
        fitting, _ = self.model._fitting(table, [*self.space.heads])
        media, queries = None if folder is None else Path(folder), []
        for row, query in enumerate(hits.queries[:DRAWN]):
            cells = [
                self._show_cell(name, fitting.cells(self._columns(name)[0], [row])[0], fitting.folder, text)
                for name in query["used"]
                for text in show_cells(fitting, self._columns(name), np.array([row]))
            ]
            found = [{**hit, "shown": self._show_hit(hit, media)} for hit in query["hits"]]
            queries.append({**query, "cells": cells, "hits": found})
        told = {"space": NAMES.get(self.space.name, self.space.name), "within": hits.into, "queries": queries}
        write_hits(path, {**told, "more": len(hits) - len(queries)})

    def _show_cell(self, name: str, cell: Any, folder: Path | None, text: str) -> dict[str, Any]:
        """Return what a page shows of a cell: itself, where its kind can be seen or heard, and its text."""
        view = next(view for view in self.model.views if view.is_main and view.of == name)
        media = getattr(view.able.inside, "media", None)
        shown: dict[str, Any] = {"name": name, "text": text}
        if media is None:
            return shown
        try:
            rate = self.model.facts.sample_rates.get(self._columns(name)[0])
            return {**shown, **media(cell or None, folder, rate)}
        except CellError as error:
            return {**shown, "note": str(error)}

    def _hits(
        self, cosines: np.ndarray, owners: np.ndarray, places: np.ndarray, used: list[str], name: str
    ) -> list[dict[str, Any]]:
        above, column = self._above_chance(used, name, cosines), ", ".join(self._columns(name))
        return [
            {
                "rank": rank + 1,
                "row": int(self.shards[owner].rows[name][place]),
                "kind": name,
                "column": column,
                "cell": self.shards[owner].cells[name][place],
                "score": float(cosines[rank]),
                "above_chance": None if above is None else float(above[rank]),
            }
            for rank, (owner, place) in enumerate(zip(owners, places, strict=True))
        ]

    def _above_chance(self, used: list[str], name: str, cosines: np.ndarray) -> np.ndarray | None:
        """Return the share of random pairs of such queries and such cells with a lower score; None where not known."""
        key = (tuple(used), name)
        if key not in self._chance:
            self._chance[key] = self._chance_scores(used, name)
        known = self._chance[key]
        return np.searchsorted(known, cosines, "left") / len(known) if len(known) else None

    def _chance_scores(self, used: list[str], name: str) -> np.ndarray:
        samples = self.space.samples
        if name not in samples or any(one not in samples for one in used):
            return np.zeros(0, np.float32)
        vectors = {one: unit(samples[one]) for one in {name, *used}}
        lengths = {one: np.linalg.norm(samples[one], axis=1) for one in used}  # of a run of before they are 1
        queries = self.mix({one: vectors[one] for one in used}, lengths)
        queries[np.any([np.isnan(lengths[one]) for one in used], axis=0)] = np.nan
        asked, there = ~np.isnan(queries[:, 0]), ~np.isnan(vectors[name][:, 0])
        cosines = queries[asked] @ vectors[name][there].T
        apart = np.flatnonzero(asked)[:, None] != np.flatnonzero(there)
        return np.sort(cosines[apart])

    def evaluate(
        self,
        rows: Any,
        *,
        label: str | None = None,
        folder: str | Path | None = None,
        callback: Callback = quiet,
    ) -> dict[str, Any]:
        """Return how well each modality of these rows finds the others, beside chance and CCA.

        Args:
            rows: anything that `plait.read` takes; they are queries and gallery, and the index does not count.
            label: the column of classes; by default the target of the run, where it is there.
            folder, callback: as in `plait.predict`.

        Raises:
            RequestError: no such column, or no row has two modalities.

        Example:
            >>> sorted(plait.index(model, table).evaluate(table)["directions"])
            ['tabular->text', 'text->tabular']
        """
        table = read_rows(rows, folder)
        read = read_features(self.model, table, before=self.space.reads_before, callback=callback)
        lesson = lesson_of(self.model, table, read, label)
        for note in filter(None, [*read.notes, self.model._say_learned(read.table)]):
            callback({"note": note})
        aim = self.space.aim if label is None else "kind"
        directions = measure(self.space, lesson, aim)
        if not directions:
            raise RequestError(
                f"no row has two of {', '.join(self.space.heads)}; expected some, to find one by the other."
            )
        return {
            "rows": len(lesson.part),
            "space": {"name": self.space.name, "seal": self.space.seal},
            "directions": directions,
            "never_paired": never_paired(lesson.features),
            "together": measure_together(self.space, lesson, self.mix, aim),
            "sentence": say_space(directions, aim),
        }

    # -- folders --------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other processes from adding meanwhile, and see what they have added before."""
        if self.folder is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(file_in(self.folder, "lock", missing=True), timeout=0)  # no link: what it opens, it empties
        try:
            lock.acquire()
        except Timeout:
            raise RunError(f"another process adds to {self.folder}. Wait until it has ended.") from None
        try:
            facts = read_facts(self.folder)
            if facts["space"] != self.space.seal:
                raise RunError(f"{self.folder} was made anew, with another space, since it was opened. Open it again.")
            if facts["shards"] != self.parts:
                self.shards, self.parts = open_shards(self.folder, facts["shards"], self.space), facts["shards"]
            self.rows = facts["rows"]
            self.lance = _lance_of(self.folder, self.space, facts)
            sweep(self.folder, self.parts)
            yield
        finally:
            lock.release()

    def _write(self, folder: Path, shard: Shard | None, rows: int) -> Shard | None:
        """Write a shard, then index.json, from which on it is there, and return it as it lies there."""
        parts, versions = [*self.parts], None if self.lance is None else self.lance.versions
        if shard is not None:
            name = f"shard-{1 + max((int(p['name'].rpartition('-')[2]) for p in parts), default=0):06d}"
            write_bytes(folder / f"{name}.f32", b"".join(x.tobytes() for x in shard.vectors.values()))
            write_bytes(folder / f"{name}.parquet", pack_facts(shard))
            entries = {kind: len(x) for kind, x in shard.rows.items()}
            files = {"vectors": digest(folder / f"{name}.f32"), "facts": digest(folder / f"{name}.parquet")}
            if self.lance is not None:
                versions = self.lance.add(len(parts), shard)
            parts.append({"name": name, "entries": entries, **files})  # type: ignore[typeddict-item]
        told: dict[str, Any] = {"format": FORMAT, "space": self.space.seal, "run": str(self.model.facts.seal)}
        told |= {"rows": rows, "folder": self.media, "shards": parts}
        told |= {} if versions is None else {"lance": versions}
        write_json(folder / FACTS, {**told, "seal": seal(told)})
        self.parts = parts
        if self.lance is not None and versions is not None:
            self.lance.settle(versions)
        return None if shard is None else open_shards(folder, parts[-1:], self.space)[0]

    def save(self, folder: str | Path, engine: str = "exact") -> Path:
        """Write the index, its space and its run to a folder, and return it.

        Args:
            folder: one that is not there yet, or empty.
            engine: "exact", or "lancedb": with tables of LanceDB, which find the nearest of many vectors sooner.

        Raises:
            RunError: the folder is there already.
            MissingExtra: LanceDB is not installed.
            RequestError: there is no such engine.

        Example:
            >>> plait.index(model, table).save("found").name
            'found'
        """
        folder = Path(folder)
        check_engine(engine)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RunError(f"{folder} is there already. Name another folder, or add to the index in it: --add.")
        part = folder.with_name(f".{folder.name}.part")
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(parents=True)
        self.model.save(part / MODEL)
        self.space.write(part)
        self.parts, self.lance = [], Lance(part, [*self.space.heads], {}) if engine == "lancedb" else None
        shards: list[Shard | None] = [*self.shards]
        for shard in shards or [None]:
            self._write(part, shard, self.rows)
        if folder.exists():
            folder.rmdir()
        part.replace(folder)
        self.folder = folder
        if self.lance is not None:
            self.lance = Lance(folder, self.lance.names, self.lance.versions)
        self.shards = open_shards(folder, self.parts, self.space)
        return folder


def load_index(folder: str | Path) -> Index:
    """Return the index in a folder that `plait index` wrote.

    Args:
        folder: the folder.

    Raises:
        RunError: a file is missing, was changed or cut short; the message names it.

    Example:
        >>> made = plait.index("run", "people.csv", "index")
        >>> plait.load_index("index").kinds["text"]
        40
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}. Name the folder that `plait index` wrote.")
    facts = read_facts(folder)
    inner = folder / MODEL
    if inner.is_symlink() or not inner.is_dir():
        raise RunError(f"{inner} is missing, or no folder; it holds the run of the index. {AGAIN_INDEX}")
    model, space = open_one(inner, "an index is of"), Space.read(folder)
    if space is None:
        raise RunError(f"{folder / 'space.json'} is missing. {AGAIN_INDEX}")
    if space.seal != facts["space"] or space.run != model.facts.seal or facts["run"] != model.facts.seal:
        raise RunError(f"{folder} holds vectors of another space than its own. {AGAIN_INDEX}")
    shards = open_shards(folder, facts["shards"], space)
    lance = _lance_of(folder, space, facts)
    return Index(model, space, folder, shards, facts["rows"], facts["folder"], facts["shards"], lance)


def _lance_of(folder: Path, space: Space, facts: Told) -> Lance | None:
    """Return the tables of LanceDB that index.json names, if any. Raises RunError where they are not of this space."""
    if "lance" not in facts:
        return None
    with consistent(folder / FACTS):
        if not {*facts["lance"]} <= {*space.heads} or not all(
            0 < version < MOST for version in facts["lance"].values()
        ):
            raise ValueError(f"it names the tables {str(facts['lance'])[:100]}")
    return Lance(folder, [*space.heads], facts["lance"])


def check_engine(engine: str) -> None:
    """Raise RequestError for what is no way to find the nearest, and MissingExtra for one that is not installed."""
    if engine not in ENGINES:
        raise RequestError(f"there is no index {engine!r}. {did_you_mean(engine, ENGINES)}")
    if engine == "lancedb":
        need("lancedb")


def show_cells(table: Table, columns: tuple[str, ...], rows: np.ndarray) -> list[str]:
    """Return how a hit shows the cells of a modality: a path or a text as it is, several as name=value."""
    shown = {name: table.cells(name, rows) for name in columns}
    if len(columns) == 1:
        return [_show(cell) for cell in shown[columns[0]]]
    lists = zip(*shown.values(), strict=True)
    return [
        ", ".join(f"{n}={_show(c)}" for n, c in zip(columns, cells, strict=True) if c is not None) for cells in lists
    ]


def _show(cell: Any) -> str:
    if isinstance(cell, str):
        cell = " ".join(cell.split())
        return cell if len(cell) <= LONGEST else cell[: LONGEST - 1] + "…"
    if isinstance(cell, (bytes, bytearray, dict, list, np.ndarray)) or cell is None:
        return ""
    return _show(str(cell))


def take_turns(by_kind: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return hits of several kinds in turns: all firsts, then all seconds, each turn by how far above chance they are.

    Cosines of two kinds do not compare: those of a query's own kind are nearly all higher.
    """
    turns: list[dict[str, Any]] = []
    for turn in range(max(map(len, by_kind), default=0)):
        hits = [hits[turn] for hits in by_kind if turn < len(hits)]
        turns += sorted(hits, key=lambda hit: (-(hit["above_chance"] or 0.0), hit["kind"]))
    return turns


def check_same(index: Index, model: Model, aim: str | None, engine: str | None = None) -> None:
    """Raise RunError unless rows of this run may join the index, which is for this aim and found by this engine."""
    made = "exact" if index.lance is None else "lancedb"
    if engine not in (None, made):
        raise RunError(f"{index.folder} is an index made by --index {made}, not {engine}. Leave --index away.")
    if index.model.facts.seal != model.facts.seal:
        raise RunError(f"{index.folder} is an index of another run, whose space is another. Make an index of this one.")
    if aim is not None and aim != index.space.aim:
        raise RunError(f"{index.folder} has a space for {index.space.aim}; expected it for {aim}. Name another folder.")
