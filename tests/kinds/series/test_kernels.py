"""Kernels of a series: which there are, that they ignore the level, and that a row comes out the same alone."""

import numpy as np
import pytest

from plait.kinds.series.kernels import HEAVY, count_above, count_biases, learn_biases, plan_groups

WAVES = np.sin(np.arange(40) / 4 + np.arange(5)[:, None])[:, None]


def test_there_are_84_kernels_a_dilation_and_the_same_from_one_seed() -> None:
    groups = plan_groups(1, 40, 3)
    assert len(HEAVY) == 84
    assert [sum(len(g.kernels) for g in groups if g.dilation == d) for d in (1, 2, 3, 4)] == [84] * 4
    assert max(g.dilation for g in groups) == 4  # 8 times as far as nine taps reach
    again, other = plan_groups.__wrapped__(1, 40, 3), plan_groups(1, 40, 4)
    assert all(np.array_equal(a.kernels, b.kernels) for a, b in zip(groups, again, strict=True))
    assert not all(np.array_equal(a.kernels, b.kernels) for a, b in zip(groups, other, strict=True))


def test_a_share_is_that_of_places_above_the_bias() -> None:
    x = np.zeros((1, 1, 9))
    x[0, 0, 4] = 1.0  # each tap sees it once: three times 2, six times −1
    (first, *_) = groups = [group for group in plan_groups(1, 9, 0) if group.padded]
    biases = np.zeros((42, count_biases(groups)))
    shares = count_above(x, groups, biases)
    assert (first.dilation, first.padded) == (1, True)
    assert np.unique(shares).tolist() == pytest.approx([3 / 9])


def test_the_level_moves_no_kernel_that_is_not_padded() -> None:
    groups = [group for group in plan_groups(1, 40, 0) if not group.padded]
    exact = np.round(WAVES * 8) / 8
    biases = learn_biases(exact, groups)
    assert np.array_equal(count_above(exact, groups, biases), count_above(exact + 4, groups, biases))


def test_biases_are_quantiles_so_that_shares_differ() -> None:
    groups = plan_groups(1, 40, 0)
    biases = learn_biases(WAVES, groups)
    assert biases.shape == (336, 5)
    shares = count_above(WAVES, groups, biases)
    assert shares.shape == (5, 1680)
    assert 0.4 < shares.mean() < 0.6


@pytest.mark.parametrize("length", [9, 31, 2100])  # of the last, the bytes that count would be full
def test_shares_are_those_of_the_sum_over_nine_taps(length: int) -> None:
    x = np.random.default_rng(0).integers(-8, 9, (3, 1, length)) / 8.0  # sums of these are exact
    groups = [group for group in plan_groups(1, length, 0) if group.dilation == 1][:2]
    biases = np.full((sum(len(group.kernels) for group in groups), 2), [0.3, -1.3])
    expected = []
    for group in groups:
        around = np.pad(x[:, 0], ((0, 0), (4, 4)) if group.padded else ((0, 0), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(around, 9, axis=1)  # (row, place, tap)
        weights = np.stack([np.where(np.isin(np.arange(9), kernel), 2, -1) for kernel in group.kernels], axis=1)
        expected += [(windows @ weights > bias).mean(axis=1) for bias in (0.3, -1.3)]
    assert np.array_equal(count_above(x, groups, biases), np.concatenate(expected, axis=1))


def test_biases_of_many_series_are_those_of_a_hundred() -> None:
    groups, many = plan_groups(1, 40, 0), np.random.default_rng(0).standard_normal((300, 1, 40))
    assert np.array_equal(learn_biases(many, groups), learn_biases(many[::3], groups))


def test_of_several_channels_each_kernel_sums_a_few() -> None:
    groups = plan_groups(6, 40, 0)
    assert {len(group.channels) for group in groups} <= {1, 2, 3, 4, 5, 6}
    assert {channel for group in groups for channel in group.channels} == {*range(6)}
    x = np.random.default_rng(0).standard_normal((4, 6, 40))
    biases = learn_biases(x, groups)
    assert np.array_equal(count_above(x, groups, biases)[2:3], count_above(x[2:3], groups, biases))
