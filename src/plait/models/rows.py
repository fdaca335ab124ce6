"""From a Table and its Schema to Batches: fit the preprocessing, prepare every row, keep account of every hole.

Knows the preps, not the networks. Preparation reads rows in chunks through one bounded thread pool and writes them to
files as they come, so its memory does not grow with the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.core.contract import Batch, Table, status_of
from plait.core.terminal import Callback, quiet
from plait.models.views import Strand
from plait.pretrained.features import THREADS, encoding_device, why_not_kept

CHUNK = 256  # rows prepared at a time
FEW = 64  # the same, where a pretrained encoder takes part: a kill loses no more than these
MANY, MANY_BYTES = 1024, 256 << 20  # the same on a GPU, which would else wait for each lot to be decoded


@dataclass
class Prepared:
    """Every row of a table, prepared. inputs[m]: (rows, …); cells[m]: (rows, column) bool; reasons: one dict a row."""

    strands: list[Strand]
    inputs: dict[str, np.ndarray]
    cells: dict[str, np.ndarray]
    reasons: list[dict[str, str]]

    def __len__(self) -> int:
        return len(self.reasons)

    @property
    def names(self) -> list[str]:
        return [strand.name for strand in self.strands if not strand.shadow]

    @property
    def present(self) -> dict[str, np.ndarray]:
        """present[m]: (rows,) bool: at least one column of the modality is there."""
        return {name: np.asarray(self.cells[name].any(axis=1)) for name in self.names}

    def take(self, rows: np.ndarray) -> Prepared:
        """Return these rows, in this order."""
        inputs = {name: x[rows] for name, x in self.inputs.items()}
        cells = {name: x[rows] for name, x in self.cells.items()}
        return Prepared(self.strands, inputs, cells, [self.reasons[row] for row in rows])

    @property
    def views(self) -> dict[str, list[str]]:
        """The encoders a modality may be seen through: {name: [strand, …]}, itself first, of those with a choice."""
        found: dict[str, list[str]] = {}
        for strand in self.strands:
            if strand.is_rival:
                found.setdefault(strand.shadow, [strand.shadow]).append(strand.name)
        return found

    def settle(self, name: str, view: str) -> Prepared:
        """Return the rows with one view of a modality, under the modality's own name, and no other."""
        others = {other for other in self.views.get(name, ()) if other != view}
        if any(s.name == view and s.frozen is None for s in self.strands):  # there is no pretrained encoder to tune
            others |= {s.name for s in self.strands if s.raw and s.shadow == name}
        strands, names = [], {}
        for strand in self.strands:
            if strand.name not in others:
                names[strand.name] = name if strand.name == view else strand.name
                strands.append(strand.as_modality() if strand.name == view and view != name else strand)
        strands.sort(key=lambda s: [t.shadow or t.name for t in self.strands].index(s.shadow or s.name))
        return Prepared(
            strands,
            {new: self.inputs[old] for old, new in names.items()},
            {new: self.cells[old] for old, new in names.items()},
            self.reasons,
        )

    def batch(self, rows: np.ndarray, keep: Sequence[str] | None = None, device: torch.device | None = None) -> Batch:
        """Gather rows into a Batch; with keep, only those modalities are present."""
        inputs, present, cells = {}, {}, {}
        index = torch.from_numpy(np.asarray(rows, np.int64))
        for strand in self.strands:
            name = strand.name
            there = self.cells[name][rows]
            if keep is not None and (strand.shadow or name) not in keep:
                there = np.zeros_like(there)
            # torch gathers into aligned memory; in numpy's the last bits of a matrix product depend on where it lies
            inputs[name] = torch.from_numpy(self.inputs[name])[index].to(device or "cpu")
            present[name] = torch.from_numpy(there.any(axis=1)).to(device or "cpu")
            if strand.several:
                cells[name] = torch.from_numpy(there).to(device or "cpu")
        return Batch(inputs, present, None, cells)

    def statuses(self, modalities: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Return (status, reason) of every row, in order, as far as these modalities (or all) go."""
        names = list(self.names if modalities is None else modalities)
        present = self.present
        result = []
        for row, noted in enumerate(self.reasons):
            reasons = {name: noted[name] for name in names if name in noted}
            status, reason = status_of(reasons, names)
            if reasons and any(present[name][row] for name in names):
                status = "partial"
            result.append((status, reason))
        return result


def prepare(
    table: Table,
    strands: Sequence[Strand],
    *,
    folder: Path | None = None,
    callback: Callback = quiet,
    stage: str = "prepare",
) -> Prepared:
    """Prepare every row. With a folder the values go to files there as they come and are read back as memory maps.

    A cell that cannot be read is absent, with a reason; row count and order are those of the table.
    """
    inputs: dict[str, Any] = {strand.name: [] for strand in strands}
    cells: dict[str, list[np.ndarray]] = {strand.name: [] for strand in strands}
    reasons: list[dict[str, str]] = []
    files = {}
    with ExitStack() as opened, ThreadPoolExecutor(THREADS) as pool:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for index, strand in enumerate(strands):
                files[strand.name] = opened.enter_context(open(folder / f"{index}.raw", "wb"))
        step = CHUNK
        if any(strand.frozen is not None for strand in strands):
            widest = max(int(np.prod(strand.shape())) * np.dtype(strand.dtype()).itemsize for strand in strands)
            step = FEW if encoding_device().type == "cpu" else max(FEW, min(MANY, MANY_BYTES // max(1, widest)))
        for start in range(0, len(table), step):
            part = table.take(np.arange(start, min(start + step, len(table))))
            noted: list[dict[str, str]] = [{} for _ in range(len(part))]
            for strand in strands:
                values, there, why = strand.prepare(part, pool)
                cells[strand.name].append(there)
                if folder is None:
                    inputs[strand.name].append(values)
                else:
                    files[strand.name].write(values.data if values.size else b"")
                for row, reason in enumerate(why):
                    if reason is not None and not strand.shadow:
                        noted[row][strand.name] = reason
            reasons += noted
            callback({"stage": stage, "done": len(reasons), "total": len(table)})
    for frozen in {s.frozen for s in strands if s.frozen is not None and not s.raw} if len(table) > 1 else ():
        if trouble := why_not_kept(frozen):
            callback({"note": f"features of {frozen.name} are not kept for the next time: {trouble}"})
    for index, strand in enumerate(strands):
        shape = (len(table), *strand.shape())
        if folder is not None and int(np.prod(shape)):
            # copy-on-write: torch wants writable memory, and nothing of it ever reaches the file
            inputs[strand.name] = np.memmap(folder / f"{index}.raw", strand.dtype(), "c", shape=shape)
        else:
            parts = inputs[strand.name]
            inputs[strand.name] = np.concatenate(parts) if parts else np.zeros(shape, strand.dtype())
    width = {s.name: len(s.modality.columns) if s.several else 1 for s in strands}
    joined = {n: np.concatenate(c) if c else np.zeros((0, width[n]), bool) for n, c in cells.items()}
    return Prepared(list(strands), inputs, joined, reasons)
