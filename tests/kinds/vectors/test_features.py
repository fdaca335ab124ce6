"""Vectors of another encoder are features as they are."""

import numpy as np

from plait.kinds.features import feature_count
from plait.kinds.vectors.features import features


def test_tokens_stand_one_after_the_other() -> None:
    x = np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [0.0, -1.0, -2.0]]])
    assert features(x, {}).tolist() == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 0, -1, -2]]


def test_no_rows_stay_no_rows() -> None:
    found = features(np.zeros((3, 2, 5))[:1], {})
    assert found.shape == (1, feature_count({"kind": "vectors", "tokens": 2, "width": 5}))
