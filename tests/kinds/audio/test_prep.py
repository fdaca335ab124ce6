"""Sounds: filters, denoising, trimming, levels and log-mels, each with numbers known beforehand."""

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from plait.errors import CellError, RequestError
from plait.kinds.audio.prep import AudioPrep, bandpass, denoise, level_of, log_mel, set_level, trim


def sine(frequency: float, rate: int, seconds: float = 1.0, peak: float = 0.5) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def decibels(x: np.ndarray, rate: int, frequency: float) -> float:
    """Level of one frequency in the middle half of x, in dB of a sine of peak 1."""
    middle = x[len(x) // 4 : -len(x) // 4]
    wave = np.exp(-2j * np.pi * frequency * np.arange(len(middle)) / rate) * np.hanning(len(middle))
    return 20 * math.log10(abs(middle @ wave) / np.hanning(len(middle)).sum() * 2)


def signal_to_noise(clean: np.ndarray, heard: np.ndarray) -> float:
    return 10 * math.log10(np.sum(clean**2.0) / np.sum((heard - clean) ** 2.0))


def test_a_bandpass_keeps_1000_hz_and_removes_50_hz():
    x = sine(1000, 8000) + sine(50, 8000)
    y = bandpass(x, 8000, 300, 3400)
    assert y.dtype == np.float32 and y.shape == x.shape
    assert decibels(x, 8000, 50) == pytest.approx(-6.02, abs=0.05)
    assert decibels(y, 8000, 1000) == pytest.approx(-6.02, abs=0.05)
    assert decibels(y, 8000, 50) < -80


def test_a_bandpass_does_not_delay():
    x = sine(1000, 8000)
    y = bandpass(x, 8000, 300, 3400)
    np.testing.assert_allclose(y[2000:6000], x[2000:6000], atol=0.002)


@pytest.mark.parametrize("low, high, lost, kept", [(300, 9000, 50, 3500), (0, 300, 3500, 50)])
def test_an_edge_outside_the_sound_takes_nothing_out(low, high, lost, kept):
    y = bandpass(sine(50, 8000) + sine(3500, 8000), 8000, low, high)
    assert decibels(y, 8000, lost) < -80
    assert decibels(y, 8000, kept) == pytest.approx(-6.02, abs=0.1)


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_very_short_sounds_pass_every_operation(length):
    prep = AudioPrep(bandpass=(300, 3400), denoise=True, trim=True, loudness=-20, seconds=0.5)
    prep = prep.fitted([(np.ones((8000, 1), np.float32), 8000)])
    x = prep(sine(1000, 8000)[1 : length + 1, None], 8000)
    assert x.shape == (64, 51)
    assert np.isfinite(x).all()


def chirp(rate: int) -> np.ndarray:
    time = np.arange(2 * rate) / rate
    return 0.3 * np.sin(2 * np.pi * (300 * time + 675 * time**2))


def bursts(rate: int) -> np.ndarray:
    """Three vowel-like bursts of 0.3 s: nine harmonics of 150 Hz."""
    time = np.arange(2 * rate) / rate
    voice = sum(0.15 / k**0.5 * np.sin(2 * np.pi * 150 * k * time) for k in range(1, 10))
    envelope = np.zeros(2 * rate)
    for start in (0.3, 0.9, 1.5):
        first = round(start * rate)
        envelope[first : first + round(0.3 * rate)] = np.hanning(round(0.3 * rate))
    return voice * envelope


@pytest.mark.parametrize(
    "clean, gain",
    [(sine(1000, 8000, 2, 0.3), 10), (chirp(8000), 10), (bursts(8000), 7)],
    ids=["tone", "chirp", "bursts"],
)
def test_denoising_improves_a_known_signal_to_noise_ratio(clean, gain):
    noise = np.random.default_rng(0).normal(size=len(clean))
    noise *= np.sqrt(np.mean(clean**2.0) / 10**0.5 / np.mean(noise**2))
    noisy = (clean + noise).astype(np.float32)
    assert signal_to_noise(clean, noisy) == pytest.approx(5.0, abs=0.05)
    assert signal_to_noise(clean, denoise(noisy, 8000)) > 5.0 + gain


def test_denoising_leaves_a_clean_sound_nearly_as_it_is():
    clean = bursts(8000).astype(np.float32)
    assert signal_to_noise(clean, denoise(clean, 8000)) > 40


def test_denoising_turns_bare_noise_down():
    noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
    assert level_of(denoise(noise, 8000)) < level_of(noise) - 8


def test_trim_removes_known_silence():
    silence = np.zeros(4000, np.float32)
    x = np.concatenate([silence, sine(1000, 8000, 1.0), silence])
    y = trim(x, 8000)
    assert len(y) == 8000 + 2 * 80  # 10 ms stay on each side
    np.testing.assert_array_equal(y[80:-80], sine(1000, 8000, 1.0))


def test_trim_keeps_what_is_39_db_down_and_cuts_what_is_45_db_down():
    loud = sine(1000, 8000, 1.0)
    assert len(trim(np.concatenate([loud, loud * 10 ** (-39 / 20)]), 8000)) == 16000
    assert len(trim(np.concatenate([loud, loud * 10 ** (-45 / 20)]), 8000)) == 8080


def test_trim_of_a_silent_sound_keeps_it():
    assert len(trim(np.zeros(100, np.float32), 8000)) == 100


def test_level_is_in_dbfs_of_the_root_mean_square():
    assert level_of(sine(1000, 8000, peak=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert level_of(np.full(10, 0.1, np.float32)) == pytest.approx(-20.0, abs=0.001)
    assert level_of(np.zeros(10)) == -math.inf


def test_loudness_reaches_its_level_but_not_over_full_scale():
    assert level_of(set_level(sine(1000, 8000, peak=0.01), -20)) == pytest.approx(-20.0, abs=0.001)
    loudest = set_level(sine(1000, 8000, peak=0.01), 0)
    assert np.abs(loudest).max() == pytest.approx(1.0)
    assert level_of(loudest) == pytest.approx(-3.01, abs=0.01)
    np.testing.assert_array_equal(set_level(np.zeros(5, np.float32), -20), np.zeros(5))


def test_resampling_keeps_the_frequency_of_a_sine():
    wave = AudioPrep(sample_rate=16000).wave(sine(1000, 44100)[:, None], 44100)
    assert wave.shape == (16000,) and wave.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(wave))) == 1000  # a line of one second is 1 Hz
    assert decibels(wave, 16000, 1000) == pytest.approx(-6.02, abs=0.02)


def test_resampling_folds_nothing_back():
    wave = AudioPrep(sample_rate=8000).wave(sine(5000, 44100)[:, None], 44100)  # would fold to 3000 Hz
    assert level_of(wave[800:-800]) < -80


def test_stereo_becomes_the_mean_of_its_channels():
    stereo = np.stack([sine(100, 8000), sine(300, 8000)], axis=1).astype(np.float32)
    np.testing.assert_allclose(AudioPrep().wave(stereo, 8000), stereo.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize(
    "rate, frequency, band", [(8000, 1000, 29), (16000, 1000, 21), (16000, 4000, 48), (8000, 50, 1)]
)
def test_the_log_mel_of_a_sine_peaks_in_its_band(rate, frequency, band):
    # Band of f: (mel(f) - mel(20)) / ((mel(rate / 2) - mel(20)) / 65) - 1, with mel(f) = 2595 log10(1 + f / 700)
    picture = log_mel(sine(frequency, rate), rate)
    assert picture.shape == (64, 101) and picture.dtype == np.float32
    assert np.argmax(picture[:, 50]) == band
    assert picture.max() == pytest.approx(0, abs=1e-5)
    assert picture.min() == pytest.approx(-18.42, abs=0.01)  # 80 dB down


def test_a_click_stands_in_its_frame():
    x = np.zeros(8000, np.float32)
    x[4000] = 1.0
    assert np.argmax(log_mel(x, 8000).sum(axis=0)) == 50  # 0.5 s at 10 ms a frame


def test_every_filter_hears_something():
    noise = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    for rate in (4000, 8000, 16000):
        assert log_mel(noise, rate, mels=128).min(axis=0).max() > -18


def test_features_are_standardised_over_the_frames_of_the_sound_and_0_after_them():
    prep = AudioPrep(seconds=1.0).fitted([(np.zeros((8000, 1)), 8000)])
    x = prep(sine(1000, 8000, 0.5)[:, None], 8000)
    assert x.shape == (64, 101) and x.dtype == np.float32
    assert x[:, :51].mean() == pytest.approx(0, abs=1e-4)
    assert x[:, :51].std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(x[:, 51:], 0)


def test_the_level_of_the_recording_does_not_matter():
    prep = AudioPrep(seconds=1.0).fitted([(np.zeros((8000, 1)), 8000)])
    x = chirp(8000)[:8000, None].astype(np.float32)
    np.testing.assert_allclose(prep(x, 8000), prep(x * 0.001, 8000), atol=1e-3)


def test_a_long_sound_is_cut_from_its_middle():
    prep = AudioPrep(seconds=1.0).fitted([(np.zeros((8000, 1)), 8000)])
    x = np.concatenate([sine(300, 8000), sine(1000, 8000), sine(3000, 8000)])[:, None]
    picture = prep(x, 8000)
    assert picture.shape == (64, 101)
    assert set(np.argmax(picture[:, 3:-3], axis=0)) == {29}  # nothing but the 1000 Hz of the middle


@pytest.mark.parametrize("value", [0.0, 0.5])
@pytest.mark.parametrize("options", [{}, {"denoise": True, "trim": True, "loudness": -20}])
def test_silence_and_a_constant_give_zeros_and_no_nan(value, options):
    if value and options:
        options = {**options, "bandpass": (300.0, 3400.0)}
    prep = AudioPrep(**options).fitted([(sine(1000, 8000)[:, None], 8000)])
    x = prep(np.full((8000, 1), value, np.float32), 8000)
    if value and options:
        assert np.isfinite(x).all()  # what a filter leaves of a constant is rounding, made loud
    else:
        assert (x == 0).all()


def test_fitted_takes_the_commonest_rate_and_nearly_the_longest_length():
    sounds = [(np.zeros((4000, 1), np.float32), 8000)] * 99 + [(np.zeros((441000, 2), np.float32), 44100)]
    prep = AudioPrep().fitted(sounds)
    assert (prep.sample_rate, prep.seconds, prep.frames, prep.hop) == (8000, 0.5, 51, 80)
    prep = AudioPrep().fitted([(np.zeros((441000, 2), np.float32), 44100)])
    assert (prep.sample_rate, prep.seconds, prep.frames, prep.hop) == (16000, 10.0, 321, 500)


def test_fitted_measures_lengths_after_trimming():
    x = np.concatenate([np.zeros(8000), sine(1000, 8000, 0.5), np.zeros(8000)])[:, None].astype(np.float32)
    assert AudioPrep().fitted([(x, 8000)]).seconds == 2.5
    assert AudioPrep(trim=True).fitted([(x, 8000)]).seconds == 0.52


def test_steps_name_what_changed_and_nothing_else():
    x = np.concatenate([np.zeros(4410), sine(1000, 44100)])[:, None].astype(np.float32)
    prep = AudioPrep.of({"bandpass": "300,3400", "trim": "true"}).fitted([(x, 44100)])
    steps = prep.steps(x, 44100)
    assert [name for name, _, _ in steps] == ["as it came", "resample to 16000 Hz", "band-pass 300 to 3400 Hz", "trim"]
    assert [rate for _, _, rate in steps] == [44100, 16000, 16000, 16000]
    np.testing.assert_array_equal(steps[-1][1], prep.wave(x, 44100))
    assert [name for name, _, _ in AudioPrep().fitted([(x, 8000)]).steps(x, 8000)] == ["as it came"]


def test_options_come_as_strings_too():
    prep = AudioPrep.of({"bandpass": "300,3400", "denoise": "true", "loudness": "-20", "sample_rate": "8000"})
    assert prep == AudioPrep(bandpass=(300.0, 3400.0), denoise=True, loudness=-20.0, sample_rate=8000)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"bandpas": "1,2"}, r"audio has no option 'bandpas'. Did you mean 'bandpass'\? There are: sample_rate, "),
        ({"frames": 3}, "audio has no option 'frames'"),
        ({"bandpass": "300"}, "audio.bandpass is '300'; expected 2 values with a comma between, each a number or none"),
        ({"bandpass": "3400,300"}, "audio.bandpass is 3400,300; expected LOW,HIGH in Hz with LOW less than HIGH"),
        ({"bandpass": "5000,6000", "sample_rate": 8000}, "begins at 5000 Hz, but sounds of 8000 Hz end at 4000 Hz"),
        ({"denoise": "perhaps"}, "audio.denoise is 'perhaps'; expected true or false"),
        ({"loudness": 3}, "audio.loudness is 3; expected -80 to 0 dBFS"),
        ({"seconds": 0}, "audio.seconds is 0; expected 0.05 to 600 seconds"),
        ({"mels": 2}, "audio.mels is 2; expected 8 to 256"),
        ({"sample_rate": 10}, "audio.sample_rate is 10; expected 1000 to 192000 Hz"),
    ],
)
def test_wrong_options_say_how_to_mend_them(options, message):
    with pytest.raises(RequestError, match=message):
        AudioPrep.of(options)


def test_what_cannot_be_done_is_an_error():
    with pytest.raises(RequestError, match="there is no sound to learn"):
        AudioPrep().fitted([])
    with pytest.raises(RequestError, match="not fitted yet"):
        AudioPrep()(np.zeros((10, 1)), 8000)
    with pytest.raises(CellError, match="no sample is left at 8000 Hz"):
        AudioPrep(sample_rate=8000).wave(np.zeros((0, 1), np.float32), 44100)


def test_json_gives_it_back():
    prep = AudioPrep(bandpass=(300.0, 3400.0)).fitted([(np.zeros((8000, 1), np.float32), 8000)])
    assert AudioPrep.from_json(json.loads(json.dumps(prep.to_json()))) == prep


def test_a_whole_sound_is_never_cut():
    sounds = [(sine(440, 8000, seconds), 8000) for seconds in (1.0, 4.0)]
    prep = AudioPrep(whole=True).fitted(sounds)
    assert (prep.seconds, prep.hop, prep.frames) == (5.0, 80, 501)  # 1.25 times the longest, a frame each 10 ms
    assert prep(sine(440, 8000, 4.9), 8000).shape == (64, 501)
    with pytest.raises(CellError, match="longer than 5 s, which is the longest this recogniser takes"):
        prep(sine(440, 8000, 5.1), 8000)
    assert AudioPrep.from_json(json.loads(json.dumps(prep.to_json()))) == prep


def test_a_whole_sound_is_as_long_as_asked_and_at_most_60_s():
    assert AudioPrep(whole=True).fitted([(np.ones(55 * 8000, np.float32), 8000)]).seconds == 60
    assert AudioPrep(whole=True, seconds=90).fitted([(sine(440, 8000), 8000)]).seconds == 90


def test_whole_is_no_option_of_a_user():
    with pytest.raises(RequestError, match="audio has no option 'whole'"):
        AudioPrep.of({"whole": True})


def test_the_log_mel_is_the_same_with_and_without_torch(monkeypatch):
    import torch

    assert sys.modules["torch"] is torch
    wave = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    by_torch = log_mel(wave, 8000)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert log_mel(wave, 8000) == pytest.approx(by_torch, abs=1e-4)


def at(second: float, seconds: float, rate: int = 8000, level: float = 1.0) -> np.ndarray:
    """A second of a tone that begins at `second`, in faint noise."""
    x = np.random.default_rng(0).normal(0, 0.001, int(seconds * rate)).astype(np.float32)
    start = int(second * rate)
    x[start : start + rate] += level * sine(500, rate)[:rate].astype(np.float32)
    return x


def test_of_a_long_sound_the_loud_part_is_heard_where_the_middle_is_silent():
    prep = AudioPrep(sample_rate=8000, seconds=2.0, frames=201, hop=80)
    for second in (0.0, 3.0, 17.5, 19.0):
        start = prep.cut(at(second, 20), 16000) / 8000
        assert second - 1 - 0.02 <= start <= second + 0.02
        assert abs(prep.span(at(second, 20), 8000)[0] - start) < 0.02
        heard = prep(at(second, 20), 8000)
        assert (heard.max(axis=0) > 1).sum() > 90  # frames of 10 ms, of the tone's second
    both = at(9.5, 20, level=0.2) + at(2, 20)
    assert prep.cut(both, 16000) == 9 * 8000  # the middle is not silent
    assert prep.cut(at(3, 20)[:15000], 16000) == 0
    assert replace(prep, edition=1).cut(at(3, 20), 16000) == 9 * 8000


def test_a_run_of_before_hears_as_it_did():
    prep = AudioPrep(sample_rate=8000, seconds=2.0, frames=201, hop=80)
    data = prep.to_json()
    assert AudioPrep.from_json(data) == prep
    del data["edition"]
    old = AudioPrep.from_json(data)
    assert old == replace(prep, edition=1)
    stereo = np.stack([sine(500, 8000), -sine(500, 8000)], 1).astype(np.float32)
    assert np.abs(old.wave(stereo, 8000)).max() == 0
    assert np.array_equal(prep.wave(stereo, 8000), stereo[:, 0])


def test_what_is_heard_of_long_sounds_is_said():
    long, short = np.zeros((12 * 8000, 1), np.float32), np.zeros((8000, 1), np.float32)
    note = AudioPrep().fitted([(long, 8000)] * 3 + [(short, 8000)]).note
    assert note == (
        "3 of 4 sounds looked at are longer than 10 s; of each the middle is heard, or the loudest part where that is "
        "silent; --prep audio.seconds=N hears more"
    )
    assert AudioPrep().fitted([(long, 8000)] + [(short, 8000)] * 40).note == ""
    assert AudioPrep(seconds=5).fitted([(long, 8000)]).note == ""
