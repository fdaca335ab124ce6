"""A layout makes the network for it."""

import numpy as np
import pytest
import torch

from plait.kinds.audio.network import SoundEncoder
from plait.kinds.image.network import ConvEncoder
from plait.kinds.network import Dropout, as_float, build_encoder
from plait.kinds.sizes import input_shape
from plait.kinds.tabular.network import TabularEncoder
from plait.kinds.text.network import TextEncoder
from plait.kinds.vectors.network import VectorEncoder
from tiny import LAYOUTS


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


def test_only_pictures_in_whole_numbers_are_scaled() -> None:
    whole = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    assert as_float("image", whole)[0].tolist() == pytest.approx([0, 0.2, 1])
    assert as_float("image", whole / 255)[0].tolist() == pytest.approx([0, 0.2, 1])
    assert as_float("tabular", whole)[0].tolist() == [0, 51, 255]
    assert as_float("tabular", whole).dtype == torch.float32
    assert as_float("tuned", whole) is whole  # a pretrained network scales what it is given
    every = torch.arange(256, dtype=torch.uint8)  # features are made of the same numbers
    assert np.array_equal(as_float("image", every).numpy(), np.arange(256, dtype=np.float32) / 255)
    assert whole[0].tolist() == [0, 51, 255]
