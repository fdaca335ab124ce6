"""Pictures made worse: noise, blur and a patch, each by its own measure."""

import numpy as np
import pytest

from plait.kinds.image.worsen import BLUR, IMAGE_NOISE, OCCLUSION, blur_images, noise_images, occlude_images

PICTURES = np.full((3, 2, 20, 40), 100, np.uint8)


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_levels_begin_at_nothing():
    for levels in (IMAGE_NOISE, BLUR, OCCLUSION):
        assert levels[0] == 0.0
        assert list(levels) == sorted(levels)
    pictures = new().integers(0, 256, (2, 3, 8, 8), np.uint8)
    for same in (noise_images(pictures, 0, new()), blur_images(pictures, 0), occlude_images(pictures, 0, new())):
        assert np.array_equal(same, pictures)


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
