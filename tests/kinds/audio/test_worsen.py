"""Sounds made worse: noise so many decibels below the sound."""

import numpy as np
import pytest

from plait.kinds.audio.worsen import SNR, add_noise


def new(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_levels_fall_to_a_noise_as_loud_as_the_sound():
    assert SNR == (40.0, 30.0, 20.0, 10.0, 0.0)


def test_noise_of_sounds_has_its_level():
    wave = np.sin(np.arange(20_000) / 5).astype(np.float32)
    for level in SNR:
        noise = add_noise((wave, 8000), level, new())[0] - wave
        assert 10 * np.log10(np.mean(wave**2) / np.mean(noise**2)) == pytest.approx(level, abs=0.2)
    assert add_noise((wave, 8000), 10, new())[0].dtype == np.float32
    assert add_noise((np.zeros((50, 2)), 8000), 0, new())[0].max() == 0
    assert len(add_noise((np.zeros(0, np.float32), 8000), 0, new())[0]) == 0


def test_a_worse_level_holds_the_noise_of_the_better_one():
    wave = np.sin(np.arange(2000) / 5)
    better, worse = (add_noise((wave, 8000), level, new(1))[0] - wave for level in (20.0, 0.0))
    np.testing.assert_allclose(worse, 10 * better, atol=1e-9)  # 20 dB are ten times as much
