"""Metrics against scikit-learn and against numbers worked out by hand; intervals against a simulation."""

import json
import math
import time

import numpy as np
import pytest
import sklearn.metrics as sk

from plait.core.classes import Several
from plait.errors import RequestError
from plait.proof.scores import (
    by_modalities,
    confusion,
    error_rates,
    group_codes,
    intervals,
    labelled,
    row_scores,
    scores,
)

SINGLE = [
    *("accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "f1_micro", "f1_weighted"),
    *("auroc", "log_loss", "per_class"),
]


def answers(num_rows: int, num_classes: int, seed: int = 0, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (row,) and probabilities (row, class) that are right more often than not."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, num_classes, num_rows)
    probabilities = generator.dirichlet(np.ones(num_classes), num_rows)
    probabilities[np.arange(num_rows), target] += generator.random(num_rows)
    if ties:
        probabilities = np.ceil(probabilities * 4)
    return target, probabilities / probabilities.sum(1, keepdims=True)


def sklearn_scores(target, probabilities, classes) -> dict[str, float]:
    guess = np.asarray(classes)[probabilities.argmax(1)]
    precision, recall, f1, _ = sk.precision_recall_fscore_support(target, guess, average="macro", zero_division=0)
    return {
        "accuracy": sk.accuracy_score(target, guess),
        "balanced_accuracy": np.mean([np.mean(guess[target == c] == c) for c in np.unique(target)]),
        "precision_macro": precision,
        "recall_macro": recall,
        "f1_macro": f1,
        "f1_micro": sk.f1_score(target, guess, average="micro"),
        "f1_weighted": sk.f1_score(target, guess, average="weighted", zero_division=0),
    }


def test_scores_by_hand():
    found = scores(["no", "yes", "yes", "yes"], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]], ["no", "yes"])
    assert list(found) == SINGLE
    assert found["accuracy"] == 0.75
    assert found["balanced_accuracy"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["precision_macro"] == 0.75  # no: 1 of 2, yes: 2 of 2
    assert found["f1_macro"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["f1_weighted"] == pytest.approx((2 / 3 + 3 * 4 / 5) / 4)
    assert found["auroc"] == 1.0
    assert found["per_class"]["yes"] == {"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "support": 3}


@pytest.mark.parametrize("num_classes", [2, 3, 10])
@pytest.mark.parametrize("ties", [False, True])
def test_scores_are_those_of_scikit_learn(num_classes, ties):
    target, probabilities = answers(300, num_classes, seed=num_classes, ties=ties)
    classes = list(range(num_classes))
    found = scores(target, probabilities, classes)
    expected = sklearn_scores(target, probabilities, classes)
    column = probabilities[:, 1] if num_classes == 2 else probabilities
    expected["auroc"] = sk.roc_auc_score(target, column, multi_class="ovr")
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    guess = probabilities.argmax(1)
    report = sk.classification_report(target, guess, output_dict=True, zero_division=0)
    for name in map(str, classes):
        expected = {"f1" if key == "f1-score" else key: value for key, value in report[name].items()}
        assert found["per_class"][name] == pytest.approx(expected)


def test_auroc_counts_a_tie_as_half():
    assert scores([0, 1, 0, 1], [[0.5, 0.5]] * 4, [0, 1])["auroc"] == 0.5
    assert scores([0, 1, 1], [[0.5, 0.5], [0.5, 0.5], [0.1, 0.9]], [0, 1])["auroc"] == 0.75


def test_larger_label_in_sort_order_is_positive_whatever_the_order_of_classes():
    rising = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert scores(["a", "b"], rising, ["a", "b"])["auroc"] == 1.0
    assert scores(["a", "b"], rising[:, ::-1], ["b", "a"])["auroc"] == 1.0
    assert scores([2, 10], rising, [2, 10])["auroc"] == 1.0
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.5, 0.5], [0.2, 0.8], [0.7, 0.3]])
    for target in ([2, 10, 2, 10, 10], [False, True, False, True, True]):
        expected = sk.roc_auc_score(target, probabilities[:, 1])
        assert scores(target, probabilities, sorted(set(target)))["auroc"] == pytest.approx(expected)


def test_labels_meet_classes_by_their_text():
    probabilities = np.eye(3)
    for target in ([1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"], np.array([1, 2, 3], np.int16)):
        for classes in ([1, 2, 3], ["1", "2", "3"], np.array([1.0, 2.0, 3.0])):
            assert scores(target, probabilities, classes)["accuracy"] == 1.0


def test_class_without_rows_is_left_out_of_the_means():
    target, probabilities = answers(200, 4)
    wide = np.column_stack([probabilities, np.zeros(200)])  # a class nobody has and nobody says
    with_it, without = scores(target, wide, range(5)), scores(target, probabilities, range(4))
    assert with_it["per_class"].pop("4") == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert with_it == without


def test_class_without_rows_that_is_answered_counts_as_in_scikit_learn():
    target, probabilities = answers(200, 4)
    here = target != 3
    target, probabilities = target[here], probabilities[here]
    found, expected = scores(target, probabilities, range(4)), sklearn_scores(target, probabilities, range(4))
    expected["auroc"] = np.mean([sk.roc_auc_score(target == c, probabilities[:, c]) for c in range(3)])
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_label_that_the_model_never_saw_counts_as_wrong():
    found = scores(["a", "b", "z", "z"], [[1, 0], [0, 1], [1, 0], [0, 1]], ["a", "b"])
    assert found["accuracy"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx(2 / 3)
    assert found["recall_macro"] == pytest.approx(2 / 3)
    assert found["auroc"] == pytest.approx((5 / 6 + 5 / 6 + 1 / 2) / 3)
    assert found["per_class"]["z"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2}
    counts, names = confusion(["a", "b", "z", "z"], [[1, 0], [0, 1], [1, 0], [0, 1]], ["a", "b"])
    assert names == ["a", "b", "z"]
    assert counts.tolist() == [[1, 0], [0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("target", "predicted", "classes"),
    [
        (["a"], [[0.9, 0.1]], ["a", "b"]),
        (["a", "a", "a"], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], ["a", "b"]),
        (["b", "b"], [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]], ["a", "b", "c"]),
        (["z"], [[1.0]], ["a"]),
        ([1.0], [2.0], None),
        ([3.0, 3.0, 3.0], [1.0, 2.0, 3.0], None),
        ([0.1, 0.1, 0.1], [0.1, 0.1, 0.1], None),
    ],
)
def test_what_is_undefined_is_null_and_nothing_warns(target, predicted, classes):
    undefined = "auroc" if classes else "r2"
    found = scores(target, predicted, classes)
    spans = intervals(target, predicted, classes, generator=np.random.default_rng(0))
    if target != ["z"]:  # a label that the model never saw beside its only class: two classes, both scores tied
        assert found[undefined] is None
        assert spans[undefined] == {"value": None, "low": None, "high": None}
    json.dumps([found, spans], allow_nan=False)


def test_regression_is_that_of_scikit_learn():
    generator = np.random.default_rng(1)
    target = generator.normal(1000, 5, 80)
    values = target + generator.normal(0, 2, 80)
    found = scores(target, values)
    assert found == pytest.approx(
        {
            "mae": sk.mean_absolute_error(target, values),
            "rmse": math.sqrt(sk.mean_squared_error(target, values)),
            "r2": sk.r2_score(target, values),
        }
    )
    assert scores([1, 2, 3], [1, 2, 5]) == pytest.approx({"mae": 2 / 3, "rmse": math.sqrt(4 / 3), "r2": -1.0})
    assert scores([[1], [2], [3]], [[1], [2], [5]]) == scores([1, 2, 3], [1, 2, 5])


def test_same_generator_same_intervals():
    target, probabilities = answers(700, 3)
    first, second = (intervals(target, probabilities, range(3), generator=np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_groups_widen_the_interval_when_rows_of_a_group_agree():
    generator = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 10)
    right = np.repeat(generator.random(20) < 0.7, 10)  # a speaker is understood always or never
    probabilities = np.column_stack([right, ~right]).astype(float)
    target = ["a"] * 200
    rows = intervals(target, probabilities, ["a", "b"], generator=generator)["accuracy"]
    whole = intervals(target, probabilities, ["a", "b"], generator=generator, groups=[f"s{g}" for g in groups])[
        "accuracy"
    ]
    assert whole["value"] == rows["value"]
    assert whole["high"] - whole["low"] > 2.5 * (rows["high"] - rows["low"])  # sqrt(10) = 3.2 in the long run


def test_an_interval_that_is_not_there_says_why():
    found = intervals(
        ["a"] * 3 + ["b"] * 20, np.eye(2)[[0] * 3 + [1] * 20], ["a", "b"], generator=np.random.default_rng()
    )
    nothing = {"value": 1.0, "low": None, "high": None}
    assert found["per_class"]["a"]["recall"] == {**nothing, "why": "fewer than 10 rows"}
    assert found["per_class"]["a"]["support"] == 3
    assert found["f1_macro"] == {**nothing, "why": "class 'a' has fewer than 10 rows"}


@pytest.mark.heavy
def test_intervals_are_fast():
    target, probabilities = answers(10_000, 100)
    start = time.process_time()
    intervals(target, probabilities, range(100), generator=np.random.default_rng(0))
    assert time.process_time() - start < 10  # measured 1 s; the rest is for a busy machine


def test_score_of_every_row():
    assert row_scores([1.0, 2, "z"], [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], ["1", "2"]).tolist() == [1.0, 0.0, 0.0]
    assert row_scores([1.0, 2.0], [[1.5], [0.0]]).tolist() == [0.25, 4.0]


def test_labelled_and_groups():
    assert labelled(["a", None, " ", math.nan, 0]).tolist() == [True, False, False, False, True]
    assert group_codes([3, "b", 3.0]).tolist() == [0, 1, 0]


def test_inputs_are_not_changed():
    target, probabilities = answers(20, 3)
    before = probabilities.copy()
    intervals(target, probabilities, range(3), generator=np.random.default_rng(0))
    scores(target, probabilities, range(3))
    assert (probabilities == before).all()


def test_by_modalities_scores_every_subset_over_the_rows_that_have_it():
    target = np.array(["a", "b", "a", None, "b"], object)
    present = {"text": np.array([True, True, False, True, False]), "image": np.array([True, False, True, True, False])}
    asked = []

    def predict(keep):
        asked.append(keep)
        return np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1] if "image" in keep else [0, 1], [1, 0], [0.5, 0.5]])

    found = by_modalities(predict, present, target, ["a", "b"], np.random.default_rng(0))
    assert list(found) == ["image", "text", "image+text"]
    assert asked == [("image",), ("text",), ("image", "text")]
    assert [found[name]["rows"] for name in found] == [2, 2, 3]
    assert found["image+text"]["metrics"]["accuracy"]["value"] == 1.0
    assert found["image"]["metrics"]["auroc"]["value"] is None  # both of its rows are "a"
    json.dumps(found, allow_nan=False)


def test_by_modalities_of_numbers_and_of_nothing():
    target, present = np.array([1.0, 2.0, math.nan, 4.0]), {"a": np.ones(4, bool), "b": np.zeros(4, bool)}
    answer = np.array([1.0, 2.0, 3.0, 5.0])
    found = by_modalities(lambda keep: answer, present, target, None, np.random.default_rng(0))
    assert found["b"] == {"rows": 0, "metrics": {}}
    assert found["a"]["rows"] == 3
    assert found["a"]["metrics"]["mae"]["value"] == pytest.approx(1 / 3)
    assert found["a"]["metrics"]["mae"]["why"] == "fewer than 10 rows"


def test_above_six_modalities_only_singles_all_but_one_and_all():
    present = {f"m{i}": np.ones(2, bool) for i in range(7)}
    found = by_modalities(lambda keep: np.eye(2), present, ["a", "b"], ["a", "b"], np.random.default_rng(0))
    assert len(found) == 7 + 7 + 1
    assert "m0+m1+m2+m3+m4+m5+m6" in found
    assert "m0+m1" not in found


@pytest.mark.parametrize(
    ("target", "predicted", "classes", "message"),
    [
        ([], np.zeros((0, 2)), ["a", "b"], "0 rows to score; expected 1 or more"),
        (["a", None], np.eye(2), ["a", "b"], "row 1 of 2 has no label"),
        (["a", " "], np.eye(2), ["a", "b"], "row 1 of 2 has no label"),
        (["a"], np.eye(2), ["a", "b"], "rows of the probabilities: 2, of the target: 1"),
        (["a", "b"], np.eye(3)[:2], ["a", "b"], r"shape \(2, 3\); expected \(rows, class\) with 2 classes"),
        (["a", "b"], [0.1, 0.2], ["a", "b"], r"shape \(2,\)"),
        (["a", "b"], [[1, 0], [np.nan, 1]], ["a", "b"], "the probabilities hold NaN or infinity, first in row 1"),
        (["a", "b"], [1.0, 2.0], None, "something that is no number"),
        ([1.0, np.nan], [1.0, 2.0], None, "the target hold NaN or infinity, first in row 1"),
        ([1.0, 2.0], [1.0], None, "rows of the values: 1, of the target: 2"),
        ([1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]], None, r"shapes \(2,\) and \(2, 2\)"),
    ],
)
def test_wrong_input_is_named(target, predicted, classes, message):
    with pytest.raises(RequestError, match=message):
        scores(target, predicted, classes)


def test_an_absent_group_is_named():
    generator = np.random.default_rng(0)
    with pytest.raises(RequestError, match="row 0 of 2 has no group"):
        intervals(["a", "b"], np.eye(2), ["a", "b"], generator=generator, groups=[None, "x"])


# transcripts


def test_error_rates_are_errors_over_what_was_to_be_said() -> None:
    # word errors, words, character errors, characters
    counts = [(1, 4, 2, 20), (0, 2, 0, 10), (2, 0, 7, 0)]  # nothing was to be said in the last, two words were heard
    found = error_rates(counts, generator=np.random.default_rng(0))
    assert {name: score["value"] for name, score in found.items()} == {"wer": 3 / 6, "cer": 9 / 30, "exact": 1 / 3}
    assert found["exact"]["low"] < 1 / 3 < found["exact"]["high"]


def test_error_rates_can_be_unknown_or_over_one() -> None:
    silent = error_rates([(2, 0, 7, 0)], generator=np.random.default_rng(0))
    assert silent["wer"] == {"value": None, "low": None, "high": None}
    assert error_rates([(3, 2, 9, 6)], generator=np.random.default_rng(0))["wer"]["value"] == 1.5


def test_error_rates_of_no_rows_are_refused() -> None:
    with pytest.raises(RequestError, match="there are 0 rows to score"):
        error_rates(np.zeros((0, 4)), generator=np.random.default_rng(0))


def test_labels_that_the_model_never_saw_are_missed() -> None:
    labels = Several(["a", "b"], ";")
    truth = np.empty(2, object)
    truth[:] = [("a", "z"), ()]
    found = scores(truth, np.array([[0.9, 0.2], [0.1, 0.1]]), labels)
    assert (found["f1_rows"], found["exact_match"]) == (pytest.approx((2 / 3 + 1) / 2), 0.5)
    assert found["per_class"]["z"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    spans = intervals(
        truth, np.array([[0.9, 0.2], [0.1, 0.1]]), labels, generator=np.random.default_rng(0), only="f1_rows"
    )
    assert spans == {"f1_rows": {"value": pytest.approx(5 / 6), "low": None, "high": None, "why": "fewer than 10 rows"}}
    assert row_scores(truth, np.array([[0.9, 0.2], [0.1, 0.1]]), labels).tolist() == [pytest.approx(2 / 3), 1.0]


def test_labels_need_lists_and_as_many_answers() -> None:
    with pytest.raises(RequestError, match=r"answers have the shape \(1, 3\); expected \(rows, label\) of 2 labels"):
        scores([("a",)], np.zeros((1, 3)), Several(["a", "b"]))
    with pytest.raises(RequestError, match="a row has no list of labels; expected one in every row"):
        scores(["a"], np.zeros((1, 2)), Several(["a", "b"]))


def test_labels_of_groups_have_intervals_too() -> None:
    truth, said = np.empty(40, object), np.random.default_rng(0).random((40, 2))
    truth[:] = [("a", "b") if row % 3 else ("a",) if row < 8 else () for row in range(40)]
    found = intervals(truth, said, Several(["a", "b"]), generator=np.random.default_rng(0), groups=np.arange(40) // 5)
    assert found["f1_rows"]["low"] < found["f1_rows"]["value"] < found["f1_rows"]["high"]
    assert found["per_class"]["b"]["f1"]["low"] < found["per_class"]["b"]["f1"]["high"]
    groups = np.where(np.arange(40) < 30, 0, 1)
    one = intervals(
        truth, said, Several(["a", "b"]), generator=np.random.default_rng(0), groups=groups, only="f1_micro"
    )
    assert one.keys() == {"f1_micro"}


def test_the_same_answers_have_the_same_interval_whatever_was_scored_before() -> None:
    target, present = ["a", "b", "c"] * 20, {name: np.ones(60, bool) for name in ("image", "audio")}
    answer = np.eye(3)[np.random.default_rng(1).integers(0, 3, 60)]
    found = by_modalities(lambda keep: answer, present, target, ["a", "b", "c"], np.random.default_rng(0))
    assert found["image"] == found["audio"] == found["audio+image"]
