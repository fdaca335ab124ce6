"""Candidates made of candidates: what is learned of rows answers only for other rows, and whole groups stay together.

Which votes and ensembles there are is in test_search.py, with all other candidates.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plait.models.blend import fit_weighted
from plait.study.candidate import Candidate
from searches import draw_blocks, make_search, split_of, take_quick_learners


def test_a_fold_holds_whole_groups() -> None:
    columns = draw_blocks(90)
    columns["who"] = [f"speaker {row // 3}" for row in range(90)]
    search = make_search(columns, split_of(60, 30), group="who")
    groups = search.job.groups_of(search.study.val)
    assert groups is not None
    assert len(set(zip(groups.tolist(), search.blends.fold.tolist(), strict=True))) == 10
    assert sorted(set(search.blends.fold.tolist())) == [0, 1, 2, 3, 4]


def test_late_fusion_is_chosen_on_answers_for_rows_it_did_not_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """The members are fitted on training rows; weights for a row of validation come from the other four folds."""
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(120, knows={"a": 1.0, "b": 1.0}), split_of(80, 40), ("classic", "late"))
    monkeypatch.setattr(search.blends, "calibrate", lambda: None)
    search.run()
    find = {c.name: c for c in search.study.candidates}
    blend = find["weighted vote (a + b)"]
    said = [find[name].answers for name in blend.members]
    prior, codes, whole = search.labels.prior, search.labels.codes[80:], np.ones((40, 2), bool)
    for number in range(5):
        rest, here = np.flatnonzero(search.blends.fold != number), np.flatnonzero(search.blends.fold == number)
        fitted = fit_weighted([x[rest] for x in said], whole[rest], prior, codes[rest], search.blends.fold[rest])
        expected = fitted.combine([x[here] for x in said], whole[here], prior)
        assert blend.answers[here] == pytest.approx(expected)
    kept = fit_weighted(said, whole, prior, codes, search.blends.fold)
    assert blend.predictor.combiner.weights == pytest.approx(kept.weights)


def test_luck_counts_against_what_learned_and_not_again_against_its_average() -> None:
    """Ten answers of 0.55 gain less than a nat on the prior."""
    search = make_search(draw_blocks(40), split_of(30, 10))
    codes = search.labels.codes[30:]
    predictor: Any = SimpleNamespace(names=("a",), params=1)
    answers = np.where(np.eye(2)[codes] == 1, 0.55, 0.45)
    one, average = (Candidate("", kind, None, "", predictor, answers, np.zeros(10)) for kind in ("alone", "ensemble"))
    search.study.candidates += [one, average]
    search.blends.calibrate()
    assert one.heat == 500
    assert one.answers == pytest.approx(np.full((10, 2), 0.5), abs=1e-3)
    assert average.heat < 1
    assert average.loss < -np.log(0.55)
