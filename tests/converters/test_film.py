"""A video to its sound, to a picture, and to the words that are said in it."""

from pathlib import Path

import numpy as np
import pytest

import plait
from clips import moving_frames, tone, write_video
from plait.converters.catalogue import make_converters
from plait.converters.film import Frame, Soundtrack
from plait.converters.graph import check_converter, find_route
from plait.errors import CellError, RequestError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips")
    write_video(place / "a.mp4", moving_frames(8, 1), tone(440, 0.8))
    write_video(place / "mute.mp4", moving_frames(8, -1))
    (place / "t.csv").write_text("clip,row\na.mp4,1\nmute.mp4,2\n,3\n")
    return place


def test_ways_lead_through_the_sound_to_words_and_straight_to_a_picture() -> None:
    known = make_converters({})
    assert find_route(known, "video", "audio").name == "soundtrack"
    assert find_route(known, "video", "image").name == "frame"
    assert find_route(known, "video", "text", "pocketsphinx").name == "soundtrack then pocketsphinx"
    assert find_route(known, "video", "text").steps[0].name == "soundtrack"
    for converter in (Soundtrack(), Frame()):
        check_converter(converter)


def test_the_sound_is_one_channel_at_its_rate(folder: Path) -> None:
    ((samples, rate), broken), sure = Soundtrack()([str(folder / "a.mp4"), str(folder / "mute.mp4")])
    assert (rate, samples.ndim, len(samples) / rate) == (48_000, 1, pytest.approx(0.8, abs=0.05))
    assert np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples) == pytest.approx(440, abs=3)
    assert isinstance(broken, CellError)
    assert (str(broken), sure) == ("it has no sound track", [1.0, 0.0])


def test_frames_lie_side_by_side(folder: Path) -> None:
    (one,), _ = Frame()([str(folder / "a.mp4")])
    (three,), _ = Frame.of({"frames": "3"})([str(folder / "a.mp4")])
    assert (one.size, three.size) == ((32, 32), (96, 32))
    with pytest.raises(RequestError, match=r"frame.frames is 0; expected 1 to 64"):
        Frame(frames=0)


def test_a_column_and_a_file_are_converted(folder: Path, tmp_path: Path) -> None:
    made = plait.convert(folder / "t.csv", column="clip", to="audio", name="heard", out=tmp_path / "new.csv")
    assert made.table.cells("heard_status") == ["ok", "missing: it has no sound track", "missing: blank"]
    assert plait.convert(folder / "a.mp4", tmp_path / "still.png").route.name == "frame"
    with pytest.raises(RequestError, match=r"mute.mp4: it has no sound track"):
        plait.convert(folder / "mute.mp4", tmp_path / "sound.wav")
