"""Features of texts: the TF-IDF vector, or where there is none counts of words."""

import numpy as np
import pytest
import torch

from plait.core.contract import Batch
from plait.kinds.features import batch_features
from plait.kinds.text.features import WORDS, features
from tiny import LAYOUTS


def test_a_text_is_its_tfidf_vector_or_counts_of_its_words() -> None:
    here = {"text": torch.tensor([True])}
    x = torch.tensor([[0.1, 0.2, 0.3, 0.4, 3, 5, 0, 0, 0]])
    found = batch_features(Batch({"text": x}, here), {"text": LAYOUTS["text"]}, ["text"])["text"]
    assert found[0].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4])
    layout = {"text": {"kind": "text", "features": 0, "tokens": 5, "vocabulary": 6}}
    counts = batch_features(Batch({"text": torch.tensor([[3.0, 5.0, 3.0, 0.0, 0.0]])}, here), layout, ["text"])["text"]
    once, twice = np.log(2), np.log(3)
    assert counts[0].tolist() == pytest.approx((np.array([0, 0, twice, 0, once]) / np.hypot(once, twice)).tolist())


def test_a_text_without_a_word_has_zeros_and_no_nan() -> None:
    assert features(np.zeros((1, 5)), {"features": 0, "vocabulary": 6}).tolist() == [[0.0] * 5]


def test_only_the_most_common_words_are_counted() -> None:
    layout = {"features": 0, "vocabulary": WORDS + 500}
    x = np.array([[2, WORDS + 3, WORDS + 400, 0]], float)
    found = features(x, layout)[0]
    assert len(found) == WORDS - 1  # 0 is an empty place
    assert found.nonzero()[0].tolist() == [1]
    assert found[1] == 1.0  # the rare words do not take from its length
