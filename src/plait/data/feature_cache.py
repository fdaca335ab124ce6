"""Features of cells, kept between commands: Parquet shards in the user's cache folder. Knows no encoder and no table.

A folder holds the features that one encoder with one preprocessing gives; a cell is known by the hash of its content.
A shard is written whole, its name is the hash of the keys in it, and none is ever changed: two processes may write at
once, and a kill loses at most the shard under way. What is damaged or gone counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from plait.core.files import parse_json, write_bytes
from plait.core.typed import check_type
from plait.data.fact_cache import cache_folder

KEY_BYTES = 16
SMALL = 1024  # rows below which a shard is small
MOST_SMALL = 64  # small shards above which they are put together
SHARD_BYTES = 64 << 20  # of features in one shard, about
TOUCH = 3600.0  # seconds after which a use is noted on the shard again, for pruning
COUNTS = "counts.jsonl"
MOST_COUNTS = 64 << 10  # bytes of the file of counts above which it is summed up


class About(TypedDict):
    """What about.json says of a folder of features."""

    name: str
    kind: str
    tokens: int
    width: int


class Counts(TypedDict):
    """A line of COUNTS."""

    asked: int
    found: int


def digest_cell(cell: Any, folder: Path | None, sample_rate: int | None = None) -> bytes:
    """Return the hash of what a cell holds: of a file its bytes, and which part of it is meant.
    Raises CellError where the cell is blank or names no file that can be read."""
    if isinstance(cell, np.ndarray):
        return _digest(f"{cell.dtype} {cell.shape} {sample_rate};".encode(), np.ascontiguousarray(cell).tobytes())
    from plait.data.media import open_cell, part_of, read_source  # here, since features of texts open no file

    source = open_cell(cell, folder)
    return digest_bytes(read_source(source, None, cell), part_of(cell, source))


def digest_bytes(content: bytes, part: tuple[float, float | None] = (0.0, None)) -> bytes:
    """Return the hash of a cell that holds this content, or of a part of it from start to end, in seconds."""
    return _digest(f"{part};".encode(), content)


def digest_text(text: str) -> bytes:
    return _digest(b"text;", text.encode("utf-8", "surrogatepass"))


def digest_input(values: np.ndarray) -> bytes:
    """Return the hash of what an encoder is given, of a cell that was changed before."""
    return _digest(f"input {values.dtype} {values.shape};".encode(), np.ascontiguousarray(values).tobytes())


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _name(keys: Sequence[bytes]) -> str:
    """Return the name of the shard that holds these keys."""
    return _digest(*keys).hex() + ".parquet"


def open_features(key: str, shape: tuple[int, ...], about: Mapping[str, Any]) -> FeatureCache:
    """Return the cache of the features (*shape) that belong to this key; one object for one folder in a process.
    about: what `plait cache` says of it."""
    try:
        folder: Path | None = cache_folder() / "features" / key[:32]
    except RuntimeError:
        folder = None
    return _OPEN.setdefault((folder, shape), FeatureCache(folder, shape, about))


def list_features(folder: Path, kind: str) -> list[FeatureCache]:
    """Return what is kept in a cache folder of cells of this kind, a cache for each encoder, in order of their keys."""
    caches = []
    for path in sorted(folder.glob("features/*/about.json")):
        with contextlib.suppress(OSError, ValueError):  # damaged, or gone since
            about = parse_json(path.read_bytes())
            check_type(about, About)
            if about["kind"] == kind and min(about["tokens"], about["width"]) > 0:
                caches.append(FeatureCache(path.parent, (about["tokens"], about["width"]), about))
    return caches


class FeatureCache:
    """Features (*shape) float32 by key, in one folder; safe to use from several threads and processes. `trouble` says
    why none can be kept, and is "" where all is well."""

    def __init__(self, folder: Path | None, shape: tuple[int, ...], about: Mapping[str, Any] | None = None) -> None:
        self.folder, self.shape, self.about = folder or Path(), shape, dict(about or {})
        self.trouble = "" if folder else "there is no home folder; name a folder with PLAIT_CACHE"
        self._homeless = folder is None
        self._lock = threading.RLock()
        self._places: dict[bytes, tuple[str, int]] = {}  # key → shard, row
        self._known: set[str] = set()  # shards whose keys are in it
        self._listed = -1  # when the folder had changed last
        self._held: tuple[str, np.ndarray] = ("", np.zeros(0, np.float32))  # the shard that was read last

    def get(self, keys: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Return which keys are there (batch,) bool, and their features (batch, *shape), 0 where they are not."""
        kept = np.zeros(len(keys), bool)
        values = np.zeros((len(keys), *self.shape), np.float32)
        if self._homeless or not keys:
            return kept, values
        with self._lock:
            self._look()
            wanted: dict[str, list[int]] = {}
            for index, key in enumerate(keys):
                if key in self._places:
                    wanted.setdefault(self._places[key][0], []).append(index)
            for shard, indices in wanted.items():
                places = [self._places[keys[i]][1] for i in indices]
                if (rows := self._read(shard)) is not None and max(places) < len(rows):
                    values[indices] = rows[places]
                    kept[indices] = True
        return kept, values

    def add(self, keys: Sequence[bytes], values: np.ndarray) -> None:
        """Keep features (batch, *shape) float32: one shard, on the disk when this returns."""
        if self.trouble or not keys:
            return
        with self._lock:
            try:
                if not (self.folder / "about.json").exists():
                    write_bytes(self.folder / "about.json", json.dumps(self.about, ensure_ascii=False).encode())
                self._write(keys, np.asarray(values, np.float32))
            except OSError as error:
                self.trouble = str(error.strerror or error)

    def count(self, asked: int, found: int) -> None:
        """Note how many cells were asked for, and how many of them were there."""
        if self.trouble or not asked:
            return
        path, line = self.folder / COUNTS, '{{"asked": {}, "found": {}}}\n'
        with contextlib.suppress(OSError):  # a count that is lost, or whose folder is not there, changes nothing
            with open(path, "ab") as file:
                file.write(line.format(asked, found).encode())
            if path.stat().st_size > MOST_COUNTS:
                write_bytes(path, line.format(*read_counts(self.folder)).encode())

    def _look(self) -> None:
        """Learn which keys there are, where the folder has changed since the last look."""
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError as error:
            if not isinstance(error, FileNotFoundError):  # it may not be entered
                self.trouble = str(error.strerror or error)
            self._places, self._known, self._listed = {}, set(), -1
            return
        if changed == self._listed:
            return
        shards = {path.name for path in self.folder.glob("*.parquet")}
        if self._known - shards:  # some were pruned, or put together
            self._places = {k: place for k, place in self._places.items() if place[0] in shards}
            self._known &= shards
        small = 0
        for name in sorted(shards - self._known):
            keys = self._keys(name)
            small += len(keys) < SMALL
            self._learn(name, keys)
        self._listed = changed
        if small > MOST_SMALL:
            self._join_small(sorted(shards))

    def _learn(self, shard: str, keys: Sequence[bytes]) -> None:
        for row, key in enumerate(keys):
            self._places.setdefault(key, (shard, row))
        self._known.add(shard)

    def _column(self, shard: str, name: str) -> Any:
        """Return a column of a shard as Arrow, or None where it is damaged, or gone since."""
        import pyarrow as pa
        import pyarrow.parquet as parquet

        try:  # read_table imports pandas, where there is one
            with parquet.ParquetFile(self.folder / shard, page_checksum_verification=True) as file:
                return file.read(columns=[name])[name].combine_chunks()
        except (OSError, pa.ArrowException, ValueError, LookupError, MemoryError):
            return None

    def _keys(self, shard: str) -> list[bytes]:
        """Return the keys in a shard, none where they are not those that its name is the hash of."""
        import pyarrow as pa

        column = self._column(shard, "key")
        if column is None or column.type != pa.binary(KEY_BYTES) or column.null_count:
            return []
        keys = column.to_pylist()
        return keys if _name(keys) == shard else []

    def _read(self, shard: str) -> np.ndarray | None:
        """Return the features (row, *shape) of a shard, or None, and forget it, where it cannot be read."""
        if self._held[0] == shard:
            return self._held[1]
        path, column, size = self.folder / shard, self._column(shard, "values"), int(np.prod(self.shape))
        flat = None if column is None else _floats(column, size)
        if flat is None:
            with contextlib.suppress(OSError):
                if column is None:
                    path.unlink(missing_ok=True)
            self._places = {k: place for k, place in self._places.items() if place[0] != shard}
            return None
        values = flat.to_numpy().reshape(-1, *self.shape)
        with contextlib.suppress(OSError):  # of a folder that is read only, it is read all the same
            if time.time() - path.stat().st_mtime > TOUCH:
                os.utime(path)
        self._held = (shard, values)
        return values

    def _write(self, keys: Sequence[bytes], values: np.ndarray) -> None:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        size = int(np.prod(self.shape))
        each = max(1, SHARD_BYTES // max(1, 4 * size))
        for start in range(0, len(keys), each):
            some, part = keys[start : start + each], values[start : start + each]
            name = _name(some)
            flat = pa.array(np.ascontiguousarray(part).reshape(-1))
            columns = [pa.array(some, pa.binary(KEY_BYTES)), pa.FixedSizeListArray.from_arrays(flat, size)]
            table = pa.table(columns, names=["key", "values"])
            buffer = io.BytesIO()
            parquet.write_table(table, buffer, compression="none", use_dictionary=False, write_page_checksum=True)
            alone = self._listed == self.folder.stat().st_mtime_ns
            write_bytes(self.folder / name, buffer.getvalue())
            self._learn(name, some)
            if alone:  # nobody else has changed it: all that is new is known, and need not be looked for
                self._listed = self.folder.stat().st_mtime_ns

    def _join_small(self, names: Sequence[str]) -> None:
        """Put small shards together; the new ones are there before the old ones go."""
        keys: list[bytes] = []
        parts: list[np.ndarray] = []
        old: list[str] = []
        for name in names:
            inside = self._keys(name)
            if 0 < len(inside) < SMALL and (rows := self._read(name)) is not None:
                keys += inside
                parts.append(rows)
                old.append(name)
        try:
            if keys:
                self._places = {k: place for k, place in self._places.items() if place[0] not in old}
                self._write(keys, np.concatenate(parts))
            for name in set(old) - {place[0] for place in self._places.values()}:
                (self.folder / name).unlink(missing_ok=True)
                self._known.discard(name)
        except OSError as error:
            self.trouble = str(error.strerror or error)


def _floats(column: Any, size: int) -> Any:
    """Return the float32 values of a column of lists of `size`, or None where it is of another form, or has holes."""
    import pyarrow as pa

    form = column.type
    if not pa.types.is_fixed_size_list(form) or form.list_size != size or not pa.types.is_float32(form.value_type):
        return None
    flat = column.flatten()
    return None if column.null_count or flat.null_count else flat


def read_counts(folder: Path) -> tuple[int, int]:
    """Return how many cells were asked for in a folder of features since it was made, and how many were there."""
    asked = found = 0
    with contextlib.suppress(OSError):
        for line in (folder / COUNTS).read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                counts = parse_json(line)
                check_type(counts, Counts)
                asked, found = asked + max(0, counts["asked"]), found + max(0, counts["found"])
    return asked, found


_OPEN: dict[tuple[Path | None, tuple[int, ...]], FeatureCache] = {}
