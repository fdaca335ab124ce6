"""Sentences in English and their twins: said, and told again from what a run keeps."""

import doctest
import threading

import pytest

from plait.core import language
from plait.core.language import join_sentences, retell, say, speak_to, speaking, spoken
from plait.core.words import count, metric_name
from plait.errors import RequestError


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(language).failed == 0


def test_english_is_usual_and_comes_back_even_after_an_error() -> None:
    assert (spoken(), say("{num} rows", num=3)) == ("en", "3 rows")
    with pytest.raises(ZeroDivisionError), speaking("zh"):
        assert (spoken(), count(1, "row"), metric_name("f1_rows")) == ("zh", "1 行", "每行 F1")
        raise ZeroDivisionError
    assert (spoken(), count(1, "row")) == ("en", "1 row")


def test_another_thread_speaks_english() -> None:
    heard = []
    with speaking("zh"):
        thread = threading.Thread(target=lambda: heard.append(spoken()))
        thread.start()
        thread.join()
    assert heard == ["en"]


def test_a_language_that_there_is_not() -> None:
    with pytest.raises(RequestError, match=r"^there is no language 'fr'\. There are: en, zh\.$"), speaking("fr"):
        pass


def test_what_no_sentence_fits_stays_as_it_is_braces_too() -> None:
    with speaking("zh"):
        assert retell("{num} of {nothing} known here") == "{num} of {nothing} known here"
        assert say("{odd") == "{odd"


def test_a_kept_sentence_is_told_with_its_values() -> None:
    kept = "Of the 40 rows held out the winner gets no more right than always answering 'a', which is right in 60.0 %."
    with speaking("zh"):
        told = retell(kept)
    assert "40" in told and "'a'" in told and "60.0 %" in told and "winner" not in told
    assert retell(kept) == kept


def test_chinese_sentences_are_joined_without_blanks() -> None:
    assert join_sentences(["a.", "", "b."]) == "a. b."
    with speaking("zh"):
        assert join_sentences(["甲。", "乙。"]) == "甲。乙。"


def test_a_callback_hears_its_notes_in_a_language_and_is_called_in_it() -> None:
    heard: list[tuple[str, dict[str, object]]] = []
    note = {"note": "warning: 2 values of 'who' are in more than one split (a, b); scores may be too good."}

    def hear(event: dict[str, object]) -> None:
        heard.append((spoken(), event))

    for name in ("zh", "en"):
        speak_to(hear, name)(note)
    speak_to(hear, "zh")({"stage": "prepare"})
    assert heard == [
        ("zh", {"note": "警告：'who' 有 2 个值出现在不止一个划分里（a, b）；成绩可能偏高。"}),
        ("en", note),
        ("zh", {"stage": "prepare"}),
    ]


def test_names_that_are_words_too_stay_and_parts_are_told_by_themselves() -> None:
    with speaking("zh"):
        assert retell("'when' is of no kind; if it is of no use: --ignore when") == (
            "'when' is of no kind；如果没有用：--ignore when"
        )
        assert retell("one; two") == "one; two"
        assert retell("1 cell holds no split, such as 'bus'; fit refuses the table") == (
            "1 个单元格不是划分，例如 'bus'；这样的表无法学习"
        )
