"""Videos get worse as pictures do."""

import numpy as np

from plait.kinds.video.worsen import WAYS


def test_a_patch_covers_the_same_place_of_all_frames() -> None:
    (occlusion,) = (way for way in WAYS if way.what == "occlusion")
    covered = occlusion.change(np.zeros((2, 4, 1, 8, 8), np.uint8), 0.25, np.random.default_rng(0), {})
    assert (covered == covered[:, :1]).all()
    assert (covered[0] == 128).mean() == 0.25
