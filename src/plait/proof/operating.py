"""What a classifier could reach at each threshold: ROC and precision-recall curves. Knows arrays alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.core.classes import Several
from plait.data.label_lists import code_labels
from plait.proof.metrics import sort_key
from plait.proof.scores import match_classes

MOST_CURVES = 6  # that one chart tells apart
MOST_POINTS = 120  # of a curve: more are not seen


def operating_curves(target: Any, probabilities: np.ndarray, classes: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the curves of classes, each against the rest; of two classes that of the larger in sort order.

    Those of the six with the most rows, in the order of the classes: [{"name", "rows", "auroc", "average_precision",
    "roc": [[false positive rate, true positive rate]], "recall": [[recall, precision]]}]. A class that all rows have,
    or none, has no curve.

    Args:
        target: (rows,) labels, of several labels a row a list each.
        probabilities: (rows, class).
        classes: of the columns.

    Example:
        >>> said = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
        >>> operating_curves(["a", "b", "b", "a"], said, ["a", "b"])[0]["roc"]
        [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    if isinstance(classes, Several):
        names = [str(label) for label in classes]
        positive = code_labels(target, names) == 1
    else:
        codes, names = match_classes(target, classes)
        positive = codes[:, None] == np.arange(len(classes))
    rows = positive.sum(0)
    columns = np.flatnonzero((rows > 0) & (rows < len(positive)))
    if len(classes) == 2 and not isinstance(classes, Several):
        larger = sort_key(names)
        columns = columns[columns == max((0, 1), key=lambda place: larger(names[place]))]
    columns = np.sort(columns[np.argsort(-rows[columns], kind="stable")][:MOST_CURVES])
    return [_curves_of(names[place], positive[:, place], np.asarray(probabilities)[:, place]) for place in columns]


def _curves_of(name: str, positive: np.ndarray, said: np.ndarray) -> dict[str, Any]:
    """Return both curves of (rows,) bool and probabilities; rows of the same probability are one step."""
    order = np.argsort(-said, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(said[order]) != 0, True))
    hits = np.cumsum(positive[order])[ends]
    misses = ends + 1 - hits
    share, false = hits / hits[-1], misses / misses[-1]
    precision = hits / (hits + misses)
    roc = np.concatenate([[[0.0, 0.0]], np.stack([false, share], 1)])
    recall = np.concatenate([[[0.0, precision[0]]], np.stack([share, precision], 1)])
    return {
        "name": name,
        "rows": int(positive.sum()),
        "auroc": float(np.sum(np.diff(roc[:, 0]) * (roc[1:, 1] + roc[:-1, 1]) / 2)),
        "average_precision": float(np.sum(np.diff(recall[:, 0]) * precision)),
        "roc": _thin(roc),
        "recall": _thin(recall),
    }


def _thin(points: np.ndarray) -> list[list[float]]:
    """Return the corners of a line, of many the first, the last and as many between as are seen."""
    before, after = np.diff(points[:-1], axis=0), np.diff(points[1:], axis=0)
    turns = before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]
    corners = points[np.concatenate([[True], turns, [True]])]
    kept = np.unique(np.linspace(0, len(corners) - 1, min(len(corners), MOST_POINTS)).round().astype(int))
    return [[round(float(value), 4) for value in point] for point in corners[kept]]
