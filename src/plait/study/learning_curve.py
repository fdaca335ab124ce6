"""The learning curve: how well the winner does on validation when it learns from a part of the training rows.

Knows a study that has ended, not tables, files or test rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.checks.guesses import nested_order
from plait.core.files import Stages
from plait.core.words import count
from plait.errors import RequestError, TableError
from plait.study.candidate import Candidate, best_of
from plait.study.search import Search

SHARES = (0.125, 0.25, 0.5)  # of the training rows; the winner itself is the last point
FEWEST = 8  # training rows below which a point says nothing


def learning_curve(search: Search, winner: Candidate, folder: Path) -> list[dict[str, Any]]:
    """Train the winner, or the best that is not made of others, anew on parts of the training rows, each in the next.

    Returns [{"rows", "val": span, "of": name}], all rows last, as far as the time went. folder: keeps finished points.
    """
    study, labels, points = search.study, search.labels, []
    shown = winner if winner.can_repeat else best_of(c for c in study.candidates if c.can_repeat)
    if shown is None:
        return []
    order = nested_order(study.train, labels.codes, np.random.default_rng([study.seed, 2]))
    for share in SHARES:
        rows = order[: round(share * len(order))]
        if len(rows) < FEWEST or study.is_over:
            continue
        answers = _train_part(search, shown, rows, folder)
        if answers is not None:
            points.append({"rows": len(rows), "val": labels.headline(answers, study.val, study.seed)})
    whole = {"rows": len(study.train), "val": labels.headline(shown.answers, study.val, study.seed)}
    return [{**point, "of": shown.name} for point in [*points, whole]]


def _train_part(search: Search, winner: Candidate, rows: np.ndarray, folder: Path) -> np.ndarray | None:
    """Return what the winner, trained on these rows, says of the validation rows; None where that could not be."""
    study = search.study
    if winner.fit is not None:
        try:
            return search.classic.answer_val(winner.fit(rows))
        except RequestError:  # too few of these rows have any of its modalities
            return None
    split = np.where(study.split == "train", "", study.split)
    split[rows] = "train"

    def tell(event: dict[str, Any]) -> None:
        stage = {"stage": f"{count(len(rows), 'row')}: {event['stage']}"} if "stage" in event else {}
        study.callback({**event, **stage})

    stages = Stages(folder / f"curve-{len(rows)}")
    budget = replace(study.budget)  # a point that the time limit ends is no limit on the winner
    few = replace(study, split=split, candidates=[], stages=stages, callback=tell, budget=budget)
    try:
        part = few.train_alone(winner.name) if winner.plan is None else few.run(winner.plan)
    except (TableError, KeyboardInterrupt):  # too few rows have the modality, or the user has seen enough
        part = None
    study.budget.interrupted = budget.interrupted
    return part.answers if part is not None and not budget.interrupted else None
