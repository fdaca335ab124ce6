"""What pictures say as a column of a table: honest, absent where they are, and stored with what reads it."""

from typing import Any

import numpy as np
import pytest

from plait.core.files import under
from plait.errors import RequestError, RunError
from plait.models.classic import Goal
from plait.models.scored import ScoredPredictor, Step, fit_scored, score_rows

LAYOUTS: dict[str, dict[str, Any]] = {
    "photo": {"kind": "vectors", "tokens": 1, "width": 40, "columns": 1},
    "table": {"kind": "vectors", "tokens": 1, "width": 2, "columns": 1},
}
NUM = 90


def draw(seed: int = 0, tells: float = 1.0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return features of pictures, of which three rows have none, and of a table, and classes."""
    generator = np.random.default_rng(seed)
    codes = np.arange(NUM) % 2
    photo = generator.standard_normal((NUM, 40)) + tells * codes[:, None]
    photo[:3] = np.nan
    return {"photo": photo, "table": generator.standard_normal((NUM, 2))}, codes


def fit(features: dict[str, np.ndarray], goal: Goal, learner: str = "logistic regression") -> ScoredPredictor:
    first = "ridge regression" if goal.regression else "discriminant analysis"
    setting = {"alpha": 1.0} if goal.regression else {"C": 1.0}
    steps = Step(first, setting if goal.regression else {}, ["photo"]), Step(learner, setting, ["table"])
    return fit_scored(*steps, features, goal, LAYOUTS, np.random.default_rng(0))


@pytest.fixture(scope="module")
def made() -> ScoredPredictor:
    features, codes = draw()
    return fit(features, Goal(codes, np.array([0.5, 0.5])))


def test_the_table_is_read_with_what_the_pictures_say(made: ScoredPredictor) -> None:
    features, codes = draw(1)
    assert made.names == ("photo", "table")
    assert (made.from_features(features)[3:].argmax(1) == codes[3:]).mean() > 0.95
    told = score_rows(made.first, {"photo": features["photo"]})
    assert told.shape == (NUM, 1)
    assert np.isnan(told[:3]).all()
    assert np.isfinite(told[3:]).all()


def test_a_subset_is_answered_as_if_the_rest_were_absent(made: ScoredPredictor) -> None:
    features, _ = draw(1)
    blank = {**features, "photo": np.full_like(features["photo"], np.nan)}
    assert np.array_equal(made.from_features(features, ["table"]), made.from_features(blank))
    nothing = made.from_features(features, [])
    assert np.array_equal(nothing, np.tile(made.prior, (NUM, 1)))


def test_pictures_of_nothing_are_not_believed_because_they_were_learned_by_heart() -> None:
    """Of 40 numbers and 60 rows a linear learner tells its own rows apart; scored by others they are noise."""
    features, codes = draw(2, tells=0.0)
    features["table"][:, 0] += 1.5 * codes
    made = fit(features, Goal(codes, np.array([0.5, 0.5])))
    fresh, others = draw(3, tells=0.0)
    fresh["table"][:, 0] += 1.5 * others
    said = made.from_features(fresh)
    alone = made.from_features(fresh, ["table"])
    assert np.abs(said - alone).mean() < 0.1


def test_it_goes_through_its_state(made: ScoredPredictor) -> None:
    features, _ = draw(1)
    facts, arrays = made.state()
    again = ScoredPredictor.from_state(facts, arrays)
    assert np.array_equal(again.from_features(features), made.from_features(features))
    assert again.params == made.params
    with pytest.raises(RunError, match="it has 1 learners; expected two"):
        ScoredPredictor.from_state({**facts, "members": facts["members"][:1]}, arrays)
    swapped = {**{f"0.{k}": x for k, x in under(arrays, "1.").items()}, **arrays}
    with pytest.raises(RunError, match="damaged"):
        ScoredPredictor.from_state({**facts, "members": facts["members"][::-1]}, swapped)


def test_numbers_and_more_classes_have_columns_of_their_own() -> None:
    features, codes = draw()
    numbers = fit(features, Goal(codes * 10.0, np.array([5.0]), True), "ridge regression")
    assert score_rows(numbers.first, features).shape == (NUM, 1)
    assert numbers.from_features(features).shape == (NUM, 1)
    three = fit(features, Goal(np.arange(NUM) % 3, np.full(3, 1 / 3)))
    assert score_rows(three.first, features).shape == (NUM, 3)


def test_a_fold_of_one_class_is_too_poor() -> None:
    features, codes = draw()
    with pytest.raises(RequestError, match="are of one class"):
        fit(features, Goal(np.where(np.arange(NUM) < 3, codes, 0), np.array([0.9, 0.1])))
