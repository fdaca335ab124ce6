"""One battery over every classic learner."""

import json
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.contract import Batch, answer_subsets, keep_only, second_name
from plait.core.files import read_tensors, write_tensors
from plait.errors import RequestError, RunError
from plait.kinds.features import batch_features
from plait.models import classic
from plait.models.classic import (
    ClassicPredictor,
    Goal,
    MajorityPredictor,
    _drop_views,
    _hold_out,
    drop_modalities,
    fit_classic,
    standardise,
)
from plait.models.learners import LEARNERS, MOST_ROWS
from plait.models.plain import Neighbours
from tiny import LAYOUTS, STRANDS, make_batch, take_rows

ALL = ("photo", "scan", "sound", "text", "tabular")
WIDTHS = {"photo": 1, "scan": 2, "sound": 1, "text": 1, "tabular": 1}
CASES = {f"{task}: {learner}": (task, learner) for task in LEARNERS for learner in LEARNERS[task]}
every = pytest.mark.parametrize("case", CASES)
PRIOR = np.array([0.5, 0.3, 0.2, 0.0])  # of the last class there is no training row
ROWS = 40
_fitted: dict[tuple[Any, ...], ClassicPredictor] = {}


def layouts_of(names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    return {name: {**LAYOUTS[STRANDS[name]["kind"]], "columns": WIDTHS[name]} for name in names}


def training_batch(names: tuple[str, ...], fill: float = float("nan"), seed: int = 7) -> Batch:
    """Forty rows in which about a third of the cells are absent."""
    cells = np.random.default_rng(seed).random((ROWS, sum(WIDTHS[name] for name in names))) > 0.3
    return make_batch(names, cells.tolist(), fill, seed)


def goal_of(task: str, rows: int = ROWS) -> Goal:
    if task == "regression":
        numbers = 100 + 10 * np.sin(np.arange(rows))
        return Goal(numbers, np.array([numbers.mean()]), regression=True)
    return Goal(np.arange(rows) % 3, PRIOR)


def fitted(case: str, names: tuple[str, ...] = ALL, seed: int = 0, again: bool = False) -> ClassicPredictor:
    key = (case, names, seed)
    if again or key not in _fitted:
        task, learner = CASES[case]
        layouts = layouts_of(names)
        features = batch_features(training_batch(names), layouts, names)
        _fitted[key] = fit_classic(learner, features, goal_of(task), names, layouts, np.random.default_rng(seed))
    return _fitted[key]


def same(first: np.ndarray, second: np.ndarray, apart: float = 1e-9) -> bool:
    return first.shape == second.shape and bool(np.abs(first - second).max(initial=0.0) <= apart)


def new_batch(fill: float = 0.0) -> Batch:
    rows = [(1, 1, 1, 1, 1, 1), (1, 0, 1, 0, 1, 0), (0, 1, 0, 1, 0, 1), (0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 0, 0)]
    return make_batch(ALL, [[bool(c) for c in row] for row in rows], fill, seed=3)


# the battery of a predictor


@every
def test_a_learner_answers_every_row(case: str) -> None:
    predictor = fitted(case)
    answer = predictor(new_batch())
    assert list(predictor.names) == list(ALL)
    assert answer.dtype == np.float64
    assert np.isfinite(answer).all()
    if CASES[case][0] == "regression":
        assert answer.shape == (5, 1)
        assert 80 < answer.min() <= answer.max() < 120  # in the unit of the targets
    else:
        assert answer.shape == (5, 4)
        assert same(answer.sum(1), np.ones(5))
        assert answer[:, 3].tolist() == [0.0] * 5  # a class without a training row


@every
def test_what_is_absent_does_not_change_the_answer(case: str) -> None:
    assert same(fitted(case)(new_batch(0.0)), fitted(case)(new_batch(float("nan"))), 0.0)


@every
def test_a_row_alone_is_what_it_is_in_a_batch(case: str) -> None:
    batch, predictor = training_batch(ALL, seed=9), fitted(case)
    whole = predictor(batch)
    for row in range(0, ROWS, 8):
        assert same(predictor(take_rows(batch, [row]))[0], whole[row])
    assert same(predictor(take_rows(batch, range(ROWS)[::-1]))[::-1], whole)


@every
def test_the_order_of_the_dict_does_not_matter(case: str) -> None:
    batch = new_batch()
    turned = Batch(*({n: x[n] for n in reversed(x)} for x in (batch.inputs, batch.present)), None, batch.cells)
    assert same(fitted(case)(batch), fitted(case)(turned), 0.0)


@every
def test_same_seed_same_answers(case: str) -> None:
    assert same(fitted(case)(new_batch()), fitted(case, again=True)(new_batch()), 0.0)


@every
def test_saved_and_loaded_it_answers_the_same(case: str, tmp_path: Any) -> None:
    predictor, batch = fitted(case), training_batch(ALL, seed=11)
    facts, arrays = predictor.state()
    write_tensors(tmp_path / "learner.safetensors", arrays)
    again = ClassicPredictor.from_state(json.loads(json.dumps(facts)), read_tensors(tmp_path / "learner.safetensors"))
    assert same(again(batch), predictor(batch), 0.0)
    assert again.params == predictor.params > 0
    assert (again.names, again.learner, again.setting) == (ALL, predictor.learner, predictor.setting)


@every
def test_given_nothing_it_says_the_prior(case: str) -> None:
    prior = goal_of(CASES[case][0]).prior
    assert same(fitted(case)(new_batch(float("nan")))[4], prior, 0.0)
    assert same(fitted(case)(keep_only(new_batch(), [])), np.tile(prior, (5, 1)), 0.0)


@every
def test_subsets_are_what_a_masked_batch_gives(case: str) -> None:
    keeps = [ALL, ("photo", "text"), ("tabular",), ()]
    found = answer_subsets(fitted(case), new_batch(), keeps)
    for keep, answer in zip(keeps, found, strict=True):
        assert same(answer, fitted(case)(keep_only(new_batch(), keep)), 0.0)


@every
def test_two_rows_and_a_constant_feature_are_enough(case: str) -> None:
    task, learner = CASES[case]
    features = {"a": np.array([[1.0, 5.0], [2.0, 5.0]], np.float32)}
    goal = Goal(np.array([3.0, 5.0]), np.array([4.0]), True) if task == "regression" else Goal(np.arange(2), PRIOR[:2])
    predictor = fit_classic(learner, features, goal, ["a"], {"a": {"kind": "image"}}, np.random.default_rng(0))
    answer = predictor.from_features({"a": np.array([[1.0, 5.0], [9.0, 7.0], [np.nan, np.nan]], np.float32)})
    assert np.isfinite(answer).all()
    assert same(answer[2], goal.prior, 0.0)


@every
def test_a_modality_that_no_training_row_has_is_no_error(case: str) -> None:
    task, learner = CASES[case]
    generator = np.random.default_rng(0)
    features = {"a": generator.random((ROWS, 2)), "b": np.full((ROWS, 3), np.nan)}
    layouts = {"a": {"kind": "image"}, "b": {"kind": "text"}}
    predictor = fit_classic(learner, features, goal_of(task), ["a", "b"], layouts, generator)
    answer = predictor.from_features({"a": features["a"], "b": np.ones((ROWS, 3))})
    assert np.isfinite(answer).all()


@every
def test_each_setting_learns_what_is_plain(case: str) -> None:
    task, learner = CASES[case]
    generator = np.random.default_rng(0)
    truth = np.arange(120) % 2
    a, b = (truth[:, None] + 0.3 * generator.standard_normal((120, 4)) for _ in "ab")
    a[::3], b[1::3] = np.nan, np.nan
    goal = Goal(truth * 50.0, np.array([25.0]), True) if task == "regression" else Goal(truth, np.array([0.5, 0.5]))
    layouts = {"a": {"kind": "image"}, "b": {"kind": "audio"}}
    for setting in LEARNERS[task][learner]:
        predictor = fit_classic(learner, {"a": a, "b": b}, goal, ["a", "b"], layouts, generator, setting)
        for keep in (["a", "b"], ["a"], ["b"]):
            answer = predictor.from_features({"a": a, "b": b}, keep)
            guess = answer[:, 0] > 25 if task == "regression" else answer[:, 1] > 0.5
            there = np.any([~np.isnan({"a": a, "b": b}[name]).all(1) for name in keep], axis=0)
            assert (guess == truth)[there].mean() > 0.9


@settings(derandomize=True, deadline=None, max_examples=15, database=None)
@given(st.lists(st.tuples(*[st.booleans()] * 6), min_size=1, max_size=5))
@pytest.mark.parametrize("case", ["classification: logistic regression", "regression: gradient boosting"])
def test_any_mixture_of_holes_gives_each_row_its_own_answer(case: str, rows: list[tuple[bool, ...]]) -> None:
    batch = make_batch(ALL, rows, float("nan"))
    whole = fitted(case)(batch)
    assert np.isfinite(whole).all()
    for row in range(len(rows)):
        assert same(fitted(case)(take_rows(batch, [row]))[0], whole[row])


# fitting


def two_kinds(rows: int = 30) -> tuple[dict[str, np.ndarray], dict[str, dict[str, Any]]]:
    generator = np.random.default_rng(1)
    features = {name: generator.standard_normal((rows, 2)) for name in ("a", "b")}
    return features, {name: {"kind": "image"} for name in features}


def test_rows_in_which_nothing_is_present_teach_nothing() -> None:
    features, layouts = two_kinds()
    goal = Goal(np.arange(30) % 2, np.array([0.5, 0.5]))
    few = {name: x[:20].copy() for name, x in features.items()}
    for x in features.values():
        x[20:] = np.nan
    first = fit_classic("logistic regression", features, goal, ["a", "b"], layouts, np.random.default_rng(0))
    short = Goal(goal.targets[:20], goal.prior)
    second = fit_classic("logistic regression", few, short, ["a", "b"], layouts, np.random.default_rng(0))
    assert same(first.from_features(few), second.from_features(few), 0.0)


def test_class_weights_move_the_answer() -> None:
    features, layouts = two_kinds(60)
    goal = Goal((np.arange(60) % 4 == 0).astype(int), np.array([0.75, 0.25]))
    heavy = Goal(goal.targets, goal.prior, weights=np.array([1.0, 10.0]))
    for learner in ("logistic regression", "random forest", "gradient boosting", "nearest neighbours"):
        plain, moved = (
            fit_classic(learner, features, g, ["a"], layouts, np.random.default_rng(0)).from_features(features)
            for g in (goal, heavy)
        )
        assert moved[:, 1].mean() > plain[:, 1].mean() + 0.1, learner


def test_a_row_that_counts_twice_moves_the_answer_as_its_class_would() -> None:
    features, layouts = two_kinds(60)
    targets = (np.arange(60) % 4 == 0).astype(int)
    by_class = Goal(targets, np.array([0.75, 0.25]), weights=np.array([1.0, 10.0]))
    by_row = Goal(targets, by_class.prior, counts=np.where(targets, 10.0, 1.0))
    answers = [
        fit_classic("random forest", features, goal, ["a"], layouts, np.random.default_rng(0)).from_features(features)
        for goal in (by_class, by_row)
    ]
    assert same(answers[0], answers[1], 0.0)


def test_from_many_rows_some_are_drawn_and_every_class_keeps_one(monkeypatch: pytest.MonkeyPatch) -> None:
    features, layouts = two_kinds(60)
    targets = np.zeros(60, np.int64)
    targets[:20], targets[7] = 1, 2
    for learner in ("SVM", "nearest neighbours"):
        monkeypatch.setitem(MOST_ROWS, learner, 12)
        prior = np.bincount(targets) / 60
        predictor = fit_classic(learner, features, Goal(targets, prior), ["a", "b"], layouts, np.random.default_rng(0))
        kept = predictor.estimator.rows if learner != "SVM" else predictor.estimator.vectors
        assert len(kept) <= 12
        assert (predictor.from_features(features) > 0).all()


def test_a_matrix_is_bounded_whatever_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    features, layouts = two_kinds(60)
    goal, shapes = Goal(np.arange(60) % 2, np.array([0.5, 0.5])), list[tuple[int, ...]]()
    width = sum(x.shape[1] for x in features.values())
    monkeypatch.setattr("plait.models.classic.MOST_NUMBERS", 30 * width)
    learn = classic._learn

    def look(predictor: ClassicPredictor, x: np.ndarray, *rest: Any) -> None:
        shapes.append(x.shape)
        learn(predictor, x, *rest)

    monkeypatch.setattr(classic, "_learn", look)
    predictor = fit_classic("logistic regression", features, goal, ["a", "b"], layouts, np.random.default_rng(0))
    assert shapes == [(30, width)]  # of 60 rows and their copies
    assert predictor.from_features(features).shape == (60, 2)


def test_mean_and_spread_are_the_same_however_many_columns_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((40, 7)).astype(np.float32)
    x[::3, 2] = np.nan
    whole = standardise(x, "vectors")
    monkeypatch.setattr("plait.models.classic.AT_ONCE", 80)  # two columns
    assert [part.tolist() for part in standardise(x, "vectors")] == [part.tolist() for part in whole]


@pytest.mark.parametrize("turns", [False, True])
def test_what_is_telling_is_told_by_some_of_many_rows(monkeypatch: pytest.MonkeyPatch, turns: bool) -> None:
    x = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
    if turns:  # a class in every second row
        x[:, 1] = np.where(np.arange(60) % 2, 1.0, -1.0) * np.abs(x[:, 1])
    layouts = {"v": {"kind": "vectors", "tokens": 1, "width": 3, "columns": 1}}
    goal = Goal((x[:, 1] > 0).astype(np.int64), np.array([0.5, 0.5]))
    monkeypatch.setattr("plait.models.classic.WIDE", 1)
    monkeypatch.setattr("plait.models.classic.AT_ONCE", 60)  # 20 rows
    predictor = fit_classic("gradient boosting", {"v": x}, goal, ["v"], layouts, np.random.default_rng(0))
    assert predictor.columns.tolist() == [1]


def test_boosting_is_given_categories_as_codes() -> None:
    layout = {"kind": "tabular", "numbers": 1, "categories": [3, 4], "columns": 1, "commonest": 2}
    blank = torch.tensor([[0.5, 0.0, 0.0, 3.0], [0.1, 1.0, 2.0, 1.0], [0.2, 0.0, 1.0, 0.0], [0.9, 0.0, 2.0, 2.0]])
    batch = Batch({"t": blank.repeat(5, 1)}, {"t": torch.tensor([True] * 19 + [False])})
    features = batch_features(batch, {"t": layout}, ["t"])
    goal = Goal(np.arange(20) % 2, np.array([0.5, 0.5]))
    predictor = fit_classic("gradient boosting", features, goal, ["t"], {"t": layout}, np.random.default_rng(0))
    assert predictor.blocks.tolist() == [[2, 5], [5, 8]]
    given = predictor.inputs(predictor.matrix(features))[:, :2]
    assert given[:4].tolist() == [[0.0, 3.0], [2.0, 1.0], [1.0, 0.0], [2.0, 2.0]]  # 3: rarer than the commonest two
    assert np.isnan(given[19]).all()
    facts, arrays = predictor.state()
    with pytest.raises(RunError, match="it names categories that there are not"):
        ClassicPredictor.from_state(facts, {**arrays, "blocks": np.array([[5, 2]])})


NUMBERS = {"kind": "tabular", "numbers": 1, "categories": [], "columns": 1}


def test_a_linear_learner_with_bins_learns_what_is_no_line() -> None:
    x = np.stack([np.linspace(-2, 2, 120), np.zeros(120)], 1)
    x[::40, 0] = np.nan
    features, inside = {"t": x}, (np.abs(x[:, 0]) < 1).astype(int)
    given = (features, Goal(inside, np.array([0.5, 0.5])), ["t"], {"t": NUMBERS}, np.random.default_rng(0))
    line, bins = (fit_classic(f"logistic regression{end}", *given) for end in ("", " with bins"))
    right = [(each.from_features(features).argmax(1) == inside)[1:].mean() for each in (line, bins)]
    assert right[0] < 0.7 < 0.95 < right[1]
    facts, arrays = bins.state()
    again = ClassicPredictor.from_state(json.loads(json.dumps(facts)), arrays)
    assert same(again.from_features(features), bins.from_features(features), 0.0)
    with pytest.raises(RunError, match="its bins are not those of its features"):
        ClassicPredictor.from_state(facts, {**arrays, "edges": arrays["edges"][1:]})


def test_boosting_of_few_rows_does_without_the_means_of_categories() -> None:
    layout = {"kind": "tabular", "numbers": 1, "categories": [25], "columns": 1, "commonest": 50, "many": 20}
    codes = np.arange(60) % 24 + 1.0
    cells = np.stack([np.linspace(-1, 1, 60), np.zeros(60), codes], 1).astype(np.float32)
    batch = Batch({"t": torch.from_numpy(cells)}, {"t": torch.ones(60, 1, dtype=torch.bool)})
    x = batch_features(batch, {"t": layout}, ["t"])
    goal = Goal(codes % 5, np.array([2.0]), regression=True)
    usual, finer = LEARNERS["regression"]["gradient boosting"][0], LEARNERS["regression"]["gradient boosting"][4]
    width = x["t"].shape[1]
    looked = []
    for setting in (usual, finer):
        generator = np.random.default_rng(0)
        found = fit_classic("gradient boosting", x, goal, ["t"], {"t": layout}, generator, {**setting, "max_iter": 5})
        assert found.blocks.tolist() == [[2, 27]]
        looked.append(width - 1 in found.columns)
        assert found.from_features(x).shape == (60, 1)
    assert looked == [True, False]


def test_a_few_rows_may_have_as_many_categories_as_have_a_column() -> None:
    layout = {"kind": "tabular", "numbers": 0, "categories": [52], "columns": 1, "commonest": 50, "many": 51}
    codes = torch.arange(624.0)[:, None] % 52
    features = batch_features(Batch({"t": codes}, {"t": torch.ones(624, dtype=torch.bool)}), {"t": layout}, ["t"])
    goal = Goal(np.arange(624) % 2, np.array([0.5, 0.5]))
    predictor = fit_classic("gradient boosting", features, goal, ["t"], {"t": layout}, np.random.default_rng(0))
    assert (predictor.from_features(features).argmax(1) == goal.targets).all()


def test_rows_that_say_when_to_stop_keep_their_copies_and_leave_a_row_of_each_class() -> None:
    targets, origin = np.arange(400) % 4, np.concatenate([np.arange(300), np.arange(100)])
    targets[300:] = targets[:100]
    targets[targets == 3] = 2
    targets[[7, 307]] = 3  # of this class there is one row, and its copy
    held = _hold_out(targets, origin, 4, np.random.default_rng(0))
    assert 20 < held.sum() < 60
    assert (held[300:] == held[:100]).all()
    assert not held[7]
    assert set(targets[~held]) == {0, 1, 2, 3}


def test_many_rows_say_when_boosting_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.models.learners.EARLY", 100)
    generator = np.random.default_rng(0)
    features, goal = {"a": generator.standard_normal((120, 2))}, Goal(np.arange(120) % 2, np.array([0.5, 0.5]))
    given = (features, goal, ["a"], {"a": {"kind": "image"}}, np.random.default_rng(0))
    assert fit_classic("gradient boosting", *given).estimator.num_trees < 60  # of noise there is nothing to learn


def test_a_wrong_request_is_said() -> None:
    features, layouts = two_kinds()
    goal = Goal(np.arange(30) % 2, np.array([0.5, 0.5]))
    generator = np.random.default_rng(0)
    with pytest.raises(
        RequestError, match=r"there is no learner 'ridge'\. There are: logistic regression, discriminant"
    ):
        fit_classic("ridge", features, goal, ["a"], layouts, generator)
    with pytest.raises(RequestError, match="none of the 30 training rows has any of a"):
        fit_classic("SVM", {"a": np.full((30, 2), np.nan)}, goal, ["a"], layouts, generator)
    one = {"a": np.where(goal.targets[:, None] == 1, features["a"], np.nan)}
    with pytest.raises(RequestError, match="the training rows that have a are of one class; expected two or more"):
        fit_classic("SVM", one, goal, ["a"], layouts, generator)


def test_dropped_modalities_leave_one_at_least_and_one_fewer_at_most() -> None:
    present = np.random.default_rng(0).random((3000, 4)) > 0.3
    kept = drop_modalities(present, np.random.default_rng(1))
    assert not (kept & ~present).any()
    before, after = present.sum(1), kept.sum(1)
    assert (after[before >= 2] < before[before >= 2]).all()
    assert (after == before)[before <= 1].all()
    assert after[before == 4].min() == 1
    sizes = np.bincount(after[before == 4], minlength=4)[1:] / (before == 4).sum()
    assert sizes == pytest.approx([1 / 3] * 3, abs=0.06)


def test_a_scale_is_that_of_the_rows_that_are_there() -> None:
    x = np.array([[1.0, 7.0, 0.0], [3.0, 7.0, 1.0], [np.nan, np.nan, np.nan]])
    mean, spread = standardise(x, "image")
    assert mean.tolist() == [2.0, 7.0, 0.5]
    assert spread.tolist() == [1.0, 1.0, 0.5]  # a feature that never differs has 1
    assert standardise(x[:, :2] / 10, "tabular")[1].tolist() == pytest.approx([0.3, 0.3])
    assert standardise(x, "text")[1].tolist() == pytest.approx([np.sqrt(1.25 / 3)] * 3)


def test_neighbours_of_many_rows_are_those_of_each_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((30, 2))
    classes, numbers = (Neighbours(3, [2], num).fit(x, np.arange(30) % 2, np.ones(30)) for num in (2, 0))
    whole = classes.predict_proba(x), numbers.predict(x)
    monkeypatch.setattr("plait.models.plain.BLOCK", 7)
    assert same(classes.predict_proba(x), whole[0], 0.0)
    assert same(numbers.predict(x), whole[1], 0.0)


def test_neighbours_compare_what_both_rows_have() -> None:
    nan = np.nan
    rows = np.array([[0.0, nan], [1.0, 0.0], [nan, 1.0], [nan, 0.0]])
    learner = Neighbours(1, [1, 1], 2).fit(rows, np.array([0, 1, 1, 0]), np.ones(4))
    asked = np.array([[0.0, nan], [1.0, nan], [nan, 1.0], [nan, 0.0]])
    # the last row is as near to a row of each class, and both count
    assert learner.predict_proba(asked)[:, 1].round(6).tolist() == [0.0, 1.0, 1.0, 0.5]
    one = Neighbours(1, [1, 1], 2).fit(rows[:1], np.array([0]), np.ones(1))
    assert one.predict_proba(np.array([[nan, 3.0]])).tolist() == [[1.0, 0.0]]  # nothing in common: the shares of all
    numbers = Neighbours(1, [1, 1], 0).fit(rows, np.array([0.0, 1.0, 2.0, 3.0]), np.ones(4))
    assert numbers.predict(asked[:3]).tolist() == [0.75, 1.25, 1.75]  # the mean, 1.5, has a vote


# files


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("prior", None, "KeyError('prior')"),
        ("prior", np.array([np.nan, 1.0]), "its prior and scales are not lists of numbers"),
        ("centre.0", np.zeros((2, 2)), "its prior and scales are not lists of numbers"),
        ("centre.0", np.zeros(3), "its features do not have a centre and a spread each"),
        ("classes", np.array([0, 4]), "it names a class or a feature that there is not"),
        ("classes", np.array([0]), "it knows too few classes"),
        ("columns", np.array([-1]), "it names a class or a feature that there is not"),
        ("fitted.vectors", None, "KeyError('vectors')"),
        ("fitted.vectors", np.zeros((5, 2)), "'vectors' is float64 of shape (5, 2), expected float64 of (any, "),
    ],
)
def test_a_damaged_array_is_an_error_of_the_run(name: str, value: np.ndarray | None, said: str) -> None:
    facts, arrays = fitted("classification: SVM").state()
    arrays = {key: each for key, each in {**arrays, name: value}.items() if each is not None}
    with pytest.raises(RunError, match=re.escape(f"the classic learner is damaged: {said}")):
        ClassicPredictor.from_state(facts, arrays)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("learner", "logistic regression", "got Machine for 'logistic regression'"),
        ("learner", "magic", "got Machine for 'magic'"),
        ("fitted", {"is": "magic"}, "there is no kind of learner 'magic'"),
        ("fitted", None, "TypeError"),
        ("unit", [], "IndexError"),
        ("layouts", {}, "KeyError('photo')"),
    ],
)
def test_a_damaged_fact_is_an_error_of_the_run(name: str, value: Any, said: str) -> None:
    facts, arrays = fitted("classification: SVM").state()
    with pytest.raises(RunError, match=re.escape(f"the classic learner is damaged: {said}")):
        ClassicPredictor.from_state({**facts, name: value}, arrays)


def test_a_forest_is_no_boosting() -> None:
    facts, arrays = fitted("classification: random forest", ("text",)).state()
    arrays["columns"] = np.arange(len(arrays["centre.0"]))
    with pytest.raises(RunError, match="got Trees for 'gradient boosting'"):
        ClassicPredictor.from_state({**facts, "learner": "gradient boosting"}, arrays)


def test_the_majority_says_the_prior() -> None:
    majority = MajorityPredictor(PRIOR)
    assert same(majority(new_batch()), np.tile(PRIOR, (5, 1)), 0.0)
    assert majority.names == ()
    assert majority.params == 0


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("photo", (2, 3, 8, 8), "modality 'photo': got an array of shape (2, 3, 8, 8); expected (batch, 1, 8, 8)."),
        ("scan", (2, 1, 8, 8), "modality 'scan': got an array of shape (2, 1, 8, 8); expected (batch, 2, 1, 8, 8)."),
        ("sound", (2, 9, 12), "modality 'sound': got an array of shape (2, 9, 12); expected (batch, 8, 12)."),
        ("text", (2, 3), "modality 'text': got an array of shape (2, 3); expected (batch, 9)."),
    ],
)
def test_a_wrong_shape_names_the_modality_what_came_and_what_was_expected(
    name: str, shape: tuple[int, ...], said: str
) -> None:
    batch = take_rows(new_batch(), [0, 1])
    batch.inputs[name] = torch.zeros(shape)
    with pytest.raises(RequestError, match=re.escape(said)):
        fitted("classification: SVM")(batch)
    del batch.inputs[name]
    with pytest.raises(RequestError, match=f"the batch has no modality '{name}'. There are: "):
        fitted("classification: SVM")(batch)


SHOPS = {"kind": "tabular", "numbers": 1, "categories": [3, 202], "columns": 1, "commonest": 50}


@pytest.mark.parametrize(("task", "classes"), [("classification", 2), ("classification", 3), ("regression", 0)])
@pytest.mark.parametrize("learner", ["gradient boosting", "SVM", "nearest neighbours"])
def test_categories_beyond_the_commonest_are_learned(task: str, classes: int, learner: str) -> None:
    generator, rows = np.random.default_rng(0), 1000
    codes = generator.integers(60, 202, rows)  # none of the commonest
    said = codes % (classes or 7)
    x = np.stack([generator.normal(size=rows), np.zeros(rows), np.ones(rows), codes], 1).astype(np.float32)
    there = torch.ones(rows, dtype=torch.bool)
    there[::10] = False
    batch = Batch({"tabular": torch.from_numpy(x)}, {"tabular": there})
    features = batch_features(batch, {"tabular": SHOPS}, ["tabular"])
    assert features["tabular"].shape[1] == 1 + 1 + 3 + 51 + 1
    goal = Goal(said, np.full(classes, 1 / classes) if classes else np.array([said.mean()]), not classes)
    train = {"tabular": features["tabular"][:600]}
    half = Goal(goal.targets[:600], goal.prior, goal.regression)
    predictor = fit_classic(learner, train, half, ["tabular"], {"tabular": SHOPS}, np.random.default_rng(0))
    answers = predictor(batch)[601:][there[601:].numpy()]
    truth = said[601:][there[601:].numpy()]
    if classes:
        assert (answers.argmax(1) == truth).mean() > 0.9
    else:
        assert ((answers[:, 0] - truth) ** 2).mean() < 0.3 * truth.var()
    facts, arrays = predictor.state()
    again = ClassicPredictor.from_state(json.loads(json.dumps(facts)), arrays)
    assert same(again(batch), predictor(batch), 0)
    for spoilt in ({"means.0.0": arrays["means.0.0"][1:]}, {"means.0.0": arrays["means.0.0"] * np.nan}):
        with pytest.raises(RunError, match="its means are float64"):
            ClassicPredictor.from_state(facts, {**arrays, **spoilt})
    with pytest.raises(RunError, match="damaged"):
        ClassicPredictor.from_state(facts, {k: v for k, v in arrays.items() if k != "means.0.0"})


def test_views_of_one_modality_come_and_go_together_and_count_once() -> None:
    first, second = second_name("a", "one"), second_name("a", "two")
    names = [first, "b", second]
    generator = np.random.default_rng(0)
    features = {name: generator.standard_normal((60, width)) for name, width in zip(names, (2, 3, 8), strict=True)}
    layouts = {name: {"kind": "vectors"} for name in names}
    goal = Goal(np.arange(60) % 2, np.array([0.5, 0.5]))
    predictor = fit_classic("discriminant analysis", features, goal, names, layouts, np.random.default_rng(0))
    assert (predictor.names, predictor.input_names) == (("a", "b"), tuple(names))
    assert predictor.inputs(np.ones((1, 13)))[0] == pytest.approx(
        [*[1 / 4**0.5] * 2, *[1 / 3**0.5] * 3, *[1 / 16**0.5] * 8, 1, 1, 1]
    )
    gone = {name: np.full_like(x, np.nan) if name != "b" else x for name, x in features.items()}
    assert predictor.from_features(features, ["b"]) == pytest.approx(predictor.from_features(gone))
    kept = _drop_views(np.ones((200, 3), bool), names, np.random.default_rng(1))
    assert {tuple(row) for row in kept.tolist()} == {(True, False, True), (False, True, False)}
    facts, arrays = predictor.state()
    again = ClassicPredictor.from_state(facts, arrays)
    assert np.array_equal(again.from_features(features), predictor.from_features(features))
