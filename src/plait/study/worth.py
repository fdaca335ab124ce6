"""What the score owes each modality: which rows are told with which modalities, and the split of their score.

Knows searches, not how the split is made or shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plait.core.options import REPORT_ROWS
from plait.proof.paired import Yardstick, corrected_t
from plait.proof.shapley import Keep, draw_orders, explain_game, needed_subsets
from plait.proof.worth import QUICK, split_score
from plait.runs.answers import Answers, answer_prepared
from plait.runs.model import Model
from plait.study.candidate import Candidate
from plait.study.search import Result, Search

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
    orders = orders_of(names, study.seed)
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


def answer_sets(search: Search, winner: Candidate) -> dict[Keep, np.ndarray]:
    """Return what the winner of a fold says of the rows left out, (test, class), with each set of modalities there."""
    study, names, own = search.study, sorted(search.study.prepared.names), {*winner.names}
    keeps = needed_subsets(names, orders_of(names, study.seed))
    seen = {keep: tuple(name for name in keep if name in own) for keep in keeps}
    asked = list(dict.fromkeys(seen.values()))
    said = answer_prepared(study.prepared, winner.tempered, asked, {}, winner.names, study.test).answers
    return {keep: search.labels.level(said[part], winner.thresholds) for keep, part in seen.items()}


def measure_folds(
    given: Sequence[Mapping[Keep, np.ndarray]],
    names: Sequence[str],
    yardstick: Yardstick,
    place: np.ndarray,
    trained: float,
    seed: int,
) -> dict[str, Any]:
    """Return what `split_score` gives of rows that folds left out, of all or of drawn ones.

    given: of each fold, as `answer_sets` does. place: which row each of their answers is about. trained: from how many
    rows a fold learned. Folds share most of them, so that intervals also cover the corrected t over folds, as those of
    the verdict do.
    """
    rows, orders = np.unique(place), orders_of(names, seed)
    drawn = np.random.default_rng([seed, 14]).permutation(rows)[: MOST if yardstick.metric in QUICK else REPORT_ROWS]
    some = np.flatnonzero(np.isin(place, drawn))
    answers = {keep: np.concatenate([one[keep] for one in given])[some] for keep in given[0]}
    found = split_score(answers, names, yardstick.take(some), np.random.default_rng([seed, 13]), orders)
    ends, sign = np.cumsum([len(one[()]) for one in given]), -1 if yardstick.lower else 1
    parts = np.split(np.arange(ends[-1]), ends[:-1])
    each = [replace(yardstick.take(part), groups=None) for part in parts]
    game = {
        frozenset(keep): sign * np.array([part.score(one[keep]) for part, one in zip(each, given, strict=True)])
        for keep in given[0]
    }

    def widen(gain: dict[str, Any], apart: np.ndarray) -> dict[str, Any]:
        apart = apart[~np.isnan(apart)]
        if gain["low"] is None or len(apart) < 2:
            return gain
        _, low, high = corrected_t(apart, trained, len(place) / len(given))
        off = gain["value"] - float(apart.mean())
        return {**gain, "low": min(gain["low"], low + off), "high": max(gain["high"], high + off)}

    def gained(alone: Mapping[str, float | None]) -> np.ndarray:
        """Return how much better a pair is than the better of the two alone, in each fold."""
        better = max(alone, key=lambda name: -np.inf if (reached := alone[name]) is None else sign * reached)
        return np.asarray(game[frozenset(alone)] - game[frozenset([better])])

    shares = explain_game(game, names, orders).shares
    return {
        **found,
        "rows": len(drawn),
        "of": len(rows),
        "modalities": {name: widen(gain, shares[name]) for name, gain in found["modalities"].items()},
        "pairs": {pair: widen(facts, gained(facts["alone"])) for pair, facts in found["pairs"].items()},
    }


def orders_of(names: Sequence[str], seed: int) -> list[Keep]:
    """Return the orders in which modalities come, where they are too many for all."""
    return draw_orders(names, np.random.default_rng([seed, 12]))
