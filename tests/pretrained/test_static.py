"""Static embeddings of texts: against the package they come from, cutting, holes, options."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from plait.errors import RequestError
from plait.pretrained.packages import find_file
from plait.pretrained.static import PACKAGE, TOKENISER, VECTORS, StaticPrep, make_static

pytest.importorskip(PACKAGE)

TEXTS = [
    "Love this dress! It's sooo pretty.",
    "我爱北京天安门。",
    "so good 🙂👍🏽",
    "Größe passt nicht – ñandú",
    "a",
    "",
    "Special signs: ▁ [PAD] 1,000 #tag\\n",
]


@pytest.fixture(scope="module")
def encoder():
    return make_static({})


def encode(encoder, texts):
    return encoder.encode(np.stack([encoder.prep(text) for text in texts]))[:, 0]


def test_features_are_those_of_the_package(encoder):
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    wordllama = pytest.importorskip("wordllama")
    vectors = load_file(find_file(PACKAGE, *VECTORS))["embedding.weight"]
    theirs = wordllama.WordLlamaInference(vectors, Tokenizer.from_file(str(find_file(PACKAGE, *TOKENISER))))
    np.testing.assert_allclose(encode(encoder, TEXTS), theirs.embed(TEXTS), atol=1e-5)


def test_a_text_is_ids_from_1_and_then_zeros(encoder):
    ids = encoder.prep("a cat")
    assert ids.shape == (1024,) == encoder.shape and ids.dtype == np.int32 == np.dtype(encoder.dtype)
    assert ids[:4].tolist() == [264, 6636, 0, 0]  # ▁a and ▁cat are 263 and 6635 in the vocabulary


def test_a_text_without_a_token_gives_zeros(encoder):
    assert not encode(encoder, ["", " \n", "<p></p>"]).any()
    assert encoder.encode(np.zeros((0, 1024), np.int32)).shape == (0, 1, 256)


def test_near_meanings_are_near(encoder):
    x = torch.from_numpy(encode(encoder, ["The food was delicious.", "A tasty meal.", "The engine needs oil."]))
    near, far = torch.cosine_similarity(x[0], x[1], dim=0), torch.cosine_similarity(x[0], x[2], dim=0)
    assert near > far + 0.2


def test_the_rest_of_a_long_text_is_cut(encoder):
    words = "cat " * 1024
    assert (encoder.prep(words) != 0).all()
    np.testing.assert_array_equal(encoder.prep(words), encoder.prep(words + "dog " * 9000))


def test_a_text_is_cleaned_first_and_its_capitals_are_kept(encoder):
    np.testing.assert_array_equal(encoder.prep("<b>CafÃ©</b> &amp;  Bar"), encoder.prep("Café & Bar"))
    assert (encoder.prep("Bar") != encoder.prep("bar")).any()
    lower = make_static({"lower": "true"})
    np.testing.assert_array_equal(lower.prep("Bar"), encoder.prep("bar"))
    assert lower.key != encoder.key


def test_the_marker_of_a_column_is_read_as_its_name(encoder):
    np.testing.assert_array_equal(encoder.prep("\ue000Title\ue001 So nice"), encoder.prep("Title: So nice"))


def test_what_it_says_of_itself(encoder):
    assert (encoder.tokens, encoder.width, encoder.licence) == (1, 256, "MIT")
    assert encoder.origin.startswith("wordllama 0.")
    assert StaticPrep(lower=True).from_json(json.loads(json.dumps(encoder.describe()))["prep"]) == encoder.prep
    with pytest.raises(RequestError, match=r"text has no option 'lowr'\. Did you mean 'lower'"):
        make_static({"lowr": True})


def test_it_can_be_tuned_and_empty_places_stay_without_weight(encoder):
    network = encoder.new_network()
    ids = torch.from_numpy(np.stack([encoder.prep("a cat"), encoder.prep("a")]))
    network(ids).sum().backward()
    (embedding,) = network.blocks
    assert embedding.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [264, 6636]
    assert embedding.weight.grad[264, 0].item() == pytest.approx(1.5)  # half of one text, all of the other


def test_the_package_itself_is_not_imported():
    code = (
        "import sys, plait\nfrom plait.pretrained.static import make_static\n"
        "f = make_static({})\nf.encode(f.prep('a')[None])\n"
        "print([name for name in ('wordllama', 'requests', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
