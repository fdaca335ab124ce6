"""Columns of videos go all the way: frames and sound each a modality, holes with reasons, seconds that mattered."""

from pathlib import Path

import numpy as np
import pytest

import plait
from browser import CHROMIUM, drop, open_browser, serving, tick
from clips import moving_frames, tone, write_sound, write_video
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


@pytest.mark.heavy
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_clip_dropped_on_the_page_is_answered_and_explained_by_the_second(model: plait.Model, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    frames, wave = moving_frames(8, 1, 16, seed=9), tone(440, 0.8)
    write_video(tmp_path / "both.webm", frames, wave)
    write_video(tmp_path / "mute.webm", frames)
    write_sound(tmp_path / "dark.webm", wave)
    clips = {name: tmp_path / f"{name}.webm" for name in ("both", "mute", "dark")}
    both, mute, dark = model.predict({"clip": [str(path) for path in clips.values()]}).probabilities
    with serving(model) as url, open_browser("--autoplay-policy=no-user-gesture-required") as browser:
        browser.open(url, accept_language="en")
        browser.wait("typeof model !== 'undefined' && model && fields.length === 1")
        asked = browser.run("document.getElementById('fields').innerText").splitlines()
        assert asked == ["clip (video)", "Drop a file here, or choose one"]
        browser.run(drop(0, clips["both"]))
        browser.wait("explained && explained.status === 'ok'")
        told = {name: np.array([*of.values()]) for name, of in browser.run("explained.subsets").items()}
        assert np.allclose(told["clip.audio+clip.image"], both, atol=1e-6)
        # files of their own, a little shorter, of which other frames are looked at
        assert np.allclose([told["clip.image"], told["clip.audio"]], [mute, dark], atol=1e-4)
        lacking = {(): both, ("clip.audio",): told["clip.image"], ("clip.image",): told["clip.audio"]}
        for without, values in lacking.items():
            said, shown = browser.run(tick(without))
            assert said == ["left", "right"][int(values.argmax())]
            assert {name: float(text.rstrip("%")) for name, text in shown.items()} == pytest.approx(
                dict(zip(["left", "right"], 100 * values, strict=True)), abs=0.0501
            )
        assert browser.run(tick(("clip.image", "clip.audio")))[0] == "No answer: nothing is given"
        heads = "[...document.querySelectorAll('#inside h3')].map(one => one.textContent)"
        assert sorted(browser.run(heads)) == ["Inside clip.audio", "Inside clip.image"]
        browser.wait("document.querySelector('#inside video').videoWidth === 16")  # it is seen, and its sound heard
        browser.wait("document.querySelector('#inside audio').duration > 0.7")
        pieces = "[...document.querySelectorAll('#inside video + .strip button')]"
        spans = [title.partition(":")[0] for title in browser.run(f"{pieces}.map(one => one.title)")]
        assert spans == ["0 to 0.203 s", "0.203 to 0.407 s", "0.407 to 0.61 s", "0.61 to 0.814 s"]
        browser.run(f"{pieces}[2].click()")
        browser.wait("document.querySelector('#inside video').currentTime >= 0.407")
        browser.run("document.querySelector('.given button').click()")
        browser.run(drop(0, clips["mute"]))
        browser.wait("explained && explained.status === 'partial'")
        absent = "document.getElementById('absent').innerText"
        assert browser.run(absent) == "clip.audio: the file in the cell has no sound track"
        assert browser.said == []
