"""Numbers by hand of a wave: those of a known tone, and finite ones of whatever comes."""

import math

import numpy as np
import pytest

from plait.kinds.audio.acoustic import CEPSTRA, PITCH_NUMBERS, RATE, SUMMARY, TRACKS, WIDTH, describe, summarise

TIME = np.arange(RATE) / RATE  # a second
BEFORE = SUMMARY * TRACKS + CEPSTRA + (2 + 8 + 4) * 32  # numbers before those of pitch, which begin with its mean


def tone(hertz: float, level: float = 0.3) -> np.ndarray:
    return level * sum(np.sin(2 * np.pi * hertz * k * TIME) / k for k in range(1, 6))


def pitch_of(wave: np.ndarray) -> np.ndarray:
    return describe(wave)[BEFORE : BEFORE + PITCH_NUMBERS]


@pytest.mark.parametrize("hertz", [80.0, 150.0, 220.0, 440.0])
def test_the_pitch_of_a_tone_is_its_own(hertz: float) -> None:
    found = pitch_of(tone(hertz))
    assert found[3] == pytest.approx(math.log2(hertz / 100), abs=0.02)
    assert found[SUMMARY] > 0.95  # nearly every frame is voiced
    assert found[SUMMARY + 1] < 0.01  # and steady: no jitter


def test_noise_has_no_pitch() -> None:
    assert pitch_of(np.random.default_rng(0).normal(size=RATE))[SUMMARY] < 0.1


def test_a_rising_tone_has_a_slope_and_a_trembling_one_jitter() -> None:
    rising = 0.3 * np.sin(2 * np.pi * (100 * TIME + 50 * TIME**2))  # from 100 to 200 Hz, an octave
    assert pitch_of(rising)[6] == pytest.approx(0.5, abs=0.1)  # octaves in half its time
    trembling = 0.3 * np.sin(2 * np.pi * 200 * TIME + 2 * np.sin(2 * np.pi * 20 * TIME))
    assert pitch_of(trembling)[SUMMARY + 1] > 5 * pitch_of(tone(200))[SUMMARY + 1]


def test_the_level_moves_what_is_of_the_level_and_nothing_else() -> None:
    loud, soft = describe(tone(220)), describe(tone(220, 0.03))
    moved = np.flatnonzero(np.abs(loud - soft) > 1e-3)
    first = BEFORE + PITCH_NUMBERS
    assert moved.tolist() == [first, first + 1]  # root mean square and peak, in units of 20 dB
    assert loud[moved] - soft[moved] == pytest.approx([1, 1], abs=1e-3)


def test_pauses_are_counted() -> None:
    wave = tone(220)
    for begin in (0.25, 0.65):
        wave[round(begin * RATE) : round((begin + 0.1) * RATE)] *= 1e-4
    energy = describe(wave)[BEFORE + PITCH_NUMBERS :]
    assert energy[7] == pytest.approx(2, abs=0.05)  # a second
    assert energy[8] == pytest.approx(0.08, abs=0.02)  # seconds; frames reach over the ends of a pause


def test_a_summary_by_hand() -> None:
    found = summarise(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))[:, 0]
    assert found == pytest.approx([2, math.sqrt(2), 0.4, 2, 3.6, 3.2, 2, 1, 0, 1])
    assert summarise(np.array([[3.0]]))[:, 0].tolist() == [3, 0, 3, 3, 3, 0, 0, 0, 0, 0]


NOISE = np.random.default_rng(1).normal(size=16000)


STRANGE = {"huge": 1e30 * NOISE, "late": np.r_[np.zeros(9000), NOISE[:9]], "click": np.r_[1.0, np.zeros(9000)]}
STRANGE |= {f"{n} samples": NOISE[:n] for n in (2, 5, 100, 170, 500)}


@pytest.mark.parametrize("wave", STRANGE.values(), ids=STRANGE)
def test_short_and_strange_sounds_have_finite_numbers(wave: np.ndarray) -> None:
    found = describe(wave)
    assert found.shape == (WIDTH,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 50


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(400), np.full(400, 0.7), np.full(9, np.nan), NOISE[:1]])
def test_silence_and_what_never_changes_are_zeros(wave: np.ndarray) -> None:
    assert not describe(wave).any()
