"""Blocks that are kept: what was decoded once is not opened again, and is the same to the last bit."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from holes import views_of, write_holes
from plait.core.contract import Table
from plait.core.files import Stages
from plait.core.threads import InThisThread
from plait.data.fact_cache import cache_folder
from plait.data.read import read
from plait.kinds.part import Opener
from plait.models import rows
from plait.models.kept_blocks import KeptBlocks
from plait.models.rows import Prepared, prepare
from travelling import Travelling


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every cell that is filled, as it comes."""
    cells, fill = list[Any](), Opener._fill

    def note(self: Opener, prep: Any, folder: Any, rate: Any, given: Any, values: Any, places: range) -> Any:
        cells.extend(given[place] for place in places)
        return fill(self, prep, folder, rate, given, values, places)

    monkeypatch.setattr(Opener, "_fill", note)
    monkeypatch.setattr(rows, "CHUNK", 5)
    return cells


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return read(write_holes(tmp_path) / "table.csv")


def assert_same(one: Prepared, other: Prepared) -> None:
    assert one.reasons == other.reasons
    for name in one.inputs:
        assert one.inputs[name].dtype == other.inputs[name].dtype
        assert np.array_equal(one.inputs[name], other.inputs[name])
        assert np.array_equal(one.cells[name], other.cells[name])


def test_what_is_kept_is_the_same_and_only_what_could_not_be_read_is_looked_at_again(
    table: Table, opened: list[Any], tmp_path: Path
) -> None:
    views = views_of(table)
    whole = prepare(table, views)
    assert not (cache_folder() / "blocks").exists()
    assert_same(prepare(table, views, keep=True), whole)
    assert len([*(cache_folder() / "blocks").glob("*.json")]) == 6  # three blocks, of pictures and of sounds
    opened.clear()
    assert_same(prepare(table, views, keep=True), whole)
    assert opened == [None, "words.png", None, "gone.wav", None]
    opened.clear()
    assert_same(prepare(table, views, folder=tmp_path / "work", keep=True, runner=Travelling()), whole)
    assert opened == [None, "words.png", None, "gone.wav", None]


def test_what_another_process_made_is_kept_too(table: Table, opened: list[Any]) -> None:
    views = views_of(table)
    sent = prepare(table, views, keep=True, runner=Travelling())
    opened.clear()
    assert_same(prepare(table, views, keep=True), sent)
    assert len(opened) == 5


def test_another_file_of_the_name_is_another_cell(table: Table, opened: list[Any]) -> None:
    (photo,) = (view for view in views_of(table) if view.name == "photo")
    before = prepare(table, [photo], keep=True)
    assert table.folder is not None
    file = table.folder / "7.png"
    file.write_bytes((table.folder / "8.png").read_bytes())
    os.utime(file, ns=(1, 1))
    opened.clear()
    after = prepare(table, [photo], keep=True)
    assert opened == [None, "words.png", None, *(f"{row}.png" for row in range(5, 10))]
    assert np.array_equal(after.inputs["photo"][7], before.inputs["photo"][8])


def test_bytes_are_known_by_what_they_hold(table: Table, opened: list[Any]) -> None:
    assert table.folder is not None
    content = [(table.folder / f"{row}.png").read_bytes() for row in (5, 6, 7)]
    held = read({"photo": content}, folder=table.folder)
    (view,) = views_of(held, target=None, kinds={"photo": "image"})
    first = prepare(held, [view], keep=True)
    opened.clear()
    assert_same(prepare(held, [view], keep=True), first)
    assert opened == []
    prepare(held.take([1, 0, 2]), [view], keep=True)
    assert len(opened) == 3


def test_what_has_learned_otherwise_decodes_for_itself(table: Table, opened: list[Any]) -> None:
    for size in (8, 4):
        (photo,) = (view for view in views_of(table, prep={"photo": {"size": size}}) if view.name == "photo")
        opened.clear()
        assert prepare(table, [photo], keep=True).inputs["photo"].shape == (12, 1, size, size)
        assert len(opened) == 12


def test_numbers_and_texts_are_not_kept(table: Table) -> None:
    few = [view for view in views_of(table) if view.name in ("text", "tabular")]
    prepare(table, few, keep=True)
    assert not KeptBlocks(few).keeps
    assert not (cache_folder() / "blocks").exists()


def test_a_damaged_block_is_made_anew(table: Table, opened: list[Any]) -> None:
    views = views_of(table)
    whole = prepare(table, views, keep=True)
    for file in (cache_folder() / "blocks").glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-1])
    opened.clear()
    assert_same(prepare(table, views, keep=True), whole)
    assert len(opened) == 24


@pytest.mark.usefixtures("opened")
def test_no_more_is_kept_than_the_limit_and_a_full_disk_is_said(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    (photo,) = (view for view in views_of(table) if view.name == "photo")  # of 5 × 64 bytes a block
    monkeypatch.setenv("PLAIT_CACHE_LIMIT", "700")
    prepare(table, [photo], keep=True)
    assert len([*(cache_folder() / "blocks").glob("*.json")]) == 2

    def fail(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Stages, "save_arrays", fail)
    notes: list[dict[str, Any]] = []
    prepare(table.take([*range(11, -1, -1)]), [photo], keep=True, callback=notes.append)
    assert notes[-1] == {"note": "prepared rows are not kept for the next time: No space left on device"}


def test_without_a_home_nothing_is_kept(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError

    monkeypatch.setattr("plait.models.kept_blocks.cache_folder", fail)
    views = views_of(table)
    assert not KeptBlocks(views).keeps
    assert len(KeptBlocks(views).prepare(views[0], table, InThisThread()).values) == 12
