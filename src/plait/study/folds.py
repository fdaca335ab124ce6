"""Cross-validation of a whole study, for tables too small to spare test rows. Knows searches, not tables or files.

In each fold all is done anew without its rows, the choice too; all answers for rows left out are judged like test rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from plait.models.calibration import assign_folds
from plait.proof.scores import intervals
from plait.proof.verdict import FEWEST_GROUPS, NO_FUSED, ONE_MODALITY, Side, judge, not_tested
from plait.study.job import Fit
from plait.study.search import Search

REPEATS = 2  # how often the folds are dealt
ROLES = {"single": "the best of one modality", "fused": "the best fusion", "winner": "the winner"}


def cross_validate(make: Callable[[np.ndarray], Search], job: Fit) -> dict[str, Any]:
    """Run a study in each fold, by class and whole groups, and judge the pooled answers. make: split → search."""
    labels, groups, folds, seed = job.labels, job.groups, job.options.folds, job.options.seed
    assert labels is not None
    assert folds is not None
    rows = np.flatnonzero(labels.codes >= 0)
    target = labels.numbers
    sides: dict[str, list[Side]] = {role: [] for role in ROLES}
    order: list[np.ndarray] = []
    several = True
    for repeat in range(REPEATS):
        generator = np.random.default_rng([seed, 8, repeat])
        grouped = job.groups_of(rows)
        fold = assign_folds(target[rows], generator=generator, groups=grouped, folds=folds)
        count = int(fold.max()) + 1
        for number in range(count):
            split = np.full(len(target), "", "<U5")
            tests, rest = rows[fold == number], rows[fold != number]
            inner = assign_folds(target[rest], generator=generator, groups=job.groups_of(rest))
            split[tests], split[rest] = "test", np.where(inner == 0, "val", "train")
            search = make(split)
            winner = search.run()
            search.study.leave_device()
            several = several and search.fused is not None and search.single is not None
            chosen = {"single": search.single or winner, "fused": search.fused or winner, "winner": winner}
            for role, candidate in chosen.items():
                sides[role].append(search.side(candidate))
            order.append(tests)
            done = repeat * count + number + 1
            job.callback({"stage": "folds", "done": done, "total": REPEATS * count})
    place = np.concatenate(order)
    cluster = place if groups is None else groups[place]
    truth, generator = labels.cells[place], np.random.default_rng([seed, 9])
    single, fused, winner_side = (
        Side(words, np.concatenate([s.answers for s in sides[role]]), np.concatenate([s.present for s in sides[role]]))
        for role, words in ROLES.items()
    )
    answers = winner_side.answers if labels.classes is not None else winner_side.answers[:, 0]
    metrics = intervals(truth, answers, labels.classes, generator=generator, groups=cluster)
    facts: dict[str, Any] = {"folds": folds, "repeats": REPEATS, "rows": len(rows), "metrics": metrics}
    if not several:
        few = ONE_MODALITY if len(search.study.prepared.names) < 2 else NO_FUSED
        return {**facts, "verdict": not_tested(few).to_json()}
    num_groups = 0 if groups is None else len(np.unique(groups[rows]))
    by_group = num_groups >= FEWEST_GROUPS
    # of fewer groups the rows are drawn singly: then all answers for a row are what is drawn, or each would count twice
    units = cluster if by_group else place
    verdict = judge(single, fused, truth, labels.classes, generator=generator, groups=units)
    unit = "group" if by_group else "row"
    verdict = replace(verdict, rows=len(rows), groups=num_groups, unit=unit, repeats=REPEATS)
    return {**facts, "verdict": verdict.to_json()}
