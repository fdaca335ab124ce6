"""From probabilities made by hand to text."""

import math

import numpy as np
import pytest

from plait.models.speech.decode import Heard, decode, mend_word, score_units
from plait.models.speech.units import Units

WORDS = Units("words", ("one", "two"), {"one": 1, "two": 1})


def frames(rows: list[list[float]]) -> np.ndarray:
    """Return the logs of probabilities (frame, unit)."""
    return np.log(np.maximum(np.array(rows, np.float32), 1e-9))


def spelled(text: str, units: Units, sure: float = 0.8) -> np.ndarray:
    """Return frames in which each character is `sure`, with CTC's blank between them; _ is the blank alone."""
    rows = []
    for character in text:
        for index in (0 if character == "_" else units.symbols.index(character) + 1, 0):
            row = np.full(units.size, (1 - sure) / (units.size - 1))
            row[index] = sure
            rows.append(row)
    return np.log(np.array(rows))


def test_repeats_and_blanks_are_taken_out() -> None:
    heard = decode(
        frames([[1, 0, 0], [0.1, 0.9, 0], [0, 1, 0], [1, 0, 0], [0.36, 0, 0.64], [1, 0, 0], [0, 0, 1]]), WORDS, 0.04
    )
    assert heard.text == "one two two"
    assert heard.confidence == pytest.approx(0.64 ** (1 / 3), abs=1e-5)
    assert heard.words == [("one", 0.04, 0.12), ("two", 0.16, 0.2), ("two", 0.24, 0.28)]


def test_a_word_lasts_as_long_as_it_is_not_ruled_out() -> None:
    heard = decode(frames([[1, 0, 0], [0.8, 0.2, 0], [0.3, 0.7, 0], [0.7, 0.3, 0], [1, 0, 0]]), WORDS, 0.1)
    assert heard.words == [("one", 0.1, 0.4)]
    heard = decode(frames([[0.2, 0.8, 0], [0.6, 0.4, 0], [0.1, 0.9, 0]]), WORDS, 0.1)
    assert heard.words == [("one", 0.0, 0.2), ("one", 0.2, 0.3)]  # and no longer than to the next


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), frames([[0.9, 0.1, 0]] * 4)])
def test_nothing_heard(rows: np.ndarray) -> None:
    assert decode(rows, WORDS, 0.04) == Heard("", 0.0, [])


LETTERS = Units("characters", (" ", *"einorstvx"), {"six": 5, "seven": 5, "one": 5})


def test_characters_make_words_with_times() -> None:
    heard = decode(spelled("six one", LETTERS), LETTERS, 0.1)
    assert heard.text == "six one"
    assert heard.words == [("six", 0.0, 0.5), ("one", 0.8, 1.3)]
    assert heard.confidence == pytest.approx(0.8)


def test_a_word_outside_the_list_becomes_a_near_one() -> None:
    sounds = spelled("sevn six", LETTERS)
    assert decode(sounds, LETTERS, 0.1).text == "seven six"
    assert decode(sounds, LETTERS, 0.1, prior=0).text == "sevn six"


def test_a_clear_word_far_from_the_list_stays() -> None:
    assert decode(spelled("torsion", LETTERS, 0.99), LETTERS, 0.1).text == "torsion"
    assert mend_word("rose", spelled("rose", LETTERS, 0.9999), LETTERS, 0.5) == "rose"


def test_the_prior_chooses_between_near_words() -> None:
    units = Units("characters", ("a", "c", "t", "u"), {"cat": 98, "cut": 2})
    sounds = spelled("c_t", units, 0.7)
    assert decode(sounds, units, 0.1).text == "cat"


def test_chinese_characters() -> None:
    units = Units("characters", ("你", "好", "们"), {"你": 2, "好": 2, "们": 1})
    heard = decode(spelled("你们好", units), units, 0.1)
    assert heard.text == "你们好"
    assert [word for word, _, _ in heard.words] == ["你", "们", "好"]


def test_the_score_is_the_sum_over_all_alignments() -> None:
    two = frames([[0.5, 0.5], [0.5, 0.5]])
    assert score_units(two, [1]) == pytest.approx(math.log(0.75))  # a-, -a, aa
    assert score_units(two, []) == pytest.approx(math.log(0.25))
    assert score_units(two, [1, 1]) == -math.inf  # two alike need a blank between them
    assert score_units(two[:0], [1]) == -math.inf
