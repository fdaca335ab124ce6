"""Words and sounds as pictures."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plait.converters import fonts
from plait.converters.fonts import clean_text
from plait.converters.graph import check_converter, describe
from plait.converters.render import Gramian, Render, Spectrogram
from plait.errors import CellError, RequestError

SECOND = np.arange(16000) / 16000


def draw(text: str, **options: int) -> np.ndarray:
    (picture,), _sure = Render(**options)([text])  # type: ignore[arg-type]
    assert isinstance(picture, Image.Image), picture
    return np.asarray(picture)


def test_they_are_converters() -> None:
    check_converter(Render())
    check_converter(Spectrogram())
    check_converter(Gramian())
    assert describe(Render.of({"size": "48"}))["options"] == {"size": 48, "width": 0, "font": ""}
    assert describe(Spectrogram(height=64))["version"] == "spectrogram 1"


def test_black_on_white_with_a_margin() -> None:
    pixels = draw("hello")
    assert pixels.dtype == np.uint8
    assert pixels.min() == 0
    assert (pixels[:30] == 255).all()
    assert (pixels[-30:] == 255).all()
    assert (pixels[:, :30] == 255).all()
    assert (pixels[:, -30:] == 255).all()


def test_text_is_wrapped_at_the_width_and_the_picture_no_wider_than_it_needs() -> None:
    assert draw("word " * 100).shape[1] <= 28 * 32
    assert draw("word " * 100, width=400).shape[1] <= 400
    assert draw("word", width=400).shape[1] < 200
    assert draw("word\nword").shape[0] > draw("word word").shape[0]
    assert draw("x" * 500, width=400).shape[1] <= 400


def test_a_character_without_a_font_is_a_box_and_lowers_the_confidence() -> None:
    _, (sure,) = Render()(["ab\ue123\U0010fffd"])
    assert sure == 0.5
    assert clean_text("a\ue123b") == ("a□b", pytest.approx(2 / 3))
    assert (draw("a\ue123b") == draw("a□b")).all()


def test_right_to_left_stands_at_the_right() -> None:
    text = "שלום\nשלום עולם ארוך"
    pixels = draw(text)
    upper = pixels[: pixels.shape[0] // 2]
    assert (upper[:, : pixels.shape[1] // 2] == 255).all()
    assert (upper[:, pixels.shape[1] // 2 :] < 128).any()


def test_a_blank_text_is_a_status() -> None:
    made, sure = Render()(["", " \n\t", "\x00", "word"])
    assert [str(value) for value in made[:3]] == ["blank text: there is nothing to draw"] * 3
    assert isinstance(made[3], Image.Image)
    assert sure == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("text", ["word " * 2000, "x" * 10_000_000, "\n".join("abc" * 1000)])
def test_a_text_too_long_is_a_status(text: str) -> None:
    (value,), (sure,) = Render(size=128)([text])
    assert isinstance(value, CellError)
    assert "text too long for one picture" in str(value)
    assert "at size 128 it may have about" in str(value)
    assert (value.fault, sure) == ("too-large", 0.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": 2}, "render.size is 2; expected 8 to 512"),
        ({"width": 50}, "render.width is 50; expected 0 or 192"),
        ({"font": "No Such Font"}, "there is no font 'No Such Font' here"),
        ({"font": "none.ttf"}, "render.font 'none.ttf' cannot be read as a font file"),
        ({"colour": "red"}, "render has no option 'colour'"),
    ],
)
def test_options_of_render_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Render.of(options)


def test_a_font_may_be_a_file_or_a_family() -> None:
    path = fonts.plain_face().path
    assert (np.asarray(Render(font=path)(["ab"])[0][0]) == draw("ab")).all()
    assert (np.asarray(Render(font="dejavu sans")(["ab"])[0][0]) == draw("ab")).all()


def test_a_file_that_is_no_font(tmp_path: Path) -> None:
    (tmp_path / "words.ttf").write_text("no font")
    with pytest.raises(RequestError, match="cannot be read as a font file"):
        Render(font=str(tmp_path / "words.ttf"))


# --- spectrogram


def see(samples: np.ndarray, rate: int = 16000, **options: float) -> np.ndarray:
    (picture,), _sure = Spectrogram(**options)([(samples.astype(np.float32), rate)])  # type: ignore[arg-type]
    assert isinstance(picture, Image.Image), picture
    assert picture.mode == "L"
    return np.asarray(picture)


def row_of(hz: float, scale: str = "log") -> int:
    """Return the row of 128 that shows a frequency, from 50 Hz at the bottom to 8000 at the top."""
    share = (hz - 50) / 7950 if scale == "linear" else np.log(hz / 50) / np.log(8000 / 50)
    return int((1 - share) * 128)


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("rate", [4000, 8000, 22050, 192000])
def test_a_sine_is_a_line_at_its_row(rate: int, scale: str) -> None:
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    pixels = see(tone, rate, scale=scale)  # type: ignore[arg-type]
    assert pixels.shape == (128, 100)
    assert (np.abs(pixels.argmax(axis=0) - row_of(1000, scale)) <= 1).all()
    assert pixels.max() == 255


def test_a_chirp_rises() -> None:
    pixels = see(np.sin(2 * np.pi * (200 * SECOND + 1500 * SECOND**2)))  # 200 to 3200 Hz
    rows = pixels.argmax(axis=0)
    assert (np.diff(rows[5:95]) <= 0).all()
    assert abs(int(rows[50]) - row_of(200 + 3000 * 0.505)) <= 1


def test_a_click_stands_at_its_column() -> None:
    click = np.zeros(16000)
    click[5000] = 1
    total = see(click).sum(axis=0, dtype=int)
    assert total.argmax() == 31
    assert np.flatnonzero(total).tolist() == [30, 31, 32]


def test_over_half_the_rate_it_is_black() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 8000)
    pixels = see(noise, 8000)
    assert (pixels[: row_of(4100)] == 0).all()
    assert (pixels[row_of(3900) :].mean(axis=1) > 50).all()


@pytest.mark.parametrize("samples", [np.zeros(1600), np.full(1600, 0.5), np.ones(1), 1e-8 * np.sin(np.arange(1600))])
def test_silence_is_black(samples: np.ndarray) -> None:
    pixels = see(samples)
    assert pixels.shape[0] == 128
    assert (pixels == 0).all()


def test_volume_does_not_matter() -> None:
    tone = np.sin(2 * np.pi * 1000 * SECOND)
    assert np.abs(see(tone).astype(int) - see(0.01 * tone)).max() <= 1


def test_a_long_sound_has_coarser_time() -> None:
    samples = np.zeros(100 * 2000)
    samples[50 * 2000] = 1
    pixels = see(samples, 2000, height=8)
    assert pixels.shape == (8, 4096)
    assert pixels.sum(axis=0, dtype=int).argmax() == 2048


def test_short_sounds_and_odd_rates() -> None:
    assert see(np.ones(3), 8).shape == (128, 38)
    assert see(np.array([0.5, -0.5]), 192000).shape == (128, 1)


def test_sounds_that_are_none() -> None:
    made, sure = Spectrogram()(
        [(np.zeros(0, np.float32), 8000), (np.array([0, math.nan]), 8000), (np.array([math.inf]), 1), (np.ones(9), 0)]
    )
    assert [str(value) for value in made] == [
        "sound has no samples",
        "sound has samples that are no numbers",
        "sound has samples that are no numbers",
        "sound has a sample rate of 0 Hz",
    ]
    assert [value.fault for value in made[:2]] == ["no-samples", "not-finite"]
    assert sure == [0.0] * 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"height": 2}, "spectrogram.height is 2; expected 8 to 2048"),
        ({"low": 500, "high": "400"}, "spectrogram.low and high are 500 and 400"),
        ({"scale": "mel"}, "spectrogram.scale is 'mel'; expected log or linear"),
    ],
)
def test_options_of_spectrogram_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Spectrogram.of(options)


def test_a_series_becomes_a_field_of_how_its_points_go_together() -> None:
    (picture, same), sure = Gramian(size=8)([np.linspace(-1, 1, 8)[None], np.linspace(3, 9, 8)[:, None]])
    grey = np.asarray(picture)
    assert (picture.mode, picture.size, sure) == ("L", (8, 8), [1.0, 1.0])
    assert np.array_equal(grey, grey.T)
    assert (grey[0, 0], grey[7, 7], grey[0, 7]) == (255, 255, 0)  # cos 2π, cos 0, cos π
    assert np.array_equal(np.asarray(same), grey)


def test_channels_lie_in_a_grid_and_holes_lower_the_confidence() -> None:
    series = np.stack([np.arange(20.0), np.full(20, 3.0), np.arange(20.0)[::-1]])
    series[0, :6] = np.nan
    (picture,), (sure,) = Gramian(size=8)([series])
    assert (picture.size, sure) == ((16, 16), pytest.approx(0.9))
    assert np.asarray(picture)[8:, 8:].max() == 0  # there is no fourth channel
    (wrong,), _ = Gramian(size=512)([np.zeros((1_000, 1_000), np.float32)])
    assert str(wrong) == "series has 1,000 channels, too many for one picture"
