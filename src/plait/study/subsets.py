"""A temperature for each set of modalities that a row may have, fitted on rows of which the rest is hidden.

Of up to four modalities each set has one; of more each number of them. What learned in folds has answered rows so when
they were held out; all else is asked here. Knows a study and a candidate, not how it won.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.core.contract import answer_subsets
from plait.models.calibration import MEAN_LUCK, count_sets, cross_fit_temperature, list_sets, number_sets
from plait.models.predictors import Calibrated
from plait.study.candidate import Candidate
from plait.study.ensemble import Deal
from plait.study.networks import Study


def fit_given(
    candidate: Candidate, study: Study, deal: Deal | None, rows: np.ndarray, fold: np.ndarray
) -> tuple[float, ...]:
    """Return a temperature for each set of a candidate's modalities, held at its own one before rows speak.

    Of all its modalities it is its own, where no row lacks any: that was fitted on these very rows. rows: (asked,) that
    it did not learn from; fold: of each.
    """
    names, sets = candidate.names, count_sets(len(candidate.names))
    asked, keeps = Asked(study, deal, rows), list_sets(names, study.prepared.names, study.seed)
    said, place, number = [], [], []
    for keep, answers in zip(keeps, asked.answers(candidate, keeps), strict=True):
        kept = asked.present(names, keep)
        seen = kept.sum(1) == len(keep)
        if len(names) >= sets and len(keep) == len(names):  # of many modalities all rows tell of their size too
            seen = kept.any(1)
        said.append(answers[seen])
        place.append(np.flatnonzero(seen))
        number.append(number_sets(kept[seen]))
    answers, of, which = (np.concatenate(parts) for parts in (said, place, number))
    codes, counts, given = study.labels.numbers[rows], study.labels.counts, [candidate.heat] * sets
    for one in range(1, sets if asked.present(names, names).all() else sets + 1):
        few = of[which == one]
        own = None if counts is None else counts[rows[few]]
        about = (answers[which == one], codes[few], fold[few], None, candidate.prior, candidate.heat, own)
        given[one - 1] = cross_fit_temperature(*about, MEAN_LUCK).temperature  # it was chosen by other answers
    return tuple(given)


@dataclass
class Asked:
    """Rows (asked,) that candidates answer with modalities hidden. deal: says which of them folds have answered so."""

    study: Study
    deal: Deal | None
    rows: np.ndarray

    def __post_init__(self) -> None:
        self._there = {name: there[self.rows] for name, there in self.study.prepared.present.items()}

    def present(self, names: Iterable[str], keep: Sequence[str]) -> np.ndarray:
        """Return which of these modalities are there, of those that are kept: (rows, name) bool."""
        absent = np.zeros(len(self.rows), bool)
        return np.stack([self._there[name] if name in keep else absent for name in names], 1)

    def answers(self, candidate: Candidate, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return what a candidate says, without its temperatures, with each set of modalities: (rows, class) each."""
        if candidate.parts:
            blend, parts = candidate.predictor, candidate.parts
            each = [self._answers_of(*both, keeps) for both in zip(parts, blend.members, strict=True)]
            there = [np.stack([self._has_any(part, keep) for part in parts], 1) for keep in keeps]
            said = zip(zip(*each, strict=True), there, strict=True)
            return [blend.combiner.combine(x, present, blend.prior) for x, present in said]
        if candidate.hidden is None or self.deal is None:
            starts = range(0, len(self.rows), 256)
            batches = (self.study.prepared.batch(self.rows[start : start + 256]) for start in starts)
            lots = [answer_subsets(candidate.predictor, batch, keeps) for batch in batches]
            return [np.concatenate(x) for x in zip(*lots, strict=True)]
        sets = list_sets(candidate.names, self.study.prepared.names, self.study.seed)
        places = {frozenset(names): place for place, names in enumerate(sets)}
        own, rows = frozenset(candidate.names), np.searchsorted(self.deal.asked, self.rows)
        blank = np.tile(self.study.labels.prior, (len(rows), 1))
        return [candidate.hidden[places[own & {*keep}], rows] if own & {*keep} else blank for keep in keeps]

    def _answers_of(self, part: Candidate, member: Any, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return what a part of a candidate says, tempered as its member is; anything where that looks at nothing."""
        if part.pooled is not None and self.deal is not None and len(part.names) < 2:
            return [part.pooled[self.deal.places(self.rows)]] * len(keeps)
        answers = self.answers(part, keeps)
        if not isinstance(member, Calibrated):
            return answers
        return [member.temper(x, self.present(part.names, keep)) for x, keep in zip(answers, keeps, strict=True)]

    def _has_any(self, part: Candidate, keep: Sequence[str]) -> np.ndarray:
        return np.asarray(self.present(part.names, keep).any(1)) if part.names else np.ones(len(self.rows), bool)
