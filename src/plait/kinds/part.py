"""The columns of a table that one modality is made of, and how cells are opened: what cannot be is absent, with why.

Knows cells and the pool that opens them; no kind, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.errors import CellError, TableError

SAMPLE = 400  # opened cells looked at to choose sizes and rates
TASK = 16  # cells that a thread opens in one go: with one each, many wait for the one that hands tasks out


@dataclass(frozen=True)
class Part:
    """Columns of a table. kinds: of each column, where the columns are of several kinds."""

    table: Table
    columns: Sequence[str]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def cells(self) -> dict[str, list[Any]]:
        return {name: self.table.cells(name) for name in self.columns}

    def streams(self) -> list[tuple[str, list[Any], int | None]]:
        """Return (column, cells, Hz) of each column: what is opened cell by cell."""
        return [(name, self.table.cells(name), self.table.sample_rates.get(name)) for name in self.columns]


def sample_opened(
    part: Part, rows: np.ndarray, generator: np.random.Generator, read: Callable[..., Any], noun: str
) -> Iterator[Any]:
    """Give opened cells of a sample of rows, over all columns, one at a time; broken and absent ones are passed over.

    Raises TableError where none of the rows has a cell that can be read.
    """
    table, count, why = part.table, 0, "every cell is blank"
    each = max(1, SAMPLE // len(part.columns))
    for name in part.columns:
        order = generator.permutation(rows)
        taken = 0
        for start in range(0, len(order), each):
            for cell in table.cells(name, order[start : start + each]):
                if cell is None or taken >= each:
                    continue
                try:
                    yield read(cell, table.folder, table.sample_rates.get(name), None)
                except CellError as error:
                    why = str(error)
                    continue
                count, taken = count + 1, taken + 1
            if taken >= each:
                break
    if not count:
        raise TableError(
            f"column {part.columns[0]!r}: no training row has {noun} that can be read ({why}). "
            f"Mend the column, or leave it out with --ignore {part.columns[0]!r}."
        )


def prepare_opened(
    part: Part, values: np.ndarray, pool: ThreadPoolExecutor, make: Callable[[Any, int | None], np.ndarray]
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, …), or (batch, column, …) of several columns, with make(cell, Hz) of each cell.

    Returns cells (batch, column) bool where a column is there, and for each row why something is absent, or None.
    """
    rows, several = len(part.table), len(part.columns) > 1
    present = np.zeros((rows, len(part.columns)), bool)
    reasons: list[list[str]] = [[] for _ in range(rows)]
    for place, name in enumerate(part.columns):  # one column's cells at a time: they may hold the bytes themselves
        cells, rate = part.table.cells(name), part.table.sample_rates.get(name)
        target = values[:, place] if several else values

        def fill(
            span: range, target: np.ndarray = target, cells: list[Any] = cells, rate: int | None = rate
        ) -> list[str | None]:
            return [_fill(target, row, cells[row], rate, make) for row in span]

        step = max(1, min(TASK, rows // 4))
        spans = [range(start, min(start + step, rows)) for start in range(0, rows, step)]
        answers = [answer for span in pool.map(fill, spans) for answer in span]
        present[:, place] = [answer is None for answer in answers]
        add_reasons(reasons, answers, part.table.notes.get(name), f"{name}: " if several else "")
    return present, ["; ".join(r) if r else None for r in reasons]


def _fill(
    target: np.ndarray, row: int, cell: Any, rate: int | None, make: Callable[[Any, int | None], np.ndarray]
) -> str | None:
    if cell is None:
        return "blank"
    try:
        target[row] = make(cell, rate)
    except CellError as error:
        target[row] = 0
        return str(error)
    return None


def add_reasons(
    noted: list[list[str]], reasons: Sequence[str | None], notes: Sequence[str | None] | None, prefix: str
) -> None:
    """Add to each row why a cell is absent; of a filled cell too, which is there, and not as it came."""
    for row, reason in enumerate(reasons):
        note = notes[row] if notes is not None else None
        why = note if note is not None and reason in (None, "blank") else reason
        if why is not None:
            noted[row].append(prefix + why)
