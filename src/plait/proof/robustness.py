"""What is asked of a winner besides its score: how it fares as its input gets worse, and whether it is well calibrated.

Looks at the test rows (or validation, where there are none) through the predictor alone. Knows strands and prepared
rows; chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from plait.core.contract import Table, shown_by
from plait.errors import CellError
from plait.kinds.worsening import Worsening
from plait.models.predictors import input_names
from plait.models.rows import Callback, Prepared, quiet
from plait.models.views import View
from plait.pretrained.features import encoding_device
from plait.pretrained.frozen import Frozen
from plait.proof.curves import missing_curve, score_curve
from plait.proof.scores import brier, reliability

# Rows whose pictures or sounds a pretrained encoder sees again, at every second level: 144 pictures. With 100 rows at
# all levels, 1,500, a report took as long as the fit of 8,000 rows that it is about (with lite0: 2,772 pictures).
FEW_ROWS = 24
# rows, what, unit, levels, and the rows at one
Way = tuple[np.ndarray, str, str, Sequence[float], Callable[[float], Prepared]]


@dataclass
class Robustness:
    """Curves of a predictor's score over ever worse inputs, on some rows of a table.

    table: those rows; prepared: the same rows, prepared; target: (rows,) labels or numbers. answers: what the predictor
    says of them as they are, (rows, class) or (rows, 1), where it was asked. few: how many rows a pretrained encoder
    sees again, at every second level where these are not all; without it FEW_ROWS.
    """

    predictor: Any
    table: Table
    prepared: Prepared
    target: np.ndarray
    classes: Sequence[Any] | None
    seed: int = 0
    callback: Callback = quiet
    answers: np.ndarray | None = None
    few: int | None = None

    def curves(self) -> list[dict[str, Any]]:
        """Return [{"modality", "what", "unit", "rows", "metric", "levels", "scores", "area"}] of each modality in use.

        A pretrained encoder has to see every changed cell, so there a curve is measured on fewer rows and levels.
        """
        strands = [s for s in self.prepared.views if s.name in self.predictor.names]
        ways = [(strand, *way) for strand in strands for way in self._ways(strand)]
        ways = [
            (s, rows, what, unit, self._thinned(levels, rows), worse) for s, rows, what, unit, levels, worse in ways
        ]
        done, total = 0, sum(len(levels) for *_, levels, _ in ways)
        found: list[dict[str, Any]] = []
        for strand, rows, what, unit, levels, worsen in ways:

            def answer(
                level: float, rows: np.ndarray = rows, first: bool = levels[0] == 0.0, worsen: Any = worsen
            ) -> np.ndarray:
                nonlocal done
                said = self._untouched[rows] if first and level == 0.0 else self._answer(worsen(level))
                done += 1
                self.callback({"stage": "robustness", "done": done, "total": total})
                return said

            curve = score_curve(answer, levels, self.target[rows], self.classes)
            found.append({"modality": strand.name, "what": what, "unit": unit, "rows": len(rows), **curve})
        for strand in strands:
            curve = missing_curve(
                lambda present: self._answer(self._hide(present)),
                {name: self.prepared.present[name] for name in self.predictor.names},
                self.target,
                self.classes,
                modality=strand.name,
                generator=self._generator(),
            )
            about = {"what": "missing", "unit": "share of the rows", "rows": len(self.prepared)}
            found.append({"modality": strand.name, **about, **curve})
        return found

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 7])

    def _answer(self, prepared: Prepared) -> np.ndarray:
        rows = np.arange(len(prepared))
        parts = [self.predictor(prepared.batch(rows[start : start + 128])) for start in range(0, len(rows), 128)]
        return self._shape(np.concatenate(parts))

    @cached_property
    def _untouched(self) -> np.ndarray:
        return self._answer(self.prepared) if self.answers is None else self._shape(self.answers)

    def _shape(self, said: np.ndarray) -> np.ndarray:
        return said if self.classes is not None else said[:, 0]

    def _thinned(self, levels: Sequence[float], rows: np.ndarray) -> Sequence[float]:
        return levels if len(rows) == len(self.prepared) else levels[::2]

    def _ways(self, strand: View) -> list[Way]:
        """Return the ways in which a modality gets worse."""
        if strand.able.worsen is None:
            return []
        if strand.able.opened and strand.frozen is not None:
            return self._frozen_ways(strand, strand.frozen)
        layout, values = strand.layout(), np.asarray(self.prepared.inputs[strand.name])
        views = [s.name for s in self.prepared.views if s.of == strand.of and s.is_second]
        seen_twice = not input_names(self.predictor).isdisjoint(views)

        def at(way: Worsening, level: float) -> Prepared:
            if way.on == "input":
                return self._swap(strand.name, way.change(values, level, self._generator(), layout))
            if way.on == "value":
                return self._swap(strand.name, self._changed_values(strand, way, level))
            return self._changed_cells(strand, way, level)

        return [
            (np.arange(len(self.prepared)), way.what, way.unit, way.levels, partial(at, way))
            for way in strand.able.worsen.WAYS
            if way.applies(layout) and not (way.on == "input" and seen_twice)  # words do not get worse as numbers do
        ]

    def _frozen_ways(self, strand: View, frozen: Frozen) -> list[Way]:
        """Return the ways in which pictures or sounds get worse before a pretrained encoder sees them."""
        rows = np.sort(self._generator().permutation(len(self.prepared))[: self.few or FEW_ROWS])
        few, own = self.prepared.take(rows), replace(strand, how="given")
        part = replace(self, table=self.table.take(rows), prepared=few, answers=None)
        with ThreadPoolExecutor(1) as pool:
            raw, _, _ = own.prepare(part.table, pool)

        def seen(worse: np.ndarray) -> Prepared:
            features = frozen.encode(worse.reshape(-1, *frozen.shape), encoding_device())
            changed = {strand.name: features.reshape(len(worse), *strand.shape())}
            changed |= {s.name: worse for s in few.views if s.how == "tuned" and s.of == strand.of}
            return replace(few, inputs={**few.inputs, **changed})

        def at(way: Worsening, level: float) -> Prepared:
            if way.on == "input":
                return seen(way.change(raw, level, self._generator(), {}))
            return seen(part._changed_values(own, way, level, raw))

        return [(rows, way.what, way.unit, way.levels, partial(at, way)) for way in strand.able.worsen.WAYS]

    def _swap(self, name: str, values: np.ndarray) -> Prepared:
        return replace(self.prepared, inputs={**self.prepared.inputs, name: values})

    def _hide(self, present: dict[str, np.ndarray]) -> Prepared:
        cells = dict(self.prepared.cells)
        for name, there in cells.items():
            owner = shown_by(name)
            if owner in present:
                cells[name] = there & present[owner][:, None]
        return replace(self.prepared, cells=cells)

    def _changed_values(
        self, strand: View, way: Worsening, level: float, prepared: np.ndarray | None = None
    ) -> np.ndarray:
        """Open the cells again, make them worse, and prepare that. prepared: the inputs as they are."""
        reader = strand.able.read
        generator, prep = self._generator(), strand.frozen.prep if strand.frozen is not None else strand.prep
        values = np.array(self.prepared.inputs[strand.name] if prepared is None else prepared)
        for place, column in enumerate(strand.modality.columns):
            target = values[:, place] if strand.several else values
            for row, cell in enumerate(self.table.cells(column)):
                if cell is None or not self.prepared.cells[strand.name][row, place if strand.several else 0]:
                    continue
                try:
                    value = reader.read(cell, self.table.folder, self.table.sample_rates.get(column))
                except CellError:  # it was there a moment ago: the row keeps what it was prepared with
                    continue
                target[row] = reader.apply(prep, way.change(value, level, generator))
        return values

    def _changed_cells(self, strand: View, way: Worsening, level: float) -> Prepared:
        """Make the cells worse, and prepare what is left; a cell of which nothing is left is absent."""
        import pyarrow as pa

        generator = self._generator()
        data = dict(self.table.data)
        for column in strand.modality.columns:
            texts = self.table.cells(column)
            left = [None if text is None else way.change(str(text), level, generator) or None for text in texts]
            data[column] = pa.chunked_array([pa.array(left, pa.string())])
        worse, table = self.prepared, replace(self.table, data=data)
        views = [s for s in self.prepared.views if s is strand or (s.how == "tuned" and s.of == strand.of)]
        with ThreadPoolExecutor(1) as pool:
            for view in views:
                values, there, _ = view.prepare(table, pool, keep=False)
                cells = {**worse.cells, view.name: there & worse.cells[view.name]}
                worse = replace(worse, inputs={**worse.inputs, view.name: values}, cells=cells)
        return worse


def calibration(
    target: np.ndarray, before: np.ndarray, after: np.ndarray, classes: Sequence[Any], temperature: float
) -> dict[str, Any]:
    """Compare probabilities (rows, class) with what was true, before and after the temperature."""
    both = {"before": before, "after": after}
    found: dict[str, Any] = {key: reliability(target, said, classes) for key, said in both.items()}
    return {
        **found,
        "temperature": temperature,
        "ece": {key: found[key]["expected_calibration_error"] for key in both},
        "brier": {key: brier(target, said, classes) for key, said in both.items()},
    }
