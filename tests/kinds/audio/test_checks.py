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
    assert look(np.full((800, 1), 0.1, np.float32), None, 8000).bare  # but for its offset
    assert not look(np.tile(np.float32([[0.1], [0.11]]), (400, 1)), None, 8000).bare


def tone(hertz: float, rate: int = 44100) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(rate) / rate)[:, None].astype(np.float32)


def in_bits(wave: np.ndarray, bits: int) -> np.ndarray:
    full = 2 ** (bits - 1)
    return (np.clip(np.rint(wave * full), -full, full - 1) / full).astype(np.float32)


@pytest.mark.parametrize(
    "wave",
    [
        tone(30), in_bits(tone(30), 16), in_bits(tone(100), 8), in_bits(0.99 * tone(1000), 8), 32767 * tone(440),
        32767 * tone(25), 1.4 * tone(60), np.ones((8000, 1), np.float32), tone(5) * tone(3000),
    ],
)  # fmt: skip
def test_round_tops_at_full_scale_are_not_clipped(wave: np.ndarray) -> None:
    assert look(wave, None, 44100).clipped == 0


@pytest.mark.parametrize(
    "wave",
    [
        np.clip(1.2 * tone(30), -1, 1), in_bits(1.5 * tone(440), 16), in_bits(1.5 * tone(440), 8),
        32767 * np.clip(2 * tone(440), -1, 1), np.sign(tone(441) + 1e-9),
        np.hstack([0.5 * tone(440), np.clip(2 * tone(440), -1, 1)]),
    ],
)  # fmt: skip
def test_flat_tops_at_full_scale_are_clipped(wave: np.ndarray) -> None:
    assert look(wave, None, 44100).clipped > 0.1
