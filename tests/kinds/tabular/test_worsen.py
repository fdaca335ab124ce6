"""Tables made worse: noise in the numbers, and in nothing else."""

import numpy as np
import pytest

from plait.errors import RequestError
from plait.kinds.tabular.worsen import NUMBER_NOISE, noise_numbers


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_levels_begin_at_nothing():
    assert NUMBER_NOISE[0] == 0.0
    assert list(NUMBER_NOISE) == sorted(NUMBER_NOISE)
    values = new().standard_normal((6, 3)).astype(np.float32)
    values[:, 1] = 0  # no number is missing
    assert np.array_equal(noise_numbers(values, 0.0, new(), {"numbers": 1}), values)


def test_noise_of_numbers_leaves_flags_codes_and_what_is_missing():
    values = np.zeros((500, 5), np.float32)  # two numbers, two flags, a category
    values[:, 4] = 3
    values[:250, 3] = 1  # the second number is missing in half of the rows
    noisy = noise_numbers(values, 0.5, new(), {"numbers": 2})
    assert noisy.dtype == np.float32
    assert noisy[:, 0].std() == pytest.approx(0.5, rel=0.1)
    assert (noisy[:250, 1] == 0).all()
    assert (noisy[250:, 1] != 0).all()
    assert np.array_equal(noisy[:, 2:], values[:, 2:])


def test_a_worse_level_is_the_better_one_further_on():
    values = np.zeros((5, 4), np.float32)
    little, much = (noise_numbers(values, level, new(3), {"numbers": 2}) for level in (0.5, 2.0))
    assert much[:, :2] == pytest.approx(4 * little[:, :2])
    assert (values == 0).all()


def test_a_table_with_too_few_features_is_named():
    with pytest.raises(RequestError, match=r"table has shape \(1, 3\); expected \(batch, feature\) with at least 4"):
        noise_numbers(np.zeros((1, 3)), 0.1, new(), {"numbers": 2})
