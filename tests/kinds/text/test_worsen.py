"""Texts made worse: words are dropped, and the rest stays as it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kinds.text.clean import tokenise
from plait.kinds.text.worsen import DROPPED, drop_words


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_levels_begin_at_nothing():
    assert DROPPED[0] == 0.0
    assert list(DROPPED) == sorted(DROPPED)
    assert drop_words("as it  was", 0, new()) == "as it  was"


def test_words_are_dropped_and_the_rest_stays():
    text = "The quick, brown fox (it's 3.5 years old) jumps."
    kept = [drop_words(text, share, new(4)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert kept[0] == text
    assert kept[3] == ""
    words = [set(tokenise(k)) for k in kept]
    assert words[2] < words[1] < words[0]  # a word once dropped stays dropped
    assert drop_words("one, two, three", 0.5, new()) == "one, ,"


def test_chinese_is_dropped_by_character():
    text = "我爱机器学习和自然语言处理" * 20
    assert len(drop_words(text, 0.25, new())) / len(text) == pytest.approx(0.75, abs=0.06)


def test_text_without_words_stays():
    assert drop_words("", 0.5, new()) == ""
    assert drop_words("...", 1.0, new()) == "..."


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.text("ab '.我爱é\ue000\ue001\n3", max_size=40), st.floats(0, 1))
def test_any_text_can_lose_words(text, share):
    assert len(drop_words(text, share, new())) <= len(text)
