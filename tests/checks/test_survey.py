"""The survey: the facts of each cell, each file opened once, and a cache that a stopped survey goes on from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

import plait
from plait.checks import survey as survey_file
from plait.checks.survey import Survey, survey_table
from plait.core.contract import Table
from plait.data import media
from plait.kinds import KINDS
from plait.kinds.detect import detect
from plait.kinds.image.checks import quick
from travelling import Travelling

RANDOM = np.random.default_rng(0)


def picture(path: Path, shade: int = 0, **options: Any) -> None:
    pixels = np.arange(20 * 30 * 3, dtype=np.uint32).reshape(20, 30, 3) * (shade + 3) % 256
    Image.fromarray(pixels.astype(np.uint8)).save(path, **options)


def tone(path: Path, rate: int = 8000, hertz: float = 440.0, channels: int = 1) -> None:
    wave = 0.5 * np.sin(np.arange(rate // 2) * 2 * np.pi * hertz / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate)


def looked(table: Table, kind: str, **options: Any) -> Survey:
    kinds = dict.fromkeys(table.names, kind)
    return survey_table(table, detect(table, kinds=kinds), **options)


def only(survey: Survey) -> Any:
    ((cell,),) = survey.facts.values()
    assert cell is not None
    return cell


def test_the_facts_of_a_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(tmp_path / "图.jpg", exif=exif)
    cell = only(looked(plait.read({"p": ["图.jpg"]}, folder=tmp_path), "image"))
    assert (cell.fault, cell.format, cell.mode, cell.depth) == ("", "JPEG", "RGB", 8)
    assert (cell.width, cell.height, cell.orientation, cell.frames) == (30, 20, 6, 1)
    assert cell.digest == cell.cell != ""
    assert len(cell.thumb) == 32 * 32 + 4 * 4 * 3
    assert not (cell.one_colour or cell.renamed or cell.outside)


def test_the_facts_of_a_sound(tmp_path: Path) -> None:
    tone(tmp_path / "t.wav", channels=2)
    cell = only(looked(plait.read({"s": ["t.wav"]}, folder=tmp_path), "audio"))
    assert (cell.fault, cell.format, cell.rate, cell.channels, cell.seconds) == ("", "WAV", 8000, 2, 0.5)
    assert cell.peak == pytest.approx(0.5, abs=0.001)
    assert cell.level == pytest.approx(0.5 / 2**0.5, abs=0.001)
    assert cell.clipped == 0
    assert cell.offset < 0.001


def test_a_blank_cell_has_no_facts(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    survey = looked(plait.read({"p": [None, "a.png", ""]}, folder=tmp_path), "image")
    assert [cell is None for cell in survey.facts["p"]] == [True, False, True]
    values, present = quick({"p": survey.facts["p"]}, {})
    assert present.tolist() == [False, True, False]
    assert values.shape == (3, 16 * 16 + 48)
    assert values.dtype == np.float32
    assert not values[0].any()
    assert 0 < values[1].max() <= 1


def test_a_column_without_a_cell(tmp_path: Path) -> None:
    survey = looked(plait.read({"p": [None, None], "x": [1, 2]}, folder=tmp_path), "id")
    assert survey.facts == {}
    assert len(survey.table) == 2


def test_all_files_missing(tmp_path: Path) -> None:
    survey = looked(plait.read({"p": ["a.png", "b.png"]}, folder=tmp_path), "image")
    assert [cell.fault for cell in survey.facts["p"] if cell] == ["missing", "missing"]
    assert not quick({"p": survey.facts["p"]}, {})[1].any()


def test_bytes_and_arrays(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    cell = only(looked(plait.read({"p": [content]}), "image"))
    assert (cell.fault, cell.width, cell.path, cell.format) == ("", 30, "", "PNG")
    cell = only(looked(plait.read({"p": np.zeros((1, 8, 9), np.uint8)}), "image"))
    assert (cell.fault, cell.width, cell.height, cell.one_colour) == ("", 9, 8, True)


def test_sounds_given_as_arrays_have_the_rate_that_was_said() -> None:
    table = plait.read({"s": RANDOM.normal(0, 0.1, (1, 4000)).astype(np.float32)})
    table.sample_rates["s"] = 16000
    assert only(looked(table, "audio")).seconds == 0.25


def test_each_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", 1)
    opened = []
    image = Image.linear_gradient("L")
    monkeypatch.setattr(media, "read_image", lambda cell, *rest, **more: opened.append(cell["path"]) or image)
    looked(plait.read({"p": ["a.png", "b.png", "a.png"] * 200}, folder=tmp_path), "image")
    assert sorted(opened) == ["a.png", "b.png"]


def test_a_second_survey_opens_nothing_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(tmp_path / "a.png")
    tone(tmp_path / "t.wav")
    (tmp_path / "broken.png").write_text("no picture")
    table = plait.read({"p": ["a.png", "broken.png"], "s": ["t.wav", None]}, folder=tmp_path)
    schema = detect(table, kinds={"p": "image", "s": "audio"})
    first = survey_table(table, schema, cache=tmp_path / "cache")
    monkeypatch.setattr(media, "read_image", None)
    monkeypatch.setattr(media, "read_sound", None)
    assert survey_table(table, schema, cache=tmp_path / "cache") == first


def test_a_file_that_changed_is_opened_again(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table = plait.read({"p": ["a.png"]}, folder=tmp_path)
    assert only(looked(table, "image", cache=tmp_path / "cache")).width == 30
    Image.new("L", (7, 9)).save(tmp_path / "a.png")
    assert only(looked(table, "image", cache=tmp_path / "cache")).width == 7


def test_a_survey_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_file, "FEW", 2)
    for number in range(6):
        picture(tmp_path / f"{number}.png", number)
    table = plait.read({"p": [f"{number}.png" for number in range(6)]}, folder=tmp_path)

    def stop(event: dict[str, Any]) -> None:
        if event.get("done") == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        looked(table, "image", cache=tmp_path / "cache", callback=stop)
    opened = []
    read_image = media.read_image

    def read(cell: Any, *rest: Any, **more: Any) -> Image.Image:
        opened.append(cell["path"])
        return read_image(cell, *rest, **more)

    monkeypatch.setattr(media, "read_image", read)
    survey = looked(table, "image", cache=tmp_path / "cache")
    assert sorted(opened) == ["4.png", "5.png"]
    assert survey == looked(table, "image")


def test_a_damaged_cache_is_done_again(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table = plait.read({"p": ["a.png"]}, folder=tmp_path)
    first = looked(table, "image", cache=tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"width"', b'"depth"'))
    assert looked(table, "image", cache=tmp_path / "cache") == first
    assert looked(table, "image", cache=tmp_path / "cache") == first


def test_a_cache_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    table = plait.read({"p": ["a.png"] * 600}, folder=tmp_path)
    events: list[dict[str, Any]] = []
    survey = looked(table, "image", cache=tmp_path / "file", callback=events.append)
    assert len(survey.table) == 600
    (note,) = [event["note"] for event in events if "note" in event]
    assert note.startswith("nothing is kept for the next check: ")


def test_progress_is_in_cells(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    table = plait.read({"p": ["a.png"] * 300}, folder=tmp_path)
    events: list[dict[str, Any]] = []
    looked(table, "image", callback=events.append)
    assert events == [{"stage": "check", "done": done, "total": 300} for done in (*range(16, 300, 16), 300)]


def test_parts_of_one_sound_have_facts_of_their_own(tmp_path: Path) -> None:
    wave = np.concatenate([np.tile([0.1, -0.1], 400), np.tile([0.4, -0.4], 800)])
    soundfile.write(tmp_path / "long.wav", wave, 800)
    table = plait.read({"call": ["long.wav#t=0,1", "long.wav#t=1,3", "long.wav"]}, folder=tmp_path)
    schema = detect(table, kinds={"call": "audio"})
    for _ in range(2):  # the second time from what was kept
        facts = survey_table(table, schema, cache=tmp_path / "kept").facts["call"]
        assert [cell.seconds for cell in facts if cell is not None] == [1.0, 2.0, 3.0]
        assert [round(cell.peak, 2) for cell in facts if cell is not None] == [0.1, 0.4, 0.4]
        assert len({cell.decoded for cell in facts if cell is not None}) == 3


def test_a_record_with_nothing_in_it_is_blank(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 800)
    cells = [{"bytes": (tmp_path / "a.wav").read_bytes(), "path": None}, {"bytes": None, "path": None}]
    table = plait.read({"call": cells})
    facts = survey_table(table, detect(table, kinds={"call": "audio"})).facts["call"]
    assert facts[0] is not None
    assert facts[1] is None


def test_a_kind_that_checks_nothing_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "audio", replace(KINDS["audio"], abilities={}))
    picture(tmp_path / "a.png")
    table = plait.read({"p": ["a.png"] * 50, "s": ["gone.wav"] * 50, "y": [1, 2] * 25}, folder=tmp_path)
    kinds = {"p": "image", "s": "audio"}
    assert list(survey_table(table, detect(table, target="y", kinds=kinds)).facts) == ["p"]
    found = plait.check(table, target="y", kinds=kinds, cache=False, learning_curve=True, fix=tmp_path / "out")
    assert [finding for finding in found if finding.column == "s" and finding.severity == "error"] == []
    assert plait.read(next((tmp_path / "out").glob("*.csv"))).cells("s")[:1] == ["gone.wav"]


def test_cells_that_travel_are_found_to_be_what_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_file, "CHUNK", 3)
    picture(tmp_path / "a.png")
    tone(tmp_path / "t.wav")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    sounds = np.zeros((8, 4), np.float32)
    table = Table(
        {
            "p": plait.read({"p": ["a.png", None, "a.png", "cut.png", "../out.png", "a.png", "b.png", None]}).data["p"],
            "s": plait.read({"s": ["t.wav"] * 7 + ["lost.wav"]}).data["s"],
            "x": sounds,
        },
        tmp_path,
        sample_rates={"x": 8},
    )
    schema = detect(table, kinds={"p": "image", "s": "audio", "x": "audio"})
    runner, here = Travelling(), survey_table(table, schema)
    there = survey_table(table, schema, runner=runner, cache=tmp_path / "kept")
    assert there.facts == here.facts
    assert (runner.tasks, runner.folders) == (9, [tmp_path])
    monkeypatch.setattr(media, "read_image", None)
    assert survey_table(table, schema, runner=Travelling(), cache=tmp_path / "kept").facts == here.facts
    (kept,) = (tmp_path / "kept").iterdir()
    assert len(kept.read_text().splitlines()) == 3
