"""What a pretrained encoder that is tuned is given: as it is, and pictures changed mildly in training."""

import numpy as np
import torch

from plait.kinds.network import as_float, centre
from plait.kinds.vectors.given import augment, draw, shape


def test_the_shape_is_the_encoders_own_and_nothing_is_scaled_before_it() -> None:
    x = torch.full((2, 3, 4, 4), 200, dtype=torch.uint8)
    assert shape({"shape": [3, 4, 5]}) == (3, 4, 5)
    assert as_float("tuned", x) is x
    assert centre("tuned", x) is x


def test_pictures_are_changed_within_0_to_255_and_follow_their_generator() -> None:
    x = torch.randint(0, 256, (6, 3, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    before = x.clone()
    one, same, other = (augment(None, {}, x, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(x, before)
    assert (one.dtype, one.shape) == (torch.float32, x.shape)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.min() >= 0
    assert 100 < one.max() <= 255  # of 255, not of 1
    assert not torch.equal(one, x.float())


def test_waves_and_ids_are_left_as_they_are() -> None:
    generator = torch.Generator().manual_seed(0)
    for x in (torch.rand(2, 100), torch.ones(2, 9, dtype=torch.int32), torch.rand(2, 3, 8, 8)):
        assert augment(None, {}, x, generator) is x


def test_drawn_pictures_have_every_value_from_0_to_255() -> None:
    drawn = draw({"shape": (3, 8, 8)}, 50, np.random.default_rng(0))
    assert drawn.shape == (50, 3, 8, 8)
    assert sorted(set(drawn.ravel().tolist())) == list(range(256))
