"""A classic learner a label as one predictor: answers on their own, written and read again."""

import numpy as np
import pytest
import torch

from plait.core.contract import Batch
from plait.errors import RequestError, RunError
from plait.models.classic import Goal
from plait.models.each_label import LabelPredictor, fit_labels

LAYOUT = {"kind": "vectors", "tokens": 1, "width": 2}


def learn(sets: np.ndarray, x: np.ndarray) -> LabelPredictor:
    goal = Goal(sets, sets.mean(0))
    features = {"v": x}
    return fit_labels("logistic regression", features, goal, ["v"], {"v": LAYOUT}, np.random.default_rng(0))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).normal(size=(60, 2))
    return np.stack([x[:, 0] > 0, x[:, 1] > 0.3, np.ones(60)], 1).astype(np.int64), x


def test_each_label_is_told_by_itself(data: tuple[np.ndarray, np.ndarray]) -> None:
    sets, x = data
    said = learn(sets, x).from_features({"v": x})
    assert said.shape == (60, 3)
    assert ((said[:, :2] > 0.5) == (sets[:, :2] == 1)).mean() > 0.95
    assert (said[:, 2] == 1.0).all()  # all rows have it: there is nothing to learn
    assert (said.sum(1) > 1).any()


def test_a_row_without_the_modality_gets_how_often_labels_are(data: tuple[np.ndarray, np.ndarray]) -> None:
    sets, x = data
    predictor = learn(sets, x)
    assert predictor.from_features({"v": np.full((1, 2), np.nan)}) == pytest.approx(sets.mean(0)[None])
    assert predictor.from_features({"v": x[:1]}, keep=()) == pytest.approx(sets.mean(0)[None])


def test_what_is_stored_answers_the_same(data: tuple[np.ndarray, np.ndarray]) -> None:
    predictor = learn(*data)
    facts, arrays = predictor.state()
    assert "layouts" not in facts["members"][0]
    assert facts["members"][2] is None
    again = LabelPredictor.from_state(facts, arrays)
    features = {"v": data[1]}
    assert (again.from_features(features) == predictor.from_features(features)).all()
    assert (again.names, again.learner, again.params) == (("v",), "logistic regression", predictor.params)


def test_a_damaged_one_is_told(data: tuple[np.ndarray, np.ndarray]) -> None:
    facts, arrays = learn(*data).state()
    with pytest.raises(RunError, match="it has not one member for each label"):
        LabelPredictor.from_state(facts, {**arrays, "prior": arrays["prior"][:2]})
    with pytest.raises(RunError, match="it has not one member for each label"):
        LabelPredictor.from_state({**facts, "members": [None] * 3}, arrays)


def test_labels_that_are_the_same_in_all_rows_are_told(data: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(RequestError, match="the training rows that have v have the same labels"):
        learn(np.ones((60, 3), np.int64), data[1])


def test_a_batch_is_answered_given_each_set_of_modalities(data: tuple[np.ndarray, np.ndarray]) -> None:
    sets, x = data
    batch = Batch({"v": torch.from_numpy(x[:2, None]).float()}, {"v": torch.ones(2, dtype=torch.bool)})
    predictor = learn(sets, x)
    whole, nothing = predictor.subsets(batch, [("v",), ()])
    assert predictor(batch) == pytest.approx(whole)
    assert nothing == pytest.approx(np.tile(sets.mean(0), (2, 1)))
