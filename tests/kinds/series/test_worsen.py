"""Series made worse: noise leaves flags alone, a lost stretch is bridged and flagged, and holds the smaller one."""

import numpy as np

from plait.kinds.series.worsen import add_noise, lose_stretch


def test_noise_spares_flags() -> None:
    x = np.zeros((3, 2, 8), np.float32)
    worse = add_noise(x, 1.0, np.random.default_rng(0), {"channels": 1})
    assert worse.dtype == np.float32
    assert worse[:, 0].std() > 0.5
    assert not worse[:, 1].any()


def test_a_lost_stretch_is_a_straight_line() -> None:
    x = np.array([[[0.0, 1, 5, 3, 4], [0, 0, 0, 0, 0]]], np.float32)
    lost = [lose_stretch(x, share, np.random.default_rng(1), {"channels": 1}) for share in (0.2, 0.6)]
    flags = [{*np.flatnonzero(out[0, 1])} for out in lost]
    assert (len(flags[0]), len(flags[1])) == (1, 3)
    assert flags[0] < flags[1]
    (place,) = flags[0]
    assert lost[0][0, 0, place] == (x[0, 0, place - 1] + x[0, 0, place + 1]) / 2
    assert np.array_equal(lose_stretch(x, 0.0, np.random.default_rng(1), {"channels": 1}), x)


def test_at_an_end_the_last_number_stays() -> None:
    x = np.array([[[9.0, 1, 2, 7]]], np.float32)
    out = lose_stretch(x, 0.75, np.random.default_rng(0), {"channels": 1})
    assert {*out[0, 0].tolist()} in ({9.0}, {7.0})
