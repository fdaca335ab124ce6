"""Classic learners among the candidates: which are tried, in which order, and what is held out."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.classic import MajorityPredictor
from plait.models.learners import LEARNERS
from plait.models.sparse import STRENGTHS
from plait.study.candidate import Candidate
from plait.study.search import Search, answer_rows
from plait.study.trials import ClassicTrials, Held
from searches import draw_blocks, make_search, make_study, prepare_all, search_words, split_of, take_quick_learners


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def named(search: Search, name: str) -> Candidate:
    return next(c for c in search.study.candidates if c.name == name)


@pytest.mark.usefixtures("quick")
def test_the_further_settings_of_one_modality_go_round_its_modalities() -> None:
    """With late fusion there are more of several than of one; without a second learner that shows at once."""
    search = make_search(draw_blocks(90), split_of(60, 30), ("classic", "late"))
    search.run()
    assert search.trials == {"single": 6, "fused": 6}
    names = [c.name for c in search.study.candidates[-2:]]
    assert names == ["logistic regression, C 1.0 (a)", "logistic regression, C 1.0 (b)"]


def test_an_svm_is_not_tried_in_folds_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(draw_blocks(90), split_of(60, 30), ("classic",), choose="ensemble")
    assert "SVM" in search.classic.learners
    monkeypatch.setattr("plait.study.trials.SVM_ROWS", 80)
    assert "SVM" not in search.classic.learners
    assert "SVM" in make_search(draw_blocks(90), split_of(60, 30), ("classic",)).classic.learners


@pytest.mark.parametrize(("num", "grown"), [(29, {"random forest", "gradient boosting"}), (30, set())])
def test_of_many_labels_none_grows_trees(num: int, grown: set[str]) -> None:
    labels = SimpleNamespace(classes=[f"label {place}" for place in range(num)], sets=np.zeros((2, num)))
    learners = ClassicTrials.learners.fget(SimpleNamespace(labels=labels, deal=None))  # type: ignore[attr-defined]
    assert {*learners} == {"logistic regression", "logistic regression with bins"} | grown


# words and letters


@pytest.mark.usefixtures("quick")
def test_a_text_is_learned_by_its_letters_as_strictly_as_rows_held_out_agree() -> None:
    search = search_words(("classic",))
    search.run()
    learned = named(search, "words and letters (text)")
    assert (learned.family, learned.names) == ("classic", ["text"])
    assert learned.recipe in {f"C {strength:g}" for strength in STRENGTHS}
    rows = np.arange(36)
    assert learned.fit is not None
    again = learned.fit(search.study.train)
    assert (
        again(search.study.prepared.batch(rows)).tolist()
        == answer_rows(learned.predictor, search.study.prepared, rows).tolist()
    )


@pytest.mark.parametrize(
    ("best", "tried"), [(0.03, [0.3, 1.0, 0.1, 0.03]), (0.3, [0.3, 1.0, 0.1]), (10.0, [0.3, 1.0, 3.0, 10.0, 30.0])]
)
def test_the_way_to_the_best_is_short(best: float, tried: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    search, asked = search_words(("classic",)), list[float]()
    (view,) = (view for view in search.study.prepared.views if view.how == "letters")

    def hold_out(fit: Any, names: Any) -> Held:
        asked.append(fit.args[0])
        return Held(MajorityPredictor(search.labels.prior, names=("text",)), np.full((12, 2), 0.5), None)

    monkeypatch.setattr(search.classic, "_hold_out", hold_out)
    monkeypatch.setattr(search.classic, "_loss_held", lambda held: abs(np.log(asked[-1] / best)))
    search.classic.try_letters(view)
    assert asked == tried
    assert search.study.candidates[-1].recipe == f"C {best:g}"


@pytest.mark.usefixtures("quick")
def test_by_folds_no_learner_of_letters_has_seen_the_row_that_it_answers() -> None:
    search = search_words(("classic",), choose="ensemble")
    winner = search.run()
    learned = named(search, "words and letters (text)")
    assert learned.pooled is not None
    assert learned.pooled.shape == (36, 2)
    assert "text" in winner.names


def test_a_skewed_target_is_learned_as_it_is_and_as_its_logarithm(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("ridge regression", "gradient boosting", "ridge regression with bins")
    monkeypatch.setitem(LEARNERS, "regression", {name: LEARNERS["regression"][name] for name in few})
    v = np.random.default_rng(0).normal(size=120)
    table = read({"v": v.tolist(), "y": np.exp(5 + v).tolist()})
    schema = detect(table, target="y", kinds={"v": "number"})
    split = split_of(80, 40)
    study = make_study(
        table, schema, prepare_all(table, schema, np.arange(80)), split, candidates=["classic"], choose="ensemble"
    )
    search = Search(study)
    search.run()
    names = [c.name.partition(" (")[0] for c in study.candidates]
    learner = "ridge regression with bins"
    twice = [f"{name}{end}" for name in ("gradient boosting", learner) for end in ("", ", of the number")]
    assert names[:6] == ["mean", "ridge regression", *twice]
    losses = {name: c.loss for name, c in zip(names, study.candidates, strict=True)}
    assert losses[learner] < losses[f"{learner}, of the number"]


def test_many_rows_of_a_table_are_boosted_quickly_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("logistic regression", "gradient boosting", "nearest neighbours", "logistic regression with bins")
    monkeypatch.setitem(LEARNERS, "classification", {name: LEARNERS["classification"][name] for name in few})
    monkeypatch.setattr("plait.study.ensemble.MOST", 50)  # rows above which validation alone is held out
    monkeypatch.setattr("plait.study.trials.NEAR_ROWS", 60)
    monkeypatch.setattr("plait.study.trials.FEWEST_WIDER", 60)
    search = make_search(draw_blocks(90, knows={"a": 1.0}), split_of(60, 30), ("classic",), choose="ensemble")
    search.run()
    names = [c.name.partition(" (")[0] for c in search.study.candidates if c.family == "classic"]
    assert names == [
        "gradient boosting, max_leaf_nodes 31, learning_rate 0.1, early_stopping False",
        "logistic regression with bins",
        "gradient boosting",
        "logistic regression",
        "gradient boosting, max_leaf_nodes 31, max_features 0.5",
    ]
