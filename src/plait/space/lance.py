"""Vectors of an index in LanceDB beside its shards, so that of many only the nearest parts are compared.

The shards stay what an index is: what is found here is scored with their vectors, and a version of each table that
index.json does not name is undone. Knows LanceDB; not what the vectors are of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.files import folder_in
from plait.errors import RunError, need
from plait.space.exact import Found
from plait.space.shards import AGAIN_INDEX, Shard

FOLDER = "lance"
LEAST = 10_000  # vectors of a modality from which they are put in parts; fewer are all compared
PROBES = 32  # parts that are looked into, of about the square root of the vectors
EVER = timedelta(days=36_500)  # what index.json names must outlive a kill
READ = timedelta(days=1)  # for which an index that is open elsewhere still finds what it has read


class Lance:
    """Tables of LanceDB in the folder of an index, one for each modality, as index.json names their versions.

    Args:
        folder: of the index.
        names: the modalities, in the order of the space.
        versions: of the tables of those that have vectors.
    """

    def __init__(self, folder: Path, names: Sequence[str], versions: Mapping[str, int]) -> None:
        need("lancedb")
        self.folder, self.names, self.versions = folder, [*names], dict(versions)
        self._tables: dict[tuple[str, int], Any] = {}

    def add(self, number: int, shard: Shard) -> dict[str, int]:
        """Put in the vectors of a shard, and return the versions with it, which count once index.json names them."""
        versions = dict(self.versions)
        with self._saying(missing=True) as base:
            for name, vectors in shard.vectors.items():
                if not len(vectors):
                    continue
                rows, stem = _rows(number, vectors), self._stem(name)
                if name not in versions:
                    base.drop_table(stem, ignore_missing=True)  # index.json names none
                    table = base.create_table(stem, rows)
                else:
                    table = base.open_table(stem)
                    if table.version != versions[name]:  # an add was killed after this
                        table.restore(versions[name])
                    table.add(rows)
                if not table.list_indices() and table.count_rows() >= LEAST:
                    from lancedb.index import IvfFlat

                    table.create_index("vector", config=IvfFlat(distance_type="dot"))
                table.optimize(cleanup_older_than=EVER)
                versions[name] = table.version
        return versions

    def settle(self, versions: Mapping[str, int]) -> None:
        """Take these versions for the right ones, which index.json says by now, and remove those long past."""
        self.versions = dict(versions)
        self._tables = {key: table for key, table in self._tables.items() if self.versions.get(key[0]) == key[1]}
        with self._saying() as base:
            for name in self.versions:
                base.open_table(self._stem(name)).optimize(cleanup_older_than=READ)

    def nearest(self, vectors: np.ndarray, name: str, top: int, shards: Sequence[Shard]) -> list[Found]:
        """Return the best cells of a modality for each query, scored with the vectors of the shards."""
        with self._saying() as base:
            found = [self._near(base, vector, name, top) for vector in vectors]
        return [self._scored(vector, name, shards, *one) for vector, one in zip(vectors, found, strict=True)]

    def _near(self, base: Any, vector: np.ndarray, name: str, top: int) -> tuple[np.ndarray, np.ndarray]:
        if name not in self.versions:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        key = name, self.versions[name]
        if key not in self._tables:
            self._tables[key] = base.open_table(self._stem(name))
            self._tables[key].checkout(key[1])
        query = self._tables[key].search(vector).distance_type("dot").nprobes(PROBES).limit(top)
        said = query.select(["shard", "place", "_distance"]).to_arrow()
        return said.column("shard").to_numpy(), said.column("place").to_numpy()

    def _scored(
        self, vector: np.ndarray, name: str, shards: Sequence[Shard], numbers: np.ndarray, places: np.ndarray
    ) -> Found:
        for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
            if not 0 <= number < len(shards) or not 0 <= place < len(shards[number].vectors.get(name, ())):
                raise RunError(f"{self.folder / FOLDER} names a cell that no shard holds. {AGAIN_INDEX}")
        pairs = zip(numbers.tolist(), places.tolist(), strict=True)
        cosines = np.array([shards[number].vectors[name][place] @ vector for number, place in pairs], np.float32)
        order = np.lexsort((places, numbers, -cosines))
        return cosines[order], numbers[order], places[order]

    def _stem(self, name: str) -> str:
        return f"modality-{self.names.index(name)}"

    @contextmanager
    def _saying(self, missing: bool = False) -> Iterator[Any]:
        """Give the connection, and say where what LanceDB reads is damaged."""
        import lancedb

        place = folder_in(self.folder, FOLDER, missing)
        try:
            yield lancedb.connect(place)
        except (RuntimeError, ValueError, OSError) as error:
            if isinstance(error, RunError):
                raise
            said = str(error).partition("\n")[0][:200]
            raise RunError(f"{place} is damaged: {said}. {AGAIN_INDEX}") from None


def _rows(number: int, vectors: np.ndarray) -> Any:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    return pa.table(
        {
            "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]),
            "shard": np.full(len(vectors), number, np.int64),
            "place": np.arange(len(vectors), dtype=np.int64),
        }
    )
