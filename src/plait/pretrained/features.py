"""From cells to the features of a pretrained encoder, through the cache: what was computed once is read again.
Knows cells, one encoder and the cache, not tables or splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.threads import THREADS
from plait.errors import CellError
from plait.kinds import KINDS

if TYPE_CHECKING:
    import torch

    from plait.pretrained.frozen import Frozen

AHEAD = 2  # batches that are decoded while one is encoded
GIVEN = {"float16": "float32"}  # what is kept in half precision is not encoded in it
TASK = 8  # cells that a thread prepares in one go


_keeping = ContextVar("keeping", default=True)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Keep no feature for the next time, and look for none: what is computed here leaves nothing on the disk."""
    token = _keeping.set(False)
    try:
        yield
    finally:
        _keeping.reset(token)


@dataclass
class Cells:
    """The cells of one column, None where blank, and what is needed to open them."""

    values: Sequence[Any]
    folder: Path | None = None
    sample_rate: int | None = None  # of sounds given as arrays, in Hz

    def __len__(self) -> int:
        return len(self.values)


def read_features(frozen: Frozen, cells: Cells, out: np.ndarray, pool: Executor, keep: bool = True) -> list[str | None]:
    """Fill out (batch, token, width) with the features of each cell; return why a cell is absent, or None.
    Features that are kept are read, the others computed and kept."""
    # neither looked for nor kept: a file for each would cost more than it saves
    if len(cells) == 1 or not _keeping.get():
        reasons, out[:] = _compute(frozen, cells, range(len(cells)), pool)
        return reasons
    from plait.data.feature_cache import open_features  # here, since most runs have no pretrained encoder

    cache = open_features(frozen.key, (frozen.tokens, frozen.width), frozen.describe())
    keys, reasons = _digests(frozen, cells, pool)
    hashed = {row: key for row, key in enumerate(keys) if key is not None}
    kept, values = cache.get(list(hashed.values()))
    missing: dict[bytes, list[int]] = {}  # the same content twice is computed once
    for (row, key), is_kept, value in zip(hashed.items(), kept, values, strict=True):
        if is_kept:
            out[row] = value
        else:
            missing.setdefault(key, []).append(row)
    broken, made = _compute(frozen, cells, [rows[0] for rows in missing.values()], pool)
    for rows, answer, reason in zip(missing.values(), made, broken, strict=True):
        for row in rows:
            reasons[row] = reason
            if reason is None:
                out[row] = answer
    if keep:
        good = [reason is None for reason in broken]
        cache.add(list(compress(missing, good)), made[good])
        cache.count(len(hashed), int(kept.sum()))
    return reasons


def encode_kept(
    frozen: Frozen, inputs: np.ndarray, device: torch.device | str = "cpu", near: bool = False
) -> np.ndarray:
    """Return what `Frozen.encode` does of cells that were changed, and are in no table: covered, or made worse.

    Those that were seen before, as by the report of another fit, are read, the others computed and kept. near: of cells
    that are the first one but for a part.
    """
    encode = frozen.encode_near if near else partial(frozen.encode, device=device)
    if not _keeping.get():
        return encode(inputs)
    from plait.data.feature_cache import digest_input, open_features

    cache = open_features(frozen.key, (frozen.tokens, frozen.width), frozen.describe())
    keys = [digest_input(one) for one in inputs]
    kept, features = cache.get(keys)
    new = np.flatnonzero(~kept)
    if len(new):
        features[new] = encode(inputs[new])
    cache.add([keys[place] for place in new], features[new])
    cache.count(len(keys), int(kept.sum()))
    return features


def why_not_kept(frozen: Frozen) -> str:
    """Return why features of this encoder cannot be kept, or "" where all is well."""
    from plait.data.feature_cache import open_features

    if not _keeping.get():
        return ""
    return open_features(frozen.key, (frozen.tokens, frozen.width), frozen.describe()).trouble


def read_raw(frozen: Frozen, cells: Cells, out: np.ndarray, pool: Executor) -> list[str | None]:
    """Fill out (batch, *shape) with what the encoder is given for each cell; return why a cell is absent, or None."""
    return [reason for some in _submit(frozen, cells, range(len(cells)), out, pool) for reason in some.result()]


def _submit(
    frozen: Frozen, cells: Cells, rows: Sequence[int], out: np.ndarray, pool: Executor
) -> list[Future[list[str | None]]]:
    """Let the pool prepare these cells into out (batch, *shape); each answer says of some why they are absent, or None.
    Several cells to a task: with one each, many threads wait for the one that hands tasks out."""

    def prepare(place: int) -> str | None:
        try:
            out[place] = prepare_cell(frozen, cells, rows[place])
        except CellError as error:
            out[place] = 0
            return str(error)
        return None

    def work(places: range) -> list[str | None]:
        return [prepare(place) for place in places]

    step = max(1, min(TASK, len(rows) // (2 * THREADS)))
    return [pool.submit(work, range(s, min(s + step, len(rows)))) for s in range(0, len(rows), step)]


def prepare_cell(frozen: Frozen, cells: Cells, row: int) -> np.ndarray:
    """Return what the encoder is given for one cell: (*shape). Raises CellError where the cell cannot be read."""
    cell = cells.values[row]
    if cell is None:
        raise CellError("blank", "blank")
    reader = KINDS[frozen.kind].read
    return reader.apply(frozen.prep, reader.read(cell, cells.folder, cells.sample_rate, frozen.prep))


def encoding_device() -> torch.device:
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _digests(frozen: Frozen, cells: Cells, pool: Executor) -> tuple[list[bytes | None], list[str | None]]:
    """Return the hash of each cell, and why there is none."""

    def digest(cell: Any) -> tuple[bytes | None, str | None]:
        if cell is None:
            return None, "blank"
        try:
            return KINDS[frozen.kind].read.digest(cell, cells.folder, cells.sample_rate), None
        except CellError as error:
            return None, str(error)

    def work(start: int) -> list[tuple[bytes | None, str | None]]:
        return [digest(cell) for cell in cells.values[start : start + TASK]]

    pairs = list(chain.from_iterable(pool.map(work, range(0, len(cells), TASK))))
    return [key for key, _ in pairs], [reason for _, reason in pairs]


def _compute(frozen: Frozen, cells: Cells, rows: Sequence[int], pool: Executor) -> tuple[list[str | None], np.ndarray]:
    """Return why each of these cells is absent, or None, and their features; the next are decoded meanwhile."""
    made = np.zeros((len(rows), frozen.tokens, frozen.width), np.float32)
    reasons: list[str | None] = [None] * len(rows)
    device = encoding_device()
    size = frozen.batch_size(device)
    spans = [range(start, min(start + size, len(rows))) for start in range(0, len(rows), size)]
    waiting: list[tuple[np.ndarray, list[Future[list[str | None]]]]] = []
    for number, span in enumerate(spans):
        for later in spans[number + len(waiting) : number + AHEAD + 1]:
            inputs = np.empty((len(later), *frozen.shape), GIVEN.get(frozen.dtype, frozen.dtype))
            waiting.append((inputs, _submit(frozen, cells, [rows[place] for place in later], inputs, pool)))
        inputs, futures = waiting.pop(0)
        reasons[span.start : span.stop] = [reason for future in futures for reason in future.result()]
        good = np.array([place for place in span if reasons[place] is None], int)
        if len(good):
            made[good] = frozen.encode(inputs if len(good) == len(span) else inputs[good - span.start], device)
    return reasons, made
