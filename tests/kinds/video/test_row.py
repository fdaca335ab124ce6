"""A video in a drawn row: a strip as it came, one as it is prepared, and bars for the seconds that mattered."""

import numpy as np

from clips import moving_frames
from plait.data.read import read as read_table
from plait.kinds.row import draw_row, draw_shares
from plait.kinds.video.prep import VideoPrep
from plait.kinds.video.read import read
from plait.kinds.video.row import row_part

FRAMES = moving_frames(12, 1)
PREP = VideoPrep.of({"frames": 12, "size": 16}).fitted([read(FRAMES, None)])


def written(figure: object) -> list[str]:
    return [text.get_text() for text in figure.texts]  # type: ignore[attr-defined]


def test_a_row_shows_both_strips() -> None:
    part = row_part(read_table({"v": FRAMES[None], "x": [1]}), ("v",), PREP)
    figure = draw_row([{"modality": "v.image", "kind": "video", **part}])
    said = written(figure)
    assert {"32 × 32 px, 0–0.48 s", "12 frames, 16 × 16 px, colour"} <= {*said}
    assert len(figure.axes) == 16  # eight of the twelve, twice
    assert {"0.02 s", "0.46 s"} <= {*said}


def test_what_cannot_be_read_is_drawn_as_absent() -> None:
    assert row_part(read_table({"v": ["gone.mp4"], "x": [1]}), ("v",), PREP) == {"reason": "file not found: gone.mp4"}
    assert row_part(read_table({"v": [""], "x": [1]}), ("v",), PREP) == {"reason": "blank"}


def test_shares_have_a_bar_for_each_stretch() -> None:
    clip = read(FRAMES, None, None, PREP)
    parts = [{"column": "v", "start": k * 0.04, "end": (k + 1) * 0.04, "weight": float(np.sin(k))} for k in range(12)]
    facts = {"share": 0.5, "by": "occlusion", "parts": parts, "before": {"v": clip}, "ends": (-1.0, 1.0)}
    figure = draw_shares([("v", 0.5, "")], "title", parts=[{"modality": "v", "kind": "video", **facts}])
    assert "what each stretch of the video adds" in written(figure)
    assert len(figure.axes[-1].patches) == 12
    flat = draw_shares([("v", 0.5, "")], "title", parts=[{"modality": "v", "kind": "video", **facts, "flat": True}])
    assert "no stretch of the video changes the answer much" in written(flat)
    assert len(flat.axes) == len(figure.axes) - 1  # no plot without a bar
