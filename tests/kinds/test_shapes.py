"""Shapes of what encoders are given: what fits passes, what does not is told."""

import re

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.shapes import check_shape


@pytest.mark.parametrize("shape", [(1, 3, 4), (0, 3, 4), (900, 3, 4)])
def test_a_word_stands_for_any_length(shape: tuple[int, ...]) -> None:
    check_shape("picture", torch.zeros(shape), ("batch", 3, 4))


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((2, 3, 5), "picture: got an array of shape (2, 3, 5); expected (batch, 3, 4)."),
        ((2, 3), "picture: got an array of shape (2, 3); expected (batch, 3, 4)."),
        ((2, 3, 4, 1), "picture: got an array of shape (2, 3, 4, 1); expected (batch, 3, 4)."),
        ((), "picture: got an array of shape (); expected (batch, 3, 4)."),
    ],
)
def test_another_length_and_another_number_of_axes_are_told(shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        check_shape("picture", torch.zeros(shape), ("batch", 3, 4))
