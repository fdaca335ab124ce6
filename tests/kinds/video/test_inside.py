"""Inside a video: its stretches of time, of which those left out hold the nearest frame."""

from types import SimpleNamespace

import numpy as np

from clips import moving_frames
from plait.core.contract import Table
from plait.kinds.part import Part
from plait.kinds.video.inside import report, say, split
from plait.kinds.video.prep import VideoPrep
from plait.kinds.video.read import read


def test_the_nearest_frame_stands_for_one_that_is_left_out() -> None:
    frames = moving_frames(4, 1)
    cells = np.empty(1, object)
    cells[0] = frames
    prep = VideoPrep.of({"frames": 4}).fitted([read(frames, None)])
    clips, parts, able, leave = split(Part(Table({"v": cells}), ("v",)), prep)
    assert [say(part) for part in parts] == ["0–0.04 s", "0.04–0.08 s", "0.08–0.12 s", "0.12–0.16 s"]
    assert able == [0, 1, 2, 3]
    left = prep(read(leave(np.array([True, False, False, True]))["v"], None, None, prep))
    whole = prep(clips["v"])
    assert [np.array_equal(left[k], whole[near]) for k, near in enumerate((0, 0, 3, 3))] == [True] * 4
    nothing = prep(read(leave(np.zeros(4, bool))["v"], None, None, prep))
    assert (nothing == nothing[:1]).all()
    weighed = [{**part, "weight": 0.25 * place} for place, part in enumerate(parts)]
    shown = report(SimpleNamespace(before=clips, parts=weighed))
    assert (shown["form"], shown["heat"], shown["png"][1:4]) == ("picture", [[0.0, 0.25, 0.5, 0.75]], b"PNG")
