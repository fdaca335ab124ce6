"""The classes of a target that are more than a list: in an order, or any number of them a row. The one rule of each.

Both are lists, so whoever asks for no more sees classes, of which a row has one, the likeliest. Knows only arrays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

SMALLEST = 1e-12  # a probability of 0 is taken as this, and one of 1 as 1 less it


class Ordered(list[Any]):
    """Classes in an order, the least first: the middle one is answered, up to which lies half of the probability.

    Of stars of reviews it agrees better than the likeliest class, and is nearer than the rounded mean: see
    bench/bench_labels.py --stars.
    """

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the place (rows,) of the class that is answered, of probabilities (rows, class)."""
        below = np.cumsum(probabilities, axis=1)[:, :-1] < 0.5 - 1e-9
        return below.sum(1)


class Several(list[Any]):
    """Labels, of which a row has any number: probabilities (rows, label) are each on its own, and do not add up to 1.

    thresholds: (label,), from which on each is answered; .5 if not given. delimiter: between labels in a cell of text;
    "" of cells that are lists. fewest: how many labels a row has at least, 0 or 1: the nearest is answered where none
    reaches its threshold.
    """

    def __init__(
        self, labels: Iterable[Any], delimiter: str = "", fewest: int = 0, thresholds: Sequence[float] = ()
    ) -> None:
        super().__init__(labels)
        self.delimiter, self.fewest, self.thresholds = delimiter, fewest, tuple(thresholds)

    def at(self, thresholds: Sequence[float]) -> Several:
        """Return the same labels with other thresholds."""
        return Several(self, self.delimiter, self.fewest, thresholds)

    def level(self, answers: np.ndarray) -> np.ndarray:
        """Return answers (rows, label) moved so that each label's threshold is .5; the order of rows stays."""
        if not self.thresholds:
            return answers
        return 1 / (1 + np.exp(log_odds(self.thresholds) - log_odds(answers)))

    def decide(self, answers: np.ndarray) -> np.ndarray:
        """Return which labels (rows, label) bool are answered."""
        level = self.level(np.nan_to_num(answers))
        chosen = level >= 0.5
        if self.fewest and len(level):
            none = ~chosen.any(1)
            chosen[none, level[none].argmax(1)] = True
        return chosen

    def pick(self, chosen: np.ndarray) -> list[Any]:
        """Return the labels of one row, (label,) bool."""
        return [label for label, there in zip(self, chosen, strict=True) if there]

    def write(self, labels: Iterable[Any]) -> str:
        """Return labels as one cell holds them: with the delimiter between, or as a list in JSON."""
        if self.delimiter:
            return self.delimiter.join(map(str, labels)) or self.delimiter
        return json.dumps(list(labels), ensure_ascii=False)


def place_of(answers: np.ndarray, classes: Any) -> np.ndarray:
    """Return the place (rows,) of the class that answers (rows, class) say; of several labels that of the surest."""
    if isinstance(classes, Ordered):
        return classes.decide(answers)
    return (classes.level(answers) if isinstance(classes, Several) else answers).argmax(1)


def log_odds(probabilities: Any, xp: Any = np) -> Any:
    """Return log p − log(1 − p) of probabilities of any shape. xp: numpy, or torch in a graph."""
    p = xp.clip(xp.asarray(probabilities, dtype=xp.float64), SMALLEST, 1 - SMALLEST)
    return xp.log(p) - xp.log1p(-p)
