"""Arrays of pixels as PNG: colours, whole steps of enlargement, and grey of any range."""

import io

import numpy as np
import pytest
from PIL import Image

from plait.kinds.pixels import grey_of, png_of


def test_colours_stay_and_small_pictures_are_enlarged_without_blur() -> None:
    pixels = np.zeros((3, 1, 2), np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = (200, 10, 20), (0, 0, 250)
    with Image.open(io.BytesIO(png_of(pixels))) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (256, 128))
        assert [image.getpixel(place) for place in ((0, 0), (127, 127), (128, 0))] == [
            (200, 10, 20),
            (200, 10, 20),
            (0, 0, 250),
        ]


@pytest.mark.parametrize(("side", "shown"), [(100, 200), (128, 256), (129, 129), (300, 300)])
def test_a_picture_is_enlarged_by_whole_numbers_and_a_large_one_is_left_as_it_is(side: int, shown: int) -> None:
    with Image.open(io.BytesIO(png_of(np.full((1, side, 10), 77, np.uint8)))) as image:
        assert (image.mode, image.size) == ("L", (10 * shown // side, shown))
        assert image.getextrema() == (77, 77)


def test_grey_runs_from_the_lowest_to_the_highest_but_for_a_few() -> None:
    x = np.arange(101.0)[None]  # 2 and 98 are what 2 of 100 lie below and above
    grey = grey_of(x)
    assert grey.dtype == np.uint8
    assert [int(grey[0, n]) for n in (0, 2, 26, 50, 98, 100)] == [0, 0, 63, 127, 255, 255]
    assert np.array_equal(grey_of(x / 1000 - 7), grey)


def test_one_value_alone_is_black() -> None:
    assert grey_of(np.full((2, 3), 5.0)).tolist() == [[0, 0, 0], [0, 0, 0]]
