"""How a score falls: the curve, and the area under it."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.proof.curves import area_under, missing_curve, score_curve

CLASSES = ["no", "yes"]
TARGET = ["yes", "no", "yes", None]


def sure(right: int) -> np.ndarray:
    """Return answers to the rows of TARGET of which the first few are right."""
    yes = [label == "yes" if row < right else label != "yes" for row, label in enumerate(TARGET)]
    return np.array([[0.1, 0.9] if said else [0.9, 0.1] for said in yes])


def test_a_score_is_taken_at_every_level_over_the_rows_with_a_label() -> None:
    right = {0.0: 3, 10.0: 2, 40.0: 0}
    found = score_curve(lambda level: sure(right[level]), [0, 10, 40], TARGET, CLASSES)
    # the unlabelled row is right in none: it does not count
    assert found["metric"] == "accuracy"
    assert found["levels"] == [0.0, 10.0, 40.0]
    assert found["scores"] == pytest.approx([1, 2 / 3, 0])
    assert found["area"] == pytest.approx(0.25 * (1 + 2 / 3) / 2 + 0.75 * (2 / 3) / 2)


def test_numbers_are_scored_by_r2() -> None:
    target = [1.0, 2.0, 3.0]
    found = score_curve(lambda level: np.array(target) + level, [0.0, 1.0], target)
    assert found["metric"] == "r2"
    assert found["scores"] == pytest.approx([1.0, -0.5])  # 1 − 3 / 2
    assert found["area"] == pytest.approx(0.25)


def test_where_a_score_is_undefined_so_is_the_area() -> None:
    found = score_curve(lambda level: np.array([2.0, 2.0]), [0.0, 1.0], [5.0, 5.0])  # r2 of what does not vary
    assert (found["scores"], found["area"]) == ([None, None], None)


def test_area_by_hand() -> None:
    assert area_under([0, 1], [1.0, 0.5]) == 0.75
    assert area_under([0, 1, 4], [1.0, 0.5, 0.5]) == pytest.approx(0.25 * 0.75 + 0.75 * 0.5)
    assert area_under([40, 30, 0], [0.9, 0.9, 0.1]) == pytest.approx(0.25 * 0.9 + 0.75 * 0.5)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.floats(0.1, 100))
@settings(derandomize=True, deadline=None, database=None, max_examples=50)
def test_the_area_lies_between_the_scores_and_does_not_depend_on_the_unit(scores: list[float], unit: float) -> None:
    area = area_under(range(len(scores)), scores)
    assert min(scores) - 1e-9 <= area <= max(scores) + 1e-9
    assert area_under([unit * level for level in range(len(scores))], scores) == pytest.approx(area)


def test_a_modality_goes_missing_only_where_it_is_and_stays_missing() -> None:
    present = {"photo": np.array([True] * 8 + [False] * 2), "sound": np.ones(10, bool)}
    asked: list[dict[str, np.ndarray]] = []

    def answer(now: dict[str, np.ndarray]) -> np.ndarray:
        asked.append(now)
        return np.where(now["photo"][:, None], [0.1, 0.9], [0.9, 0.1])

    options: dict[str, Any] = {"modality": "photo", "generator": np.random.default_rng(0)}
    found = missing_curve(answer, present, ["yes"] * 10, CLASSES, **options)
    assert found["levels"] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert found["scores"] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    for now, then in itertools.pairwise(asked):
        assert not (then["photo"] & ~now["photo"]).any()  # what is gone does not come back
    assert all(now["sound"].all() for now in asked)
    assert present["photo"].sum() == 8  # the caller's own is left alone
