"""Recordings changed, joined and heard without other modalities: what must stay as it was."""

import pytest
import torch

from plait.core.contract import Batch
from plait.models.speech.augment import augment_sounds, drop_others, join_pairs
from plait.models.speech.network import own_lengths
from songs import MELS, sing_rows


def test_augmented_sounds_keep_their_padding() -> None:
    x = torch.from_numpy(sing_rows(6)[0].inputs["sound"]).float()
    before, own = x.clone(), own_lengths(x)
    changed = augment_sounds(x, torch.Generator().manual_seed(0))
    again = augment_sounds(x, torch.Generator().manual_seed(0))
    assert torch.equal(x, before)
    assert torch.equal(changed, again)
    lengths = own_lengths(changed)
    stretch = lengths / own
    assert 0.8 < float(stretch.min()) < float(stretch.max()) < 1.25
    assert int(lengths.max()) == changed.shape[2]
    assert augment_sounds(x[:1, :, :1], torch.Generator().manual_seed(0)).shape == (1, MELS, 8)
    assert all(bool((changed[row, :, length:] == 0).all()) for row, length in enumerate(lengths.tolist()))
    assert torch.isfinite(changed).all()


def test_pairs_are_joined_without_a_gap() -> None:
    x = torch.zeros(5, 2, 6)
    for row, length in enumerate([2, 3, 4, 1, 6]):
        x[row, :, :length] = row + 1
    flags = torch.ones(5, dtype=torch.bool)
    batch = Batch({"sound": x, "tabular": torch.ones(5, 3)}, {"sound": flags, "tabular": flags})
    joined, texts = join_pairs(batch, ["a", "b", "c", "", "e"], "sound")
    assert texts == ["a c", "b "]
    assert joined.inputs["sound"][:, 0].tolist() == [[1, 1, 3, 3, 3, 3], [2, 2, 2, 4, 0, 0]]
    assert joined.present["sound"].tolist() == [True, True]
    assert joined.present["tabular"].tolist() == [False, False]


def test_the_sound_stays_when_others_are_dropped() -> None:
    flags = torch.ones(400, dtype=torch.bool)
    batch = Batch({}, {"sound": flags, "image": flags, "text": flags})
    dropped = drop_others(batch, "sound", torch.Generator().manual_seed(0))
    assert dropped.present["sound"].all()
    count = dropped.present["image"].int() + dropped.present["text"].int()
    assert [float((count == n).float().mean()) for n in range(3)] == pytest.approx([1 / 3] * 3, abs=0.07)


def test_silence_and_another_seed() -> None:
    x = torch.from_numpy(sing_rows(2)[0].inputs["sound"]).float()
    x[1] = 0
    changed, other = (augment_sounds(x, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert not changed[1].any()
    assert own_lengths(changed)[1] == 0
    assert changed.shape != other.shape or not torch.equal(changed, other)


def test_only_what_is_there_can_be_dropped() -> None:
    sound, image = torch.tensor([True, False]).repeat(100), torch.tensor([True, True, False, False]).repeat(50)
    batch = Batch({}, {"sound": sound, "image": image}, None, {"image": image[:, None].repeat(1, 2)})
    dropped = drop_others(batch, "sound", torch.Generator().manual_seed(0))
    assert torch.equal(dropped.present["sound"], sound)
    assert not (dropped.present["image"] & ~image).any()
    assert 30 < int(dropped.present["image"].sum()) < 70  # about half of the hundred
    assert torch.equal(dropped.cells["image"], dropped.present["image"][:, None].repeat(1, 2))
    assert torch.equal(batch.present["image"], image)


def test_a_sound_without_others_stays_the_batch_it_is() -> None:
    batch = Batch({}, {"sound": torch.tensor([True])})
    assert drop_others(batch, "sound", torch.Generator()) is batch


def test_a_pair_of_which_one_sound_is_absent_is_absent() -> None:
    flags = torch.tensor([True, True, True, False])
    joined, texts = join_pairs(Batch({"sound": torch.ones(4, 1, 2)}, {"sound": flags}), list("abcd"), "sound")
    assert joined.present["sound"].tolist() == [True, False]
    assert texts == ["a c", "b d"]
