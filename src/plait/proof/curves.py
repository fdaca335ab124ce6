"""How a score falls as an input gets worse or goes missing: the curve, and the area under it.

Knows functions that answer; no model, no table and no kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.proof.scores import labelled, scores

MISSING = (0.0, 0.25, 0.5, 0.75, 1.0)  # share of the rows that had the modality


def score_curve(
    answer: Callable[[float], np.ndarray],
    levels: Sequence[float],
    target: Any,
    classes: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Score what answer(level) says, (rows, class) or (rows,), at every level, over the rows with a label.

    Returns metric ("accuracy", or "r2" where classes is None), levels, scores, and area (see `area_under`). The area is
    None where a score is. Raises RequestError as `plait.proof.scores.scores` does.
    """
    metric = "r2" if classes is None else "accuracy"
    rows = np.flatnonzero(labelled(target))
    truth = [target[row] for row in rows]
    reached = [scores(truth, np.asarray(answer(level))[rows], classes)[metric] for level in levels]
    area = None if None in reached else area_under(levels, reached)
    return {"metric": metric, "levels": [float(level) for level in levels], "scores": reached, "area": area}


def missing_curve(
    answer: Callable[[dict[str, np.ndarray]], np.ndarray],
    present: Mapping[str, np.ndarray],
    target: Any,
    classes: Sequence[Any] | None = None,
    *,
    modality: str,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Score as one modality goes missing at random in 0, 25, 50, 75 and 100 % of the rows that have it.

    answer(present) → (rows, class) or (rows,) with this presence in place of the table's own; present[m]: (rows,) bool.
    A row without it at one rate is without it at every higher one. Returns what `score_curve` does.
    """
    order = generator.permutation(np.flatnonzero(present[modality]))

    def at(rate: float) -> np.ndarray:
        kept = np.array(present[modality], bool)
        kept[order[: round(rate * len(order))]] = False
        return answer({**present, modality: kept})

    return score_curve(at, MISSING, target, classes)


def area_under(levels: Sequence[float], scores: Sequence[float]) -> float:
    """Return the area under scores over levels that rise or fall, the first level taken as 0 and the last as 1.

    By trapezoids. It is the mean score over the range, in the unit of the scores.
    """
    from scipy.integrate import trapezoid

    x = np.asarray(levels, np.float64)
    return float(trapezoid(scores, (x - x[0]) / (x[-1] - x[0])))
