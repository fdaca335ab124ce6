"""What is found in a column of videos: still, blank and long ones, those without sound, and what cannot be read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plait
from clips import moving_frames, tone, write_video
from plait.kinds.video.checks import VideoFacts, check_facts, look, quick


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips")
    for row in range(4):
        write_video(place / f"{row}.mp4", moving_frames(8, 1, seed=row), tone(440, 0.8) if row else None)
    (place / "4.mp4").write_bytes((place / "1.mp4").read_bytes())
    (place / "5.mp4").write_bytes((place / "1.mp4").read_bytes()[:300])
    return place


def test_facts_of_a_video(folder: Path) -> None:
    one, mute = look("1.mp4", folder), look("0.mp4", folder)
    assert (one.width, one.height, one.seconds, one.mute, mute.mute) == (32, 32, pytest.approx(0.8), False, True)
    assert one.moved > 5
    assert VideoFacts.from_json("video", one.to_json()) == one
    assert look("4.mp4", folder).decoded == one.decoded != mute.decoded
    assert look("1.mp4#t=0,0.4", folder).decoded != one.decoded  # rows may be parts of one file


def test_still_blank_long_and_small_ones_are_found(folder: Path) -> None:
    one = look("1.mp4", folder)
    facts = [one, replace(one, moved=0.4), replace(one, one_colour=True, moved=0.0), replace(one, seconds=900.0)]
    facts += [replace(one, mute=True), replace(one, width=64), None, VideoFacts("video", "missing")]
    found = {finding.check: finding.rows for finding in check_facts("v", facts)}
    assert found == {
        "video-still": (1,), "video-blank": (2,), "video-long": (3,), "video-mute": (4,), "video-mixed-sizes": (),
    }  # fmt: skip
    assert "video-mute" not in {finding.check for finding in check_facts("v", [replace(one, mute=True)] * 3)}


def test_quick_numbers_hold_what_changes(folder: Path) -> None:
    values, present = quick({"v": [look("1.mp4", folder), None]}, {})
    assert values.shape == (2, 4 * 144)
    assert present.tolist() == [True, False]
    assert np.abs(values[0, 144:]).max() > 0.2


def test_check_opens_them(folder: Path) -> None:
    table = {"clip": [f"{row}.mp4" for row in range(6)] + ["7.mp4"], "y": [0, 1, 0, 1, 0, 1, 0]}
    found = {f.check: f.rows for f in plait.check(table, target="y", folder=folder) if f.column == "clip"}
    assert found["video-mute"] == (0,)
    assert found["video-duplicate"] == (4,)
    assert found["file-unreadable"] == (5,)
    assert found["file-missing"] == (6,)


def test_labels_beside_videos_with_sound_are_judged(folder: Path) -> None:
    table = {"clip": [f"{1 + row % 3}.mp4" for row in range(40)], "y": ["a", "b"] * 20, "z": ["c", "c", "d", "d"] * 10}
    told: list[dict[str, object]] = []
    found = plait.check(table, target=["y", "z"], folder=folder, callback=told.append)
    assert [finding.check for finding in found if finding.severity == "error"] == []
    assert told[-1] == {"stage": "labels", "done": 1, "total": 1}  # frames and sound are looked at as one
