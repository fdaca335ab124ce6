"""From cells to the features of a pretrained encoder, through the cache: what was computed once is read again.

Knows cells, one encoder and the cache, not tables or splits.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.data.media import read_image, read_sound
from plait.data.shards import digest_cell, digest_text, open_features
from plait.errors import CellError
from plait.pretrained.frozen import BATCH, Frozen

AHEAD = 2  # batches that are decoded while one is encoded


@dataclass
class Cells:
    """The cells of one column, None where blank, and what is needed to open them."""

    values: Sequence[Any]
    folder: Path | None = None
    sample_rate: int | None = None  # of sounds given as arrays, in Hz

    def __len__(self) -> int:
        return len(self.values)


def read_features(
    frozen: Frozen, cells: Cells, out: np.ndarray, pool: ThreadPoolExecutor, keep: bool = True
) -> list[str | None]:
    """Fill out (batch, token, width) with the features of each cell; return why a cell is absent, or None.

    Features that are kept are read, the others computed and kept. A single cell is neither looked for nor kept: a file
    for each would cost more than it saves.
    """
    if len(cells) == 1:
        reasons, made = _compute(frozen, cells, [0], pool)
        out[:] = made
        return reasons
    cache = open_features(frozen.key, (frozen.tokens, frozen.width), frozen.describe())
    keys, reasons = _digests(frozen, cells, pool)
    here = [row for row, key in enumerate(keys) if key is not None]
    found, values = cache.get([key for row in here if (key := keys[row]) is not None])
    missing: dict[bytes, list[int]] = {}  # the same content twice is computed once
    for place, row in enumerate(here):
        if found[place]:
            out[row] = values[place]
        else:
            missing.setdefault(keys[row] or b"", []).append(row)
    new, made = _compute(frozen, cells, [rows[0] for rows in missing.values()], pool)
    kept: list[bytes] = []
    for (key, rows), answer, reason in zip(missing.items(), made, new, strict=True):
        for row in rows:
            reasons[row] = reason
            if reason is None:
                out[row] = answer
        if reason is None:
            kept.append(key)
    if keep:
        cache.add(kept, made[[reason is None for reason in new]])
        cache.count(len(here), int(found.sum()))
    return reasons


def why_not_kept(frozen: Frozen) -> str:
    """Return why features of this encoder cannot be kept, or "" where all is well."""
    return open_features(frozen.key, (frozen.tokens, frozen.width), frozen.describe()).trouble


def read_raw(frozen: Frozen, cells: Cells, out: np.ndarray, pool: ThreadPoolExecutor) -> list[str | None]:
    """Fill out (batch, *shape) with what the encoder is given for each cell; return why a cell is absent, or None."""

    def work(row: int) -> str | None:
        try:
            out[row] = prepare_cell(frozen, cells, row)
        except CellError as error:
            out[row] = 0
            return str(error)
        return None

    return list(pool.map(work, range(len(cells))))


def prepare_cell(frozen: Frozen, cells: Cells, row: int) -> np.ndarray:
    """Return what the encoder is given for one cell: (*shape). Raises CellError where the cell cannot be read."""
    cell = cells.values[row]
    if cell is None:
        raise CellError("blank", "blank")
    if frozen.kind == "image":
        return frozen.prep(read_image(cell, cells.folder, draft=frozen.prep.draft_size))
    if frozen.kind == "audio":
        return frozen.prep(*read_sound(cell, cells.folder, sample_rate=cells.sample_rate))
    return frozen.prep(cell)


def encoding_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _digests(frozen: Frozen, cells: Cells, pool: ThreadPoolExecutor) -> tuple[list[bytes | None], list[str | None]]:
    """Return the hash of each cell, and why there is none."""

    def work(row: int) -> tuple[bytes | None, str | None]:
        cell = cells.values[row]
        if cell is None:
            return None, "blank"
        try:
            if frozen.kind == "text":
                return digest_text(str(cell)), None
            return digest_cell(cell, cells.folder, cells.sample_rate), None
        except CellError as error:
            return None, str(error)

    told = list(pool.map(work, range(len(cells))))
    return [key for key, _ in told], [reason for _, reason in told]


def _compute(
    frozen: Frozen, cells: Cells, rows: Sequence[int], pool: ThreadPoolExecutor
) -> tuple[list[str | None], np.ndarray]:
    """Return why each of these cells cannot be read, or None, and their features (batch, token, width).

    While one batch is encoded the next ones are decoded.
    """
    made = np.zeros((len(rows), frozen.tokens, frozen.width), np.float32)
    reasons: list[str | None] = [None] * len(rows)
    spans = [range(start, min(start + BATCH, len(rows))) for start in range(0, len(rows), BATCH)]
    waiting: list[list[Future[np.ndarray]]] = []
    for number, span in enumerate(spans):
        later = spans[number + len(waiting) : number + AHEAD + 1]
        waiting += [[pool.submit(prepare_cell, frozen, cells, rows[place]) for place in one] for one in later]
        inputs, places = [], []
        for place, future in zip(span, waiting.pop(0), strict=True):
            try:
                inputs.append(future.result())
                places.append(place)
            except CellError as error:
                reasons[place] = str(error)
        if inputs:
            made[places] = frozen.encode(np.stack(inputs), encoding_device())
    return reasons, made
