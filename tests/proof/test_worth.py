"""The split of a score over modalities against what it must be, by hand and by simulation, and how it is told."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.proof.paired import Yardstick
from plait.proof.scores import scores
from plait.proof.shapley import draw_orders, needed_subsets
from plait.proof.worth import say_ends, say_pair, say_tests, say_unit, say_worth, share_of, split_score

CLASSES = ["no", "yes"]
Answers = dict[tuple[str, ...], np.ndarray]


def yardstick(rows: int, metric: str = "accuracy", groups: Any = None) -> Yardstick:
    return Yardstick(metric, np.array([CLASSES[row % 2] for row in range(rows)], object), CLASSES, groups)


def says(rows: int, right: Any) -> np.ndarray:
    """Return probabilities of .9 for the true class where it is right, for the other where not; of .5 where None."""
    right = np.broadcast_to(np.asarray(right, float), (rows,))
    true = np.where(np.isnan(right), 0.5, np.where(right > 0, 0.9, 0.1))
    odd = np.arange(rows) % 2 == 1
    return np.column_stack([np.where(odd, 1 - true, true), np.where(odd, true, 1 - true)])


def split(answers: Answers, *given: Any, **named: Any) -> dict[str, Any]:
    names = sorted({name for keep in answers for name in keep})
    return split_score(answers, names, yardstick(*given, **named), np.random.default_rng(0))


def two(rows: int, a: Any, b: Any, both: Any) -> Answers:
    """Return answers given a, b and both; with nothing the first class is said: right in half."""
    prior = np.tile([0.51, 0.49], (rows, 1))
    return {(): prior, ("a",): says(rows, a), ("b",): says(rows, b), ("a", "b"): says(rows, both)}


def test_the_gains_add_up_to_the_score_beyond_the_prior() -> None:
    rows = 40
    found = split(two(rows, np.arange(rows) < 32, np.arange(rows) < 28, np.arange(rows) < 36), rows)
    assert (found["metric"], found["rows"], found["groups"]) == ("accuracy", 40, None)
    assert (found["value"], found["prior"]) == pytest.approx((0.9, 0.5))
    a, b = (found["modalities"][name]["value"] for name in "ab")
    assert (a, b) == pytest.approx((0.25, 0.15))  # (.8 − .5 + .9 − .7) / 2, (.7 − .5 + .9 − .8) / 2
    pair = found["pairs"]["a+b"]
    assert (pair["together"], pair["value"]) == pytest.approx((0.9, 0.1))
    assert pair["alone"] == pytest.approx({"a": 0.8, "b": 0.7})


def test_a_modality_that_changes_no_answer_adds_nothing_as_far_as_so_many_rows_can_tell() -> None:
    found = split(
        two(150, np.arange(150) < 120, np.nan, np.arange(150) < 120) | {("b",): np.tile([0.51, 0.49], (150, 1))}, 150
    )
    b = found["modalities"]["b"]
    assert b["value"] == 0
    assert (b["low"], b["high"]) == pytest.approx((-0.02497, 0.02497), abs=1e-4)  # 1.96² / (150 + 1.96²)


def test_of_errors_a_gain_is_what_is_saved() -> None:
    truth = np.linspace(-1, 1, 21)
    rough = Yardstick("rmse", truth)
    answers = {(): np.zeros((21, 1)), ("a",): truth[:, None] / 2, ("b",): np.zeros((21, 1)), ("a", "b"): truth[:, None]}
    found = split_score(answers, ["a", "b"], rough, np.random.default_rng(0))
    prior = float(np.sqrt(np.square(truth).mean()))
    assert (found["value"], found["prior"]) == pytest.approx((0.0, prior))
    assert found["modalities"]["a"]["value"] == pytest.approx(0.75 * prior)
    assert found["pairs"]["a+b"]["alone"] == pytest.approx({"a": prior / 2, "b": prior})
    assert found["pairs"]["a+b"]["value"] == pytest.approx(prior / 2)
    assert share_of(found["modalities"]["a"], found) == "75 %"


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "auroc", "log_loss"])
def test_each_metric_is_that_of_the_scores(metric: str) -> None:
    generator = np.random.default_rng(1)
    answers = two(60, *(generator.random(60) < share for share in (0.8, 0.7, 0.9)))
    found = split(answers, 60, metric)
    truth = yardstick(60).truth
    known = {keep: scores(truth, said, CLASSES)[metric] for keep, said in answers.items()}
    assert (found["value"], found["prior"]) == pytest.approx((known["a", "b"], known[()]))
    sign = -1 if metric == "log_loss" else 1
    total = sum(gain["value"] for gain in found["modalities"].values())
    assert total == pytest.approx(sign * (known["a", "b"] - known[()]))
    for gain in found["modalities"].values():
        assert gain["low"] < gain["value"] < gain["high"]


def test_rows_of_a_group_are_drawn_together() -> None:
    rows, groups = 200, np.arange(200) // 20
    right = groups % 2 == 0  # all of a group are right, or none is
    by_row, by_group = (split(two(rows, right, np.nan, right), rows, groups=g) for g in (None, groups))
    wide, narrow = (found["modalities"]["a"] for found in (by_group, by_row))
    assert wide["value"] == narrow["value"]
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])
    many = split(two(rows, right, np.nan, right), rows, groups=np.arange(rows) // 1)["modalities"]["a"]
    assert (many["low"], many["high"]) == pytest.approx((narrow["low"], narrow["high"]), abs=1e-9)


def test_the_error_of_drawn_orders_widens_the_interval() -> None:
    names, rows = list("abcdefghi"), 80
    orders = draw_orders(names, np.random.default_rng(0))
    knows = np.random.default_rng(1).random((9, rows)) < 0.2
    answers = {
        keep: says(rows, np.any([knows[names.index(n)] for n in keep], axis=0))
        if keep
        else np.tile([0.51, 0.49], (rows, 1))
        for keep in needed_subsets(names, orders)
    }
    drawn = split_score(answers, names, yardstick(rows), np.random.default_rng(0), orders)
    value = scores(yardstick(rows).truth, answers[tuple(names)], CLASSES)["accuracy"]
    assert sum(gain["value"] for gain in drawn["modalities"].values()) == pytest.approx(value - 0.5)
    assert all(gain["low"] < gain["value"] < gain["high"] for gain in drawn["modalities"].values())


@given(st.lists(st.tuples(*[st.booleans()] * 3), min_size=2, max_size=30))
@settings(derandomize=True, deadline=None, database=None, max_examples=20)
def test_whatever_is_answered_the_interval_holds_the_gain(right: list[tuple[bool, bool, bool]]) -> None:
    found = split(two(len(right), *np.array(right).T), len(right))
    spans = [*found["modalities"].values(), *found["pairs"].values()]
    assert all(span["low"] <= span["value"] <= span["high"] for span in spans)


def test_what_is_not_defined_is_null() -> None:
    alike = Yardstick("auroc", np.array(["yes"] * 5, object), CLASSES)
    found = split_score({(): says(5, 1), ("a",): says(5, 1)}, ["a"], alike, np.random.default_rng(0))
    assert found["modalities"] == {"a": {"value": None, "low": None, "high": None}}
    assert (found["value"], found["prior"]) == (None, None)
    assert say_worth({**found, "of": 5})[-1].endswith("\na         –       –")


# known truth: what the shares must be follows from the probabilities alone


def known_truth(rows: int = 4000) -> dict[str, tuple[Answers, dict[str, float]]]:
    """Return answers as the best of all models gives them, and what each modality must add to the accuracy."""
    draw = np.random.default_rng(5).random
    a, b, c = draw(rows) < 0.8, draw(rows) < 0.8, draw(rows) < 0.5
    guess = np.arange(rows) % 2 == 0  # the prior says one class to every row
    either = np.where(a == b, a, draw(rows) < 0.5)
    ways = {
        "noise": ((a, guess, a), {"a": 0.3, "b": 0.0}),
        "copies": ((a, a, a), {"a": 0.15, "b": 0.15}),
        "independent": ((a, b, either), {"a": 0.15, "b": 0.15}),  # two of .8 are no better than one, on their own
        "exclusive or": ((guess, guess, draw(rows) < 0.9), {"a": 0.2, "b": 0.2}),
        "suppressor": ((a, c, draw(rows) < 0.95), {"a": 0.375, "b": 0.075}),  # b says nothing but where a is wrong
    }
    return {name: (two(rows, *said), must) for name, (said, must) in ways.items()}


@pytest.mark.parametrize("case", known_truth().items(), ids=lambda case: case[0])
def test_the_shares_are_what_they_must_be(case: tuple[str, tuple[Answers, dict[str, float]]]) -> None:
    _, (answers, must) = case
    found = split(answers, 4000)["modalities"]
    for name, value in must.items():
        error = max((found[name]["high"] - found[name]["low"]) / 3.92, 1e-3)
        assert abs(found[name]["value"] - value) < 2 * error


# words


def test_how_gains_are_told() -> None:
    worth = {"metric": "log_loss", "rows": 30, "of": 90, "groups": 8, "value": 0.5, "prior": 1.0, "pairs": {},
             "modalities": {"a": {"value": 0.5, "low": 0.25, "high": 0.75}}}  # fmt: skip
    assert say_worth(worth) == [
        "What mattered, in log loss saved, on 30 test rows of 8 groups, drawn from 90: 1.000 with nothing known, 0.500 "
        "with all.",
        "",
        "modality  saved   95 % interval   of the prior's\na         +0.500  0.250 to 0.750  50 %",
    ]
    assert say_unit({"metric": "f1_macro"}) == "points of macro F1"
    assert say_unit({"metric": "r2"}) == "R²"
    assert say_tests(worth) == "30 test rows of 8 groups, drawn from 90"
    assert say_ends({"low": None, "high": None}, True) == "–"


def test_the_better_of_two_is_the_lower_where_errors_are_told() -> None:
    pair = {"together": 0.3, "alone": {"a": 0.5, "b": 0.4}, "value": 0.1, "low": 0.05, "high": 0.15}
    assert say_pair(pair, "log_loss") == ("0.300", "0.400 (b)", "+0.100 (0.050 to 0.150)")
    assert say_pair(pair, "accuracy")[1:] == ("0.500 (a)", "+10.0 points (5.0 to 15.0)")
    assert say_pair({**pair, "alone": {"a": None, "b": None}}, "auroc") == ("0.300", "–", "–")
