"""Features of videos tell the way that things move, wherever they are."""

import numpy as np

from clips import moving_frames
from plait.kinds.video.features import FAR, features

LAYOUT = {"frames": 8, "channels": 3, "height": 32, "width": 32}
SHIFTS = (2 * FAR + 1) ** 2


def made(ways: list[int]) -> np.ndarray:
    frames = np.stack([moving_frames(8, way, seed=seed) for seed, way in enumerate(ways)]) / 255
    return features(frames.transpose(0, 1, 4, 2, 3), LAYOUT)


def test_the_way_is_in_the_shifts() -> None:
    ways = [1, -1] * 4
    motion = made(ways)[:, -SHIFTS:].reshape(8, 2 * FAR + 1, 2 * FAR + 1)
    right, left = motion[:, :, FAR + 1 :].max((1, 2)), motion[:, :, :FAR].max((1, 2))
    assert [1 if r > x else -1 for r, x in zip(right, left, strict=True)] == ways


def test_a_still_video_has_no_motion_and_no_changes() -> None:
    still = np.repeat(moving_frames(8, 1)[:1], 8, axis=0)[None].transpose(0, 1, 4, 2, 3) / 255
    values = features(still, LAYOUT)[0]
    assert np.allclose(values[-SHIFTS - 16 * 9 :], 0)
    assert np.isfinite(values).all()


def test_one_frame_is_a_video() -> None:
    assert features(np.full((2, 1, 3, 8, 8), 0.5), {**LAYOUT, "frames": 1}).shape[0] == 2
