"""What is asked of a winner besides its score: how it fares as its input gets worse, and whether it is well calibrated.

Looks at the test rows (or validation, where there are none) through the predictor alone. Knows strands and prepared
rows; chooses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plait.contract import SECOND, Table
from plait.data.media import read_sound
from plait.dataset import Callback, Prepared, quiet
from plait.errors import CellError
from plait.evaluate import brier, reliability
from plait.robustness import (
    BLUR,
    DROPPED,
    IMAGE_NOISE,
    NUMBER_NOISE,
    OCCLUSION,
    SNR,
    add_noise,
    blur_images,
    drop_words,
    missing_curve,
    noise_images,
    noise_numbers,
    occlude_images,
    score_curve,
)
from plait.strands import Strand

MOST_ROWS = 400  # rows on which robustness is measured
UNITS = {
    "noise": "standard deviation, share of black to white",
    "blur": "standard deviation, share of the shorter side",
    "occlusion": "share of the area",
    "noise in sound": "decibels of the sound above the noise",
    "dropped words": "share of the words",
    "noise in numbers": "standard deviations of the column",
    "missing": "share of the rows",
}


@dataclass
class Robustness:
    """Curves of a predictor's score over ever worse inputs, on some rows of a table.

    table: those rows; prepared: the same rows, prepared; target: (rows,) labels or numbers.
    """

    predictor: Any
    table: Table
    prepared: Prepared
    target: np.ndarray
    classes: Sequence[Any] | None
    seed: int = 0
    callback: Callback = quiet

    def curves(self) -> list[dict[str, Any]]:
        """Return [{"modality", "what", "unit", "metric", "levels", "scores", "area"}] for each modality in use."""
        strands = [s for s in self.prepared.strands if s.name in self.predictor.names]
        found: list[dict[str, Any]] = []
        for done, strand in enumerate(strands):
            for what, levels, worsen in self._ways(strand):
                curve = score_curve(
                    lambda level, w=worsen: self._answer(w(level)),  # type: ignore[misc]
                    levels,
                    self.target,
                    self.classes,
                )
                found.append({"modality": strand.name, "what": what, "unit": UNITS[what], **curve})
            self.callback({"stage": "robustness", "done": done + 1, "total": len(strands)})
        for strand in strands:
            curve = missing_curve(
                lambda present: self._answer(self._hide(present)),
                {name: self.prepared.present[name] for name in self.predictor.names},
                self.target,
                self.classes,
                modality=strand.name,
                generator=self._generator(),
            )
            found.append({"modality": strand.name, "what": "missing", "unit": UNITS["missing"], **curve})
        return found

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 7])

    def _answer(self, prepared: Prepared) -> np.ndarray:
        rows = np.arange(len(prepared))
        parts = [self.predictor(prepared.batch(rows[start : start + 128])) for start in range(0, len(rows), 128)]
        said = np.concatenate(parts)
        return said if self.classes is not None else said[:, 0]

    def _ways(self, strand: Strand) -> list[tuple[str, Sequence[float], Callable[[float], Prepared]]]:
        """Return the ways in which a modality gets worse: what, levels, and what makes the rows at a level."""
        if strand.frozen is not None and strand.kind != "text":
            return []  # a pretrained encoder would have to see every row again at every level
        name, values = strand.name, np.asarray(self.prepared.inputs[strand.name])
        if strand.kind == "image":
            return [
                ("noise", IMAGE_NOISE, lambda level: self._swap(name, noise_images(values, level, self._generator()))),
                ("blur", BLUR, lambda level: self._swap(name, blur_images(values, level))),
                ("occlusion", OCCLUSION, lambda s: self._swap(name, occlude_images(values, s, self._generator()))),
            ]
        if strand.kind == "audio":
            return [("noise in sound", SNR, lambda level: self._swap(name, self._noisy(strand, level)))]
        if strand.kind == "text":
            return [("dropped words", DROPPED, lambda share: self._without_words(strand, share))]
        numbers = strand.layout()["numbers"]
        if not numbers:
            return []
        return [
            (
                "noise in numbers",
                NUMBER_NOISE,
                lambda level: self._swap(name, noise_numbers(values, numbers, level, self._generator())),
            )
        ]

    def _swap(self, name: str, values: np.ndarray, cells: np.ndarray | None = None) -> Prepared:
        held = self.prepared.cells if cells is None else {**self.prepared.cells, name: cells}
        return replace(self.prepared, inputs={**self.prepared.inputs, name: values}, cells=held)

    def _hide(self, present: dict[str, np.ndarray]) -> Prepared:
        cells = dict(self.prepared.cells)
        for name, there in cells.items():
            owner = name.partition(SECOND)[0]
            if owner in present:
                cells[name] = there & present[owner][:, None]
        return replace(self.prepared, cells=cells)

    def _noisy(self, strand: Strand, level: float) -> np.ndarray:
        """Read the sounds again, add noise to the wave, and prepare that."""
        generator = self._generator()
        values = np.array(self.prepared.inputs[strand.name])
        for place, column in enumerate(strand.modality.columns):
            target = values[:, place] if strand.several else values
            for row, cell in enumerate(self.table.cells(column)):
                if cell is None or not self.prepared.cells[strand.name][row, place if strand.several else 0]:
                    continue
                try:
                    wave, rate = read_sound(cell, self.table.folder, sample_rate=self.table.sample_rates.get(column))
                except CellError:  # it was there a moment ago: the row keeps the sound it was prepared with
                    continue
                target[row] = strand.prep(add_noise(wave, level, generator), rate)
        return values

    def _without_words(self, strand: Strand, share: float) -> Prepared:
        """Drop words of the texts, and prepare what is left; a text of which nothing is left is absent."""
        import pyarrow as pa

        generator = self._generator()
        data = dict(self.table.data)
        for column in strand.modality.columns:
            cells = self.table.cells(column)
            left = [None if cell is None else drop_words(str(cell), share, generator) or None for cell in cells]
            data[column] = pa.chunked_array([pa.array(left, pa.string())])
        with ThreadPoolExecutor(1) as pool:
            values, there, _ = strand.prepare(replace(self.table, data=data), pool, keep=False)
        return self._swap(strand.name, values, there & self.prepared.cells[strand.name])


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
