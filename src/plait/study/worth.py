"""What the test score owes each modality: which test rows are told with which modalities, and the split of their score.

Knows searches, not how the split is made or shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.proof.shapley import draw_orders, needed_subsets
from plait.proof.worth import QUICK, split_score
from plait.runs.answers import Answers, answer_prepared
from plait.runs.model import Model
from plait.study.search import Result

MOST = 10_000  # test rows: more would make the interval no narrower that anybody would see


def measure_worth(result: Result, model: Model, answered: Answers) -> dict[str, Any] | None:
    """Return what `split_score` gives of the test rows; None of none. answered: what was said of them already.

    Asked are all rows that have anything, 10,000 of them at most, where what was said suffices and the metric is quick;
    else those that the report draws.
    """
    study, labels, names = result.search.study, result.search.labels, sorted(model.modalities)
    failed = np.array([status == "failed" for status, _ in answered.statuses], bool)
    able = np.flatnonzero(~failed)
    if not len(study.test) or not len(able):
        return None
    orders = draw_orders(names, np.random.default_rng([study.seed, 12]))
    keeps = needed_subsets(names, orders)
    drawn = np.intersect1d(able, result.sample)
    if all(keep in answered.answers for keep in keeps):
        many = np.sort(np.random.default_rng([study.seed, 14]).permutation(able)[:MOST])
        places = many if labels.metric in QUICK or not len(drawn) else drawn
        answers = {keep: answered.answers[keep][places] for keep in keeps}
    elif study.is_over or not len(drawn):
        return None
    else:
        places = drawn
        answers = answer_prepared(study.prepared, model.predictor(), keeps, {}, names, study.test[places]).answers
    rows = study.test[places]
    yardstick = labels.yardstick(rows, result.job.groups_of(rows))
    answers = {keep: labels.level(said, result.winner.thresholds) for keep, said in answers.items()}
    worth = split_score(answers, names, yardstick, np.random.default_rng([study.seed, 13]), orders)
    return {**worth, "of": len(able)}
