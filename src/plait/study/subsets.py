"""A temperature for each set of modalities that a row may have, fitted on validation rows of which the rest is hidden.

Of up to four modalities each set has one; of more each number of them. Knows a study and a candidate, not how it won.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from plait.core.contract import answer_subsets
from plait.models.calibration import MEAN_LUCK, count_sets, cross_fit_temperature, number_sets
from plait.models.predictors import present_in
from plait.study.candidate import Candidate
from plait.study.networks import Study

MOST_ROWS = 2_000  # that are asked: a temperature is one number
WINDOWS = 4  # sets of each size, where there are too many to ask all


def fit_given(candidate: Candidate, study: Study, fold: np.ndarray) -> tuple[float, ...]:
    """Return a temperature for each set of a candidate's modalities, held at its own one before rows speak.

    Of all its modalities it is its own, where no row lacks any: that was fitted on these very rows. fold: (val,).
    """
    generator = np.random.default_rng([study.seed, 12])
    chosen = np.sort(generator.permutation(len(study.val))[:MOST_ROWS])
    names, sets = candidate.names, count_sets(len(candidate.names))
    keeps, each = list_keeps(names, generator), len(names) < sets
    said, asked, place = [np.zeros((0, len(study.labels.prior)))], [chosen[:0]], [chosen[:0]]
    complete = True
    for start in range(0, len(chosen), 256):
        lot = chosen[start : start + 256]
        batch = study.prepared.batch(study.val[lot])
        complete = complete and bool(present_in(batch, names).all())
        for keep, answers in zip(keeps, answer_subsets(candidate.predictor, batch, keeps), strict=True):
            kept = present_in(batch, names, keep)
            seen = kept.sum(1) == len(keep)
            if not each and len(keep) == len(names):  # of many modalities rows as they come tell of their size too
                seen = kept.any(1)
            said.append(answers[seen])
            asked.append(lot[seen])
            place.append(number_sets(kept[seen]))
    answers, of, number = (np.concatenate(parts) for parts in (said, asked, place))
    codes, given = study.labels.numbers[study.val], [candidate.heat] * sets
    for one in range(1, sets if complete else sets + 1):
        here = number == one
        rows = of[here]
        counts = None if study.labels.counts is None else study.labels.counts[rows]
        about = (answers[here], codes[rows], fold[rows], None, candidate.prior, candidate.heat, counts)
        given[one - 1] = cross_fit_temperature(*about, MEAN_LUCK).temperature  # it was chosen by other answers
    return tuple(given)


def list_keeps(names: Sequence[str], generator: np.random.Generator) -> list[tuple[str, ...]]:
    """Return the sets of modalities to ask with: all; of many, a few of each size, in which all come as often."""
    num = len(names)
    if num < count_sets(num):
        return [keep for size in range(1, num + 1) for keep in itertools.combinations(names, size)]
    order = [names[place] for place in generator.permutation(num)]
    starts = [num * window // WINDOWS for window in range(min(num, WINDOWS))]
    keeps = [tuple((order * 2)[start : start + size]) for size in range(1, num) for start in starts]
    return [*keeps, tuple(names)]
