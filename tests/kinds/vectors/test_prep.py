"""Vectors are brought to one length and scale by the training rows, and what a stranger's file says is looked at."""

from dataclasses import replace

import numpy as np
import pytest

from plait.errors import RequestError, RunError
from plait.kinds.vectors.prep import VectorPrep

ROWS = [np.array([1.0, 5.0]), np.array([3.0, 5.0]), np.array([7.0])]


def test_the_commonest_length_is_learned_and_each_number_scaled() -> None:
    prep = VectorPrep().fitted(ROWS)
    assert (prep.width, prep.mean.tolist(), prep.spread.tolist()) == (2, [2.0, 5.0], [1.0, 1.0])
    assert prep(np.array([1.0, 4.5])).tolist() == [-1.0, -0.5]


def test_numbers_that_hardly_differ_are_not_blown_up() -> None:
    prep = VectorPrep().fitted([np.array([1e6]), np.array([1e6 + 1e-3])])
    assert prep.spread.tolist() == [1.0]
    wild = VectorPrep().fitted([np.array([0.0]), np.array([1e-30])])
    assert wild(np.array([1e30])).tolist() == [1000.0]


def test_without_a_vector_nothing_is_learned() -> None:
    with pytest.raises(RequestError, match="there is no vector to learn a length from"):
        VectorPrep().fitted([])
    with pytest.raises(RequestError, match=r"vectors\.width is -1; expected 0 to"):
        VectorPrep(width=-1)


def test_a_state_that_does_not_belong_together_is_refused() -> None:
    prep = VectorPrep().fitted(ROWS)
    data, arrays = prep.state()
    assert VectorPrep.from_state(data, arrays).spread.tolist() == [1.0, 1.0]
    wrong = [
        replace(prep, mean=prep.mean[:1]),
        replace(prep, mean=np.array([np.nan, 0])),
        replace(prep, spread=np.array([0.0, 1])),
    ]
    for broken in wrong:
        with pytest.raises(RunError, match=r"the vectors preparation is damaged: '(mean|spread)' is not as long"):
            VectorPrep.from_state(*broken.state())
    with pytest.raises(RunError, match="damaged"):
        VectorPrep.from_state(data, {})
