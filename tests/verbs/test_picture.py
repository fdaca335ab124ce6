"""The parts of a row that are drawn: what came, what the model sees, and why something is not there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.row import draw_row
from plait.models.views import fit_strands
from plait.verbs.show import row_parts
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
    strands = fit_strands(table, schema, np.arange(10), {"image.rotate": 90}, np.random.default_rng(0))
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
    strands = fit_strands(table, schema, np.arange(4), {}, np.random.default_rng(0))
    first, second = row_parts(table, strands, 0)
    assert (first["modality"], second["modality"]) == ("views: a", "views: b")
    assert second["reason"] == "blank"
    assert "reason" not in first
