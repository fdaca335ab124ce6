"""Pictures: orientation, colour mode, rotation, crop and size, each with pixels known beforehand."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from plait.data.media import read_image
from plait.errors import CellError, RequestError
from plait.kinds.image.prep import ImagePrep


def grey(height: int, width: int, value: int = 0) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def through(prep: ImagePrep, pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    return prep.fitted([image])(image)


def test_a_small_picture_is_kept_pixel_for_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    x = through(ImagePrep(), pixels)
    assert x.shape == (1, 28, 28) and x.dtype == np.uint8 and x.flags.writeable
    np.testing.assert_array_equal(x[0], pixels)


def test_a_smoother_resize_is_no_option_of_the_user_but_is_kept():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    prep = ImagePrep(resample="bicubic").fitted([Image.fromarray(pixels)])
    assert ImagePrep.from_json(prep.to_json()) == prep
    old = {name: value for name, value in ImagePrep().to_json().items() if name != "resample"}
    assert ImagePrep.from_json(old).resample == "bilinear"
    expected = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(prep(Image.fromarray(pixels))[0], np.asarray(expected))
    with pytest.raises(RequestError, match="image has no option 'resample'"):
        ImagePrep.of({"resample": "bicubic"})
    with pytest.raises(RequestError, match=r"image.resample is 'box'; expected bilinear or bicubic"):
        ImagePrep(resample="box")


def test_channels_come_first():
    pixels = grey(8, 12)[:, :, None].repeat(3, axis=2)
    pixels[2, 5] = (10, 20, 30)
    x = through(ImagePrep(), pixels)
    assert x.shape == (3, 8, 12)
    assert x[:, 2, 5].tolist() == [10, 20, 30]


@pytest.mark.parametrize("degrees, row, column", [(90, 6, 2), (180, 5, 6), (270, 1, 5), (-90, 1, 5), (360, 2, 1)])
def test_rotation_is_counter_clockwise_and_moves_a_pixel_where_expected(degrees, row, column):
    pixels = grey(8, 8)
    pixels[2, 1] = 200
    x = through(ImagePrep(rotate=degrees), pixels)[0]
    assert np.argwhere(x == 200).tolist() == [[row, column]]


def test_a_quarter_turn_swaps_height_and_width():
    assert through(ImagePrep(rotate=90), grey(8, 20)).shape == (1, 20, 8)


def test_a_rotation_by_45_degrees_keeps_the_middle_and_blackens_corners():
    x = through(ImagePrep(rotate=45), grey(41, 41, 255))[0]
    assert x.shape == (41, 41)
    assert x[20, 20] == 255 and x[0, 0] == 0 and x[40, 40] == 0


@pytest.mark.parametrize(
    "tag, row, column",
    [(1, 1, 2), (2, 1, 5), (3, 4, 5), (4, 4, 2), (5, 2, 1), (6, 2, 4), (7, 5, 4), (8, 5, 1)],
)
def test_a_photo_is_turned_upright_as_its_exif_tag_says(tag, row, column):
    pixels = grey(6, 8)
    pixels[1, 2] = 255
    exif = Image.Exif()
    exif[0x0112] = tag
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png", exif=exif)
    image = Image.open(file)
    x = ImagePrep().fitted([image])(image)
    assert x.shape == ((1, 6, 8) if tag < 5 else (1, 8, 6))
    assert np.argwhere(x[0] == 255).tolist() == [[row, column]]
    x = ImagePrep(orient=False).fitted([image])(image)
    np.testing.assert_array_equal(x[0], pixels)


def test_transparent_parts_become_white():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[1, 1] = (200, 0, 0, 255)
    pixels[2, 2] = (0, 0, 0, 128)
    x = through(ImagePrep(), pixels)
    assert x[:, 0, 0].tolist() == [255, 255, 255]
    assert x[:, 1, 1].tolist() == [200, 0, 0]
    assert x[:, 2, 2].tolist() == [127, 127, 127]


@pytest.mark.parametrize("brightest, white", [(65535, 65535), (4095, 4095), (200, 255)])
def test_pictures_of_16_bits_keep_their_range(brightest, white):
    pixels = np.zeros((4, 4), np.uint16)
    pixels[0, 0], pixels[0, 1] = brightest, brightest // 2
    image = Image.fromarray(pixels)
    prep = ImagePrep().fitted([image])
    assert (image.mode, prep.mode, prep.white) == ("I;16", "L", white)
    x = prep(image)[0]
    assert x[0, 0] == round(brightest / white * 255)
    assert x[0, 1] == pytest.approx(x[0, 0] / 2, abs=1)


def test_float_pictures_of_0_to_1_become_0_to_255_and_nan_black():
    pixels = np.array([[0.0, 1.0], [0.5, np.nan]], np.float32)
    assert through(ImagePrep(), pixels)[0].tolist() == [[0, 255], [128, 0]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "I;16", "I", "F"])
@pytest.mark.parametrize("wanted", ["L", "RGB", "auto"])
def test_every_colour_mode_becomes_what_is_wanted(mode, wanted):
    image = Image.new(mode, (8, 6))
    x = ImagePrep(mode=wanted).fitted([image])(image)
    assert x.dtype == np.uint8
    assert x.shape in ([(1, 6, 8)] if wanted == "L" else [(3, 6, 8)] if wanted == "RGB" else [(1, 6, 8), (3, 6, 8)])


def test_a_colour_mode_that_nobody_can_turn_into_colours_is_a_cell_error():
    with pytest.raises(CellError, match="picture of colour mode La, which cannot become L"):
        ImagePrep().fitted([Image.new("La", (8, 8))])(Image.new("La", (8, 8)))


def test_auto_is_grey_only_when_all_pictures_are():
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    plain = Image.new("RGB", (8, 8), (90, 90, 90))
    assert ImagePrep().fitted([plain, Image.new("L", (8, 8))]).mode == "L"
    assert ImagePrep().fitted([plain, red]).mode == "RGB"
    assert ImagePrep(mode="L").fitted([red]).mode == "L"


@pytest.mark.parametrize(
    "sizes, asked, height, width",
    [
        ([(28, 28)], None, 28, 28),
        ([(64, 50)], None, 50, 64),
        ([(640, 480)], None, 48, 64),
        ([(640, 480)], 224, 168, 224),
        ([(480, 640), (480, 640), (640, 480)], None, 64, 48),
        ([(1000, 20)], None, 16, 64),
        ([(28, 28)], 50, 50, 50),
        ([(100, 99)], None, 64, 64),
    ],
)
def test_the_size_is_the_median_at_most_64(sizes, asked, height, width):
    prep = ImagePrep(size=asked).fitted(Image.new("L", size) for size in sizes)
    assert (prep.height, prep.width) == (height, width)


def white_in(fit: str) -> np.ndarray:
    return ImagePrep(fit=fit).fitted([Image.new("L", (20, 20))])(Image.new("L", (20, 10), 255))[0]


def test_fit_pads_crops_or_stretches():
    x = white_in("pad")
    assert (x[5:15] == 255).all() and (x[:5] == 0).all() and (x[15:] == 0).all()
    assert (white_in("crop") == 255).all()
    assert (white_in("stretch") == 255).all()


def test_fit_crop_keeps_the_middle():
    pixels = grey(10, 20)
    pixels[:, 5:15] = 255
    prep = ImagePrep(fit="crop").fitted([Image.new("L", (10, 10))])
    assert (prep(Image.fromarray(pixels)) == 255).all()


def test_crop_keeps_the_middle_share():
    pixels = grey(20, 40)
    pixels[5:15, 10:30] = 255
    x = through(ImagePrep(crop=0.5), pixels)
    assert x.shape == (1, 10, 20)
    assert (x == 255).all()


def test_draft_size_is_what_a_decoder_may_shrink_to():
    photo = [Image.new("RGB", (640, 480))]
    assert ImagePrep().draft_size is None
    assert ImagePrep(draft=False).fitted(photo).draft_size is None
    assert ImagePrep().fitted(photo).draft_size == (64, 48)
    assert ImagePrep(crop=0.5).fitted(photo).draft_size == (128, 96)
    assert ImagePrep(fit="crop").fitted(photo).draft_size == (64, 64)


def test_draft_changes_a_photo_only_slightly():
    row, column = np.mgrid[:480, :640]
    pixels = np.stack([128 + 60 * np.sin(column / 70), 128 + 60 * np.cos(row / 50), row / 2], -1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=90)
    prep = ImagePrep().fitted([Image.open(file)])
    quick = Image.open(file)
    quick.draft(None, prep.draft_size)
    assert quick.size == (80, 60)
    assert np.abs(prep(quick).astype(int) - prep(Image.open(file))).max() <= 8


def test_steps_name_what_changed_and_nothing_else():
    image = Image.new("RGB", (100, 60), (255, 0, 0))
    prep = ImagePrep.of({"mode": "L", "rotate": "90", "crop": "0.5", "size": "16"}).fitted([image])
    steps = prep.steps(image)
    assert [name for name, _ in steps] == ["as it came", "colour mode", "rotate", "crop", "resize"]
    assert [picture.size for _, picture in steps] == [(100, 60), (100, 60), (60, 100), (30, 50), (16, 16)]
    np.testing.assert_array_equal(np.asarray(steps[-1][1]), prep(image)[0])
    small = Image.new("L", (8, 8))
    assert len(ImagePrep().fitted([small]).steps(small)) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rotat": 1}, r"image has no option 'rotat'. Did you mean 'rotate'\? There are: size, mode, "),
        ({"width": 3}, "image has no option 'width'"),
        ({"size": 2}, "image.size is 2; expected 4 to 4096 pixels"),
        ({"size": "2.5"}, "image.size is '2.5'; expected a whole number or none"),
        ({"mode": "BGR"}, "image.mode is 'BGR'; expected auto, L or RGB"),
        ({"fit": "squash"}, "image.fit is 'squash'; expected pad, crop or stretch"),
        ({"rotate": "left"}, "image.rotate is 'left'; expected a number"),
        ({"crop": "0"}, "image.crop is 0; expected more than 0 and at most 1"),
        ({"draft": 2}, "image.draft is 2; expected true or false"),
    ],
)
def test_wrong_options_say_how_to_mend_them(options, message):
    with pytest.raises(RequestError, match=message):
        ImagePrep.of(options)


def test_what_cannot_be_done_is_an_error():
    with pytest.raises(RequestError, match="there is no picture to learn"):
        ImagePrep().fitted([])
    with pytest.raises(RequestError, match="not fitted yet"):
        ImagePrep()(Image.new("L", (8, 8)))


def test_json_gives_it_back():
    prep = ImagePrep(rotate=3.5).fitted([Image.new("L", (30, 20))])
    assert ImagePrep.from_json(json.loads(json.dumps(prep.to_json()))) == prep


RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def prepared(*values: np.ndarray) -> np.ndarray:
    """The first of these pictures (arrays, as in a table), with a preparation fitted to all."""
    images = [read_image(x, None) for x in values]
    return ImagePrep().fitted(images)(images[0])[0]


@pytest.mark.parametrize(
    "values",
    [
        RAMP * 900 - 1000,  # Hounsfield units
        RAMP * 2 - 1,
        (RAMP * 1000).astype(np.uint16),  # 10 bits in 16
        (29000 + RAMP * 2000).astype(np.uint16),  # hundredths of a kelvin
        (RAMP * 0.02).astype(np.float32),
        (RAMP * 2e9).astype(np.int64),
        RAMP * 3e9 - 1e9,
    ],
    ids=["below zero", "centred", "10 of 16 bits", "heat", "dark", "32 bits", "large"],
)
def test_deep_pictures_use_most_of_the_levels(values):
    x = prepared(values)
    assert (x.min(), x.max() >= 240, len(np.unique(x)) >= 63) == (0, True, True)


@pytest.mark.parametrize("gone", [-9999, 65535, -3.4e38, np.nan, np.inf, -32768])
def test_a_value_that_stands_for_none_does_not_flatten_the_rest(gone):
    values = 10 + RAMP * 3000
    values[:4] = gone
    assert len(np.unique(prepared(values)[4:])) >= 20


def test_a_mask_and_lone_bright_pixels_keep_their_range():
    mask = np.zeros((8, 8), np.uint16)
    mask[2:4] = 60000
    assert set(np.unique(prepared(mask))) == {0, 233}  # of 65535
    sky = RAMP * 100 + 100
    sky[0, 0] = 3000
    assert prepared(sky)[0, 0] == 255 and len(np.unique(prepared(sky))) > 5


def test_one_odd_picture_does_not_set_the_range_of_a_column():
    assert len(np.unique(prepared(*[RAMP * 1000] * 30, RAMP * 60000))) == 64


def test_arrays_and_files_agree():
    values = (RAMP * 900 - 1000).astype(np.int32)
    out = io.BytesIO()
    Image.fromarray(values).save(out, "TIFF")
    image = read_image(out.getvalue(), None)
    np.testing.assert_array_equal(prepared(values), ImagePrep().fitted([image])(image)[0])


def test_a_preparation_from_before_answers_as_it_did():
    old = ImagePrep.from_json({"height": 1, "width": 3, "mode": "L", "white": 1023.0})
    deep = Image.fromarray(np.array([[-5, 0, 1023]], np.int32))
    assert old(deep).tolist() == [[[0, 0, 255]]]
    assert old(read_image(np.array([[0.0, 0.5, 1.0]]), None)).tolist() == [[[0, 128, 255]]]
    with pytest.raises(CellError, match="expected image values from 0 to 1 or from 0 to 255, got -1 to 1"):
        old(read_image(np.array([[-1.0, 0.5, 1.0]]), None))


@pytest.mark.parametrize(("inks", "backdrop"), [((0,), 255), ((255,), 0), ((0, 255), 128), ((255, 120), 0)])
def test_transparency_that_holds_the_drawing_is_kept(inks, backdrop):
    drawings = []
    for ink in inks:
        x = np.full((8, 8, 4), ink, np.uint8)
        x[..., 3] = 0
        x[2:6, 2:6, 3] = 255
        drawings.append(Image.fromarray(x))
    prep = ImagePrep().fitted(drawings)
    assert prep.backdrop == backdrop
    assert all(np.ptp(prep(drawing)) >= 100 for drawing in drawings)


def test_a_deep_colour_picture_is_turned_with_its_values():
    image = read_image(np.stack([RAMP * 999 - 5] * 3, axis=-1), None)
    image.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
    x = ImagePrep(mode="L").fitted([image])(image)[0]
    assert (x[0, -1], x[-1, 0]) == (0, 255)  # a quarter turn to the right
