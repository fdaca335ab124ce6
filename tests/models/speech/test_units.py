"""Texts as a recogniser compares and writes them."""

import pytest

from plait.errors import RequestError
from plait.models.speech.units import Units, join_words, normalise, words_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't  STOP, Café-Bar!", "don't stop café bar"),
        ("  'tis the boys' turn ", "tis the boys turn"),
        ("it’s ﬁne…", "it's fine"),
        ("STRASSE straße", "strasse strasse"),
        ("Ｎｕｍｂｅｒ\t７", "number 7"),
        ("你好， 世界 ok", "你好世界 ok"),
        ("ok你好", "ok 你好"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_texts_are_normalised(text: str, expected: str) -> None:
    assert normalise(text) == expected
    assert normalise(expected) == expected


def test_a_character_of_a_script_without_blanks_is_a_word() -> None:
    assert words_of("Now: 你好 ok!") == ["now", "你", "好", "ok"]
    assert words_of("กี่") == ["กี่"]  # signs stay with their letter
    assert words_of("?!") == []


def test_words_are_joined_as_their_script_is_written() -> None:
    assert join_words(["turn", "left"]) == "turn left"
    assert join_words(["你", "好", "ok", "吗"]) == "你好 ok 吗"


def test_few_distinct_words_are_the_units() -> None:
    units = Units.of(["One two", "two, two!", ""])
    assert units == Units("words", ("one", "two"), {"one": 1, "two": 3})
    assert units.size == 3
    assert units.encode("two ONE three two") == [2, 1, 2]
    assert units.encode("") == []


def test_many_distinct_words_make_characters_the_units() -> None:
    texts = [f"{a}{b} c" for a in "abcdefghijk" for b in "abcdefghij"]
    units = Units.of(texts)
    assert units.kind == "characters"
    assert units.symbols == (" ", *"abcdefghijk")
    assert units.counts["ab"] == 1 and units.counts["c"] == 110
    assert units.encode("Ab z") == [2, 3, 1]  # the blank between words is a unit, z is none


def test_chinese_text() -> None:
    units = Units.of(["你好", "你 们 好。"])
    assert units.kind == "words"
    assert units.symbols == ("们", "你", "好")
    assert units.encode("你们好") == [2, 1, 3]


def test_units_go_through_json() -> None:
    units = Units.of(["one two"])
    assert Units.from_json(units.to_json()) == units


def test_texts_without_a_word_are_refused() -> None:
    with pytest.raises(RequestError, match="no training row has a transcript with a word in it"):
        Units.of(["", "…"])
