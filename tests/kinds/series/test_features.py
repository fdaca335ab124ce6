"""Features of a series: shares of kernels, then the level of each channel, which no kernel sees."""

import numpy as np
import pytest

from plait.kinds.series.features import features
from plait.kinds.series.prep import SeriesPrep, layout


def test_levels_stand_after_the_shares() -> None:
    rows = [np.arange(20.0) + k for k in range(4)]
    prep = SeriesPrep().fitted(rows)
    made = features(np.stack([prep(row) for row in rows]), layout(prep, "scratch"))
    assert made.shape == (4, prep.biases.size + 6)
    assert ((made[:, : prep.biases.size] >= 0) & (made[:, : prep.biases.size] <= 1)).all()
    mean, spread, low, high, first, last = made[:, -6:].T
    assert np.diff(mean) == pytest.approx(1 / prep.spread[0], rel=1e-6)
    assert np.ptp(spread) == pytest.approx(0, abs=1e-6)
    assert (low.tolist(), high.tolist()) == (first.tolist(), last.tolist())


def test_holes_count_as_a_share_of_each_channel() -> None:
    row = np.arange(20.0)
    row[:5] = np.nan
    prep = SeriesPrep().fitted([row, np.arange(20.0)])
    assert features(prep(row)[None], layout(prep, "scratch"))[0, -1] == 0.25
