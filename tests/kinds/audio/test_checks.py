"""What is kept of a sound. The findings: tests/checks/test_media_checks.py."""

import numpy as np
import pytest

from plait.kinds.audio.checks import BANDS, look, quick


def test_flat_tops_are_clipped_and_a_single_peak_is_not() -> None:
    wave = np.sin(np.arange(8000) / 20).astype(np.float32)[:, None]
    assert look(np.clip(2 * wave, -1, 1), None, 8000).clipped == pytest.approx(2 / 3, abs=0.02)
    wave = 0.5 * wave
    wave[100] = 1.0
    assert look(wave, None, 8000).clipped == 0


def test_the_features_of_sounds_differ_with_the_sound() -> None:
    waves = [0.5 * np.sin(np.arange(4000) * 2 * np.pi * hertz / 8000).astype(np.float32) for hertz in (200, 3000)]
    values, present = quick({"s": [look(wave[:, None], None, 8000) for wave in waves]}, {})
    assert values.shape == (2, 4 * BANDS)
    assert present.all()
    low, high = values[:, :BANDS].argmax(axis=1)
    assert low < 10 < 20 < high


def test_silence_is_bare() -> None:
    assert look(np.zeros((800, 1), np.float32), None, 8000).bare
    assert not look(np.full((800, 1), 0.1, np.float32), None, 8000).bare
