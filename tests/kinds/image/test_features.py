"""Features of pictures: edges in their bins, a thumbnail, and few of them whatever the size."""

import numpy as np
import pytest
import torch

from plait.core.contract import Batch
from plait.kinds.features import batch_features, feature_count
from plait.kinds.image.features import features


def test_the_edges_of_a_picture_fall_into_their_bins() -> None:
    layouts = {"photo": {"kind": "image", "channels": 1, "height": 12, "width": 12}}
    pictures = torch.zeros(2, 1, 12, 12, dtype=torch.uint8)
    pictures[0, :, :, 6:] = 255  # its gradient points right: bin 0
    pictures[1, :, 6:] = 255  # down: between bins 4 and 5
    found = batch_features(Batch({"photo": pictures}, {"photo": torch.tensor([True, True])}), layouts, ["photo"])[
        "photo"
    ]
    bins = found[:, :-64].reshape(2, 9, -1).sum(2)
    assert (bins[0] > 0).nonzero()[0].tolist() == [0]
    assert (bins[1] > 0).nonzero()[0].tolist() == [4, 5]
    assert found[0, -64:].reshape(8, 8)[0].tolist() == [0.0] * 4 + [1.0] * 4


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 90), (240, 320)])
def test_pictures_of_any_size_have_a_few_hundred_features(height: int, width: int) -> None:
    layout = {"kind": "image", "channels": 3, "height": height, "width": width}
    assert 9 < feature_count(layout) < 700


def test_the_thumbnail_averages_each_channel() -> None:
    x = np.zeros((1, 2, 16, 16))
    x[0, 1, :4, :2] = 0.5  # two places of 2 × 2 down, one across
    thumb = features(x, {})[0, -128:].reshape(2, 8, 8)
    assert not thumb[0].any()
    assert thumb[1, :3, :2] == pytest.approx(np.array([[0.5, 0], [0.5, 0], [0, 0]]))


def test_brightness_and_contrast_do_not_move_the_shapes() -> None:
    x = np.random.default_rng(0).random((1, 1, 28, 28))
    shapes = [features(picture, {})[0, :-64] for picture in (x, 0.5 * x + 0.3, 1 - x)]
    assert shapes[1] == pytest.approx(shapes[0], abs=1e-3)
    assert shapes[2] == pytest.approx(shapes[0], abs=1e-9)  # an edge and its negative are one


def test_a_flat_picture_has_no_edges() -> None:
    assert not features(np.full((1, 3, 9, 7), 0.4), {})[0, : -3 * 7 * 8].any()
