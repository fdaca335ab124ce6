"""What each column is taken for, and the parts of a row that are drawn: before, after, absent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect
from plait.kinds.row import draw_row
from plait.models.views import fit_views
from plait.verbs.show import row_parts, show, with_rates
from tiny import read_csv, write_csv, write_table


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """The parts of three rows: all there, nothing there, all broken."""
    folder = tmp_path_factory.mktemp("picture")
    rows = read_csv(write_table(folder, 10))
    (folder / "words.png").write_text("these are words")
    rows[1] |= dict.fromkeys(("photo", "sound", "note", "age", "colour"), "")
    rows[2] |= {"photo": "words.png", "sound": "gone.wav", "age": "many"}
    table = read(write_csv(folder / "table.csv", rows))
    kinds = {"note": "text", "age": "number", "colour": "category"}
    schema = detect(table, target="label", kinds=kinds)
    strands = fit_views(table, schema, np.arange(10), {"image.rotate": 90}, np.random.default_rng(0))
    return [row_parts(table, strands, row) for row in range(3)]


def test_a_whole_row_has_before_and_after(parts: list[list[dict[str, Any]]]) -> None:
    photo, sound, text, tabular = parts[0]
    assert [(p["modality"], p["kind"]) for p in parts[0]] == [
        ("photo", "image"),
        ("sound", "audio"),
        ("text", "text"),
        ("tabular", "tabular"),
    ]
    assert isinstance(photo["before"], Image.Image)
    assert photo["after"].shape == (1, 8, 8)
    assert np.array_equal(photo["after"][0], np.rot90(np.asarray(photo["before"])))
    assert photo["steps"]
    samples, rate = sound["before"]
    assert (samples.shape, rate) == ((800, 1), 8000)
    assert sound["after"].ndim == 2
    assert text["before"].startswith("a cold grey morning by the sea")
    assert ("cold", True) in text["after"]
    assert tabular["before"] == {"age": "20", "colour": "red"}  # "many" makes the column text
    assert set(tabular["after"]) == {"age", "colour"}
    assert not any("reason" in part for part in parts[0])


def test_what_is_not_there_has_its_reason(parts: list[list[dict[str, Any]]]) -> None:
    assert [part["reason"] for part in parts[1]] == ["blank"] * 4
    assert not any("before" in part for part in parts[1])


def test_what_is_broken_has_its_reason(parts: list[list[dict[str, Any]]]) -> None:
    photo, sound, text, tabular = parts[2]
    assert photo["reason"] == "not an image: words.png holds text"
    assert sound["reason"] == "file not found: gone.wav"
    assert "reason" not in text
    assert "many" in tabular["reason"]
    assert tabular["after"]  # the colour is there


def test_all_of_them_can_be_drawn(parts: list[list[dict[str, Any]]], tmp_path: Path) -> None:
    for row, found in enumerate(parts):
        draw_row(found).savefig(tmp_path / f"{row}.png", dpi=40)
        with Image.open(tmp_path / f"{row}.png") as picture:
            assert picture.format == "PNG"


def test_each_column_of_a_modality_has_a_part_of_its_own(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 4))
    table = read(
        write_csv(tmp_path / "two.csv", [{"a": r["photo"], "b": r["photo"] if n else ""} for n, r in enumerate(rows)])
    )
    schema = detect(table, modalities={"views": ["a", "b"]})
    strands = fit_views(table, schema, np.arange(4), {}, np.random.default_rng(0))
    first, second = row_parts(table, strands, 0)
    assert (first["modality"], second["modality"]) == ("views: a", "views: b")
    assert second["reason"] == "blank"
    assert "reason" not in first


# the verb


def test_show_proposes_a_group_and_says_nothing_of_one_that_is_named() -> None:
    table = {"speaker": ["ann", "bob", "cy"] * 4, "words": [f"word {i} of a day" for i in range(12)]}
    shown = show(table)
    assert str(shown).endswith(
        "note: 'speaker' may tell which rows belong together: its name says whose the rows are; if so: --group speaker "
        "(fit then draws whole groups)"
    )
    assert len(shown.to_json()["groups"]) == 1
    assert show(table, group="speaker").to_json()["groups"] == []


def test_show_tells_kinds_roles_holes_and_modalities(explained_table: Path) -> None:
    shown = show(explained_table, target="label")
    said = shown.to_json()
    assert said["rows"] == 48
    assert said["holes"] == {"photo": 2, "sound": 1, "note": 1, "age": 1, "colour": 1, "label": 0}
    assert {c["name"]: (c["kind"], c["role"]) for c in said["columns"]} == {
        "photo": ("image", "feature"),
        "sound": ("audio", "feature"),
        "note": ("text", "feature"),
        "age": ("number", "feature"),
        "colour": ("category", "feature"),
        "label": ("category", "target"),
    }
    text = str(shown)
    assert "48 rows, 6 columns" in text
    assert "modality photo (image): photo" in text
    assert "modality tabular (tabular): age, colour" in text


def test_show_draws_a_row(explained_table: Path, tmp_path: Path) -> None:
    show(explained_table, target="label", row=3, out=tmp_path / "row.png", prep={"image.rotate": 90})
    with Image.open(tmp_path / "row.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
    assert [path.name for path in tmp_path.iterdir()] == ["row.png"]


@pytest.mark.parametrize("row", [48, -1])
def test_show_refuses_a_row_that_is_not_there(explained_table: Path, tmp_path: Path, row: int) -> None:
    with pytest.raises(RequestError, match=rf"there is no row {row}; rows are numbered from 0 to 47"):
        show(explained_table, row=row, out=tmp_path / "row.png")
    assert not list(tmp_path.iterdir())


def test_show_refuses_a_picture_it_cannot_write(explained_table: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"row\.abc"):
        show(explained_table, row=0, out=tmp_path / "row.abc")
    assert not list(tmp_path.iterdir())


def test_a_table_with_nothing_to_learn_from_says_so() -> None:
    shown = show({"id": ["p", "q", "r"], "y": ["a", "b", "a"]}, target="y", ignore=["id"])
    assert str(shown).splitlines()[0] == "3 rows, 2 columns"
    assert str(shown).splitlines()[-1] == "no column is left to learn from"


def test_sounds_that_come_as_arrays_get_a_rate_and_a_guess_is_said() -> None:
    table = read({"heard": np.zeros((3, 400), np.float32), "y": ["a", "b", "a"]})
    schema = detect(table, target="y", kinds={"heard": "audio"})
    events: list[dict[str, Any]] = []
    assert with_rates(table, schema, 8000, events.append).sample_rates == {"heard": 8000}
    assert events == []
    assert with_rates(table, schema, None, events.append).sample_rates == {"heard": 22050}
    said = "heard: no sample rate was given; taken as 22050 Hz. Give sample_rate=… to change it."
    assert events == [{"note": said}]
    assert table.sample_rates == {}
