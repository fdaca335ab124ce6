"""Bars on both sides of a line, and heat over a picture: what is for and what is against, also without colour."""

from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from plait.draw.bars import BAR, bar_look, draw_bars, draw_key, lay_heat
from plait.draw.page import BLUE, ORANGE, WIDTH, Page


@pytest.fixture
def sheet() -> Page:
    figure = Figure((WIDTH, 4), dpi=100)
    FigureCanvasAgg(figure)
    return Page(figure)


def written(sheet: Page) -> list[str]:
    return [text.get_text() for text in sheet.figure.texts]


def test_against_is_hatched_so_that_it_needs_no_colour() -> None:
    assert "hatch" not in bar_look(0.1)
    assert "hatch" not in bar_look(0.0)
    assert bar_look(-0.1)["hatch"] == "/////"


def test_bars_begin_at_one_line_and_say_name_number_and_remark(sheet: Page) -> None:
    draw_bars(sheet, 1.0, [("photo", 0.3, "+0.300", ""), ("sound", -0.1, "−0.100", "absent")])
    (axes,) = sheet.figure.axes
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 0.3), (0, -0.1)]
    assert [bar.get_hatch() for bar in axes.patches] == [None, "/////"]
    assert axes.get_xlim() == pytest.approx((-0.1 - 0.048, 0.3 + 0.048))  # room for the numbers: 12 % of 0.4
    assert axes.get_ylim() == (1.5, -0.5)  # the first one on top
    assert axes.get_position().height * 4 == pytest.approx(2 * BAR)
    assert written(sheet) == ["photo", "", "sound", "absent"]
    assert [text.get_text() for text in axes.texts] == ["+0.300", "−0.100"]


def test_bars_that_are_all_nothing_can_be_drawn(sheet: Page) -> None:
    draw_bars(sheet, 1.0, [])
    assert sheet.figure.axes == []
    draw_bars(sheet, 1.0, [("photo", 0.0, "+0.000", "")])
    assert sheet.figure.axes[0].get_xlim() == (0, 0.12)


def test_the_key_tells_of_against_only_where_it_is_drawn(sheet: Page) -> None:
    draw_key(sheet, 1.0, against=False)
    assert written(sheet) == ["speaks for the answer"]
    draw_key(sheet, 2.0, against=True)
    assert written(sheet)[1:] == ["speaks for the answer", "speaks against it"]


def layer_of(sheet: Page, heat: np.ndarray, origin: str = "upper") -> tuple[Any, np.ndarray]:
    axes = sheet.axes(1, 1, 2, 2)
    lay_heat(axes, heat, (0, 8, 8, 0) if origin == "upper" else (0, 8, 0, 8), origin)
    return axes, np.asarray(axes.images[0].get_array())


def test_heat_is_blue_for_orange_against_and_clear_where_nothing_weighs(sheet: Page) -> None:
    heat = np.zeros((8, 8))
    heat[1, 1], heat[6, 6] = 1.0, -1.0
    axes, layer = layer_of(sheet, heat)
    assert tuple(layer[1, 1, :3]) == to_rgb(BLUE)
    assert tuple(layer[6, 6, :3]) == to_rgb(ORANGE)
    assert layer[1, 1, 3] == layer[6, 6, 3] == pytest.approx(0.9)
    assert layer[1, 6, 3] < 0.01
    assert len(axes.collections) == 2  # a line round the strongest place, for and against


def test_heat_of_nothing_is_clear(sheet: Page) -> None:
    axes, layer = layer_of(sheet, np.zeros((8, 8)))
    assert not layer[..., 3].any()
    assert not axes.collections


@pytest.mark.parametrize("origin", ["upper", "lower"])
def test_the_line_lies_where_the_heat_does(sheet: Page, origin: str) -> None:
    heat = np.zeros((8, 8))
    heat[1, 6] = 1.0
    axes, _ = layer_of(sheet, heat, origin)
    (ring,) = axes.collections
    (path,) = ring.get_paths()
    assert path.vertices.mean(0) == pytest.approx((6.5, 1.5), abs=0.2)
