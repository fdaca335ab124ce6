"""What a candidate says of itself, and the choice of the simplest as good as the best."""

from types import SimpleNamespace

import numpy as np
import pytest

from plait.study.candidate import Candidate, choose


def candidate(name: str, losses: list[float], names: int = 1, weights: int = 10) -> Candidate:
    predictor = SimpleNamespace(names=["m"] * names)
    answers = np.zeros((len(losses), 2))
    return Candidate(name, "parallel", None, "joint", predictor, answers, np.array(losses), params=weights)


def test_the_cheapest_within_one_standard_error_is_chosen() -> None:
    best = candidate("best", [0.1, 0.2, 0.1, 0.2], names=3)
    # apart by .1, −.1, .1, −.08: mean .005, standard deviation .109, standard error .055
    near = candidate("near", [0.2, 0.1, 0.2, 0.12], names=1)
    assert choose([best, near]).name == "near"
    assert choose([near, best]).name == "near"


def test_a_difference_larger_than_its_error_counts() -> None:
    best = candidate("best", [0.1, 0.2, 0.1, 0.2], names=3)
    # apart by .05, .06, .05, .04: mean .05, standard error .004
    worse = candidate("worse", [0.15, 0.26, 0.15, 0.24], names=1)
    assert choose([best, worse]).name == "best"


def test_the_error_is_that_of_the_paired_difference() -> None:
    """Losses that spread widely but always differ by the same little are told apart."""
    best = candidate("best", [0.1, 5.0, 0.2, 9.0], names=2)
    worse = candidate("worse", [0.11, 5.01, 0.21, 9.01], names=1)
    assert choose([best, worse]).name == "best"


def test_among_equals_fewer_modalities_then_fewer_parameters_then_the_smaller_loss() -> None:
    losses = [0.1, 0.2]
    assert choose([candidate("two", losses, 2, 5), candidate("one", losses, 1, 50)]).name == "one"
    assert choose([candidate("big", losses, 2, 50), candidate("small", losses, 2, 5)]).name == "small"
    assert choose([candidate("a", [0.1, 0.3], 1), candidate("b", [0.2, 0.1], 1)]).name == "b"


def test_one_validation_row_has_no_error() -> None:
    assert choose([candidate("best", [0.1], 2), candidate("worse", [0.2], 1)]).name == "best"


def test_a_difference_that_no_user_would_see_is_none() -> None:
    best = candidate("best", [0.1, 0.2, 0.3], names=3)
    # always apart by the same: the error is 0, and 0.005 alone decides
    assert choose([best, candidate("near", [0.1049, 0.2049, 0.3049], names=1)]).name == "near"
    assert choose([best, candidate("far", [0.1051, 0.2051, 0.3051], names=1)]).name == "best"


def test_a_candidate_tells_its_loss_its_modalities_and_its_cost() -> None:
    told = candidate("told", [0.1, 0.2, 0.6], names=2, weights=7)
    assert told.loss == pytest.approx(0.3)
    assert told.names == ["m", "m"]
    assert told.cost == (2, 7)
