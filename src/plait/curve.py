"""The learning curve: how well the winner does on validation when it learns from a part of the training rows.

Knows a study that has ended, not tables, files or test rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import TableError
from plait.labels import Labels
from plait.quality.guesses import nested_order
from plait.store import Stages
from plait.study import Candidate, Study

SHARES = (0.125, 0.25, 0.5)  # of the training rows; the winner itself is the last point
FEWEST = 8  # training rows below which a point says nothing


def learning_curve(study: Study, winner: Candidate, labels: Labels, folder: Path) -> list[dict[str, Any]]:
    """Train the winner anew on parts of the training rows, each a part of the next.

    Returns [{"rows", "val": {"value", "low", "high"}}], the fewest rows first, all of them last. Preprocessing stays as
    it was fitted. Finished points are kept in the folder, so that a killed fit goes on after them. What the time limit
    or an interrupt leaves out is not in the list.
    """
    points = []
    order = nested_order(study.train, labels.codes, np.random.default_rng([study.seed, 2]))
    for share in SHARES:
        rows = order[: round(share * len(order))]
        if len(rows) < FEWEST or study.stopped == "interrupt" or study._over():
            continue
        part = _train_part(study, winner, rows, folder)
        if part is not None:
            points.append({"rows": len(rows), "val": labels.headline(part.outputs.cpu(), study.val, study.seed)})
    whole = {"rows": len(study.train), "val": labels.headline(winner.outputs.cpu(), study.val, study.seed)}
    return [*points, whole]


def _train_part(study: Study, winner: Candidate, rows: np.ndarray, folder: Path) -> Candidate | None:
    split = np.where(study.split == "train", "", study.split)
    split[rows] = "train"

    def tell(event: dict[str, Any]) -> None:
        stage = {"stage": f"{len(rows)} rows: {event['stage']}"} if "stage" in event else {}
        study.callback({**event, **stage})

    stages = Stages(folder / f"curve-{len(rows)}")
    few = replace(study, split=split, candidates=[], stages=stages, callback=tell, stopped="", limited=False)
    try:
        found = few.train_alone(winner.name) if winner.plan is None else few.run([winner.plan])
    except (TableError, KeyboardInterrupt):  # too few rows have the modality, or the user has seen enough
        found = None
    if few.stopped == "interrupt":
        study.stopped = "interrupt"
    return found if few.stopped != "interrupt" else None
