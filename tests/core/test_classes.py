"""Classes in an order, and several labels a row: how an answer over them is read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.classes import Ordered, Several, log_odds, place_of

ANSWERS = np.array([[0.4, 0.0, 0.6], [0.1, 0.2, 0.3], [0.45, 0.1, 0.45]])


def test_in_an_order_the_middle_class_is_answered() -> None:
    grades = Ordered(["bad", "fair", "good"])
    assert grades.decide(ANSWERS / ANSWERS.sum(1, keepdims=True)).tolist() == [2, 1, 1]
    assert place_of(np.array([[0.4, 0.25, 0.35]]), grades).tolist() == [1]
    assert place_of(np.array([[0.4, 0.25, 0.35]]), list(grades)).tolist() == [0]


def test_a_row_with_nothing_known_gets_some_class() -> None:
    assert Ordered([1, 2, 3]).decide(np.zeros((2, 3))).tolist() == [2, 2]


def test_each_label_has_a_threshold_of_its_own() -> None:
    labels = Several(["a", "b", "c"], ";")
    assert [labels.pick(row) for row in labels.decide(ANSWERS)] == [["c"], [], []]
    assert [labels.pick(row) for row in labels.at([0.3, 0.2, 0.7]).decide(ANSWERS)] == [["a"], ["b"], ["a"]]


def test_where_every_row_has_a_label_the_nearest_is_answered() -> None:
    labels = Several(["a", "b", "c"], fewest=1, thresholds=[0.5, 0.25, 0.9])
    assert [labels.pick(row) for row in labels.decide(ANSWERS)] == [["a"], ["b"], ["a"]]
    assert place_of(ANSWERS, labels).tolist() == [0, 1, 0]  # the surest, above its threshold or below


@given(st.lists(st.floats(0.001, 0.999), min_size=2, max_size=9), st.floats(0.05, 0.95))
@settings(derandomize=True, deadline=None, database=None, max_examples=50)
def test_levelled_answers_keep_their_order_and_are_decided_at_a_half(said: list[float], threshold: float) -> None:
    answers, labels = np.array(said)[:, None], Several(["a"], thresholds=[threshold])
    level = labels.level(answers)
    assert (np.diff(level[np.argsort(answers[:, 0])][:, 0]) >= -1e-12).all()
    near = np.abs(answers - threshold) < 1e-9
    assert (near | ((level >= 0.5) == (answers >= threshold))).all()


def test_without_thresholds_answers_stay() -> None:
    assert Several(["a", "b", "c"]).level(ANSWERS) is ANSWERS


def test_labels_are_written_as_they_were() -> None:
    assert Several(["a", "b"], ";").write(["a", "b"]) == "a;b"
    assert Several(["a", "b"], ";").write([]) == ";"
    assert Several(["a", "b"]).write(["a", "é"]) == '["a", "é"]'
    assert Several(["a", "b"]).write([]) == "[]"


def test_both_are_lists() -> None:
    assert Ordered([1, 2]) == [1, 2]
    assert Several(["a"], "|", 1, [0.4]).at([0.6]).__dict__ == {"delimiter": "|", "fewest": 1, "thresholds": (0.6,)}


def test_log_odds_are_finite() -> None:
    assert log_odds([0.5, 0.75]) == pytest.approx([0, np.log(3)])
    assert np.isfinite(log_odds([0.0, 1.0])).all()
