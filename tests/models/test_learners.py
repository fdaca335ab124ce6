"""Learners as they are built, margins as probabilities, and the features that tell most."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.svm import SVC

from plait.errors import PlaitError
from plait.models.calibration import softmax
from plait.models.gram import Support
from plait.models.learners import (
    LEARNERS,
    PLAIN,
    build_learner,
    learn_bins,
    margin_logits,
    plain_learner,
    presence,
    scale_margins,
    sort_bins,
    telling_features,
)
from plait.models.plain import Linear, Neighbours

# as they are built


@pytest.mark.parametrize("task", LEARNERS)
def test_every_setting_builds_a_learner_with_a_plain_form_that_has_that_setting(task: str) -> None:
    generator = np.random.default_rng(0)
    x, targets = generator.standard_normal((60, 3)), np.arange(60) % 3
    num_classes = 3 if task == "classification" else 0
    for learner, settings in LEARNERS[task].items():
        for setting in settings:
            built = build_learner(learner, setting, [2, 1], num_classes, 0, 60)
            given = built.get_params() if isinstance(built, BaseEstimator) else vars(built)
            own = {key: value for key, value in setting.items() if key != "means"}  # which is of its features
            assert {key: given[key] for key in own} == own, learner
        fitted = build_learner(learner, settings[0], [2, 1], num_classes, 0, 60).fit(x, targets, np.ones(60))
        assert type(plain_learner(fitted)) is PLAIN[learner]


def test_only_a_forest_of_many_numbers_takes_two_threads() -> None:
    def threads(rows: int) -> Any:
        return build_learner("random forest", {}, [300, 200], 0, 0, rows).n_jobs

    assert [threads(rows) for rows in (999, 1000)] == [1, 2]  # of 500 features each: half a million numbers


def test_boosting_of_many_rows_is_stopped_by_some_unless_it_is_to_be_quick() -> None:
    def built(rows: int, number: int) -> tuple[Any, ...]:
        made = build_learner("gradient boosting", LEARNERS["regression"]["gradient boosting"][number], [3], 0, 0, rows)
        return made.early_stopping, made.max_iter

    assert [built(rows, 0) for rows in (999, 1000)] == [(False, 100), (True, 500)]
    assert built(1000, 3) == (False, 100)
    assert built(999, 4) == (False, 300)


def test_boosting_of_few_rows_may_tell_groups_of_three_apart() -> None:
    settings = LEARNERS["regression"]["gradient boosting"]
    built = [build_learner("gradient boosting", setting, [3], 0, 0, 100) for setting in settings]
    assert [learner.min_samples_leaf for learner in built] == [10, 10, 10, 10, 3]


def test_what_is_plain_stays_as_it_is() -> None:
    learner = Linear(np.ones((1, 2)), np.zeros(1))
    assert plain_learner(learner) is learner
    assert isinstance(build_learner("nearest neighbours", {"neighbours": 3}, [1], 0, 0, 0), Neighbours)


def test_what_has_no_plain_form_is_said() -> None:
    with pytest.raises(TypeError, match="SVC has no plain form"):
        plain_learner(SVC())


# margins


def test_margins_of_classes_of_one_row_keep_the_scale_they_have() -> None:
    x, targets = np.eye(3), np.arange(3)
    given = (targets, np.ones(3), np.arange(3), np.ones(3) / 3)
    assert scale_margins(Support(1.0).fit(x, targets), *given, np.random.default_rng(0)) == (2.0, 1.0)


def test_margins_that_separate_count_more_than_those_that_do_not() -> None:
    generator = np.random.default_rng(0)
    targets = np.arange(300) % 2
    told, untold = (3 * targets + generator.standard_normal(300))[:, None], generator.standard_normal((300, 1))
    given: Any = (targets, np.ones(300), np.arange(300), np.array([0.5, 0.5]))
    machines = [Support(1.0).fit(x, targets) for x in (told, untold)]
    scales = [scale_margins(machine, *given, np.random.default_rng(0))[0] for machine in machines]
    assert scales[0] > 2 > 1 > 2 * scales[1]


def test_two_margins_become_two_logits_and_shares_count_as_their_logs() -> None:
    logits = margin_logits(np.array([2.0]), np.array([0.5, 0.25]), (3.0, 1.0))
    assert logits.tolist() == [pytest.approx([-3 + np.log(0.5), 3 + np.log(0.25)])]
    assert margin_logits(np.array([[1.0, 0.0, -1.0]]), np.ones(3), (2.0, 1.0)).tolist() == [[2.0, 0.0, -2.0]]
    none = margin_logits(np.zeros((1, 2)), np.array([1.0, 0.0]), (1.0, 1.0))  # a class that training never had
    assert none[0, 1] == pytest.approx(np.log(1e-6))


def test_probabilities_of_logits_by_hand() -> None:
    assert softmax(np.array([[0.0, np.log(3)], [1e4, 1e4]])) == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))


# features


def test_a_modality_is_there_where_any_of_its_features_is() -> None:
    nan = np.nan
    x = np.array([[1.0, nan, nan], [nan, nan, 2.0], [nan, 0.0, 0.0], [nan, nan, nan]])
    assert presence(x, [2, 1]).tolist() == [[True, False], [False, True], [True, True], [False, False]]


def test_a_bin_holds_as_many_rows_as_any_other_and_none_holds_what_is_absent() -> None:
    edges = learn_bins(np.append(np.arange(24.0), np.nan)[:, None])
    assert edges.shape == (1, 11)
    assert edges[0, :2] == pytest.approx([23 / 12, 46 / 12])
    assert sort_bins(np.arange(24.0)[:, None], edges).sum(0).tolist() == [2.0] * 12
    asked = sort_bins(np.array([[-9.0], [99.0], [np.nan]]), edges)
    assert [row.nonzero()[0].tolist() for row in asked] == [[0], [11], []]
    assert learn_bins(np.zeros((3, 0))).shape == (0, 11)


def test_the_most_telling_features_are_shared_out_over_the_modalities() -> None:
    truth = np.arange(40) % 2
    noise = np.random.default_rng(0).standard_normal((40, 3))
    x = np.stack([noise[:, 0], truth + noise[:, 1] / 9, np.full(40, np.nan), noise[:, 2], truth * 1.0, np.ones(40)], 1)
    x[::3, 4] = np.nan
    assert telling_features(x, truth, [3, 3], 2, 2).tolist() == [1, 4]
    assert telling_features(x, truth * 9.0, [3, 3], 0, 2).tolist() == [1, 4]
    assert telling_features(x, truth, [3, 3], 2, 9).tolist() == [0, 1, 3, 4]
    assert telling_features(x[:, [2, 5]], truth, [2], 2, 9).tolist() == [1]


def test_where_nothing_tells_the_first_feature_that_is_there_stays() -> None:
    x = np.stack([np.full(6, np.nan), np.ones(6), np.ones(6)], 1)
    assert telling_features(x, np.arange(6) % 2, [2, 1], 2, 2).tolist() == [1]


# private parts of scikit-learn: what they are taken for, in the version that is installed

PRIVATE = {"gradient boosting": ("_predictors", "_baseline_prediction")}
PLACES = [(task, learner) for task in LEARNERS for learner in PRIVATE]


def fit(task: str, learner: str) -> tuple[Any, np.ndarray]:
    x = np.random.default_rng(0).standard_normal((90, 4))
    targets = x[:, 0] + x[:, 1] ** 2 if task == "regression" else (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    setting = LEARNERS[task][learner][0]
    return build_learner(learner, setting, [4], 0 if task == "regression" else 3, 0, len(x)).fit(x, targets), x


@pytest.mark.parametrize(("task", "learner"), PLACES)
def test_answers_from_private_parts_are_those_of_scikit_learn(task: str, learner: str) -> None:
    estimator, x = fit(task, learner)
    assert all(hasattr(estimator, name) for name in PRIVATE[learner])
    plain, new = plain_learner(estimator), x[::-1] * 1.5
    if task == "regression":
        np.testing.assert_allclose(plain.predict(new), estimator.predict(new), atol=1e-6)
    else:
        answers = plain.predict_proba(new)
        np.testing.assert_allclose(answers, estimator.predict_proba(new), atol=1e-6)
        assert answers.argmax(axis=1).tolist() == estimator.predict(new).tolist()


@pytest.mark.parametrize(("task", "learner"), PLACES)
def test_a_private_part_that_is_gone_is_told(task: str, learner: str) -> None:
    for name in PRIVATE[learner]:
        estimator, _x = fit(task, learner)
        delattr(estimator, name)
        with pytest.raises(PlaitError, match=f"keeps no {name} in .*; install a version that plait was tested with"):
            plain_learner(estimator)


def test_the_range_of_scikit_learn_ends_after_the_tested_version() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    needed = next(d for d in tomllib.loads(text)["project"]["dependencies"] if d.startswith("scikit-learn"))
    major, minor = map(int, sklearn.__version__.split(".")[:2])
    assert re.fullmatch(rf"scikit-learn>=1\.7,<{major}\.{minor + 1}", needed)
