"""Frames of a video: which ones, from where, and what is said where there are none."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest

from clips import moving_frames, tone, write_sound, write_video
from plait.data import video
from plait.data.media import open_video
from plait.data.video import Streams, list_streams, middles, streams_of, video_of_array
from plait.errors import CellError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos of 3 s, 10 frames a second, whose frame number is their brightness."""
    place = tmp_path_factory.mktemp("clips")
    frames = np.repeat((8 * np.arange(30, dtype=np.uint8))[:, None, None, None], 24 * 32 * 3, axis=1)
    frames = frames.reshape(30, 24, 32, 3)
    for ending in (".mp4", ".webm", ".mov", ".avi"):
        write_video(place / f"a{ending}", frames, tone(440, 3.0) if ending != ".avi" else None)
    return place


def numbers_of(cell: str, folder: Path, num: int) -> list[int]:
    """Return which frames came, by their brightness."""
    return [round(np.asarray(p).mean() / 8) for p in open_video(cell, folder, num).pictures]


def test_middles_of_stretches() -> None:
    assert middles(1.0, 3.0, 4) == [1.25, 1.75, 2.25, 2.75]


@pytest.mark.parametrize("ending", [".mp4", ".webm", ".mov", ".avi"])
def test_frames_are_those_of_the_middles(folder: Path, ending: str) -> None:
    clip = open_video(f"a{ending}", folder, 3)
    assert clip.seconds == pytest.approx([0.5, 1.5, 2.5], abs=0.11)
    assert (clip.start, clip.width, clip.height) == (0.0, 32, 24)
    assert clip.end == pytest.approx(3.0, abs=0.05)
    assert numbers_of(f"a{ending}", folder, 3) == pytest.approx([5, 15, 25], abs=1)


def test_a_part_is_read_as_asked(folder: Path) -> None:
    clip = open_video("a.mp4#t=1,2", folder, 2)
    assert (clip.start, clip.end) == (1.0, 2.0)
    assert numbers_of("a.mp4#t=1,2", folder, 2) == pytest.approx([12, 17], abs=1)
    assert numbers_of("a.mp4#t=2", folder, 1) == pytest.approx([25], abs=1)


def test_more_frames_than_there_are_come_again(folder: Path) -> None:
    assert len(open_video("a.mp4#t=0,0.3", folder, 8).pictures) == 8


def test_frames_are_shrunk_while_they_are_converted(folder: Path) -> None:
    assert open_video("a.mp4", folder, 2, lambda wide, tall: (wide // 4, tall // 4)).pictures[0].size == (8, 6)


def test_what_a_file_holds(folder: Path) -> None:
    assert list_streams(folder / "a.webm")[:2] == (True, True)
    assert streams_of(folder / "a.avi") == Streams(True, False, 3.0)
    assert streams_of(b"no video") is None
    assert streams_of((folder / "a.mp4").read_bytes()[:-700]) is None  # cut in its table of contents


def test_a_header_without_pictures_is_told_from_a_stream_that_cannot_be_read_twice(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    with av.open(str(whole), "w", options={"movflags": "empty_moov+frag_keyframe"}) as file:
        film = file.add_stream("mpeg4", rate=10)
        film.height, film.width, film.pix_fmt = 24, 32, "yuv420p"
        file.mux(film.encode(av.VideoFrame.from_ndarray(np.zeros((24, 32, 3), np.uint8), "rgb24")))
        file.mux(film.encode())
    data = whole.read_bytes()
    (tmp_path / "init.mp4").write_bytes(data[: data.index(b"moof") - 4])
    with pytest.raises(CellError, match=r"no pictures behind its header: init\.mp4 is the first part of a stream"):
        open_video("init.mp4", tmp_path, 2)


def test_frames_far_apart_are_sought(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "APART", 0.5)
    assert numbers_of("a.mp4", folder, 3) == pytest.approx([5, 15, 25], abs=1)


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    peaks = []
    for seconds in (2, 40):
        write_video(tmp_path / "long.mp4", np.zeros((10 * seconds, 32, 48, 3), np.uint8), None)
        tracemalloc.start()
        open_video("long.mp4", tmp_path, 4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@pytest.mark.parametrize(
    ("cell", "said", "fault"),
    [
        ("a.mp4#t=9,10", "the part begins at 9 s, and a.mp4#t=9,10 ends at 3 s", "no-samples"),
        ("words.mp4", "not a video: words.mp4 holds text", "wrong-kind"),
        ("gone.mp4", "file not found: gone.mp4", "missing"),
        ("half.mp4", r"damaged video: half.mp4 \(Invalid data .*; it may be cut off\)", "unreadable"),
        ("head.mp4", r"damaged video: head.mp4 \(.*; it may be cut off\)", "unreadable"),
        ("half.webm", r"cut off: half.webm \(its pictures end after", "truncated"),
        ("tone.mp4", "no moving pictures in it: tone.mp4", "wrong-kind"),
        (
            "keyless.avi",
            "no frame can be decoded: keyless.avi is cut off, overwritten, or lacks a key frame",
            "unreadable",
        ),
    ],
)
def test_bad_videos_say_what_is_wrong(folder: Path, cell: str, said: str, fault: str) -> None:
    (folder / "words.mp4").write_text("no video")
    for ending in (".mp4", ".webm"):
        whole = (folder / f"a{ending}").read_bytes()
        (folder / f"half{ending}").write_bytes(whole[: len(whole) // 2])
    (folder / "head.mp4").write_bytes((folder / "a.mp4").read_bytes()[:-700])  # its table of contents is cut
    write_sound(folder / "tone.mp4", tone(440, 0.5))
    content = (folder / "a.avi").read_bytes()
    start = content.index(b"movi") + 4
    (folder / "keyless.avi").write_bytes(content[:start] + b"\0" * (len(content) - start))
    with pytest.raises(CellError, match=said) as raised:
        open_video(cell, folder, 4)
    assert raised.value.fault == fault


def test_without_pyav_the_way_out_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.data.media.has_av", lambda: False)
    with pytest.raises(CellError, match=r'not decoded here: a.mp4 \(pip install "plait\[gpl\]".* reads it\)'):
        open_video("a.mp4", folder, 4)


def test_arrays_and_bytes_are_videos_too(folder: Path) -> None:
    frames = moving_frames(4, 1)
    clip = video_of_array(frames, 2)
    assert [np.array_equal(np.asarray(p), frames[k]) for p, k in zip(clip.pictures, (1, 3), strict=True)] == [True] * 2
    write_video(content := io.BytesIO(), frames, ending=".mp4")
    assert open_video(content.getvalue(), None, 2).pictures[0].size == (32, 32)
    with pytest.raises(CellError, match=r"expected a video of shape \(frame, .*\), got \(4, 32\)"):
        video_of_array(frames[:, :, 0, 0], 2)


def test_a_phone_held_upright_gives_upright_frames(tmp_path: Path) -> None:
    frames = np.zeros((5, 32, 64, 3), np.uint8)
    frames[:, :16] = 255  # the upper half is white; turned left it is the left one
    write_video(tmp_path / "turned.mp4", frames, turn=90)
    clip = open_video("turned.mp4", tmp_path, 1)
    pixels = np.asarray(clip.pictures[0])
    assert (clip.width, clip.height, pixels.shape) == (32, 64, (64, 32, 3))
    assert (pixels[:, :8].mean() > 250, pixels[:, -8:].mean() < 5) == (True, True)
    assert open_video("turned.mp4", tmp_path, 1, lambda wide, tall: (wide // 2, tall // 2)).pictures[0].size == (16, 32)
