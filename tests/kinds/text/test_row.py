"""A text in a drawn row: as it came, its tokens, and the words that mattered."""

from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plait.data.read import read
from plait.draw.page import WIDTH, Page
from plait.kinds.text.prep import TextPrep
from plait.kinds.text.row import draw_row, draw_share, row_height, row_part, share_height


@pytest.fixture
def page() -> Page:
    figure = Figure((WIDTH, 6.0), dpi=60)
    FigureCanvasAgg(figure)
    return Page(figure)


def words(page: Page) -> list[str]:
    return [text.get_text() for text in page.figure.texts]


def weighed(before: dict[str, str], *words: tuple[str, str, float]) -> dict[str, Any]:
    """Return a part of texts and (column, word, weight)."""
    found = []
    for column, word, weight in words:
        start = before[column].index(word)
        found.append({"column": column, "text": word, "start": start, "end": start + len(word), "weight": weight})
    return {"before": before, "parts": found}


def test_a_row_has_its_tokens_and_which_of_them_are_known() -> None:
    prep = TextPrep(min_count=1, subwords=False).fitted(["a red dress"])
    part = row_part(read({"title": ["Red"], "note": ["a <b>hat</b>"]}), ["title", "note"], prep)
    assert [token for token, _known in part["after"]] == ["[title]", "red", "[note]", "a", "hat"]
    assert dict(part["after"]) == {"[title]": False, "red": True, "[note]": False, "a": True, "hat": False}
    assert [name for name, _text in part["steps"]] == ["raw", "html", "whitespace", "lower"]
    assert row_part(read({"title": [None], "note": [" "]}), ["title", "note"], prep) == {"reason": "blank"}


def test_tokens_are_counted_and_unknown_ones_told(page: Page) -> None:
    part = {"before": "A red hat", "after": ["a", ("red", True), ("hat", False)], "steps": [("raw", ""), ("lower", "")]}
    draw_row(page, part, 0.5, row_height(part))
    said = words(page)
    assert said == ["A red hat", "changed by: lower", "a", "red", "hat", "3 tokens, dashed: not in the vocabulary"]


def test_one_token_is_one_and_no_token_is_none(page: Page) -> None:
    draw_row(page, {"before": "a", "after": ["a"]}, 0.5, 1.0)
    draw_row(page, {"before": "", "after": []}, 2.5, 1.0)
    assert words(page)[-3:] == ["1 token", "", "0 tokens"]


def test_eighty_tokens_and_twelve_lines_are_the_most(page: Page) -> None:
    part = {"before": "word " * 500, "after": ["word"] * 100}
    draw_row(page, part, 0.5, row_height(part))
    said = words(page)
    assert said.count("word") == 80
    assert said[-1] == "100 tokens, the first 80 are shown"
    assert said[11] == "…"
    assert row_height(part) == row_height({**part, "after": ["word"] * 900, "before": "word " * 9000})


def test_the_marker_of_a_column_is_drawn_in_brackets(page: Page) -> None:
    draw_row(page, {"before": "\ue000note\ue001 so nice", "after": ["so"]}, 0.5, 1.0)
    assert words(page)[0] == "[note] so nice"


def test_the_strongest_words_are_listed_by_strength_whatever_their_sign(page: Page) -> None:
    part = weighed({"note": "a red cat sat"}, ("note", "red", 0.2), ("note", "cat", -0.5), ("note", "sat", 0.1))
    draw_share(page, part, 0.5, share_height(part))
    said = words(page)
    assert [word for word in said if word in ("red", "cat", "sat")] == ["red", "cat", "sat"]
    assert said[-1] == "cat −0.500, red +0.200, sat +0.100"


def test_words_of_several_columns_begin_a_line_with_its_name(page: Page) -> None:
    part = weighed({"title": "Nice", "note": "so nice"}, ("title", "Nice", 0.4), ("note", "nice", 0.2))
    draw_share(page, part, 0.5, share_height(part))
    said = [word.strip() for word in words(page)]
    assert said == ["title:", "Nice", "note:", "so", "nice", "Nice +0.400, nice +0.200"]
    assert share_height(part) == pytest.approx(2 * 0.29 + 0.35)


def test_a_long_text_is_cut_after_fourteen_lines(page: Page) -> None:
    words_of_it = [f"word{n:03}" for n in range(400)]
    part = weighed({"note": " ".join(words_of_it)}, *(("note", word, 1.0) for word in words_of_it))
    assert share_height(part) == pytest.approx(14 * 0.29 + 0.35)
    draw_share(page, part, 0.5, share_height(part))
    said = words(page)
    assert said[-2] == "…"
    assert said[-1] == ", ".join(f"word00{n} +1.00" for n in range(6))
    assert len(said) < 200
