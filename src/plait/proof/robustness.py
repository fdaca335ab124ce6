"""What is asked of a winner besides its score: how it fares as its input gets worse, and whether it is well calibrated.
Looks at the test rows (or validation, where there are none) through the predictor alone. Knows strands and prepared
rows; chooses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.classes import Several
from plait.core.contract import Table, shown_by
from plait.errors import CellError
from plait.kinds.worsening import Worsening
from plait.models.predictors import input_names
from plait.models.rows import Callback, Prepared, quiet
from plait.models.views import View
from plait.pretrained.features import encode_kept, encoding_device
from plait.proof.scores import labelled, row_scores, scores

if TYPE_CHECKING:
    from plait.pretrained.frozen import Frozen

MISSING = (0.0, 0.25, 0.5, 0.75, 1.0)  # share of the rows that had the modality

# Rows whose pictures or sounds a pretrained encoder sees again, at every second level: at most 96 pictures. With 100
# rows at all levels, 1,500, a report took as long as the fit of 8,000 rows that it is about (with lite0: 2,772
# pictures). Measured on patches of photographs with lite0, two seeds, against all 120 rows: the score of a level is off
# by .07 on average with 16 rows and by .05 with 24, and the whole report encodes 142 pictures where 24 rows and 8 × 8
# patches of three explained rows took 276.
FEW_ROWS = 16


@dataclass(frozen=True)
class Way:
    """One way in which a modality gets worse: the rows it is measured on, at which levels, and these rows at one."""

    modality: str
    what: str
    unit: str
    rows: np.ndarray
    levels: Sequence[float]
    worsen: Callable[[float], Prepared]


@dataclass
class Robustness:
    """Curves of a predictor's score over ever worse inputs, on some rows of a table."""

    predictor: Any
    table: Table
    prepared: Prepared  # the rows of the table
    target: np.ndarray  # (rows,) labels or numbers
    classes: Sequence[Any] | None
    seed: int = 0
    callback: Callback = quiet
    answers: np.ndarray | None = None  # (rows, class) or (rows, 1): to the rows as they are, where it was asked
    metric: str = ""  # in which curves are told; by default accuracy, r2 or f1_rows
    few: int | None = None  # rows that a pretrained encoder sees again, at every second level where these are not all

    def curves(self) -> list[dict[str, Any]]:
        """Return [{"modality", "what", "unit", "rows", "metric", "levels", "scores", "area"}] of each modality in use.
        A pretrained encoder has to see every changed cell, so there a curve is measured on fewer rows and levels."""
        strands = [s for s in self.prepared.views if s.name in self.predictor.names]
        ways = [way for strand in strands for way in self._ways(strand)]
        ways += [self._missing_way(strand.name) for strand in strands]
        done, total = 0, sum(len(way.levels) for way in ways)
        curves: list[dict[str, Any]] = []
        for way in ways:

            def answer(level: float, way: Way = way) -> np.ndarray:
                nonlocal done
                as_it_is = level == way.levels[0] == 0.0
                answers = self._untouched[way.rows] if as_it_is else self._answer(way.worsen(level))
                done += 1
                self.callback({"stage": "robustness", "done": done, "total": total})
                return answers

            about = {"modality": way.modality, "what": way.what, "unit": way.unit, "rows": len(way.rows)}
            curves.append(
                {**about, **score_curve(answer, way.levels, self.target[way.rows], self.classes, self.metric)}
            )
        return curves

    def _generator(self, *place: int) -> np.random.Generator:
        """Return what draws for all rows, or for the one at a place, which others beside it change nothing of."""
        return np.random.default_rng([self.seed, 7, *map(int, place)])

    def _answer(self, prepared: Prepared) -> np.ndarray:
        rows = np.arange(len(prepared))
        parts = [self.predictor(prepared.batch(rows[start : start + 128])) for start in range(0, len(rows), 128)]
        return self._shape(np.concatenate(parts))

    @cached_property
    def _untouched(self) -> np.ndarray:
        return self._answer(self.prepared) if self.answers is None else self._shape(self.answers)

    def _shape(self, answers: np.ndarray) -> np.ndarray:
        return answers if self.classes is not None else answers[:, 0]

    def _ways(self, strand: View) -> list[Way]:
        """Return the ways in which a modality gets worse."""
        if strand.able.worsen is None:
            return []
        if strand.able.opened and strand.frozen is not None:
            return self._frozen_ways(strand, strand.frozen)
        read = input_names(self.predictor)
        beside = [s for s in self.prepared.views if s.of == strand.of and s.how == "beside" and s.name in read]
        if beside and strand.able.opened:
            return self._beside_ways(strand, beside)
        layout, values = strand.layout(), np.asarray(self.prepared.inputs[strand.name])
        views = [s.name for s in self.prepared.views if s.of == strand.of and s.is_second]
        seen_twice = not read.isdisjoint(views)

        def at(way: Worsening, level: float) -> Prepared:
            if way.on == "cell":
                return self._changed_cells(strand, way, level)
            changed = (
                way.change(values, level, self._generator(), layout)
                if way.on == "input"
                else self._changed_values(strand, way, level, values)
            )
            return replace(self.prepared, inputs={**self.prepared.inputs, strand.name: changed})

        rows = np.arange(len(self.prepared))
        return [
            Way(strand.name, way.what, way.unit, rows, way.levels, partial(at, way))
            for way in strand.able.worsen.WAYS
            if way.applies(layout) and not (way.on == "input" and seen_twice)  # words do not get worse as numbers do
        ]

    def _frozen_ways(self, strand: View, frozen: Frozen) -> list[Way]:
        """Return the ways in which pictures or sounds get worse before a pretrained encoder sees them."""
        rows = self._typical_rows(strand.name, self.few or FEW_ROWS)
        few, before = self.prepared.take(rows), replace(strand, how="given")
        part = replace(self, table=self.table.take(rows), prepared=few, answers=None)
        with ThreadPoolExecutor(1) as pool:
            raw, _, _ = before.prepare(part.table, pool)

        def seen(worse: np.ndarray) -> Prepared:
            changed = {strand.name: _encoded(few, strand, worse)}
            changed |= {s.name: worse for s in few.views if s.how == "tuned" and s.of == strand.of}
            return replace(few, inputs={**few.inputs, **changed})

        def at(way: Worsening, level: float) -> Prepared:
            if way.on == "input":
                changed = (way.change(raw[k : k + 1], level, self._generator(row), {}) for k, row in enumerate(rows))
                return seen(np.concatenate([*changed]))
            return seen(part._changed_values(before, way, level, raw, rows))

        step = 1 if len(rows) == len(self.prepared) else 2
        return [
            Way(strand.name, way.what, way.unit, rows, way.levels[::step], partial(at, way))
            for way in strand.able.worsen.WAYS
        ]

    def _beside_ways(self, strand: View, beside: Sequence[View]) -> list[Way]:
        """Return the ways in which cells get worse that several encoders see: the same draws for each of them."""
        rows = self._typical_rows(strand.name, self.few or FEW_ROWS)
        few = self.prepared.take(rows)
        part = replace(self, table=self.table.take(rows), prepared=few, answers=None)

        def at(way: Worsening, level: float) -> Prepared:
            changed = {strand.name: part._changed_values(strand, way, level, few.inputs[strand.name], rows)}
            for view in beside:
                given = replace(view, how="given")
                raw = np.zeros((len(rows), *given.shape()), given.dtype())
                changed[view.name] = _encoded(few, view, part._changed_values(given, way, level, raw, rows))
            return replace(few, inputs={**few.inputs, **changed})

        return [
            Way(strand.name, way.what, way.unit, rows, way.levels, partial(at, way)) for way in strand.able.worsen.WAYS
        ]

    def _typical_rows(self, name: str, num: int) -> np.ndarray:
        """Return labelled rows, of which as many have the modality, are right and are sure as of all.
        Of rows alike the first in an order drawn once: many are those of another predictor, whose features are kept."""
        rows = np.flatnonzero(labelled(self.target))
        answers = self._untouched[rows]
        key = row_scores([self.target[row] for row in rows], answers, self.classes)
        if self.classes is not None:
            key = np.where(key > 0, 1.0, -1.0) * answers.max(1)
        alike = np.array_split(np.lexsort((key, self.prepared.present[name][rows])), max(1, min(num, len(rows))))
        rank = self._generator().permutation(len(self.target))[rows]
        return np.sort(rows[[some[rank[some].argmin()] for some in alike if len(some)]])

    def _missing_way(self, name: str) -> Way:
        """Return how a modality goes missing at random; a row without it at one rate is without it at every higher."""
        present = np.array(self.prepared.present[name], bool)
        order = self._generator().permutation(np.flatnonzero(present))

        def at(rate: float) -> Prepared:
            kept = present.copy()
            kept[order[: round(rate * len(order))]] = False
            cells = {
                view: filled & kept[:, None] if shown_by(view) == name else filled  # and its further views
                for view, filled in self.prepared.cells.items()
            }
            return replace(self.prepared, cells=cells)

        return Way(name, "missing", "share of the rows", np.arange(len(present)), MISSING, at)

    def _changed_values(
        self, strand: View, way: Worsening, level: float, prepared: np.ndarray, places: np.ndarray | None = None
    ) -> np.ndarray:
        """Open the cells again, make them worse, and prepare that. prepared: the inputs as they are; places: of the
        rows among those from which they were taken."""
        reader, values = strand.able.read, prepared.copy()
        prep = strand.frozen.prep if strand.frozen is not None else strand.prep
        drawn = [self._generator(place) for place in (range(len(values)) if places is None else places)]
        for place, column in enumerate(strand.modality.columns):
            target = values[:, place] if strand.several else values
            for row, (cell, generator) in enumerate(zip(self.table.cells(column), drawn, strict=True)):
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
        read = input_names(self.predictor)
        seen = [s for s in self.prepared.views if s.of == strand.of and s.how in ("tuned", "letters", "beside")]
        views = [strand, *(s for s in seen if s.how != "beside" or s.name in read)]  # what reads anew is dear
        with ThreadPoolExecutor(1) as pool:
            for view in views:
                values, filled, _ = view.prepare(table, pool, keep=False)
                cells = {**worse.cells, view.name: filled & worse.cells[view.name]}
                worse = replace(worse, inputs={**worse.inputs, view.name: values}, cells=cells)
        return worse


def _encoded(prepared: Prepared, view: View, worse: np.ndarray) -> np.ndarray:
    """Return the features that the pretrained encoder of a view makes of what it is given, where there is a cell."""
    frozen = view.frozen
    assert frozen is not None
    there = prepared.cells[view.name].ravel()
    features = np.zeros((len(worse), *view.shape()), np.float32)
    cells = features.reshape(-1, frozen.tokens, frozen.width)
    cells[there] = encode_kept(frozen, worse.reshape(-1, *frozen.shape)[there], encoding_device())
    return features


def score_curve(
    answer: Callable[[float], np.ndarray],
    levels: Sequence[float],
    target: Any,
    classes: Sequence[Any] | None = None,
    metric: str = "",
) -> dict[str, Any]:
    """Score what answer(level) says, (rows, class) or (rows,), at every level, over the rows with a label.
    Returns metric (where none is asked "accuracy", "r2" where classes is None, "f1_rows" of several labels a row),
    levels, scores, and area (see `area_under`), None where a score is."""
    usual = "r2" if classes is None else "f1_rows" if isinstance(classes, Several) else "accuracy"
    metric = metric or usual
    rows = np.flatnonzero(labelled(target))
    truth = [target[row] for row in rows]
    reached = [scores(truth, np.asarray(answer(level))[rows], classes)[metric] for level in levels]
    area = None if None in reached else area_under(levels, reached)
    return {"metric": metric, "levels": [float(level) for level in levels], "scores": reached, "area": area}


def area_under(levels: Sequence[float], scores: Sequence[float]) -> float:
    """Return the mean score over levels that rise or fall, by trapezoids: the first level is 0, the last 1."""
    x, y = np.asarray(levels, np.float64), np.asarray(scores, np.float64)
    return float((np.diff((x - x[0]) / (x[-1] - x[0])) * (y[1:] + y[:-1]) / 2).sum())
