"""Which seconds of a sound moved an answer: places of a heat map as seconds of the sound as it came."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from plait.kinds.audio.inside import blank, leave_out, locate, media, report, say, wav_of
from plait.kinds.audio.prep import AudioPrep

PREP = AudioPrep(sample_rate=1000, seconds=0.2, mels=8, frames=20, hop=10)  # takes 199 samples, a frame each 10 ms


def hum(num: int) -> np.ndarray:
    return np.sin(2 * np.pi * 100 * np.arange(num, dtype=np.float32) / 1000)[:, None]


def test_pieces_count_from_the_start_of_the_sound_of_which_only_the_middle_was_heard() -> None:
    heat = np.zeros((8, 20))
    heat[3, 4], heat[5, 5], heat[0, 19] = 1.0, 0.5, -2.0
    sound = hum(1199), 1000  # 500 samples are cut off on each side
    found, _, before, box, parts = locate(heat, sound, PREP, np.zeros((8, 20)))
    assert found is heat
    assert before is sound
    assert box == pytest.approx((0.5, 31.749, 0.7, 607.446), abs=1e-3)  # seconds; mel of 20 Hz and of 500 Hz
    assert [(p["start"], p["end"]) for p in parts[:3]] == [(0.5, 0.52), (0.52, 0.54), (0.54, 0.56)]
    assert [p["weight"] for p in parts] == [0, 0, 1.5, 0, 0, 0, 0, 0, 0, -2]
    assert parts[-1]["end"] == 0.7


def test_a_short_sound_has_fewer_pieces_and_ends_where_it_ends() -> None:
    _, _, _, _, parts = locate(np.ones((8, 20)), (hum(38), 1000), PREP, np.zeros((8, 20)))
    assert [(p["start"], p["end"], p["weight"]) for p in parts] == [
        (0.0, 0.01, 8.0),
        (0.01, 0.02, 8.0),
        (0.02, 0.03, 8.0),
        (0.03, 0.038, 8.0),
    ]


def test_weights_of_samples_go_to_the_frames_that_are_drawn() -> None:
    sound, frozen = (hum(199), 1000), SimpleNamespace(sample_rate=2000)
    heat, after, _, _, parts = locate(np.ones((1, 398)), sound, PREP, np.zeros(398), frozen)
    assert heat.sum(0) == pytest.approx([20.0] * 19 + [18.0])  # 10 ms are 20 samples
    assert np.ptp(heat, axis=0).max() == 0  # no frequency was told apart
    assert np.array_equal(after, PREP(*sound))
    assert [p["weight"] for p in parts] == pytest.approx([40.0] * 9 + [38.0])


def test_where_the_encoder_heard_the_middle_alone_both_ends_weigh_nothing() -> None:
    frozen = SimpleNamespace(sample_rate=2000)
    heat = locate(np.ones((1, 198)), (hum(199), 1000), PREP, np.zeros(198), frozen)[0]
    assert heat.sum(0) == pytest.approx([0.0] * 5 + [20.0] * 9 + [18.0] + [0.0] * 5)  # 100 of 398 cut on each side


def test_nothing_to_hear_is_zeros() -> None:
    wave = torch.tensor([1.0, 2.0, 3.0])
    assert blank(wave).tolist() == [0, 0, 0]


def test_the_report_has_the_sound_its_seconds_and_a_spectrogram_with_low_tones_below() -> None:
    after = np.zeros((4, 4), np.float16)
    after[0] = 1  # the lowest tones alone
    part = {"start": 0.5, "end": 0.625, "weight": 1.0}
    shown = report(SimpleNamespace(before=(hum(1500), 1000), after=after, parts=[part, {**part, "mel": 3}]))
    assert (shown["form"], shown["duration"], shown["seconds"]) == ("sound", 1.5, [part])
    with Image.open(io.BytesIO(shown["spectrogram"])) as image:
        assert [image.getpixel((100, y)) for y in (0, 191, 192, 255)] == [0, 0, 255, 255]
    assert soundfile.info(io.BytesIO(shown["wav"])).frames == 1500
    assert say(part) == "0.50–0.62 s"


def test_a_sound_to_play_keeps_its_channels_is_clipped_and_is_cut_after_half_a_minute() -> None:
    data = wav_of(np.tile(np.array([2.0, -0.5], np.float32), (31 * 100, 1)), 100)
    samples, rate = soundfile.read(io.BytesIO(data))
    assert (samples.shape, rate, soundfile.info(io.BytesIO(data)).subtype) == ((3000, 2), 100, "PCM_16")
    assert samples[-1] == pytest.approx([1.0, -0.5], abs=1e-4)


def test_pieces_are_left_out_of_the_sound_itself() -> None:
    sound = np.ones((100, 2), np.float32), 8000
    variants, weigh = leave_out(sound)
    assert len(variants) == 11
    assert all(rate == 8000 for _, rate in variants)
    assert np.array_equal(variants[0][0], sound[0])
    silent = [np.flatnonzero(samples[:, 1] == 0)[[0, -1]].tolist() for samples, _ in variants[1:]]
    assert silent[:3] == [[0, 14], [5, 24], [15, 34]]  # half a piece more on each side
    heat = weigh(np.array([0.9, *[0.9] * 4, 0.4, *[0.9] * 5]))
    assert heat.shape == (1, 100)
    assert heat[0, 40:50] == pytest.approx(0.05)
    assert heat.sum() == pytest.approx(0.5)


def test_a_cell_for_a_page() -> None:
    sound = media(np.zeros(40 * 1000, np.float32), None, 1000)["wav"]
    samples, rate = soundfile.read(io.BytesIO(sound))
    assert (len(samples), rate) == (30_000, 1000)
