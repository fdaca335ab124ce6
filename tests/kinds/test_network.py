"""A layout tells the shape of a row and makes the network for it."""

import re
from typing import Any

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.audio.network import SoundEncoder
from plait.kinds.image.network import ConvEncoder
from plait.kinds.network import build_encoder, check_shape, input_shape
from plait.kinds.tabular.network import TabularEncoder
from plait.kinds.text.network import TextEncoder
from plait.kinds.vectors.network import VectorEncoder
from tiny import LAYOUTS


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


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("image", ConvEncoder),
        ("audio", SoundEncoder),
        ("text", TextEncoder),
        ("tabular", TabularEncoder),
        ("vectors", VectorEncoder),
    ],
)
def test_each_kind_has_its_network_which_takes_what_its_layout_says(kind: str, network: type) -> None:
    encoder = build_encoder(LAYOUTS[kind], 6).eval()
    assert type(encoder) is network
    with torch.random.fork_rng():
        tokens, present = encoder(torch.zeros(3, *input_shape(LAYOUTS[kind])))
    assert tokens.shape == (3, present.shape[1], 6)


def test_a_network_may_be_given_more_than_its_sizes() -> None:
    encoder = build_encoder({**LAYOUTS["tabular"], "width": 3, "dropout": 0.0}, 6)
    assert encoder.weight.shape == (2, 3)
    assert encoder.layers[3].p == 0.0


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
