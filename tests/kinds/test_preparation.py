"""Preparations that a stranger describes: refused where a value is not of its type, or would make huge arrays."""

import json
import math
from typing import Any

import numpy as np
import pytest

from plait.errors import RequestError, RunError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.preparation import Preparation
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.text.prep import TextPrep

IMAGE = ImagePrep(mode="L", height=8, width=12)
AUDIO = AudioPrep(sample_rate=8000, seconds=1.0, frames=101, hop=80, bandpass=(300.0, 3400.0))
TEXT = TextPrep(min_count=1, subwords=False).fitted(["a warm coat", "a cold day"])
CELLS = {"age": [1, 2, 5], "day": ["2024-01-01", "2024-02-01", None], "town": ["Bern", "Bern", "Basel"]}
TABLE = TabularPrep(scale="quantile").fitted(CELLS, {"age": "number", "day": "date", "town": "category"})


def changed(data: Any, path: str, value: Any) -> Any:
    """Return JSON in which the value at a path, such as columns.0.name, is another."""
    data = json.loads(json.dumps(data))
    *outer, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    inner = data
    for key in outer:
        inner = inner[key]
    inner[last] = value
    return data


@pytest.mark.parametrize("prep", [IMAGE, AUDIO, TABLE])
def test_a_preparation_is_the_same_after_json(prep: Preparation) -> None:
    assert type(prep).from_json(json.loads(json.dumps(prep.to_json()))) == prep


def test_whole_numbers_are_read_as_the_floats_that_they_stand_for() -> None:
    made = TabularPrep.from_json(changed(TABLE.to_json(), "columns.0.scalers.0.points", [10**40, 10**41]))
    assert made.columns[0].scalers[0].points == (1e40, 1e41)
    assert made(CELLS)[:, 0] == pytest.approx(-3.09, abs=0.01)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("height", 10**9, "image.height is 1000000000; expected 1 to 4096 pixels. Fit again"),
        ("width", 0, "image.width is 0; expected 1 to 4096 pixels"),
        ("width", None, "image.width is None; expected a number, and a height beside it"),
        ("size", 10**9, "image.size is 1000000000; expected 4 to 4096 pixels"),
        ("size", True, "image.size is 'True'; expected int"),
        ("white", 0, "image.white is 0; expected more than black, 0"),
        ("white", 1e300, "image.white is '1e.300'; expected float"),
        ("source_side", -1, "image.source_side is -1; expected 0 to"),
        ("crop", None, "image.crop is 'None'; expected float"),
        ("rotate", [], r"image.rotate is '\[\]'; expected float"),
        ("flip", "no", "image.flip is 'no'; expected bool"),
        ("mode", 3, "image.mode is '3'; expected str"),
        ("resample", "x", "image.resample is 'x'; expected bilinear or bicubic"),
        ("depth", 3, "there is no 'depth' in it"),
    ],
)
def test_of_pictures(name: str, value: Any, why: str) -> None:
    with pytest.raises(RunError, match=rf"^the image preparation is damaged: {why}"):
        ImagePrep.from_json({**IMAGE.to_json(), name: value})


def test_sides_that_are_large_together_are_refused() -> None:
    ImagePrep(mode="L", height=4096, width=4096)
    with pytest.raises(RequestError, match="height × width × channels is 50,331,648; expected at most 16,777,216"):
        ImagePrep(mode="RGB", height=4096, width=4096)


def test_a_tiny_share_of_a_picture_asks_for_no_more_pixels_than_there_are_numbers() -> None:
    assert ImagePrep(mode="L", height=8, width=8, crop=5e-324).draft_size == (2**31, 2**31)


@pytest.mark.parametrize("name", ["rotate", "crop", "white"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_of_pictures_are_finite(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=rf"image.{name} is (nan|inf); expected"):
        ImagePrep(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("mels", 10**9, "audio.mels is 1000000000; expected 8 to 256"),
        ("frames", 10**9, "audio.frames is 1000000000; expected 1 to 2097152"),
        ("frames", 2**20, "audio: mels × frames is 67,108,864; expected at most 16,777,216"),
        ("hop", 2**20, "audio: mels × hop is 67,108,864; expected at most 16,777,216"),
        ("hop", 0, "audio.hop is 0; expected 1 to 2097152 samples"),
        ("hop", None, "audio.hop is None; expected a number, where the frames are set"),
        ("sample_rate", None, "audio.sample_rate is None; expected a number"),
        ("seconds", 10**9, "audio.seconds is 1e.09; expected 0.05 to 600 seconds"),
        ("bandpass", [1, 2, 3], "audio.bandpass is .* expected 2 values"),
        ("bandpass", ["a", 2], r"audio.bandpass\[0\] is 'a'; expected float"),
        ("bandpass", 3, "audio.bandpass is '3'; expected"),
        ("loudness", "x", "audio.loudness is 'x'; expected float"),
        ("trim", 1, "audio.trim is '1'; expected bool"),
    ],
)
def test_of_sounds(name: str, value: Any, why: str) -> None:
    with pytest.raises(RunError, match=rf"^the audio preparation is damaged: {why}"):
        AudioPrep.from_json({**AUDIO.to_json(), name: value})


def test_a_recording_that_must_be_whole_has_a_length() -> None:
    with pytest.raises(RequestError, match=r"audio.seconds is None; expected a number, where the frames are set"):
        AudioPrep(sample_rate=8000, frames=101, hop=80, whole=True)


@pytest.mark.parametrize(("name", "value"), [("seconds", math.nan), ("loudness", -math.inf)])
def test_numbers_of_sounds_are_finite(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=rf"audio.{name} is (nan|-inf); expected"):
        AudioPrep(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("length", 10**9, "text.length is 1000000000; expected 0 to 65536"),
        ("length", 0, "text.length is 0; expected 1 or more, where there are terms"),
        ("tokens", 10**9, "text.tokens is 1000000000; expected 1 to 65536"),
        ("svd", 0, "text.svd is 0; expected 1 or more"),
        ("ngrams", 6, "text.ngrams is 6; expected 1 to 5"),
        ("words", "warm", "text.words is 'warm'; expected a list"),
        ("words", ["a", None], r"text.words\[1\] is 'None'; expected str"),
        ("terms", [["a"]], r"text.terms\[0\] is .* expected str"),
        ("terms", ["a"], "1 terms, idf "),
        ("pieces", "x", "text.pieces is 'x'; expected bool"),
        ("subwords", 3, "text.subwords is '3'; expected"),
        ("html", None, "text.html is 'None'; expected bool"),
        ("idf", [1.0], "there is no 'idf' in it"),
    ],
)
def test_of_texts(name: str, value: Any, why: str) -> None:
    data, arrays = TEXT.state()
    with pytest.raises(RunError, match=rf"^the text preparation is damaged: {why}"):
        TextPrep.from_state({**data, name: value}, arrays)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("idf", np.float32(np.nan), "a number of it is not finite, or far too large"),
        ("idf", np.float32(1e30), "a number of it is not finite, or far too large"),
        ("idf", np.float32(0), "an idf is not above 0"),
        ("components", np.float32(-np.inf), "a number of it is not finite, or far too large"),
        ("components", np.complex64(1j), "a number of it is not finite, or far too large"),
    ],
)
def test_of_the_arrays_of_texts(name: str, value: Any, why: str) -> None:
    data, arrays = TEXT.state()
    spoilt = arrays[name].astype(value.dtype)
    spoilt[..., 0] = value
    with pytest.raises(RunError, match=why):
        TextPrep.from_state(data, {**arrays, name: spoilt})
    with pytest.raises(RunError, match=r"terms, idf"):
        TextPrep.from_state(data, {**arrays, name: np.zeros((), np.float32)})


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("scale", "x", "tabular.scale is 'x'"),
        ("max_categories", 10**9, "tabular.max_categories is 1000000000; expected 1 to 65536"),
        ("max_categories", 0, "tabular.max_categories is 0"),
        ("columns", {}, "tabular.columns is .* expected a list"),
        ("columns.0", 3, r"tabular.columns\[0\] is '3'; expected an object"),
        ("columns.0.name", 3, "name is '3'; expected str"),
        ("columns.0.kind", "date", "column 'age' is of kind 'date' with 1 scales"),
        ("columns.0.kind", "/etc/passwd", "column 'age' is of kind '/etc/passwd'"),
        ("columns.0.scalers", [], "column 'age' is of kind 'number' with 0 scales; expected 1"),
        ("columns.0.scalers.0.points", 3, "points is '3'; expected a list"),
        ("columns.0.scalers.0.points.1", None, r"points\[1\] is 'None'; expected float"),
        ("columns.0.scalers.0.points.1", ["a"], r"points\[1\] is .* expected float"),
        ("columns.0.scalers.0.points.1", "2", r"points\[1\] is '2'; expected float"),
        ("columns.0.scalers.0.points.1", -(10**9), "the points of 'age' do not rise"),
        ("columns.0.scalers.0.spread", 0, "the scale of 'age' is not of finite numbers, with a spread above 0"),
        ("columns.0.scalers.0.spread", -0.5, "the scale of 'age'"),
        ("columns.0.scalers.0.fill", "x", "fill is 'x'; expected float"),
        ("columns.0.scalers.0.more", 1, "there is no 'more' in it"),
        ("columns.0.day_first", "", "day_first is ''; expected bool"),
        ("columns.1.clock", True, "column 'day' is of kind 'date' with 5 scales; expected 6"),
        ("columns.2.rare", "", "rare is ''; expected bool"),
        ("columns.2.values", [[]], r"values\[0\] is '\[\]'; expected str"),
        ("columns.2.values", ["x"] * 51, "column 'town' has 51 categories; expected at most 50"),
    ],
)
def test_of_tables(path: str, value: Any, why: str) -> None:
    with pytest.raises(RunError, match=rf"^the tabular preparation is damaged: .*{why}"):
        TabularPrep.from_json(changed(TABLE.to_json(), path, value))


@pytest.mark.parametrize("numbers", [[1e200, -1e200, 0.0], [1e-200, 3e-200, 0.0]])
def test_numbers_whose_squares_are_no_floats_are_scaled_still(numbers: list[float]) -> None:
    prep = TabularPrep(scale="standard").fitted({"x": numbers}, {"x": "number"})
    assert (np.abs(prep({"x": numbers})[:, 0]) <= 1).all()
    assert TabularPrep.from_json(prep.to_json()) == prep


@pytest.mark.parametrize("data", [None, [], "x", 3])
@pytest.mark.parametrize("made", [ImagePrep, AudioPrep, TextPrep, TabularPrep])
def test_what_is_no_object_is_refused(made: type[Preparation], data: Any) -> None:
    with pytest.raises(RunError, match=r"preparation is damaged: .* expected an object"):
        made.from_json(data)
