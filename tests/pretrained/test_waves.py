"""What networks of sounds share."""

import numpy as np
import pytest
import torch

from plait.pretrained.waves import ALIKE, alike, mel_filters, own_lengths, power_frames


def test_a_sound_ends_with_its_last_sample_that_is_not_zero() -> None:
    waves = torch.tensor([[0.0, 1, 0, 2, 0, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]])
    assert own_lengths(waves).tolist() == [4, 1, 6]


def test_those_of_one_length_go_together_and_every_row_goes_once() -> None:
    lengths = torch.tensor([5, 3, 5] + [7] * (ALIKE + 1))
    parts = [(length, rows.tolist()) for length, rows in alike(lengths)]
    assert parts == [(3, [1]), (5, [0, 2]), (7, [*range(3, 3 + ALIKE)]), (7, [3 + ALIKE])]


# of librosa 0.11: filters.mel(sr=16000, n_fft=400, n_mels=40), and (sr=44100, n_fft=2048, n_mels=96, htk=True, norm=1)
@pytest.mark.parametrize(
    ("sizes", "slaney", "lines", "expected"),
    [
        (
            (16000, 400, 40),
            True,
            [(0, 1), (0, 2), (10, 20), (39, 190)],
            [0.00739021, 0.01240452, 0.01187949, 0.00121515],
        ),
        (
            (44100, 2048, 96),
            False,
            [(0, 1), (20, 37), (50, 170), (95, 1000)],
            [0.71206522, 0.34199792, 0.13338740, 0.01761328],
        ),
    ],
)
def test_filters_are_those_of_librosa(sizes, slaney, lines, expected) -> None:
    bank = mel_filters(*sizes, slaney=slaney).numpy()
    assert [float(bank[place]) for place in lines] == pytest.approx(expected, abs=1e-6)


def test_the_power_of_a_tone_lies_in_its_line() -> None:
    wave = torch.sin(2 * np.pi * 1000 * torch.arange(1600) / 16000)[None]
    frames = power_frames(wave, 400, 160)
    assert frames.shape == (1, 201, 11)
    assert frames[0, :, 5].argmax() == 25  # of 40 Hz
