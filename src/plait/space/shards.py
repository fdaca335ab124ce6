"""The files of an index: shards of unit vectors that are mapped into memory, and index.json, which vouches for them.

Knows files and their checks; not what is searched for, nor how. What lies in a folder may be a stranger's.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np

from plait.core.files import consistent, digest, file_in, read_json, seal
from plait.core.typed import check_type
from plait.core.words import count
from plait.errors import RunError
from plait.runs.embedding import Space

FORMAT = 1
FACTS = "index.json"
MOST = 1 << 31  # vectors of a shard that a stranger's index may ask for
STEP = 1 << 14  # vectors that are looked through at a time
AGAIN_INDEX = "Make the index again, or restore the file."


class Part(TypedDict):
    """What index.json says of a shard: vectors by modality, one after the other, and the SHA-256 of its two files."""

    name: str
    entries: dict[str, int]
    vectors: str
    facts: str


class Told(TypedDict):
    """What index.json says."""

    format: int
    space: str
    run: str
    rows: int
    folder: str | None
    shards: list[Part]
    lance: NotRequired[dict[str, int]]  # versions of the tables of LanceDB, where there are any
    seal: str


@dataclass
class Shard:
    """Vectors of cells that came together. vectors, rows, contents, cells: by modality, (entry, …)."""

    vectors: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    contents: dict[str, np.ndarray]
    cells: dict[str, list[str]]


def read_facts(folder: Path) -> Told:
    """Return what index.json says, once it is what was written. Raises RunError."""
    path = folder / FACTS
    if not path.exists():
        raise RunError(f"{folder} holds no index: {path} is missing. Name the folder that `plait index` wrote.")
    path = file_in(folder, FACTS)
    with consistent(path):
        told = read_json(path)
        check_type(told, Told, str(path))
        if told["seal"] != seal(told):
            raise RunError(f"{path} is damaged: it was changed after it was written. {AGAIN_INDEX}")
        if told["format"] != FORMAT:
            raise RunError(f"{path} has the format {told['format']!r:.40}; this plait reads {FORMAT}.")
        names = [part["name"] for part in told["shards"]]
        right = all(
            name.startswith("shard-") and name[6:].isascii() and name[6:].isdecimal() and len(name) < 20
            for name in names
        )
        if not right or len({*names}) < len(names) or told["rows"] < 0:
            raise ValueError(f"it names the shards {str(names)[:100]}")
        facts: Told = told
        return facts


def open_shards(folder: Path, parts: list[Part], space: Space) -> list[Shard]:
    """Return the shards that index.json names. Raises RunError for what was cut short or changed."""
    return [_open_shard(folder, part, space) for part in parts]


def _open_shard(folder: Path, part: Part, space: Space) -> Shard:
    """Map the vectors of a shard into memory. Raises RunError for a file that was cut short or changed."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    vectors, facts = file_in(folder, f"{part['name']}.f32"), file_in(folder, f"{part['name']}.parquet")
    entries = part["entries"]
    with consistent(folder / FACTS):
        if not {*entries} <= {*space.heads} or not all(0 <= num <= MOST for num in entries.values()):
            raise ValueError(f"shard {part['name']} holds {str(entries)[:100]}")
    num = sum(entries.values())
    if vectors.stat().st_size != num * space.dim * 4:
        raise RunError(
            f"{vectors} has {count(vectors.stat().st_size)} bytes; expected {count(num * space.dim * 4)}, for "
            f"{count(num, 'vector')} of {space.dim}: it was cut short, or is of another space. {AGAIN_INDEX}"
        )
    for path, expected in ((vectors, part["vectors"]), (facts, part["facts"])):
        if digest(path) != expected:
            raise RunError(f"{path} is damaged: it was changed or cut short. {AGAIN_INDEX}")
    whole = np.memmap(vectors, np.float32, "r", shape=(num, space.dim)) if num else np.zeros((0, space.dim), np.float32)
    with consistent(facts):
        try:
            if (said := parquet.read_metadata(facts).num_rows) != num:
                raise ValueError(f"it says {said} cells of {num}")
            table = parquet.read_table(facts, columns=["row", "content", "cell"])
        except pa.ArrowException:
            raise RunError(f"{facts} is damaged: it is no Parquet file. {AGAIN_INDEX}") from None
        rows, contents = table.column("row").to_numpy(), table.column("content").to_numpy()
        cells = table.column("cell").to_pylist()
        if len(rows) != num or rows.dtype != np.int64 or contents.dtype != np.int64:
            raise ValueError(f"it says {len(rows)} cells of {num}")
        if num and not 0 <= rows.min() <= rows.max() < MOST:
            raise ValueError(f"it says rows from {rows.min()} to {rows.max()}")
    with consistent(vectors):
        for first in range(0, num, STEP):
            lengths = np.square(whole[first : first + STEP], dtype=np.float64).sum(1)
            if not (np.abs(lengths - 1) < 0.01).all():  # nor is any of them no number
                raise ValueError("it holds vectors of another length than 1")
    shard, start = Shard({}, {}, {}, {}), 0
    for name, several in entries.items():
        end = start + several
        shard.vectors[name], shard.rows[name] = whole[start:end], rows[start:end]
        shard.contents[name], shard.cells[name] = contents[start:end], [str(c) for c in cells[start:end]]
        start = end
    return shard


def pack_facts(shard: Shard) -> bytes:
    """Return the Parquet file of rows, contents and cells beside the vectors of a shard."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    buffer = io.BytesIO()
    columns = {
        "row": np.concatenate([*shard.rows.values()]).astype(np.int64),
        "content": np.concatenate([*shard.contents.values()]).astype(np.int64),
        "cell": pa.array([cell for cells in shard.cells.values() for cell in cells], pa.string()),
    }
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def sweep(folder: Path, parts: list[Part]) -> None:
    """Remove what an add that was killed has left: parts of files, and shards that index.json does not name."""
    known = {f"{part['name']}{ending}" for part in parts for ending in (".f32", ".parquet")}
    for path in folder.iterdir():
        ours = path.name.startswith("shard-") and path.suffix in (".f32", ".parquet") and path.name not in known
        if (ours or (path.name.startswith(".") and path.suffix == ".part")) and not path.is_dir():
            path.unlink(missing_ok=True)
