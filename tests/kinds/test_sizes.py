"""A layout tells the shape of a row, and what is shaped otherwise is told."""

import re
from typing import Any

import numpy as np
import pytest

from plait.errors import RequestError
from plait.kinds.sizes import check_shape, input_shape, usual_encoder


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ({"kind": "image", "channels": 3, "height": 48, "width": 64}, (3, 48, 64)),
        ({"kind": "audio", "mels": 64, "frames": 101}, (64, 101)),
        ({"kind": "text", "features": 4, "tokens": 5, "vocabulary": 9}, (9,)),
        ({"kind": "text", "features": 0, "tokens": 5, "vocabulary": 9}, (5,)),
        ({"kind": "tabular", "numbers": 2, "categories": [3, 4, 9]}, (7,)),  # two numbers, two flags, three codes
        ({"kind": "tabular", "numbers": 0, "categories": []}, (0,)),
        ({"kind": "vectors", "tokens": 2, "width": 6}, (2, 6)),
        ({"kind": "tuned", "shape": [3, 224, 224]}, (3, 224, 224)),
    ],
)
def test_a_layout_tells_the_shape_of_a_row(layout: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert input_shape(layout) == shape


@pytest.mark.parametrize("shape", [(1, 3, 4), (0, 3, 4), (900, 3, 4)])
def test_a_word_stands_for_any_length(shape: tuple[int, ...]) -> None:
    check_shape("picture", np.zeros(shape), ("batch", 3, 4))


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
        check_shape("picture", np.zeros(shape), ("batch", 3, 4))


def test_tokens_are_looked_at_beside_tfidf_where_texts_are_many() -> None:
    assert [usual_encoder("text", rows) for rows in (9_999, 10_000)] == ["tfidf", "both"]
    assert usual_encoder("series", 9_999) == "scratch"
