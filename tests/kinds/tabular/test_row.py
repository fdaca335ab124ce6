"""A table in a drawn row: cells as they came and as the model is given them, and the columns that mattered."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plait.data.read import read
from plait.draw.page import WIDTH, Page
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.tabular.row import draw_row, draw_share, row_height, row_part, share_height

KINDS = {"age": "number", "city": "category"}
PREP = TabularPrep("standard").fitted({"age": [0, 2], "city": ["Bonn", "Bonn"]}, KINDS)


@pytest.fixture
def page() -> Page:
    figure = Figure((WIDTH, 6.0), dpi=60)
    FigureCanvasAgg(figure)
    return Page(figure)


def words(page: Page) -> list[str]:
    return [text.get_text() for text in page.figure.texts]


def test_a_row_has_its_cells_and_what_the_model_is_given() -> None:
    assert row_part(read({"age": ["2"], "city": ["Bonn"]}), ["age", "city"], PREP) == {
        "before": {"age": "2", "city": "Bonn"},
        "after": {"age": "+1.00", "city": "code 1 of 1 (known)"},
    }


def test_a_broken_cell_has_its_reason_and_a_blank_row_nothing_else() -> None:
    part = row_part(read({"age": ["many"], "city": ["Bonn"]}), ["age", "city"], PREP)
    assert part["reason"] == "column 'age': 'many' is not a number"
    assert part["after"]["age"] == "missing, filled with +0.00"
    assert row_part(read({"age": [None], "city": [""]}), ["age", "city"], PREP) == {"reason": "blank"}


def test_numbers_have_two_places_and_absent_cells_say_so(page: Page) -> None:
    draw_row(page, {"before": {"age": None, "city": "Bonn"}, "after": {"age": -0.126, "city": "code 1"}}, 0.5, 1.0)
    assert words(page) == ["age", "missing", "-0.13", "city", "Bonn", "code 1"]


def test_thirty_columns_are_drawn_and_the_others_counted(page: Page) -> None:
    part = {"after": {f"column {n}": 0.0 for n in range(33)}}
    draw_row(page, part, 0.5, row_height(part))
    assert row_height(part) == pytest.approx(30 * 0.27 + 0.27)
    assert words(page)[-1] == "and 3 more columns"
    assert "column 29" in words(page)
    assert "column 30" not in words(page)


def test_columns_that_mattered_stand_strongest_first(page: Page) -> None:
    weights = {"a": 0.1, "b": -0.4, "c": 0.2}
    cells = {"a": 1 / 3, "b": None, "c": "red"}
    part = {"before": cells, "parts": [{"column": name, "weight": weight} for name, weight in weights.items()]}
    draw_share(page, part, 0.5, share_height(part))
    assert words(page) == ["b", "missing", "c", "red", "a", "0.333333"]
    (axes,) = page.figure.axes
    assert [text.get_text() for text in axes.texts] == ["−0.400", "+0.200", "+0.100"]
    assert [round(bar.get_width(), 3) for bar in axes.patches] == [-0.4, 0.2, 0.1]


def test_twelve_columns_that_mattered_are_the_most(page: Page) -> None:
    part = {
        "before": {f"c{n}": n for n in range(15)},
        "parts": [{"column": f"c{n}", "weight": n / 10} for n in range(15)],
    }
    draw_share(page, part, 0.5, share_height(part))
    assert words(page)[-1] == "and 3 more columns"
    assert "c3" in words(page)
    assert "c2" not in words(page)
    assert share_height(part) == pytest.approx(12 * 0.3 + 0.1 + 0.2)
