"""Cells as a checkpoint wants them: pictures by its settings, waves of one length, ids of its tokenizer."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plait.errors import CellError, RequestError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.pretrained import checkpoint
from plait.pretrained.cells import Colours, IdsPrep, WavePrep, make_wave_prep, read_picture_prep
from plait.pretrained.checkpoint import Checkpoint

# pictures


class NobodyKnows:
    """Stands for transformers, which takes seconds to import, where it does not know the class of a processor."""

    @staticmethod
    def from_pretrained(*_given: Any, **_options: Any) -> None:
        raise ValueError("unrecognised image processor")


@pytest.fixture(autouse=True)
def unknown_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoImageProcessor=NobodyKnows))
    monkeypatch.setattr(checkpoint, "quiet", nullcontext)


def read(
    folder: Path, told: dict[str, Any] | None = None, config: Any = None, **options: Any
) -> tuple[ImagePrep, Colours]:
    """Return what these settings in preprocessor_config.json make, taken as they are written."""
    if told is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(told))
    place = Checkpoint("here", folder, "here", "none", "w")
    return read_picture_prep(place, config or SimpleNamespace(), options)


def test_without_settings_a_picture_is_stretched_to_the_size_of_the_network(tmp_path: Path) -> None:
    prep, colours = read(tmp_path, config=SimpleNamespace(image_size=96))
    assert (prep.mode, prep.fit, prep.crop, prep.height, prep.width, prep.resample) == (
        "RGB", "stretch", 1.0, 96, 96, "bilinear",
    )  # fmt: skip
    assert colours.scale == pytest.approx((2 / 255,) * 3)  # 0…255 → -1…1
    assert colours.offset == pytest.approx((-1,) * 3)
    assert not colours.backwards


@pytest.mark.parametrize(
    ("config", "size"),
    [
        (SimpleNamespace(), (224, 224)),
        (SimpleNamespace(image_size=[32, 48]), (32, 48)),
        (SimpleNamespace(image_size=10, vision_config=SimpleNamespace(image_size=64)), (64, 64)),
    ],
)
def test_the_size_is_the_networks_own(tmp_path: Path, config: Any, size: tuple[int, int]) -> None:
    prep, _ = read(tmp_path, config=config)
    assert (prep.height, prep.width) == size


@pytest.mark.parametrize(
    ("told", "fit", "crop", "size"),
    [
        ({"size": {"height": 30, "width": 40}}, "stretch", 1.0, (30, 40)),
        ({"size": 36, "crop_size": 27, "do_center_crop": True}, "crop", 0.75, (27, 27)),
        ({"size": {"shortest_edge": 32}}, "crop", 1.0, (32, 32)),
        ({"size": {"longest_edge": 50}}, "pad", 1.0, (50, 50)),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, "crop", 0.875, (224, 224)),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, "stretch", 1.0, (384, 384)),  # as ConvNeXt is tested
        ({"size": {"height": 30, "width": 40}, "do_resize": False}, "stretch", 1.0, (224, 224)),
    ],
)
def test_resize_and_cut_become_one_cut_and_one_resize(
    tmp_path: Path, told: dict[str, Any], fit: str, crop: float, size: tuple[int, int]
) -> None:
    prep, _ = read(tmp_path, told)
    assert (prep.fit, prep.crop, (prep.height, prep.width)) == (fit, pytest.approx(crop), size)


def test_the_user_may_see_all_of_the_picture_or_less_of_it(tmp_path: Path) -> None:
    told = {"size": 40, "crop_size": 30, "do_center_crop": True, "resample": 3}
    prep, _ = read(tmp_path, told, fit="pad", rotate="90")
    assert (prep.fit, prep.crop, prep.rotate, prep.resample) == ("pad", 1.0, 90.0, "bicubic")
    prep, _ = read(tmp_path, told, crop=0.5)
    assert prep.crop == pytest.approx(0.375)  # half of the three quarters


@pytest.mark.parametrize(
    ("told", "scale", "offset"),
    [
        ({"image_mean": [0.5, 0.25, 0], "image_std": [0.5, 0.25, 1]}, (2 / 255, 4 / 255, 1 / 255), (-1, -1, 0)),
        ({"do_normalize": False}, (1 / 255,) * 3, (0,) * 3),
        ({"do_rescale": False, "do_normalize": False}, (1,) * 3, (0,) * 3),
        ({"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False}, (1 / 127.5,) * 3, (-1,) * 3),
        ({"image_mean": 0, "image_std": 0.5, "include_top": True}, (4 / 255,) * 3, (-2,) * 3),
    ],
)
def test_colours_are_scaled_as_in_training(
    tmp_path: Path, told: dict[str, Any], scale: tuple[float, ...], offset: tuple[float, ...]
) -> None:
    _, colours = read(tmp_path, told)
    assert colours.scale == pytest.approx(scale)
    assert colours.offset == pytest.approx(offset)


def test_blue_may_come_first(tmp_path: Path) -> None:
    assert read(tmp_path, {"do_flip_channel_order": True})[1].backwards


@pytest.mark.parametrize("option", ["size", "mode"])
def test_what_the_network_needs_is_no_option(tmp_path: Path, option: str) -> None:
    with pytest.raises(RequestError, match=rf"image.{option} is set by the encoder here; leave the option out"):
        read(tmp_path, **{option: 64})


# sounds


def test_of_a_long_sound_the_middle_stays_and_a_short_one_is_filled() -> None:
    prep = WavePrep(AudioPrep(sample_rate=1000), 4)
    ramp = np.float32([1, -2, 3, -4, 5, -5, 4, -3, 2, -1])[:, None] / 16  # about zero, as sounds are
    assert (prep(ramp, 1000) * 16).tolist() == [-4, 5, -5, 4]
    assert (prep(np.float32([1, -3, 2])[:, None] / 16, 1000) * 16).tolist() == [1, -3, 2, 0]
    assert prep(ramp, 1000).dtype == np.float32
    with pytest.raises(CellError, match="no sample is left"):
        prep(ramp[:0], 1000)


def test_a_sound_is_brought_to_the_rate_of_the_network() -> None:
    prep = make_wave_prep("here", 16000, None, {"seconds": "0.5"})
    assert (prep.samples, prep.audio.sample_rate) == (8000, 16000)
    assert np.flatnonzero(prep(np.tile(np.float32([[1], [-1]]), (1000, 1)), 8000))[-1] == 3999  # a quarter of a second
    assert WavePrep.from_json(json.loads(json.dumps(prep.to_json()))) == prep


@pytest.mark.parametrize(
    ("longest", "options", "samples"),
    [(None, {}, 10_000), (30.0, {}, 30_000), (30.0, {"seconds": 2}, 2000), (30.0, {"sample_rate": 1000}, 30_000)],
)
def test_the_length_is_the_users_else_the_networks_else_ten_seconds(
    longest: float | None, options: dict[str, Any], samples: int
) -> None:
    assert make_wave_prep("here", 1000, longest, options).samples == samples


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mels": 64}, "audio.mels is set by the encoder here"),
        ({"sample_rate": 8000}, "audio.sample_rate is set by the encoder here"),
        ({"seconds": 31}, "audio.seconds is 31, but here takes at most 30 s"),
    ],
)
def test_what_the_network_hears_is_no_option(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        make_wave_prep("here", 16000, 30.0, options)


# texts


def letters(text: str, truncation: bool, max_length: int) -> dict[str, list[int]]:
    """Return the places of letters in the alphabet, as a tokenizer would."""
    ids = [ord(letter) - ord("a") for letter in text]
    return {"input_ids": ids[:max_length] if truncation else ids}


def test_a_text_is_its_ids_and_one_and_then_zeros() -> None:
    prep = IdsPrep(length=4, tokenizer=letters)
    assert prep("ac").tolist() == [1, 3, 0, 0]
    assert prep("abcdef").tolist() == [1, 2, 3, 4]
    assert prep("").tolist() == [0, 0, 0, 0]
    assert prep("ac").dtype == np.int32


def test_a_text_is_cleaned_first_and_a_column_becomes_its_name() -> None:
    prep = IdsPrep(length=4, tokenizer=letters)
    assert prep.clean("\ue000Note\ue001 <b>CafÃ©</b> \n \ue000b\ue001 x") == "Note: Café b: x"
    assert IdsPrep(lower=True).clean("\ue000Note\ue001 A") == "note: a"
    assert IdsPrep(html=False, mojibake=False).clean("<b>CafÃ©</b>") == "<b>CafÃ©</b>"


def test_texts_are_prepared_alike_after_json() -> None:
    prep = IdsPrep.of({"lower": "true", "tokens": "6"})
    assert prep == IdsPrep(lower=True, tokens=6)
    assert IdsPrep(tokenizer=letters).from_json(json.loads(json.dumps(prep.to_json()))) == prep
    with pytest.raises(RequestError, match=r"text has no option 'lowr'\. Did you mean 'lower'"):
        IdsPrep.of({"lowr": True})
