"""What makes inputs worse, by hand and by its own measure; curves and areas with literal numbers."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.errors import RequestError
from plait.kinds.audio.worsen import SNR, add_noise
from plait.kinds.image.worsen import BLUR, IMAGE_NOISE, OCCLUSION, blur_images, noise_images, occlude_images
from plait.kinds.tabular.worsen import NUMBER_NOISE, noise_numbers
from plait.kinds.text.clean import tokenise
from plait.kinds.text.worsen import DROPPED, drop_words
from plait.proof.curves import MISSING, area_under, missing_curve, score_curve

PICTURES = np.full((3, 2, 20, 40), 100, np.uint8)


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_levels_begin_at_nothing():
    for levels in (IMAGE_NOISE, BLUR, OCCLUSION, NUMBER_NOISE, DROPPED, MISSING):
        assert levels[0] == 0.0
        assert list(levels) == sorted(levels)
    assert SNR == (40.0, 30.0, 20.0, 10.0, 0.0)
    pictures = new().integers(0, 256, (2, 3, 8, 8), np.uint8)
    for same in (noise_images(pictures, 0, new()), blur_images(pictures, 0), occlude_images(pictures, 0, new())):
        assert np.array_equal(same, pictures)
    assert drop_words("as it  was", 0, new()) == "as it  was"


def test_noise_of_pictures_has_its_deviation():
    noisy = noise_images(PICTURES, 0.1, new())
    assert noisy.dtype == np.uint8
    assert noisy.std() == pytest.approx(25.5, rel=0.05)
    assert noisy.mean() == pytest.approx(100, abs=2)
    assert np.array_equal(noisy, noise_images(PICTURES, 0.1, new()))
    assert noise_images(np.full((1, 1, 8, 8), 255, np.uint8), 0.4, new()).max() == 255  # cut, not turned over


def test_blur_keeps_channels_and_rows_apart():
    pictures = np.zeros((2, 2, 20, 20), np.uint8)
    pictures[0, 0, 10, 10] = 255
    blurred = blur_images(pictures, 0.05)  # a deviation of one pixel
    assert blurred[0, 0, 10, 10] == 41  # 255 · 0.159
    assert blurred[0, 0, 10, 11] == blurred[0, 0, 9, 10] == 25
    assert blurred[0, 1].max() == blurred[1].max() == 0


def test_patch_has_its_share_of_the_area_and_grows_with_it():
    before = np.zeros(PICTURES.shape[2:], bool)
    for share in OCCLUSION[1:]:
        covered = occlude_images(PICTURES, share, new()) == 128
        assert covered.mean() == pytest.approx(share, abs=0.03)
        assert np.array_equal(covered[0, 0], covered[0, 1])  # channels alike
        assert covered[0, 0].sum() > before.sum()
        before = covered[0, 0]
    assert (occlude_images(PICTURES, 1.0, new()) == 128).all()
    assert (PICTURES == 100).all()
    several = np.zeros((2, 3, 1, 8, 8), np.uint8)  # three columns of pictures
    assert occlude_images(several, 0.25, new()).shape == several.shape


def test_noise_of_numbers_leaves_flags_codes_and_what_is_missing():
    values = np.zeros((500, 5), np.float32)  # two numbers, two flags, a category
    values[:, 4] = 3
    values[:250, 3] = 1  # the second number is missing in half of the rows
    noisy = noise_numbers(values, 2, 0.5, new())
    assert noisy.dtype == np.float32
    assert noisy[:, 0].std() == pytest.approx(0.5, rel=0.1)
    assert (noisy[:250, 1] == 0).all()
    assert (noisy[250:, 1] != 0).all()
    assert np.array_equal(noisy[:, 2:], values[:, 2:])


def test_words_are_dropped_and_the_rest_stays():
    text = "The quick, brown fox (it's 3.5 years old) jumps."
    kept = [drop_words(text, share, new(4)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert kept[0] == text
    assert kept[3] == ""
    words = [set(tokenise(k)) for k in kept]
    assert words[2] < words[1] < words[0]  # a word once dropped stays dropped
    assert drop_words("one, two, three", 0.5, new()) == "one, ,"


def test_chinese_is_dropped_by_character():
    text = "我爱机器学习和自然语言处理" * 20
    assert len(drop_words(text, 0.25, new())) / len(text) == pytest.approx(0.75, abs=0.06)


def test_text_without_words_stays():
    assert drop_words("", 0.5, new()) == ""
    assert drop_words("...", 1.0, new()) == "..."


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.text("ab '.我爱é\ue000\ue001\n3", max_size=40), st.floats(0, 1))
def test_any_text_can_lose_words(text, share):
    assert len(drop_words(text, share, new())) <= len(text)


def test_noise_of_sounds_has_its_level():
    wave = np.sin(np.arange(20_000) / 5).astype(np.float32)
    for level in SNR:
        noise = add_noise(wave, level, new()) - wave
        assert 10 * np.log10(np.mean(wave**2) / np.mean(noise**2)) == pytest.approx(level, abs=0.2)
    assert add_noise(wave, 10, new()).dtype == np.float32
    assert add_noise(np.zeros((50, 2)), 0, new()).max() == 0
    assert len(add_noise(np.zeros(0, np.float32), 0, new())) == 0


@pytest.mark.parametrize(
    ("levels", "scores", "area"),
    [
        ((0.0, 1.0), (1.0, 0.0), 0.5),
        ((0.0, 0.1, 0.4), (1.0, 0.8, 0.2), 0.25 * 0.9 + 0.75 * 0.5),
        ((40.0, 20.0, 0.0), (0.9, 0.9, 0.5), 0.8),
        ((0.0, 2.0), (-1.0, -1.0), -1.0),
    ],
)
def test_area_by_hand(levels, scores, area):
    assert area_under(levels, scores) == pytest.approx(area)


def test_wrong_levels_are_named():
    with pytest.raises(RequestError, match="got 1 levels and 1 scores; expected as many of both, and at least 2"):
        area_under([0.0], [1.0])
    with pytest.raises(RequestError, match=r"the levels \[0, 2, 1\] go up and down; expected them to rise, or to fall"):
        area_under([0, 2, 1], [1.0, 1.0, 1.0])
    with pytest.raises(RequestError, match=r"pictures are float64 of shape \(1, 1, 2, 2\); expected uint8 of shape"):
        blur_images(np.zeros((1, 1, 2, 2)), 0.1)
    with pytest.raises(RequestError, match=r"table has shape \(1, 3\); expected \(batch, feature\) with at least 4"):
        noise_numbers(np.zeros((1, 3)), 2, 0.1, new())


def test_curve_of_scores():
    said = {0.0: [[1, 0], [0, 1], [9, 9]], 0.5: [[1, 0], [1, 0], [9, 9]], 1.0: [[0, 1], [1, 0], [9, 9]]}
    found = score_curve(lambda level: np.array(said[level]), (0.0, 0.5, 1.0), ["a", "b", None], ["a", "b"])
    assert found == {"metric": "accuracy", "levels": [0.0, 0.5, 1.0], "scores": [1.0, 0.5, 0.0], "area": 0.5}
    flat = score_curve(lambda level: np.array([1.0, 2.0]), (0.0, 1.0), [5.0, 5.0])
    assert (flat["metric"], flat["scores"], flat["area"]) == ("r2", [None, None], None)


def test_missing_at_random():
    present = {"image": np.array([True] * 8 + [False] * 2), "audio": np.ones(10, bool)}
    asked = []

    def answer(there):
        asked.append(there)
        return np.column_stack([there["image"], ~there["image"]]).astype(float)

    found = missing_curve(answer, present, ["a"] * 10, ["a", "b"], modality="image", generator=new())
    assert found["levels"] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert found["scores"] == [0.8, 0.6, 0.4, 0.2, 0.0]
    assert found["area"] == pytest.approx(0.4)
    assert all((more["image"] <= less["image"]).all() for less, more in pairwise(asked))
    assert all(there["audio"] is present["audio"] for there in asked)
    assert present["image"].sum() == 8
    with pytest.raises(RequestError, match="there is no modality 'text'; there are: image, audio"):
        missing_curve(answer, present, ["a"] * 10, ["a", "b"], modality="text", generator=new())
