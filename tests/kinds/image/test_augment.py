"""Pictures changed at random for training: by how much, and the same again from the same generator."""

import torch

from plait.kinds.image.augment import augment_images, augment_raw
from plait.kinds.image.prep import ImagePrep


def test_augmentation_changes_everything_a_little_and_can_be_replayed():
    x = torch.rand(32, 3, 28, 20, generator=torch.Generator().manual_seed(1))
    before = x.clone()
    one = augment_images(x, torch.Generator().manual_seed(0))
    two = ImagePrep().augment(x, torch.Generator().manual_seed(0))
    assert one.shape == x.shape and one.dtype == x.dtype
    assert torch.equal(one, two)
    assert torch.equal(x, before)
    assert not torch.equal(one, augment_images(x, torch.Generator().manual_seed(2)))
    assert (one != x).flatten(1).any(dim=1).all()


def test_augmentation_moves_a_spot_by_at_most_a_tenth_and_mirrors_only_when_asked():
    x = torch.zeros(256, 1, 41, 81)
    x[:, :, 18:23, 10:15] = 9.0  # far left of the middle, brighter than any noise
    columns = augment_images(x, torch.Generator().manual_seed(0)).amax(dim=(1, 2)).argmax(dim=1)
    assert int(columns.max()) < 30
    columns = augment_images(x, torch.Generator().manual_seed(0), flip=True).amax(dim=(1, 2)).argmax(dim=1)
    assert 90 < int((columns > 50).sum()) < 166


def test_augmentation_turns_by_at_most_12_degrees_without_stretching_flat_pictures():
    x = torch.zeros(256, 1, 41, 121)
    x[:, :, 20, :] = 9.0  # a level line
    y = augment_images(x, torch.Generator().manual_seed(0))[:, 0]
    left, right = y[:, :, 30].argmax(dim=1), y[:, :, 90].argmax(dim=1)
    slope = torch.rad2deg(torch.atan((right - left) / 60.0))
    assert 9 < float(slope.abs().max()) < 15


def test_what_a_pretrained_encoder_is_given_is_changed_only_where_it_is_a_picture():
    pictures = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    changed = augment_raw(pictures, torch.Generator().manual_seed(0))
    assert changed.shape == pictures.shape
    assert changed.dtype == torch.float32
    assert float(changed.min()) > 100 and float(changed.max()) <= 255  # mildly, and cut at white
    assert not torch.equal(changed, pictures.float())
    for other in (torch.ones(2, 5, dtype=torch.uint8), torch.ones(2, 1, 4, 4)):  # ids, and a picture already in floats
        assert augment_raw(other, torch.Generator().manual_seed(0)) is other
