"""Columns of videos go all the way: frames and sound each a modality, holes with reasons, seconds that mattered."""

from pathlib import Path

import numpy as np
import pytest

import plait
from clips import moving_frames, tone, write_video
from plait.errors import RequestError, TableError

ROWS = 24


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class is the way that a square goes; row 0 has no sound, row 1 is cut off, row 2 is blank."""
    place = tmp_path_factory.mktemp("clips")
    lines = ["clip,way"]
    for row in range(ROWS):
        name = f"{row}.mp4"
        write_video(place / name, moving_frames(8, 2 * (row % 2) - 1, 16, seed=row), tone(440, 0.8) if row else None)
        lines.append(f"{name if row != 2 else ''},{('left', 'right')[row % 2]}")
    (place / "1.mp4").write_bytes((place / "1.mp4").read_bytes()[:300])
    (place / "t.csv").write_text("\n".join(lines) + "\n")
    return place / "t.csv"


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> plait.Model:
    out = tmp_path_factory.mktemp("run") / "run"
    plan = "parallel('clip.image', 'clip.audio', by=concat)"
    prep = {"clip.image.frames": 4, "video.size": 12, "audio.seconds": 0.5}
    options = {"encoders": {"clip.audio": "scratch"}, "refit": "none", "report": False}
    return plait.fit(table, target="way", out=out, fusion=plan, epochs=1, prep=prep, **options)


def test_a_column_forms_two_modalities(table: Path) -> None:
    schema = plait.show(table, target="way").schema
    assert schema.column("clip").kind == "video"
    assert schema.column("clip").why == "23 of 23 files looked into are MP4; 6 of 8 videos looked into have sound"
    assert [(m.name, m.kind, m.columns) for m in schema.modalities] == [
        ("clip.image", "video", ("clip",)),
        ("clip.audio", "audio", ("clip",)),
    ]


def test_one_of_them_can_be_left_out_or_the_column_read_as_sound(table: Path) -> None:
    for asked, names in (
        ({"ignore": ["clip.audio"]}, ["clip.image"]),
        ({"kinds": {"clip": "audio"}}, ["clip"]),
        ({"modalities": {"front": ["clip"]}}, ["front.image", "front.audio"]),
    ):
        assert [m.name for m in plait.show(table, target="way", **asked).schema.modalities] == names
    with pytest.raises(RequestError, match=r"ignore: there is no column 'clip.text'"):
        plait.show(table, target="way", ignore=["clip.text"])


def test_options_reach_frames_and_sound(model: plait.Model) -> None:
    frames, sound = (view.prep for view in model.views)
    assert (frames.frames, frames.picture.width, sound.seconds) == (4, 12, 0.5)


def test_every_row_is_answered_and_holes_are_absent_with_the_reason(model: plait.Model, table: Path) -> None:
    answers = plait.load(model.folder).predict(table)
    assert answers.status[:4] == ["partial", "failed", "failed", "ok"]
    assert answers.reason[0] == "clip.audio: 0.mp4 has no sound track"
    assert answers.reason[1].startswith("clip.image: damaged video: 1.mp4")
    assert np.allclose(answers.probabilities, model.predict(table).probabilities, atol=1e-6, equal_nan=True)


def test_an_explanation_names_seconds_of_frames_and_of_sound(model: plait.Model, table: Path) -> None:
    details = model.explain(table, 4).to_json()["row"]["details"]
    seconds = {name: [(piece["start"], piece["end"]) for piece in one["seconds"]] for name, (one,) in details.items()}
    assert seconds["clip.image"] == [(0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8)]
    assert all(0 <= start < end <= 0.9 for start, end in seconds["clip.audio"])


def test_a_row_is_drawn_as_a_strip_and_a_wave(table: Path, tmp_path: Path) -> None:
    plait.show(table, target="way", row=4, out=tmp_path / "row.svg")
    assert (tmp_path / "row.svg").read_text().count("<image ") == 17  # eight frames twice, and a spectrogram


def test_parts_of_one_file_are_rows(table: Path) -> None:
    cells = {"clip": ["3.mp4#t=0,0.4", "3.mp4#t=0.4,0.8", "3.mp4#t=5,6"], "y": [0, 1, 0]}
    found = {f.check: f.rows for f in plait.check(cells, target="y", folder=table.parent) if f.column == "clip"}
    assert found["video-no-part"] == (2,)


def test_a_video_is_not_filled_and_a_column_without_one_says_so(table: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'clip' holds videos, and no part of a video is filled"):
        plait.fit(table, target="way", fill=["clip.image->clip.audio"], report=False)
    (tmp_path / "t.csv").write_text("clip,y\na.mp4,1\nb.mp4,0\nc.mp4,1\nd.mp4,0\n")
    with pytest.raises(TableError, match=r"'clip': no training row has a video that can be read.*file not found"):
        plait.fit(tmp_path / "t.csv", target="y", report=False)
