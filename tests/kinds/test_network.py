"""A layout tells the shape of a row and makes the network for it."""

import re
from typing import Any

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.audio.network import SoundEncoder
from plait.kinds.image.network import ConvEncoder
from plait.kinds.network import Dropout, build_encoder, check_shape, input_shape
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
    assert encoder.layers[3].share == 0.0


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


def test_dropout_leaves_out_its_share_and_keeps_the_mean() -> None:
    dropout, x = Dropout(0.3), torch.ones(300, 101)  # of which four do not divide the number
    with torch.random.fork_rng():
        torch.manual_seed(0)
        said = dropout.train()(x)
        torch.manual_seed(0)
        assert torch.equal(said, dropout(x))
    assert said.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert float((said == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(Dropout(0.0).train()(x), x)
    assert dropout.eval()(x) is x


def test_gradients_pass_where_dropout_lets_numbers_through() -> None:
    x = torch.ones(3, 5, requires_grad=True)
    with torch.random.fork_rng():
        said = Dropout(0.5).train()(x)
    (slope,) = torch.autograd.grad(said.sum(), x)
    assert torch.equal(slope, said.detach())
