"""Features of cells, kept between commands: Parquet shards in the user's cache folder. Knows no encoder and no table.

A folder holds the features that one encoder with one preprocessing gives; a cell is known by the hash of its content.
A shard is written whole or not at all, its name is the hash of the keys in it, and none is ever changed: two processes
may write at once, and a kill loses at most the shard under way. What is damaged or gone counts as not there. Deleting
the folder loses nothing but time.
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
from typing import Any

import numpy as np

from plait.core.files import write_bytes
from plait.data.fact_cache import cache_folder
from plait.data.media import open_cell, part_of
from plait.errors import CellError

KEY_BYTES = 16
SMALL = 1024  # rows below which a shard is small
MOST_SMALL = 64  # small shards above which they are put together
SHARD_BYTES = 64 << 20  # of features in one shard, about
TOUCH = 3600.0  # seconds after which a use is noted on the shard again, for pruning
COUNTS = "counts.jsonl"
MOST_COUNTS = 64 << 10  # bytes of the file of counts above which it is summed up


def digest_cell(cell: Any, folder: Path | None, sample_rate: int | None = None) -> bytes:
    """Return the hash of what a cell holds: of a file its bytes, and which part of it is meant.

    Raises CellError where the cell is blank or names no file that can be read.
    """
    if isinstance(cell, np.ndarray):
        told = f"{cell.dtype} {cell.shape} {sample_rate};".encode()
        return _digest(told, np.ascontiguousarray(cell).tobytes())
    source = open_cell(cell, folder)
    part = part_of(cell, source)
    if isinstance(source, Path):
        try:
            return digest_bytes(source.read_bytes(), part)
        except OSError as error:
            raise CellError(f"{source.name} cannot be read ({error.strerror})") from None
    return digest_bytes(source, part)


def digest_bytes(content: bytes, part: tuple[float, float | None] = (0.0, None)) -> bytes:
    """Return the hash of a cell that holds this content, or of a part of it from start to end, in seconds."""
    return _digest(f"{part};".encode(), content)


def digest_text(text: str) -> bytes:
    return _digest(b"text;", text.encode("utf-8", "surrogatepass"))


def _digest(*parts: bytes) -> bytes:
    found = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in parts:
        found.update(part)
    return found.digest()


def open_features(key: str, shape: tuple[int, ...], about: Mapping[str, Any]) -> FeatureCache:
    """Return the cache of the features (*shape) that belong to this key; one object for one folder in a process.

    about: what `plait cache` says of it.
    """
    try:
        folder: Path | None = cache_folder() / "features" / key[:32]
        trouble = ""
    except RuntimeError:  # there is no home folder
        folder, trouble = None, "there is no home folder; name a folder with PLAIT_CACHE"
    with _LOCK:
        if (folder, shape) not in _OPEN:
            _OPEN[folder, shape] = FeatureCache(folder, shape, about)
            _OPEN[folder, shape].trouble = trouble
        return _OPEN[folder, shape]


def list_features(folder: Path, kind: str) -> list[FeatureCache]:
    """Return what is kept in a cache folder of cells of this kind, a cache for each encoder, in order of their keys."""
    found = []
    for path in sorted(folder.glob("features/*/about.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # damaged, or gone since
            about = json.loads(path.read_bytes())
            if about["kind"] == kind:
                found.append(FeatureCache(path.parent, (int(about["tokens"]), int(about["width"])), about))
    return found


class FeatureCache:
    """Features (*shape) float32 by key, in one folder. Without a folder it keeps nothing.

    `trouble` says why features cannot be kept, and is "" where all is well; then nothing is kept, and nothing else
    changes. Safe to use from several threads and processes.
    """

    def __init__(self, folder: Path | None, shape: tuple[int, ...], about: Mapping[str, Any] | None = None) -> None:
        self.folder, self.shape, self.about = folder, shape, dict(about or {})
        self.trouble = ""
        self._lock = threading.RLock()
        self._places: dict[bytes, tuple[str, int]] = {}  # key → shard, row
        self._known: set[str] = set()  # shards whose keys are in it
        self._listed = -1  # when the folder had changed last
        self._held: tuple[str, np.ndarray] = ("", np.zeros(0, np.float32))  # the shard that was read last

    def get(self, keys: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Return which keys are there (batch,) bool, and their features (batch, *shape), 0 where they are not."""
        found = np.zeros(len(keys), bool)
        values = np.zeros((len(keys), *self.shape), np.float32)
        if not keys:
            return found, values
        with self._lock:
            self._look()
            wanted: dict[str, list[int]] = {}
            for index, key in enumerate(keys):
                if key in self._places:
                    wanted.setdefault(self._places[key][0], []).append(index)
            for shard, indices in wanted.items():
                rows = self._read(shard)
                if rows is None:
                    continue
                values[indices] = rows[[self._places[keys[i]][1] for i in indices]]
                found[indices] = True
        return found, values

    def add(self, keys: Sequence[bytes], values: np.ndarray) -> None:
        """Keep features (batch, *shape) float32: one shard, on the disk when this returns."""
        if self.folder is None or self.trouble or not keys:
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
        if self.folder is None or self.trouble or not asked:
            return
        path = self.folder / COUNTS
        with contextlib.suppress(OSError):  # a count that is lost changes nothing
            if not self.folder.is_dir():
                return
            with open(path, "ab") as file:
                file.write(f'{{"asked": {asked}, "found": {found}}}\n'.encode())
            if path.stat().st_size > MOST_COUNTS:
                total = read_counts(self.folder)
                write_bytes(path, f'{{"asked": {total[0]}, "found": {total[1]}}}\n'.encode())

    def _look(self) -> None:
        """Learn which keys there are, where the folder has changed since the last look."""
        try:
            changed = self.folder.stat().st_mtime_ns if self.folder is not None else None
        except FileNotFoundError:
            changed = None
        except OSError as error:  # it may not be entered
            self.trouble, changed = str(error.strerror or error), None
        if self.folder is None or changed is None:
            self._places, self._known, self._listed = {}, set(), -1
            return
        if changed == self._listed:
            return
        there = {path.name for path in self.folder.glob("*.parquet")}
        if self._known - there:  # some were pruned, or put together
            self._places = {k: place for k, place in self._places.items() if place[0] in there}
            self._known &= there
        small = 0
        for name in sorted(there - self._known):
            keys = self._keys(name)
            small += len(keys) < SMALL
            for row, key in enumerate(keys):
                self._places.setdefault(key, (name, row))
            self._known.add(name)
        self._listed = changed
        if small > MOST_SMALL:
            self._join_small(sorted(there))

    def _keys(self, shard: str) -> list[bytes]:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        assert self.folder is not None
        try:
            with parquet.ParquetFile(self.folder / shard) as file:  # read_table imports pandas, where there is one
                return file.read(columns=["key"])["key"].to_pylist()
        except (OSError, pa.ArrowException, KeyError):
            return []  # damaged, or gone since: its cells are computed again

    def _read(self, shard: str) -> np.ndarray | None:
        """Return the features (row, *shape) of a shard, or None, and forget it, where it cannot be read."""
        import pyarrow as pa
        import pyarrow.parquet as parquet

        if self._held[0] == shard:
            return self._held[1]
        assert self.folder is not None
        path = self.folder / shard
        try:
            with parquet.ParquetFile(path, page_checksum_verification=True) as file:
                column = file.read(columns=["values"])["values"]
            values = column.combine_chunks().flatten().to_numpy().reshape(-1, *self.shape)
        except (OSError, pa.ArrowException, KeyError, ValueError):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            self._places = {k: place for k, place in self._places.items() if place[0] != shard}
            return None
        with contextlib.suppress(OSError):  # of a folder that is read only, it is read all the same
            if time.time() - path.stat().st_mtime > TOUCH:
                os.utime(path)
        self._held = (shard, values)
        return values

    def _write(self, keys: Sequence[bytes], values: np.ndarray) -> None:
        import pyarrow as pa
        import pyarrow.parquet as parquet

        assert self.folder is not None
        each = max(1, SHARD_BYTES // max(1, 4 * int(np.prod(self.shape))))
        for start in range(0, len(keys), each):
            some, part = keys[start : start + each], values[start : start + each]
            name = _digest(*some).hex() + ".parquet"
            flat = pa.array(np.ascontiguousarray(part).reshape(-1))
            table = pa.table(
                {
                    "key": pa.array(some, pa.binary(KEY_BYTES)),
                    "values": pa.FixedSizeListArray.from_arrays(flat, int(np.prod(self.shape))),
                }
            )
            buffer = io.BytesIO()
            parquet.write_table(table, buffer, compression="none", use_dictionary=False, write_page_checksum=True)
            write_bytes(self.folder / name, buffer.getvalue())
            for row, key in enumerate(some):
                self._places.setdefault(key, (name, row))
            self._known.add(name)

    def _join_small(self, names: Sequence[str]) -> None:
        """Put small shards together; the new ones are there before the old ones go."""
        assert self.folder is not None
        keys: list[bytes] = []
        parts: list[np.ndarray] = []
        old: list[str] = []
        for name in names:
            own = self._keys(name)
            if 0 < len(own) < SMALL and (rows := self._read(name)) is not None:
                keys += own
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


def read_counts(folder: Path) -> tuple[int, int]:
    """Return how many cells were asked for in a folder of features since it was made, and how many were there."""
    asked = found = 0
    with contextlib.suppress(OSError):
        for line in (folder / COUNTS).read_bytes().splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                told = json.loads(line)
                asked, found = asked + int(told["asked"]), found + int(told["found"])
    return asked, found


_OPEN: dict[tuple[Path | None, tuple[int, ...]], FeatureCache] = {}
_LOCK = threading.Lock()
