"""Videos mended: what is left of one that was cut off is copied, bit by bit; what cannot be copied says why."""

from pathlib import Path

import av
import numpy as np
import pytest

from clips import moving_frames, tone, write_video
from mending import contents, mend_column
from plait.data.media import open_video, read_sound
from plait.data.video import copy_packets
from plait.kinds.video import mend

FRAMES = moving_frames(60, 1, 32, seed=0)


def cut(path: Path, share: float) -> str:
    """Cut a file off behind this share of it, and return its name."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path.name


def test_what_is_left_of_a_video_is_copied_into_one_that_is_whole(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", FRAMES, tone(440, 6.0))
    write_video(tmp_path / "b.webm", FRAMES, tone(440, 6.0))
    cells = ["a.mp4", cut(tmp_path / "b.webm", 0.6), "b.webm#t=0.5,1"]
    mended, new, notes = mend_column(tmp_path, "clip", "video", cells)
    assert mended.counts == {"saved from what is left": 2}
    assert new == ["clip/a.mp4", "clip/b.webm", "clip/b_2.webm#t=0.5,1"]
    assert notes[:2] == [None, "clip: cut off: 3.7 s are left, saved as WebM"]
    assert contents(tmp_path / "out")["clip/a.mp4"] == contents(tmp_path)["a.mp4"]
    left = open_video(new[1], tmp_path / "out", 3)
    assert (left.start, left.seconds) == (0.0, [0.7, 1.9, 3.1])
    assert left.end == pytest.approx(3.7, abs=0.05)
    sound, rate = read_sound(new[1], tmp_path / "out")
    assert len(sound) / rate == pytest.approx(3.7, abs=0.1)
    whole = open_video("a.mp4", tmp_path, 60).pictures  # the same frames, coded by another
    assert np.abs(np.asarray(left.pictures[0], np.int16) - np.asarray(whole[7], np.int16)).mean() < 8


def test_a_video_whose_index_is_missing_says_why_it_cannot_be_mended(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", FRAMES)
    (tmp_path / "b.mp4").write_text("no video at all")
    _mended, new, notes = mend_column(tmp_path, "clip", "video", [cut(tmp_path / "a.mp4", 0.7), "b.mp4"])
    assert new == [None, None]
    assert notes[0].startswith("clip: left blank (damaged video: a.mp4 (")
    assert notes[0].endswith("; nothing of it can be copied: what says where its frames lie is not in it)")
    assert notes[1] == "clip: left blank (not a video: b.mp4 holds text)"


def test_without_pyav_videos_are_copied_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "a.mp4", FRAMES)
    monkeypatch.setattr("plait.data.media.has_av", lambda: False)
    monkeypatch.setattr(mend, "has_av", lambda: False)
    assert mend.look(tmp_path / "a.mp4").fault == ""
    assert mend.change("a.mp4", tmp_path, mend.look((tmp_path / "a.mp4").read_bytes()), mend.choose_goal([])) is None


def test_packets_before_the_first_key_frame_are_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", FRAMES, gop=10)
    with av.open(str(tmp_path / "a.avi")) as file, av.open(str(tmp_path / "b.avi"), "w") as late:
        film = late.add_stream_from_template(file.streams.video[0])
        for number, packet in enumerate(file.demux(video=0)):
            if number > 3 and packet.dts is not None:
                packet.stream = film
                late.mux(packet)
    copied = copy_packets(tmp_path / "b.avi", "mp4")
    with pytest.raises(ValueError, match="Invalid data"):
        copy_packets(b"no video", "mp4")
    clip = open_video(copied, None, 2)
    assert (clip.end, clip.seconds) == (5.0, [1.3, 3.8])  # of 60 frames 10 to 59 are left
