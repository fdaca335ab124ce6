"""Which regions of a picture moved an answer: places of a heat map as pixels of the picture upright."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from plait.errors import CellError
from plait.kinds.image.inside import blank, locate, media, report, say
from plait.kinds.image.prep import ImagePrep

PREP = ImagePrep(mode="L", height=16, width=16)


def test_the_three_strongest_regions_come_in_pixels_of_the_picture() -> None:
    heat = np.zeros((16, 16))
    heat[0, 0], heat[15, 15], heat[4:6, 8:10], heat[8, 2] = 1.0, -3.0, 0.5, 0.25
    found, _, before, box, parts = locate(heat, Image.new("L", (64, 32)), replace(PREP, fit="stretch"), np.zeros(1))
    assert found is heat
    assert before.size == (64, 32)
    assert box == (0, 0, 64, 32)
    assert parts == [
        {"left": 56, "top": 28, "right": 64, "bottom": 32, "weight": -3.0},  # two places of 16 are 8 px and 4 px
        {"left": 32, "top": 8, "right": 40, "bottom": 12, "weight": 2.0},
        {"left": 0, "top": 0, "right": 8, "bottom": 4, "weight": 1.0},
    ]


def test_a_bar_is_no_region_and_one_half_in_it_ends_at_the_edge() -> None:
    heat = np.zeros((16, 16))
    heat[0:2, 0:2] = 9.0  # in the bar above
    heat[4, 0] = 1.0
    _, _, _, box, parts = locate(heat, Image.new("L", (64, 28)), PREP, np.zeros(1))
    # 28 px are 7 of 16 places, the bar above is 4 of them: 16 px
    assert box == (0, -16, 64, 48)
    assert parts[0] == {"left": 0, "top": 0, "right": 8, "bottom": 8, "weight": 1.0}
    assert all(0 <= p["top"] < p["bottom"] <= 28 for p in parts)


def test_a_photo_on_its_side_is_told_upright() -> None:
    image = Image.new("L", (32, 64))
    image.getexif()[0x0112] = 6  # the right side is up
    heat = np.zeros((16, 16))
    heat[0, 15] = 1.0
    _, _, before, box, parts = locate(heat, image, replace(PREP, fit="stretch"), np.zeros(1))
    assert (before.size, box) == ((64, 32), (0, 0, 64, 32))
    assert parts[0] == {"left": 56, "top": 0, "right": 64, "bottom": 4, "weight": 1.0}


def test_where_a_pretrained_encoder_sees_the_picture_its_own_cut_counts() -> None:
    frozen = replace(PREP, fit="crop")
    heat = np.ones((16, 16))
    box = locate(heat, Image.new("L", (64, 32)), PREP, np.zeros(1), frozen)[3]
    assert box == (16, 0, 48, 32)


def test_nothing_to_see_is_the_mean_colour() -> None:
    x = torch.tensor([[[[0.0, 1.0]], [[4.0, 6.0]]]])  # (batch, channel, height, width)
    plain = blank(x)
    assert plain.tolist() == [[[[0.5, 0.5]], [[5.0, 5.0]]]]
    plain[0, 0, 0, 0] = 9
    assert plain[0, 0, 0, 1] == 0.5  # each place is its own


def test_the_report_has_the_prepared_picture_with_its_heat() -> None:
    after = np.zeros((1, 2, 2), np.uint8)
    after[0, 1, 0] = 200
    shown = report(SimpleNamespace(after=after, heat=np.array([[0.5, 0.0], [-1.0, 0.0]])))
    assert (shown["form"], shown["heat"]) == ("picture", [[0.5, 0.0], [-1.0, 0.0]])
    with Image.open(io.BytesIO(shown["png"])) as image:
        assert [image.getpixel(place) for place in ((0, 0), (0, 255), (255, 255))] == [0, 200, 0]
    assert say({"left": 1, "top": 2, "right": 30, "bottom": 40}) == "x 1–30, y 2–40 px"
    large = np.zeros((64, 33))
    large[:2], large[2:4] = [[1.0], [3.0]], 5.0
    shown = np.array(report(SimpleNamespace(after=after, heat=large))["heat"])  # means of cells, 32 a side
    assert (shown.shape, shown[0].tolist(), shown[1].tolist()) == ((32, 32), [2.0] * 32, [5.0] * 32)


def test_a_cell_for_a_page(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((500, 30), np.uint8)).save(tmp_path / "a.png")
    shown = Image.open(io.BytesIO(media("a.png", tmp_path)["png"]))
    assert max(shown.size) <= 240
    with pytest.raises(CellError):
        media("b.png", tmp_path)
