"""A picture in a drawn row: each step of its preparation, and the regions that mattered."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from plait.data.read import read
from plait.draw.page import WIDTH, Page
from plait.kinds.image.prep import ImagePrep
from plait.kinds.image.row import as_pixels, draw_row, draw_share, row_height, row_part, share_height


@pytest.fixture
def page() -> Page:
    figure = Figure((WIDTH, 6.0), dpi=60)
    FigureCanvasAgg(figure)
    return Page(figure)


def words(page: Page) -> list[str]:
    return [text.get_text() for text in page.figure.texts]


def picture(mode: str = "RGB", size: tuple[int, int] = (30, 20)) -> Image.Image:
    return Image.new(mode, size)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_pictures_of_every_mode_can_be_drawn(mode: str) -> None:
    assert as_pixels(picture(mode)).dtype == np.uint8


@pytest.mark.parametrize(
    ("cells", "pixels"),
    [
        (np.array([[0, 255]], np.uint8), [[0, 255]]),
        (np.array([[0.0, 0.5, 1.0, np.nan]]), [[0, 127, 255, 0]]),
        (np.array([[0, 1000, 4000]], np.uint16), [[0, 63, 255]]),  # the brightest becomes white
        (np.array([[0, 200]], np.int32), [[0, 200]]),  # 0 to 255 already
        (np.array([[True, False]]), [[255, 0]]),
        (np.array([[[0, 0], [0, 255], [100, 255]]], np.uint8), [[255, 0, 100]]),  # transparency: on white
        (np.array([[[7], [9]]], np.uint8), [[7, 9]]),
    ],
)
def test_depths_are_brought_to_0_to_255(cells: np.ndarray, pixels: list[list[int]]) -> None:
    assert as_pixels(cells).tolist() == pixels


def test_half_transparent_colours_mix_with_white() -> None:
    assert as_pixels(Image.new("RGBA", (1, 1), (255, 0, 0, 51))).tolist() == [[[255, 204, 204]]]


def test_a_row_has_its_picture_or_the_reason_why_not(tmp_path: Path) -> None:
    picture("L").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("words")
    table = read({"p": ["a.png", None, "b.png"]}, folder=tmp_path)
    prep = ImagePrep(rotate=90).fitted([picture("L")])
    whole, blank, broken = (row_part(table.take([row]), ["p"], prep) for row in range(3))
    assert whole["before"].size == (30, 20)
    assert whole["after"].shape == (1, 30, 20)
    assert [name for name, _picture in whole["steps"]] == ["as it came", "rotate"]
    assert blank == {"reason": "blank"}
    assert broken == {"reason": "not an image: b.png holds text"}


def test_each_step_says_its_size_and_colours_and_the_last_is_what_the_model_sees(page: Page) -> None:
    steps = [("as it came", picture()), ("grey", picture("L")), ("resize", picture("L", (12, 8)))]
    part = {"steps": steps, "after": np.full((1, 8, 12), 7, np.uint8)}
    draw_row(page, part, 0.5, row_height(part))
    assert [word for word in words(page) if word != "→"] == [
        "as it came", "30 × 20 px, colour", "grey", "30 × 20 px, grey", "resize", "12 × 8 px, grey",
    ]  # fmt: skip
    assert words(page).count("→") == 2
    assert page.figure.axes[2].images[0].get_array().tolist() == [[7] * 12] * 8


def test_of_many_steps_the_first_and_the_last_four_are_drawn(page: Page) -> None:
    steps = [(f"step {n}", picture("L")) for n in range(9)]
    part = {"steps": steps, "after": np.zeros((1, 20, 30), np.uint8)}
    draw_row(page, part, 0.5, row_height(part))
    drawn = [word for word in words(page) if word.startswith("step")]
    assert drawn == ["step 0", "step 5", "step 6", "step 7", "step 8"]


def test_a_picture_that_stays_is_unchanged(page: Page) -> None:
    draw_row(page, {"before": picture("L"), "after": np.zeros((1, 20, 30), np.uint8)}, 0.5, 2.0)
    assert "unchanged" in words(page)


def explained(**others: Any) -> dict[str, Any]:
    heat = np.zeros((10, 15))
    heat[2, 3], heat[7, 11] = 1.0, -1.0
    regions = [
        {"left": 2, "top": 0, "right": 12, "bottom": 8, "weight": 0.3},
        {"left": 18, "top": 10, "right": 28, "bottom": 18, "weight": -0.25},
    ]
    return {"before": picture("L"), "heat": heat, "box": (0, 0, 30, 20), "parts": regions, **others}


def test_regions_are_numbered_boxes_solid_for_and_dashed_against(page: Page) -> None:
    part = explained()
    draw_share(page, part, 0.5, share_height(part))
    assert words(page)[0] == "what the strongest regions add    1: +0.300,  2: −0.250"
    boxes = page.figure.axes[0].patches
    assert [(box.get_xy(), box.get_width(), box.get_height()) for box in boxes] == [((2, 0), 10, 8), ((18, 10), 10, 8)]
    assert boxes[0].get_linestyle() == "-"
    assert boxes[1].get_linestyle() != "-"
    assert [text.get_text() for text in page.figure.axes[0].texts] == ["1", "2"]
    assert list(page.figure.axes[1].images[1].get_extent()) == [0, 30, 20, 0]


def test_a_flat_answer_has_no_regions_and_no_heat(page: Page) -> None:
    part = explained(flat=True)
    draw_share(page, part, 0.5, share_height(part))
    assert words(page) == ["as it came", "no place changes the answer much, against a plain picture"]
    assert not page.figure.axes[0].patches
    assert len(page.figure.axes[1].images) == 1
