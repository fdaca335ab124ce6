"""Log-mels changed at random for training: by how much, and the same again from the same generator."""

import pytest
import torch

from plait.kinds.audio.augment import augment_mels
from plait.kinds.audio.prep import AudioPrep


def test_augmentation_changes_everything_a_little_and_can_be_replayed():
    x = torch.randn(64, 64, 100, generator=torch.Generator().manual_seed(1))
    before = x.clone()
    one = augment_mels(x, torch.Generator().manual_seed(0))
    two = AudioPrep().augment(x, torch.Generator().manual_seed(0))
    assert one.shape == x.shape and one.dtype == x.dtype
    assert torch.equal(one, two)
    assert torch.equal(x, before)
    assert not torch.equal(one, augment_mels(x, torch.Generator().manual_seed(2)))
    assert (one != x).flatten(1).any(dim=1).all()


def test_augmentation_moves_a_bright_cell_by_stretch_and_shift_and_no_further():
    x = torch.zeros(256, 64, 100)
    x[:, 32, 50] = 1000.0  # one bright cell that no noise can outshine
    places = augment_mels(x, torch.Generator().manual_seed(0)).flatten(1)
    found = places.max(dim=1).values > 500  # not where it was masked
    mel, time = places.argmax(dim=1)[found] // 100, places.argmax(dim=1)[found] % 100
    # band 32.5 of 64 goes to (32.5 ± 3.2) / exp(±0.08), frame 50.5 of 100 to (50.5 ± 10) / exp(±0.15)
    assert 26 <= int(mel.min()) <= 28
    assert 36 <= int(mel.max()) <= 39
    assert 34 <= int(time.min()) <= 39
    assert 63 <= int(time.max()) <= 70
    assert 0.4 < found.float().mean() < 0.9  # bilinear sampling halves some of them


def test_augmentation_adds_noise_of_up_to_0_3():
    noise = augment_mels(torch.zeros(256, 64, 100), torch.Generator().manual_seed(0)).flatten(1).std(dim=1)
    assert 0.28 < float(noise.max()) < 0.32
    assert float(noise.mean()) == pytest.approx(0.15, abs=0.02)
