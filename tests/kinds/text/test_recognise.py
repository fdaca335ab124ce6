"""Texts and short values that come again, by name, by length and by how often they differ."""

import pytest

from plait.data.read import read
from plait.kinds.facts import Guess, facts_of
from plait.kinds.text.recognise import count_words, judge_prose


def judged(cells: list[object], name: str = "x") -> Guess:
    return judge_prose(facts_of(read({name: cells}), name))


def test_words_are_counted_in_any_script() -> None:
    assert count_words("I don't know, 42!") == 4
    assert count_words("这件衣服真的很好看我喜欢极了真棒棒") == 10
    assert count_words("") == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [("don’t stop", 2), ("a_b", 2), ("Größe 3,5", 3), ("สวัสดี", 6 / 1.7), ("ok 好的", 1 + 2 / 1.7), ("…", 0)],
)
def test_what_counts_as_a_word(text: str, words: float) -> None:
    assert count_words(text) == pytest.approx(words)


def test_a_column_named_text_is_one_whatever_it_holds() -> None:
    assert judged(["plus", "minus"] * 20, "text") == Guess(
        "text", "named 'text'; 2 different values in 40 cells, about 1 word each", 0.9
    )
    assert judged(["plus", "minus"] * 20, "text size").kind == "category"


def test_few_and_short_values_are_categories() -> None:
    assert judged(["dark red", "light blue"] * 4) == Guess(
        "category", "few and short: 2 different values in 8 cells", 0.9
    )
    assert judged(["dark red", "light blue"] * 4, "comment").kind == "text"  # the name says so, and two words
    assert judged(["red", "blue"] * 4, "comment").kind == "category"


def test_many_short_values_that_come_again_are_categories() -> None:
    found = judged([f"shade {n}" for n in range(30)] * 5)
    assert found == Guess("category", "short values that come again: 30 different values in 150 cells", 0.8)


def test_five_words_are_a_sentence() -> None:
    assert judged(["it fits me very well", "it is much too small"] * 2) == Guess(
        "text", "sentences: 2 different values in 4 cells, about 5 words each", 0.95
    )


def test_phrases_and_words_are_texts_where_most_differ() -> None:
    assert judged(["good fit", "bad fit", "no fit"]).why.startswith("phrases, most of them different: 3 different")
    letters = "abcdefghijklmnopqrst"
    assert judged([f"word{letter}" for letter in letters]).why.startswith("words, most of them different: 20 different")
    assert judged([f"word{letter}" for letter in letters[1:]]).kind == "category"  # too few to tell
    assert judged(["red", "blue", "green"]) == Guess("category", "short values: 3 different values in 3 cells", 0.5)
