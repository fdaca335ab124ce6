"""A module of the user's own as an encoder: what it is given, what it may answer, what is told when it does not."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from plait.errors import RequestError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.text.prep import TextPrep
from plait.pretrained.own import wrap_own

PICTURE = ImagePrep(mode="RGB", height=8, width=8)


class Answer(nn.Module):
    """Answers what a function makes of its input."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def wrap(function, kind="image", shape=(3, 8, 8), dtype="uint8"):
    return wrap_own(Answer(function), kind, PICTURE, shape, dtype)


def test_a_picture_reaches_the_module_as_minus_1_to_1():
    frozen = wrap(lambda x: x.flatten(1)[:, :2])
    cell = frozen.prep(Image.new("RGB", (8, 8), (255, 0, 0)))
    assert (frozen.tokens, frozen.width) == (1, 2)
    assert frozen.encode(cell[None])[0].tolist() == [[1.0, 1.0]]
    assert frozen.encode(np.zeros((1, 3, 8, 8), np.uint8))[0].tolist() == [[-1.0, -1.0]]


def test_a_module_may_answer_tokens():
    frozen = wrap(lambda x: x.flatten(2).transpose(1, 2))
    assert (frozen.tokens, frozen.width) == (64, 3)


def test_tokens_that_are_not_present_are_zeros_even_where_they_are_nan():
    def function(x):
        tokens = torch.stack([x.flatten(1)[:, :2], torch.full((len(x), 2), torch.nan)], 1)
        return tokens, torch.tensor([[True, False]]).expand(len(x), 2)

    found = wrap(function).encode(np.full((1, 3, 8, 8), 255, np.uint8))
    assert found.tolist() == [[[1.0, 1.0], [0.0, 0.0]]]


def test_a_sound_reaches_the_module_as_a_log_mel():
    prep = AudioPrep(mels=8, sample_rate=1000, seconds=1.0, frames=20, hop=50)
    frozen = wrap_own(nn.Sequential(nn.Flatten(), nn.Linear(160, 5)), "audio", prep, (8, 20), "float16")
    cell = frozen.prep(np.ones((900, 1), np.float32), 1000).astype(np.float16)
    assert frozen.encode(cell[None]).shape == (1, 1, 5)


def test_a_text_reaches_the_module_as_token_ids():
    prep = TextPrep(min_count=1, subwords=False).fitted(["a warm coat", "a cold day"])
    frozen = wrap_own(nn.Embedding(prep.vocabulary, 4), "text", prep, (prep.length,), "int32")
    assert (frozen.tokens, frozen.width) == (3, 4)
    ids = frozen.prep("a warm sea")
    assert ids.tolist() == prep.ids(["a warm sea"])[0].tolist() and ids[2] == 1
    vectors = frozen.network.module.weight.numpy()
    np.testing.assert_array_equal(frozen.encode(ids[None])[0], vectors[ids])
    other = TextPrep(min_count=1, subwords=False).fitted(["a warm coat", "a cold night"])
    again = wrap_own(nn.Embedding(prep.vocabulary, 4), "text", other, (3,), "int32")
    assert again.prep.to_json() != frozen.prep.to_json()
    json.dumps(frozen.describe())


def test_the_users_module_stays_as_it_is():
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    frozen = wrap_own(module, "image", PICTURE, (3, 8, 8), "uint8")
    before = frozen.encode(np.ones((1, 3, 8, 8), np.uint8))
    nn.init.zeros_(module[1].weight)
    tuned = frozen.new_network()
    assert all(p.requires_grad for p in (*tuned.parameters(), *module.parameters())) and module.training
    nn.init.zeros_(tuned.module[1].weight)
    np.testing.assert_array_equal(frozen.encode(np.ones((1, 3, 8, 8), np.uint8)), before)
    assert [type(block) for block in tuned.blocks] == [nn.Flatten, nn.Linear]


def test_weights_class_and_parts_make_another_hash():
    def hash_of(*parts):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), *parts)
        return wrap_own(module, "image", PICTURE, (3, 8, 8), "uint8").weights

    assert hash_of(nn.ReLU()) == hash_of(nn.ReLU())
    assert (
        len({hash_of(), hash_of(nn.ReLU()), hash_of(nn.GELU()), hash_of(nn.LeakyReLU(0.1)), hash_of(nn.LeakyReLU())})
        == 5
    )


class Pool(nn.Module):
    """Means or maxima, times a number that is not saved."""

    def __init__(self, how, factor=1.0):
        super().__init__()
        self.how = how
        self.register_buffer("factor", torch.tensor(factor), persistent=False)

    def forward(self, x):
        return (x.mean((2, 3)) if self.how == "mean" else x.amax((2, 3))) * self.factor


def test_what_is_no_weight_makes_another_hash_too():
    def hash_of(module):
        return wrap_own(module, "image", PICTURE, (3, 8, 8), "uint8").weights

    assert hash_of(Pool("mean")) == hash_of(Pool("mean"))
    assert len({hash_of(Pool("mean")), hash_of(Pool("max")), hash_of(Pool("mean", 2.0))}) == 3
    functions = [lambda x: x.mean((2, 3)), lambda x: x.amax((2, 3)), lambda x: 2 * x.mean((2, 3))]
    assert len({hash_of(Answer(function)) for function in functions}) == 3


def test_a_class_that_was_changed_makes_another_hash():
    def hash_of(source):
        names = {"nn": nn}
        exec(source, names)
        return wrap_own(names["Mean"](), "image", PICTURE, (3, 8, 8), "uint8").weights

    source = "class Mean(nn.Module):\n    def forward(self, x):\n        return x.mean((2, 3))"
    assert hash_of(source) == hash_of(source)
    assert hash_of(source) != hash_of(source.replace("x.mean", "3 * x.mean"))


def test_what_it_says_of_itself():
    frozen = wrap(lambda x: x.mean((2, 3)))
    assert (frozen.name, frozen.origin, frozen.licence) == ("own", "your own module Answer", "yours")
    assert len(frozen.network.blocks) == 1  # no children: the module itself


@pytest.mark.parametrize(
    "function, said",
    [
        (lambda x: x, r"it answers float32 of shape \(2, 3, 8, 8\) for a batch of 2; expected \(batch, width\)"),
        (lambda x: x.mean((2, 3))[:1], r"answers float32 of shape \(1, 3\) for a batch of 2"),
        (lambda x: x.mean((2, 3)) > 0, r"answers bool of shape \(2, 3\); expected floats"),
        (lambda x: {"out": x}, "answers an object dict; expected floats"),
        (lambda x: (x.mean(3), x.mean((2, 3))), r"answers a tuple of float32 of shape \(2, 3, 8\), float32"),
        (lambda x: (x.mean(3), x.mean(3) > 0), r"answers a tuple of .* for a batch of 2; expected"),
        (lambda x: x @ torch.zeros(7, 1), r"of shape \(2, 3, 8, 8\), and fails: RuntimeError: .*Expected an answer"),
        (lambda x: None, "answers an object NoneType"),
    ],
)
def test_a_wrong_answer_is_told_with_what_was_given(function, said):
    with pytest.raises(
        RequestError, match=r"your module Answer was given pictures \(batch, channel, height, width\), .*" + said
    ):
        wrap(function)


def test_what_is_no_module_or_no_kind_is_told():
    with pytest.raises(RequestError, match=r"is function; expected an object of torch.nn.Module"):
        wrap_own(lambda x: x, "image", PICTURE, (3, 8, 8), "uint8")
    with pytest.raises(RequestError, match="cannot encode 'tabular'; expected one of image, audio, text"):
        wrap_own(nn.Identity(), "tabular", None, (3,), "float32")
