"""The demo's table: real files, honest holes, splits that share nothing, the same every time."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image

from plait import RequestError
from plait.core.files import digest
from plait.verbs.demo import HOLES, _story, add_noise, draw_digit, full_row, make_demo, punch_holes, type_word


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "data", rows=60, seed=1)


def test_the_table_is_of_real_files(table: Path) -> None:
    rows = rows_of(table)
    assert list(rows[0]) == ["id", "image", "audio", "text", "digit", "voice", "split"]
    assert len(rows) == 60
    number = full_row(table)
    with Image.open(table.parent / rows[number]["image"]) as picture:
        assert (picture.size, picture.mode, picture.format) == ((32, 32), "L", "PNG")
    samples, rate = soundfile.read(table.parent / rows[number]["audio"])
    assert rate == 16000
    assert 0.2 < len(samples) / rate < 2.0
    assert 0.05 < np.abs(samples).max() < 1.0


def test_no_row_is_empty_and_some_cells_are(table: Path) -> None:
    rows = rows_of(table)
    blanks = [[row[name] == "" for name in ("image", "audio", "text")] for row in rows]
    assert not any(all(row) for row in blanks)
    assert np.asarray(blanks).any(axis=0).all()


def test_splits_share_no_voice(table: Path) -> None:
    rows = rows_of(table)
    voices = {split: {row["voice"] for row in rows if row["split"] == split} for split in ("train", "val", "test")}
    assert not voices["train"] & voices["val"]
    assert not voices["train"] & voices["test"]
    assert not voices["val"] & voices["test"]
    assert [sum(row["split"] == split for row in rows) for split in voices] == [37, 8, 15]


def test_same_seed_same_files(table: Path, tmp_path: Path) -> None:
    again = make_demo(tmp_path / "again", rows=60, seed=1)
    files = [path.relative_to(table.parent) for path in sorted(table.parent.rglob("*")) if path.is_file()]
    assert len(files) == 122
    for file in files:
        assert digest(table.parent / file) == digest(again.parent / file), file


def test_a_finished_table_is_kept_and_a_half_written_one_is_not(tmp_path: Path) -> None:
    table = make_demo(tmp_path / "data", rows=40)
    before = table.stat().st_mtime_ns
    assert make_demo(tmp_path / "data", rows=40).stat().st_mtime_ns == before
    made = table.parent / "made.json"
    made.write_text(json.dumps({**json.loads(made.read_text()), "finished": False}))
    table.write_text("half")
    assert len(rows_of(make_demo(tmp_path / "data", rows=40))) == 40
    assert len(rows_of(make_demo(tmp_path / "data", rows=41))) == 41


def test_it_never_touches_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(RequestError, match="holds something that the demo did not make"):
        make_demo(tmp_path, rows=40)
    with pytest.raises(RequestError, match="rows is 12; expected 40 to 1797"):
        make_demo(tmp_path / "new", rows=12)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_holes_come_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    holes = [punch_holes(rng) for _ in range(4000)]
    assert max(len(row) for row in holes) == 2
    assert sum(len(row) for row in holes) / 12000 == pytest.approx(HOLES, abs=0.01)


def test_words_are_mostly_right() -> None:
    rng = np.random.default_rng(0)
    typed = [type_word("seven", rng).lower() for _ in range(1000)]
    assert 0.6 < typed.count("seven") / 1000 < 0.8
    assert all(typed)


def test_pictures_and_sounds_stay_in_range() -> None:
    rng = np.random.default_rng(0)
    picture = draw_digit(rng.uniform(0, 16, (8, 8)), rng)
    assert (picture.shape, picture.dtype) == ((32, 32), np.uint8)
    samples = add_noise(np.sin(np.arange(8000) * 0.1).astype(np.float32), rng)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() <= 1.0


def test_the_story_sets_single_modalities_against_fusions() -> None:
    scores = [({"value": 0.9, "low": 0.8, "high": 0.95}, {"value": 0.91, "low": 0.85, "high": 0.96})]
    scores += [({"value": 0.7}, {"value": 0.71}), ({"value": 0.6}, None)]
    names = ["parallel(image, text)", "image", "never looked at"]
    candidates = [
        {"name": name, "winner": name == names[0], "val": val, "test": test}
        for name, (val, test) in zip(names, scores, strict=True)
    ]
    sentence = "Fusion helps: " + "so much " * 20 + "more."
    model = SimpleNamespace(study=SimpleNamespace(candidates=candidates, verdict={"sentence": sentence}))
    text = _story(model, Path("d/table.csv"), Path("run"), (Path("row.png"), Path("run/confusion.png")))
    lines = text.splitlines()
    assert lines[:3] == [
        "  candidate              accuracy, validation    accuracy, test",
        "* parallel(image, text)  0.900 (0.800 to 0.950)  0.910 (0.850 to 0.960)",
        "  image                  0.700                   0.710",
    ]
    assert "never looked at" not in text and "among 3 candidates" in text
    assert " ".join(lines[7:9]) == sentence
    assert max(map(len, lines)) <= 100 and len(lines) < 24  # a screen
    assert lines[-5:] == [
        "open row.png",
        f"open {Path('run/report.html')}",
        "next: plait study run",
        f"      plait predict run {Path('d/table.csv')} --out answers.csv",
        f"      plait explain run {Path('d/table.csv')} --row 0",
    ]


def test_a_share_of_test_rows_can_be_asked_for(tmp_path: Path) -> None:
    splits = [row["split"] for row in rows_of(make_demo(tmp_path / "more", rows=40, test_share=0.4))]
    assert [splits.count(name) for name in ("train", "val", "test")] == [19, 5, 16]
