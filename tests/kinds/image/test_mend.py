"""Pictures mended: upright, of one colour mode, of one frame; what needs nothing is never encoded anew."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mending import GREY, RED, exif, mend_column
from plait.data.media import read_image
from plait.kinds.image.mend import PictureGoal, PictureLook, choose_goal


def upright_picture() -> Image.Image:
    """White above, black below."""
    return Image.fromarray(np.repeat(np.array([[255], [0]], np.uint8), 16, axis=0).repeat(16, axis=1))


def test_a_photo_on_its_side_is_turned_upright_and_loses_the_tag(tmp_path: Path) -> None:
    lying = upright_picture().transpose(Image.Transpose.ROTATE_90)  # orientation 6: turn it a quarter to the right
    lying.save(tmp_path / "a.jpg", exif=exif(6), quality=95)
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg"])
    assert cells == ["photo/a.png"]
    assert notes == ["photo: turned upright, saved as PNG"]
    assert mended.counts == {"turned upright": 1}
    image = read_image(cells[0], mended.table.parent)
    assert image.size == (16, 32)
    assert image.getexif().get(0x0112) is None
    assert image.getexif()[0x010F] == "a camera"
    pixels = np.asarray(image)
    assert pixels[:12].min() > 240
    assert pixels[-12:].max() < 15


def test_mixed_modes_become_rgb_where_one_has_colours(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    Image.fromarray(RED).save(tmp_path / "red.bmp")
    clear = np.dstack([RED, np.zeros((6, 8), np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["grey.png", "red.bmp", "clear.png", "deep.png"])
    images = [read_image(cell, mended.table.parent) for cell in cells]
    assert [image.mode for image in images] == ["RGB"] * 4
    assert np.array_equal(np.asarray(images[0])[..., 1], GREY)
    assert np.asarray(images[2]).min() == 255  # what was transparent is white
    assert np.array_equal(np.asarray(images[3])[..., 2], GREY)
    assert notes == ["photo: grey → RGB", None, "photo: RGB with alpha → RGB", "photo: 16 bit grey → RGB"]
    assert mended.counts == {"colour mode changed": 3}


def test_mixed_modes_become_grey_where_none_has_colours(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(GREY + (name == "b")).save(tmp_path / f"{name}.png")
    Image.fromarray(np.dstack([GREY] * 3)).save(tmp_path / "c.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "b.png", "c.png"])
    image = read_image(cells[2], mended.table.parent)
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), GREY)
    assert notes == [None, None, "photo: RGB → grey"]


def test_deep_pictures_are_not_brought_down_to_eight_bits(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(GREY.astype(np.uint16) * 100 + (name == "b")).save(tmp_path / f"{name}.png")
    Image.fromarray(GREY).save(tmp_path / "c.png")
    mended, _cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "b.png", "c.png"])
    assert notes == [None, None, None]
    assert mended.notes == ("photo: 2 of 3 pictures have more than 8 bits: colour modes left as they are",)


def test_each_depth_has_its_own_white(tmp_path: Path) -> None:
    for i in range(3):
        Image.fromarray(GREY + i).save(tmp_path / f"{i}.png")
    Image.fromarray((GREY / 255).astype(np.float32)).save(tmp_path / "f.tif")
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "d.tif")
    mended, cells, _notes = mend_column(tmp_path, "photo", "image", ["0.png", "1.png", "2.png", "f.tif", "d.tif"])
    for cell in cells[3:]:
        image = read_image(cell, mended.table.parent)
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), GREY)


def test_a_print_on_its_side_keeps_its_colour_mode(tmp_path: Path) -> None:
    Image.fromarray(RED).convert("CMYK").save(tmp_path / "a.jpg", exif=exif(6))
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg"])
    image = read_image(cells[0], mended.table.parent)
    assert (image.mode, image.size) == ("CMYK", (6, 8))
    assert notes == ["photo: turned upright, saved as TIFF"]


def test_of_an_animation_the_first_frame_stays(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    before = np.asarray(read_image("a.gif", tmp_path).convert("L"))
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.gif"])
    assert cells == ["photo/a.png"]
    assert notes == ["photo: first frame kept, saved as PNG"]
    image = read_image(cells[0], mended.table.parent)
    assert not getattr(image, "is_animated", False)
    assert np.array_equal(np.asarray(image.convert("L")), before)


def pictures(*modes: str, coloured: bool = False) -> list[PictureLook]:
    return [PictureLook(mode=mode, coloured=coloured and mode == "RGB") for mode in modes]


@pytest.mark.parametrize(
    ("looks", "mode"),
    [
        (pictures("L", "L"), None),
        (pictures("L", "L", "RGB"), "L"),
        (pictures("L", "L", "RGB", coloured=True), "RGB"),
        (pictures("L", "RGB", "RGB"), "RGB"),
        (pictures("1", "LA"), "L"),
    ],
)
def test_pictures_become_of_one_mode_where_they_are_of_several(looks: list[PictureLook], mode: str | None) -> None:
    assert choose_goal(looks) == PictureGoal(mode=mode)


def test_the_white_of_deep_pictures_is_that_of_their_depth() -> None:
    deep = [
        PictureLook(mode="I;16", ends=(0.0, 3000.0)),
        PictureLook(mode="F", ends=(0.0, 0.9)),
        PictureLook(mode="I", ends=(-30.0, 70000.0)),
    ]
    goal = choose_goal([*deep, *pictures("L", "L", "L")])
    assert goal == PictureGoal(mode="L", ranges={"I;16": (0.0, 4095.0), "F": (0.0, 1.0), "I": (-30.0, 70000.0)})


def test_where_most_are_deep_they_stay_and_it_is_said() -> None:
    goal = choose_goal(pictures("I;16", "I;16", "L"))
    assert goal == PictureGoal(note="2 of 3 pictures have more than 8 bits: colour modes left as they are")


def test_a_picture_that_cannot_be_read_has_no_say() -> None:
    broken = PictureLook(error="file is empty")
    assert choose_goal([broken, broken, *pictures("L", "L")]) == PictureGoal()
