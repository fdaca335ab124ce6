"""Noise in vectors: none at first, and a worse level holds the better one."""

import numpy as np

from plait.kinds.vectors.worsen import WAYS, add_noise


def test_noise_grows_with_the_level() -> None:
    x = np.ones((4, 1, 50), np.float32)
    none, some, more = (add_noise(x, level, np.random.default_rng(0), {}) for level in (0.0, 1.0, 2.0))
    assert np.array_equal(none, x)
    assert np.allclose(more - x, 2 * (some - x), atol=1e-6)
    assert 0.8 < (some - x).std() < 1.2
    assert (some.dtype, WAYS[0].levels[0]) == (np.float32, 0.0)
