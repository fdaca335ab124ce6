"""Plain learners answer as scikit-learn's do, and a crafted file neither loops nor reads beyond its arrays."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.files import pack_tensors, unpack_tensors
from plait.errors import RunError
from plait.models.learners import LEARNERS, build_learner, plain_learner
from plait.models.plain import Linear, Machine, Trees, flatten_learner, restore_learner

FEATURES = 6
CASES = [
    (task, learner, number, num_classes)
    for task, learners in LEARNERS.items()
    for learner, tries in learners.items()
    if learner != "discriminant analysis"  # it is plait's own, and plain as it is
    for number in range(len(tries))
    for num_classes in ((2, 4) if task == "classification" else (0,))
]


def draw_rows(rows: int, holes: bool, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((rows, FEATURES))
    x[generator.random(x.shape) < 0.25] = np.nan
    return x if holes else np.nan_to_num(x, nan=0.0)


def fit_one(task: str, learner: str, number: int, num_classes: int, even: bool = True) -> Any:
    """Return scikit-learn's estimator, fitted to 120 rows; those that know NaN are given some."""
    x = draw_rows(120, learner in ("gradient boosting", "nearest neighbours"))
    filled = np.nan_to_num(x, nan=2.0)
    targets = filled[:, 0] + np.sin(3 * filled[:, 1]) if task == "regression" else filled[:, :num_classes].argmax(1)
    classes = 0 if task == "regression" else num_classes
    estimator = build_learner(learner, LEARNERS[task][learner][number], [2, 4], classes, 0, len(x))
    return estimator.fit(x, targets, sample_weight=np.ones(120) if even else 1.0 + np.arange(120) % 3)


def through(learner: Any, num_classes: int) -> Any:
    """Return what a learner is after a file."""
    facts, arrays = flatten_learner(learner)
    return restore_learner(
        json.loads(json.dumps(facts)), unpack_tensors(pack_tensors(arrays), "a"), FEATURES, num_classes
    )


def method_of(task: str, learner: str) -> str:
    return "predict" if task == "regression" else "decision_function" if learner == "SVM" else "predict_proba"


@pytest.mark.parametrize(("task", "learner", "number", "num_classes"), CASES)
def test_a_plain_learner_answers_like_the_one_that_was_fitted(
    task: str, learner: str, number: int, num_classes: int
) -> None:
    estimator = fit_one(task, learner, number, num_classes, even=number != 1)
    plain = through(plain_learner(estimator), num_classes)
    x = 2 * draw_rows(50, learner in ("gradient boosting", "nearest neighbours"), seed=1)
    method = method_of(task, learner)
    wanted, found = (getattr(each, method)(x) for each in (getattr(estimator, "plain", estimator), plain))
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < (1e-6 if learner == "SVM" else 1e-9)
    alone = np.concatenate([getattr(plain, method)(x[[row]]) for row in range(0, 50, 5)])
    assert np.abs(found[::5] - alone).max() < 1e-12
    assert plain.params == plain_learner(estimator).params > 0


def test_nan_goes_where_boosting_learned_that_it_goes() -> None:
    x = np.repeat([[np.nan], [0.0], [1.0]], 40, axis=0)
    targets = np.repeat([5.0, 1.0, 3.0], 40)
    estimator = build_learner("gradient boosting", {"max_iter": 200, "learning_rate": 0.1}, [1], 0, 0, 0)
    plain = plain_learner(estimator.fit(x, targets))
    assert plain.predict(np.array([[np.nan], [0.0], [1.0]])).round(3).tolist() == [5.0, 1.0, 3.0]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_boosting_tells_categories_apart_as_it_learned_them(task: str) -> None:
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.choice([0, 2, 3, 5, 9, np.nan], (200, 2)), generator.standard_normal((200, 2))], 1)
    high = np.isin(x[:, 0], [2, 9]) + 0.1 * (x[:, 1] == 3)
    targets = high if task == "regression" else (high > 0.5).astype(int) + (x[:, 3] > 1)
    setting, classes = LEARNERS[task]["gradient boosting"][0], 0 if task == "regression" else 3
    estimator = build_learner("gradient boosting", setting, [4], classes, 0, 200, 2).fit(x, targets)
    facts, arrays = flatten_learner(plain_learner(estimator))
    plain = restore_learner(json.loads(json.dumps(facts)), unpack_tensors(pack_tensors(arrays), "a"), 4, classes)
    assert len(plain.sets) > 0
    asked = np.concatenate([x, [[7, 2, 0, 0], [50, 0, 0, 0], [1, np.nan, 1, 1]]])  # codes that training never had too
    method = method_of(task, "gradient boosting")
    assert np.abs(getattr(plain, method)(asked) - getattr(estimator, method)(asked)).max() < 1e-9


def test_a_machine_without_a_vector_says_its_intercept() -> None:
    plain = through(Machine(1.0, np.zeros((0, FEATURES)), np.zeros((1, 0)), np.array([0.5]), np.array([0])), 0)
    assert plain.predict(np.ones((2, FEATURES))).tolist() == [0.5, 0.5]


def test_far_outputs_are_certain_and_warn_of_nothing() -> None:
    plain = Linear(np.array([[1.0]]), np.zeros(1))
    assert plain.predict_proba(np.array([[-1e4], [1e4]])).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_no_rows_have_no_answers() -> None:
    for task, learner, number, num_classes in [
        case for case in CASES if case[2] == 0 and case[1] != "nearest neighbours"
    ]:
        plain = plain_learner(fit_one(task, learner, number, num_classes))
        method = method_of(task, learner)
        assert len(getattr(plain, method)(np.zeros((0, FEATURES)))) == 0


# trees of any shape


@st.composite
def forests(draw: Any) -> Trees:
    """One to three boosted trees over two features, grown level by level by splitting nodes at random."""
    num_trees = draw(st.integers(1, 3))
    nodes, size, node = list(range(num_trees)), num_trees, 0
    while node < len(nodes):
        if size < num_trees + 16 and draw(st.booleans()):
            nodes[node] = size
            nodes += [size, size + 1]
            size += 2
        node += 1
    left = np.array(nodes)
    numbers = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0, np.inf]), min_size=size, max_size=size)
    columns = np.array(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    values = np.arange(float((left == np.arange(size)).sum()))[:, None]
    return Trees(True, num_trees, columns, np.array(draw(numbers)), left, values, np.zeros(1))


def walk(trees: Trees, row: list[float]) -> float:
    """Answer one row the slow way."""
    total = 0.0
    for root in range(trees.num_trees):
        node = root
        while trees.left[node] != node:
            value, column = row[trees.columns[node] % 2], trees.columns[node]
            more = column >= 2 if np.isnan(value) else value > trees.thresholds[node]
            node = trees.left[node] + int(more)
        total += trees.values[trees.leaves[node], 0]
    return total


@settings(derandomize=True, deadline=None, max_examples=20, database=None)
@given(forests(), st.lists(st.tuples(*[st.sampled_from([-2.0, 0.0, 0.5, 9.0, np.nan])] * 2), min_size=1, max_size=6))
def test_any_tree_leads_a_row_to_its_leaf(trees: Trees, rows: list[tuple[float, float]]) -> None:
    facts, arrays = flatten_learner(trees)
    again = restore_learner(facts, arrays, 2, 0)
    assert again.predict(np.array(rows)).tolist() == [walk(trees, list(row)) for row in rows]


# files that plait did not write


def stump() -> dict[str, Any]:
    """A root and two leaves, over two features."""
    return {
        "columns": np.array([0, 0, 0], np.int32),
        "thresholds": np.array([0.5, np.inf, np.inf]),
        "left": np.array([1, 1, 2], np.int32),
        "values": np.array([[1.0], [2.0]]),
        "start": np.zeros(0),
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"left": np.array([0, 0, 2], np.int32)}, "'left' leads backwards, or out of the trees"),
        ({"left": np.array([2, 1, 2], np.int32)}, "'left' leads backwards, or out of the trees"),
        ({"left": np.array([-1, 1, 2], np.int32)}, "'left' leads backwards, or out of the trees"),
        ({"left": np.array([1, 1, 2])}, r"'left' is int64 of shape \(3,\), expected int32 of \(any\)"),
        ({"columns": np.array([4, 0, 0], np.int32)}, "'columns' names a feature that there is not"),
        ({"columns": np.array([-1, 0, 0], np.int32)}, "'columns' names a feature that there is not"),
        ({"columns": np.array([0], np.int32)}, r"'columns' is int32 of shape \(1,\), expected int32 of \(3\)"),
        ({"thresholds": np.array([np.nan, 0, 0])}, "'thresholds' holds NaN"),
        ({"values": np.array([[1.0]])}, r"'values' is float64 of shape \(1, 1\), expected float64 of \(2, 1\)"),
        ({"values": np.array([[1.0], [np.inf]])}, "'values' holds what is no number"),
        ({"start": np.zeros(1)}, r"'start' is float64 of shape \(1,\), expected float64 of \(0\)"),
        ({"sets": np.zeros((1, 2), np.uint8)}, "KeyError|'set_columns'"),
        ({"sets": np.zeros((1, 0), np.uint8), "set_columns": np.zeros(1, np.int32)}, "'set_columns' names a feature"),
        (
            {"sets": np.zeros((1, 2), np.uint8), "set_columns": np.array([2], np.int32)},
            "'set_columns' names a feature that there is not",
        ),
        ({"num_trees": 4}, "there cannot be 4 trees of 3 nodes"),
        ({"num_trees": 0}, "'num_trees' is 0, expected a number above 0"),
    ],
)
def test_a_crafted_tree_is_refused(change: dict[str, Any], said: str) -> None:
    facts = {"is": "trees", "boosting": False, "num_trees": 1}
    assert restore_learner(facts, stump(), 2, 0).predict(np.array([[0.0, 9.0], [1.0, 9.0]])).tolist() == [1.0, 2.0]
    with pytest.raises((RunError, KeyError), match=said):  # the caller says which learner lacks what
        restore_learner({**facts, **change}, {**stump(), **change}, 2, 0)


def test_a_set_says_which_categories_go_right() -> None:
    facts = {"is": "trees", "boosting": False, "num_trees": 1}
    by_set = {"columns": np.array([4, 0, 0], np.int32), "sets": np.array([[0, 1, 0, 1]], np.uint8)}
    trees = restore_learner(facts, {**stump(), **by_set, "set_columns": np.array([1], np.int32)}, 2, 0)
    asked = np.array([[9, 0], [9, 1], [9, 2], [9, 7], [9, np.nan]], np.float64)  # what is not known is the last code
    assert trees.predict(asked).tolist() == [1.0, 2.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("learner", "change", "said"),
    [
        ("logistic regression", {"coefficients": np.zeros((3, 2))}, "'coefficients' is float64 of shape"),
        ("logistic regression", {"intercepts": np.zeros(4, np.float32)}, "'intercepts' is float32 of shape"),
        ("logistic regression", {"intercepts": np.full(4, np.nan)}, "'intercepts' holds what is no number"),
        ("SVM", {"sizes": np.array([1, 1, 1, 1])}, "'sizes' does not count the vectors"),
        ("SVM", {"gamma": -1}, "'gamma' is -1, expected a number above 0"),
        ("SVM", {"intercepts": np.zeros(4)}, r"expected float64 of \(6\)"),
        ("nearest neighbours", {"targets": np.full(120, 4)}, "'targets' names a class that there is not"),
        ("nearest neighbours", {"weights": np.zeros(120)}, "'weights' counts no row"),
        ("nearest neighbours", {"widths": [3, 4]}, "its widths and classes are not those of the predictor"),
        ("nearest neighbours", {"rows": np.full((120, 6), np.inf, np.float32)}, "'rows' holds what is no number"),
        ("nearest neighbours", {"is": "friends"}, "there is no kind of learner 'friends'"),
    ],
)
def test_a_crafted_learner_is_refused(learner: str, change: dict[str, Any], said: str) -> None:
    facts, arrays = flatten_learner(plain_learner(fit_one("classification", learner, 0, 4)))
    with pytest.raises(RunError, match=said):
        restore_learner({**facts, **change}, {**arrays, **change}, FEATURES, 4)
