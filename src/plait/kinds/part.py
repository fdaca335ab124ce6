"""The columns of a table that one modality is made of, and how cells are opened: what cannot be is absent, with why.

Knows cells and the pool that opens them; no kind, no network.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import BLANK, Table
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

    def gaps(self) -> list[str | None]:
        """Return for each row which of its cells are blank, or not as they came, and why; None where none is."""
        noted: list[list[str]] = [[] for _ in range(len(self.table))]
        for name, cells in self.cells().items():
            blank = [BLANK if cell is None else None for cell in cells]
            add_reasons(noted, blank, self.table.notes.get(name), f"{name}: " if len(self.columns) > 1 else "")
        whole = "; ".join(f"{name}: {BLANK}" for name in self.columns)
        return [BLANK if (why := "; ".join(reasons)) == whole else why or None for reasons in noted]


@dataclass(frozen=True)
class Opener:
    """How cells are opened one by one: read(cell, folder, Hz, prep) → value, apply(prep, value) → array.

    noun: "a picture".
    """

    noun: str
    read: Callable[[Any, Path | None, int | None, Any], Any]
    apply: Callable[[Any, Any], np.ndarray]

    def fit(self, prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
        """Return the preparation fitted to a sample of these rows."""
        return prep.fitted(self.sample(part, rows, generator))

    def sample(self, part: Part, rows: np.ndarray, generator: np.random.Generator) -> Iterator[Any]:
        """Give opened cells of a sample of rows, over all columns, one at a time; broken and absent ones are passed by.

        Raises TableError where none of the rows has a cell that can be read.
        """
        table, count, why = part.table, 0, "every cell is blank"
        each = max(1, SAMPLE // len(part.columns))
        for name in part.columns:
            order, taken = generator.permutation(rows), 0
            for start in range(0, len(order), each):
                for cell in table.cells(name, order[start : start + each]) if taken < each else ():
                    try:
                        if cell is not None and taken < each:
                            yield self.read(cell, table.folder, table.sample_rates.get(name), None)
                            taken += 1
                    except CellError as error:
                        why = str(error)
            count += taken
        if not count:
            names = [cell for cell in table.cells(part.columns[0], rows[:SAMPLE]) if isinstance(cell, str)]
            from plait.data.nearby import near_files  # here, since it looks into the files of all kinds

            near = near_files(names, table.folder)
            why += f"; {near}" if near else ""
            raise TableError(
                f"column {part.columns[0]!r}: no training row has {self.noun} that can be read ({why}). "
                f"Mend the column, or leave it out with --ignore {part.columns[0]!r}."
            )

    def prepare(
        self, prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: Executor
    ) -> tuple[np.ndarray, list[str | None]]:
        """Fill values (batch, …), or (batch, column, …) of several columns.

        Returns cells (batch, column) bool where a column is there, and for each row why something is absent, or None.
        """
        table, rows, several = part.table, len(part.table), len(part.columns) > 1
        step = max(1, min(TASK, rows // 4))
        spans = [range(start, min(start + step, rows)) for start in range(0, rows, step)]
        present = np.zeros((rows, len(part.columns)), bool)
        reasons: list[list[str]] = [[] for _ in range(rows)]
        for place, name in enumerate(part.columns):  # one column's cells at a time: they may hold the bytes themselves
            target = values[:, place] if several else values
            fill = partial(self._fill, prep, table.folder, table.sample_rates.get(name), table.cells(name), target)
            answers = [answer for span in pool.map(fill, spans) for answer in span]
            present[:, place] = [answer is None for answer in answers]
            add_reasons(reasons, answers, table.notes.get(name), f"{name}: " if several else "")
        return present, ["; ".join(r) if r else None for r in reasons]

    def row_part(
        self, table: Table, columns: Sequence[str], prep: Any, steps: Callable[[Any], list[Any]]
    ) -> dict[str, Any]:
        """Return what `draw_row` draws of a table of one row: its first column, or the reason why it is absent."""
        cell = table.cells(columns[0])[0]
        if cell is None:
            return {"reason": BLANK}
        try:
            value = self.read(cell, table.folder, table.sample_rates.get(columns[0]), None)
            return {"before": value, "after": self.apply(prep, value), "steps": steps(value)}
        except CellError as error:
            return {"reason": str(error)}

    def _fill(
        self, prep: Any, folder: Path | None, rate: int | None, cells: Sequence[Any], values: np.ndarray, rows: range
    ) -> list[str | None]:
        """Fill these rows; return for each why it is absent, or None."""
        answers: list[str | None] = []
        for row in rows:
            try:
                if cells[row] is None:
                    raise CellError(BLANK)
                _put(self.apply(prep, self.read(cells[row], folder, rate, prep)), values, row)
                answers.append(None)
            except CellError as error:
                values[row] = 0
                answers.append(str(error))
        return answers


def _put(value: np.ndarray, values: np.ndarray, row: int) -> None:
    """Copy a value to its row; float32 to float16 as torch does where it is loaded, which is ten times as quick."""
    torch = sys.modules.get("torch")
    if torch is not None and value.dtype == np.float32 and values.dtype == np.float16 and value.flags.carray:
        torch.from_numpy(values[row]).copy_(torch.from_numpy(value))
    else:
        values[row] = value


def add_reasons(
    noted: list[list[str]], reasons: Sequence[str | None], notes: Sequence[str | None] | None, prefix: str
) -> None:
    """Add to each row why a cell is absent; of a filled cell too, which is there, and not as it came."""
    for row, reason in enumerate(reasons):
        note = notes[row] if notes is not None else None
        why = note if note is not None and reason in (None, BLANK) else reason
        if why is not None:
            noted[row].append(prefix + why)
