"""Labels from a column or from arrays, their codes and prior, and the fingerprint of a command."""

import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from plait.core.classes import Ordered, Several
from plait.core.contract import Batch, Column, Schema, Table
from plait.core.options import FitOptions
from plait.data.read import read
from plait.errors import RequestError, TableError
from plait.kinds.detect import detect
from plait.study.labels import Labels, column_of_labels, ends_at_zero, fingerprint, is_skewed, shift_of, sort_classes


def find(cells: list[Any], kind: str = "category", lines: list[int] | None = None) -> Labels:
    table = Table({"y": column_of_labels(cells, len(cells))}, lines=lines)
    return Labels.find(table, Schema((Column("y", kind, "target"),), ()))


def test_classes_are_sorted_and_coded() -> None:
    labels = find(["pear", None, " apple", "pear", "  "])
    assert labels.classes == ["apple", "pear"]
    assert labels.codes.tolist() == [1, -1, 0, 1, -1]
    assert labels.cells.tolist() == ["pear", None, "apple", "pear", None]


def test_whole_numbers_are_classes_in_their_order() -> None:
    labels = find([10.0, 9.0, 2.0, float("nan")])
    assert labels.classes == [2, 9, 10]
    assert [type(c) for c in labels.classes] == [int, int, int]
    assert labels.codes.tolist() == [2, 1, 0, -1]


def test_booleans_stay_booleans() -> None:
    labels = find([True, False, None])
    assert labels.classes == [False, True]
    assert labels.codes.tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("values", "expected"), [({10, 9, 2}, [2, 9, 10]), ({"10", "9"}, ["10", "9"]), ({1.5, 1}, [1, 1.5])]
)
def test_sort_classes(values: set[Any], expected: list[Any]) -> None:
    assert sort_classes(values) == expected


def test_numbers_are_read_and_scaled_by_the_training_rows() -> None:
    labels = find(["1", "3", None, "1,001"], "number")
    assert labels.classes is None
    assert labels.codes.tolist() == [0, 0, -1, 0]
    labels.learn_from(np.array([0, 1]), False)
    target = labels.target_on(torch.device("cpu"))
    assert target.regression
    assert (labels.center, labels.spread) == (2.0, 1.0)
    assert target.values[[0, 1, 3]].tolist() == [-1.0, 1.0, 999.0]
    assert target.values[2].isnan()


def test_numbers_end_at_zero_where_a_bell_curve_would_go_below() -> None:
    counts = np.random.default_rng(0).poisson(1.5, 300).astype(float)
    assert ends_at_zero(counts)
    assert not ends_at_zero(counts - 1)
    assert not ends_at_zero(20 + 5 * np.sin(np.arange(300)))  # such as a warm place: it may freeze one day
    assert not ends_at_zero(np.zeros(300))
    labels = find([*counts.tolist(), -1.0], "number")
    train, val = np.arange(300), np.array([300])
    labels.learn_from(train, False)
    assert labels.low == 0.0
    labels.learn_from(train, False, val)
    assert labels.low is None


def test_very_skewed_numbers_above_zero_may_be_learned_as_logarithms() -> None:
    prices = np.exp(np.random.default_rng(0).normal(5, 1, 300))
    assert is_skewed(prices)
    assert not is_skewed(np.append(prices, 0.0))
    assert not is_skewed(np.log(prices))
    assert not is_skewed(prices[:19])
    labels, rows = find([1.0, math.e**2, math.e**4, 0.0], "number"), np.arange(3)
    labels.learn_from(rows, False)
    labels.learn_log(rows, True)
    values = labels.target_on(torch.device("cpu")).values
    assert values[:3].tolist() == pytest.approx([-(1.5**0.5), 0.0, 1.5**0.5])
    high = math.e**4 + 0.3 * (math.e**4 - 1)  # beyond training by a third of its range, nearly
    assert labels.high == pytest.approx(high)
    answers = np.log(np.array([[4.0], [1e9]]))
    inner = SimpleNamespace(names=["x"], subsets=lambda batch, keeps: [answers])
    assert labels.in_unit(inner)(Batch({}, {})).ravel().tolist() == pytest.approx([4.0, high])
    assert np.exp(labels.learned_prior)[0] == pytest.approx(labels.prior[0])
    labels.learn_log(rows, False)
    assert (labels.high, labels.in_unit(inner)) == (None, inner)
    twin = labels.as_logs(rows, True)
    assert (twin.log, labels.log, twin.high) == (True, False, pytest.approx(high))


def test_logarithms_are_lifted_from_the_median_to_the_mean() -> None:
    labels, rows = find([1.0, math.e, math.e**2], "number"), np.arange(3)
    labels.learn_from(rows, False)
    said = np.full((3, 1), math.e)  # the median; the mean is (1 + e + e²) / 3
    assert labels.lift_of(said, rows) == 0.0  # they are learned as they are
    labels.learn_log(rows, True)
    lift = math.log((1 + math.e + math.e**2) / (3 * math.e))
    assert labels.lift_of(said, rows) == pytest.approx(lift)
    assert labels.lift_of(said / 100, rows) == 1.0  # no more than that
    assert labels.lift_of(said * 100, rows) == 0.0
    inner = SimpleNamespace(names=["x"], subsets=lambda batch, keeps: [np.log(said)])
    assert labels.in_unit(inner, lift)(Batch({}, {}))[0, 0] == pytest.approx(labels.numbers.mean())
    predictor, lifted = labels.lift(labels.in_unit(inner), said, rows)
    assert (predictor.lift, lifted[0, 0]) == (pytest.approx(lift), pytest.approx(labels.numbers.mean()))
    wrong = np.array([[math.e**2], [math.e], [math.e]])  # it errs most where it says too much
    assert labels.lift(labels.in_unit(inner), wrong, rows)[0].lift == 0.0
    labels.metric, labels.chooses = "mae", True
    assert labels.lift_of(said, rows) == 0.0  # the median has the least distance


def test_of_skewed_counts_the_logarithm_of_one_more_is_learned() -> None:
    counts = np.array([0, 0, 0, 1, 1, 2, 3, 5, 9, 40] * 3, float)
    assert is_skewed(counts)
    assert (shift_of(counts), shift_of(counts + 1), shift_of(counts / 2), shift_of(counts - 1)) == (1, 0, 0, 0)
    labels, rows = find([0.0, 3.0, 15.0], "number"), np.arange(3)
    labels.learn_from(rows, False)
    labels.learn_log(rows, True)
    assert labels.learned.tolist() == pytest.approx([0, math.log(4), math.log(16)])
    answers = np.log(np.array([[0.5], [4.0]]))
    inner = SimpleNamespace(names=["x"], subsets=lambda batch, keeps: [answers])
    predictor = labels.in_unit(inner)
    assert predictor(Batch({}, {})).ravel().tolist() == pytest.approx([0.0, 3.0])
    assert np.exp(labels.learned_prior)[0] == pytest.approx(labels.prior[0] + 1)


def test_the_prior_and_the_weights_are_of_the_training_rows() -> None:
    labels = find(["a", "a", "a", "b", "c", "c"])
    rows = np.array([0, 1, 2, 3])
    labels.learn_from(rows, True)
    weights = labels.target_on(torch.device("cpu")).weights
    assert labels.prior.tolist() == [0.75, 0.25, 0.0]
    assert weights is not None
    assert weights.tolist() == pytest.approx([4 / 3 / 2, 2.0, 0.0])  # a class counts half of the rows; c none
    labels.learn_from(rows, False)
    assert labels.target_on(torch.device("cpu")).weights is None


def test_rows_count_what_their_weight_says() -> None:
    labels = find(["a", "a", "b", "b", None])
    labels.weigh([1, 3, 4, 0, 9])
    assert labels.codes.tolist() == [0, 0, 1, -1, -1]  # a weight of 0 is no label
    assert labels.counts[:3].tolist() == pytest.approx([3 / 8, 9 / 8, 12 / 8])
    labels.learn_from(np.arange(3), balance=True)
    assert labels.prior.tolist() == [0.5, 0.5]
    assert labels.weights.tolist() == pytest.approx([1, 1])
    each = labels.losses(np.full((3, 2), 0.5), np.arange(3))
    assert each.tolist() == pytest.approx((np.log(2) * np.array([3, 9, 12]) / 8).tolist())
    numbers = find([1.0, 4.0], "number")
    numbers.weigh([2, 1])
    numbers.learn_from(np.arange(2), balance=False)
    assert numbers.prior.tolist() == [2.0]


@pytest.mark.parametrize(
    ("weights", "said"),
    [([1], r"the shape \(1,\); expected \(2,\)"), ([1, -1], "below 0"), ([0, 0], "zero in all rows with a label")],
)
def test_weights_of_another_form_are_told(weights: list[float], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        find(["a", "b"]).weigh(weights)


def test_the_headline_is_accuracy_or_r2() -> None:
    labels = find(["a", "b", "b", "a"])
    answers = np.array([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]])
    assert labels.headline(answers, np.arange(4), 0)["value"] == 0.75
    numbers = find([1.0, 2.0, 3.0, 6.0], "number")
    numbers.learn_from(np.arange(4), False)  # mean 3, standard deviation sqrt(3.5)
    assert numbers.headline(np.array([[1.0], [2.0], [3.0], [6.0]]), np.arange(4), 0)["value"] == pytest.approx(1.0)
    assert numbers.headline(np.full((4, 1), 3.0), np.arange(4), 0)["value"] == pytest.approx(0.0)
    assert numbers.prior.tolist() == [3.0]


def test_losses_are_log_loss_or_squared_error_in_units_of_the_spread() -> None:
    labels = find(["a", "b", "b"])
    said = np.array([[0.5, 0.5], [0.75, 0.25], [0.0, 1.0]])
    assert labels.losses(said, np.arange(3)) == pytest.approx([np.log(2), np.log(4), 0.0])
    numbers = find([1.0, 2.0, 3.0, 6.0], "number")
    numbers.learn_from(np.arange(4), False)
    assert numbers.losses(np.array([[3.0], [6.0]]), np.array([0, 3])) == pytest.approx([4 / 3.5, 0.0])


# wrong targets


@pytest.mark.parametrize(
    ("cells", "kind", "error", "said"),
    [
        ([None, None], "category", TableError, "column 'y' has no label in any of its 2 rows"),
        (["a", "a", None], "category", TableError, "column 'y' has one class, 'a', in all rows that have a label"),
        ([1.0, "x"], "number", TableError, "column 'y', row 1 (line 3): the target is 'x'; expected a number"),
        (["1", "inf"], "number", TableError, "column 'y', row 1 (line 3): the target is 'inf'; expected a number"),
        (["some words"], "text", RequestError, "column 'y' holds text, which cannot be a target yet"),
    ],
)
def test_wrong_targets_are_told(cells: list[Any], kind: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        find([None if c is None else str(c) for c in cells], kind, lines=[2, 3, 4])


def test_a_class_is_no_infinite_number() -> None:
    table = Table({"y": np.array([1.0, math.inf, 2.0])})
    schema = Schema((Column("y", "ordered", "target"),), ())
    with pytest.raises(TableError, match="column 'y', row 1: the target is inf; expected a class"):
        Labels.find(table, schema)


def test_training_rows_need_two_classes_or_two_numbers() -> None:
    with pytest.raises(TableError, match="the training rows have one class of column 'y', 'a'; expected two or more"):
        find(["a", "a", "b"]).check_training(np.array([True, True, False]))
    with pytest.raises(TableError, match="column 'y' is the same number in all training rows"):
        find([1.0, 1.0, 2.0], "number").check_training(np.array([0, 1]))
    find(["a", "a", "b"]).check_training(np.array([True, False, True]))


def test_training_without_rows_is_told() -> None:
    with pytest.raises(TableError, match="training rows"):
        find(["a", "b"]).check_training(np.array([False, False]))


# labels beside arrays


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([1, 2, 3], [1, 2, 3]),
        (np.array(["a", "b", "c"]), ["a", "b", "c"]),
        (np.array([[0, 1], [1, 0], [0, 1]]), [1, 0, 1]),
        (np.eye(3, dtype=np.float32)[[2, 0, 1]], [2, 0, 1]),
        (np.array([[5], [6], [5]]), [5, 6, 5]),
        (["x", None, "y"], ["x", None, "y"]),
        (torch.tensor([1, 0, 1]), [1, 0, 1]),
        (np.array([True, False, True]), [True, False, True]),
    ],
)
def test_labels_come_in_many_forms(labels: Any, expected: list[Any]) -> None:
    assert column_of_labels(labels, 3).to_pylist() == expected


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([1, 2], "labels have the shape (2,); expected (3,), one for each row, or one-hot (3, class)."),
        (np.zeros((3, 2, 2)), "labels have the shape (3, 2, 2)"),
        (np.array([[0, 1], [1, 1], [0, 1]]), "labels of shape (3, 2) are not one-hot"),
        (np.array([[0, 1], [0, 0], [0, 1]]), "labels of shape (3, 2) are not one-hot"),
        (np.array([[0.2, 0.8], [1, 0], [0, 1]]), "labels of shape (3, 2) are not one-hot"),
    ],
)
def test_labels_of_another_form_are_told(labels: Any, said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        column_of_labels(labels, 3)


# the fingerprint


def test_the_fingerprint_is_of_the_cells_and_the_options(tmp_path: Path) -> None:
    def of(cells: Any = "a,b,y\n1,2,x\n3,4,z\n", target: str = "y", **options: Any) -> str:
        (tmp_path / "t.csv").write_text(cells)
        return fingerprint(read(tmp_path / "t.csv"), target, FitOptions.of(options))

    same = of()
    assert of() == same
    assert of(overwrite=True) == same
    others = [
        of("a,b,y\n1,2,x\n3,5,z\n"),
        of("b,a,y\n1,2,x\n3,4,z\n"),
        of(target="a"),
        of(seed=1),
        of(fusion="parallel(a, b)"),
        of(kinds={"a": "category"}),
        of(ignore=("a",)),
        of(prep={"image.rotate": 90}),
    ]
    assert len({same, *others}) == 9


def test_the_fingerprint_sees_arrays() -> None:
    pictures = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    other = pictures.copy()
    other[1, 3, 3] += 1
    found = [
        fingerprint(Table({"image": x}), "y", FitOptions()) for x in (pictures, pictures.copy(), other, other / 1.0)
    ]
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_the_fingerprint_sees_the_middle_of_long_arrays_of_several_lengths() -> None:
    hashes = set()
    for middle in (0.0, 1.0):
        wave = np.zeros(3000)
        wave[1500] = middle
        hashes.add(fingerprint(read({"sound": [wave, np.zeros(2)]}), "y", FitOptions()))
    assert len(hashes) == 2


def test_a_word_for_none_is_no_label_and_other_words_are_mistakes() -> None:
    assert find(["1.5", "NA", "2.5", "?"], "number").cells.tolist() == [1.5, None, 2.5, None]
    with pytest.raises(TableError, match="the target is 'abc'; expected a number"):
        find(["1.5", "abc", "2.5"], "number")


def test_accuracy_and_r2_are_usual() -> None:
    assert find(["a", "b"] * 5, "category").metric == "accuracy"
    assert find([1.0, 2.5] * 5, "number").metric == "r2"


def test_where_one_class_is_common_log_loss_decides_and_it_is_said() -> None:
    labels = find(["no"] * 81 + ["yes"] * 19, "category")
    labels.settle_metric(None)
    assert (labels.metric, labels.beside) == ("log_loss", "auroc")
    assert labels.why == "81 % of the rows are 'no', so log loss decides: accuracy would hardly move."
    three = find(["no"] * 81 + ["yes"] * 10 + ["so"] * 9, "category")
    three.settle_metric(None)
    assert three.beside == "balanced_accuracy"
    even = find(["no"] * 80 + ["yes"] * 20, "category")
    even.settle_metric(None)
    assert (even.metric, even.beside, even.why) == ("accuracy", None, "")


def test_where_three_rows_make_most_of_the_squared_error_mae_decides() -> None:
    labels = find([float(n % 7) for n in range(40)] + [900.0, 950.0, 1000.0], "number")
    labels.settle_metric(None)
    assert (labels.metric, labels.beside) == ("mae", "r2")
    assert labels.why == "three rows make most of the squared error, so the mean absolute error decides."


def test_a_metric_that_does_not_fit_the_task_is_refused() -> None:
    with pytest.raises(RequestError, match="the metric r2 does not fit column 'y', which holds classes; expected one"):
        find(["a", "b"] * 5, "category").settle_metric("r2")
    with pytest.raises(RequestError, match=r"there is no metric 'auc'\. Did you mean 'auroc'"):
        FitOptions(metric="auc")
    with pytest.raises(RequestError, match="margin is -1; expected 0 points or more"):
        FitOptions(margin=-1)
    with pytest.raises(RequestError, match="refit is 'some'; expected one of: all, train\\+val, none"):
        FitOptions(refit="some")
    with pytest.raises(RequestError, match="choose is 'best'; expected one of: ensemble, simple"):
        FitOptions(choose="best")


# -- several labels a row ---------------------------------------------------------------------------------------------


def test_several_labels_are_read_and_dealt_by_the_rarest() -> None:
    labels = find(["b;a", "a", None, ";", "c; a"], "labels")
    assert isinstance(labels.classes, Several)
    assert (labels.classes, labels.classes.delimiter, labels.classes.fewest) == (["a", "b", "c"], ";", 0)
    assert labels.sets.tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [1, 0, 1]]  # type: ignore[union-attr]
    assert labels.cells.tolist() == [("a", "b"), ("a",), None, (), ("a", "c")]
    assert labels.codes.tolist() == [1, 0, -1, 3, 2]
    assert (labels.task, labels.metric) == ("labels", "f1_rows")
    assert labels.cells_of(np.array([0, 2, 3])).tolist() == ["a;b", None, ";"]


def test_lists_are_written_as_json() -> None:
    labels = find([["x", "y"], ["x"], ["y"]], "labels")
    assert labels.written_as == {"delimiter": "", "fewest": 1}
    assert labels.cells_of(np.array([0])).tolist() == ['["x", "y"]']


def test_what_is_learned_of_labels() -> None:
    labels = find(["a;b", "a", "b;a", ";"], "labels")
    labels.learn_from(np.array([0, 1, 3]), False)
    assert labels.prior == pytest.approx([2 / 3, 1 / 3])
    target = labels.target_on(torch.device("cpu"))
    assert (target.several, target.values.shape, target.metric_name) == (True, (4, 2), "f1_micro")
    assert labels.losses(np.array([[0.5, 0.5]]), np.array([1])) == pytest.approx([math.log(2)])
    with pytest.raises(RequestError, match="balance weights classes, of which a row has one"):
        labels.learn_from(np.array([0, 1]), True)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (
            ["a;b", "b,a", "a,c;b"],
            "holds ';' in 2 cells and ',' in 2 cells, so what is between labels is part of some.",
        ),
        (["a", "a"], "holds the one label 'a'; expected two or more"),
        ([None, None], "has no labels in any of its 2 rows"),
        ([";", ";"], "holds no label; expected two or more"),
    ],
)
def test_labels_that_cannot_be_learned_are_told(cells: list[Any], told: str) -> None:
    with pytest.raises(TableError, match=re.escape(told)):
        find(cells, "labels")


def test_training_rows_of_the_same_labels_are_told() -> None:
    with pytest.raises(TableError, match="all training rows have the same labels in column 'y'"):
        find(["a;b", "a;b", "a"], "labels").check_training(np.array([0, 1]))


def test_metrics_of_labels_and_of_grades_are_their_own() -> None:
    labels = find(["a;b", "a"], "labels")
    with pytest.raises(
        RequestError, match="the metric accuracy does not fit column 'y', which holds several labels a row"
    ):
        labels.settle_metric("accuracy")
    labels.settle_metric(None)
    assert (labels.metric, labels.beside) == ("f1_rows", "f1_micro")
    grades = find(["low", "high", "medium"], "ordered")
    assert isinstance(grades.classes, Ordered)
    grades.settle_metric(None)
    assert (grades.classes, grades.task) == (["low", "medium", "high"], "ordered")
    assert (grades.metric, grades.beside) == ("quadratic_kappa", "mae")


def test_lists_of_labels_beside_arrays() -> None:
    assert column_of_labels([["b", "a"], [], {"c"}], 3).to_pylist() == [["a", "b"], [], ["c"]]
    with pytest.raises(RequestError, match="there are 1 lists of labels; expected 2"):
        column_of_labels([["a"]], 2)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("category", ["b", "a", None, "b"]),
        ("ordered", ["1", "3", "2", "1"]),
        ("number", [1.5, 0.0, None, 7.25]),
        ("labels", ["a;b", "b", "", "a"]),
    ],
)
def test_labels_that_travel_are_learned_as_they_were(kind: str, cells: list[Any]) -> None:
    table = Table({"y": column_of_labels(cells, 4)})
    labels = Labels.find(table, detect(table, target="y", kinds={"y": kind}))
    labels.learn_from(np.array([0, 1]), False)
    labels.counts = np.array([1.0, 2.0, 1.0, 0.5])
    again = Labels.from_state(*labels.state())
    assert again.task == labels.task
    assert np.array_equal(again.learned, labels.learned, equal_nan=True)
    assert again.state()[0] == labels.state()[0]
    rows, answers = np.array([0, 3]), np.tile(labels.prior, (2, 1))
    assert again.losses(answers, rows).tolist() == labels.losses(answers, rows).tolist()
    assert torch.equal(again.network_prior, labels.network_prior)
    assert again.yardstick(rows).score(answers) == pytest.approx(labels.yardstick(rows).score(answers), nan_ok=True)


def test_grades_in_other_letters_are_one_grade_as_most_write_it_and_it_is_said() -> None:
    labels = find(["Good", "bad", "good", "good", "BAD ", "fair", None], "ordered")
    assert labels.classes == ["bad", "fair", "good"]
    assert labels.cells.tolist() == ["good", "bad", "good", "good", "bad", "fair", None]
    assert labels.note == "y: grades written in other letters count as the same: 'BAD' for 'bad', 'Good' for 'good'."
    assert find(["Good", "good", "bad"]).classes == ["Good", "bad", "good"]  # classes are what they are


def test_a_word_for_nothing_among_grades_is_no_label_and_it_is_said() -> None:
    labels = find(["low", "nan", "high", "medium", None], "ordered")
    assert (labels.classes, labels.codes.tolist()) == (["low", "medium", "high"], [0, -1, 2, 1, -1])
    assert labels.note == "y: no grade is 'nan'."
