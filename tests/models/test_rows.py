"""Every row in is a row out, with a reason for every hole."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from holes import views_of, write_holes
from plait.core.contract import Modality
from plait.data.read import read
from plait.models import rows as dataset
from plait.models.rows import Prepared, prepare
from plait.models.views import View
from tiny import read_csv, write_csv, write_table
from travelling import Travelling


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_holes(tmp_path_factory.mktemp("holes"))


def test_every_row_is_there_in_its_order_with_status_and_reason(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, views_of(table))
    assert len(prepared) == 12
    assert prepared.names == ["photo", "sound", "text", "tabular"]
    assert prepared.present["photo"].tolist() == [True, False, False, True, False] + [True] * 7
    assert prepared.present["sound"].tolist() == [True, True, True, False, False] + [True] * 7
    assert prepared.present["text"].tolist() == [True] * 4 + [False] + [True] * 7
    assert prepared.present["tabular"].tolist() == [True] * 4 + [False, True, False] + [True] * 5
    statuses = prepared.statuses()
    assert [s for s, _ in statuses] == ["ok", "partial", "partial", "partial", "failed", "partial", "partial"] + [
        "ok"
    ] * 5
    assert statuses[0][1] == ""
    assert statuses[1][1] == "photo: blank"
    assert re.match(r"photo: not an image: words\.png holds text", statuses[2][1])
    assert re.match(r"sound: file not found: gone\.wav", statuses[3][1])
    assert statuses[4][1] == "photo: blank; sound: blank; text: blank; tabular: blank"
    assert "age" in statuses[5][1]
    assert "many" in statuses[5][1]
    assert statuses[6][1] == "tabular: blank"


def test_statuses_can_be_of_some_modalities_only(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, views_of(table))
    assert prepared.statuses(["photo"])[:4] == [
        ("ok", ""),
        ("failed", "photo: blank"),
        ("failed", prepared.statuses()[2][1]),
        ("ok", ""),
    ]


def test_the_values_are_those_of_the_rows_whatever_the_order(folder: Path) -> None:
    table = read(folder / "table.csv")
    views = views_of(table)
    whole = prepare(table, views)
    order = [7, 2, 11, 4, 0]
    some = prepare(table.take(order), views)
    for name in whole.names:
        assert np.array_equal(some.inputs[name], whole.inputs[name][order])
        assert np.array_equal(some.cells[name], whole.cells[name][order])
    assert some.reasons == [whole.reasons[row] for row in order]
    with Image.open(folder / "7.png") as picture:
        assert np.array_equal(some.inputs["photo"][0, 0], np.asarray(picture))  # 8 × 8 stays as it is
    assert not some.inputs["photo"][1].any()


def test_files_chunks_and_memory_give_the_same(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read(folder / "table.csv")
    views = views_of(table)
    whole = prepare(table, views)
    monkeypatch.setattr(dataset, "CHUNK", 5)
    events: list[dict[str, Any]] = []
    chunked = prepare(table, views, callback=events.append)
    filed = prepare(table, views, folder=tmp_path / "inputs")
    assert [(e["done"], e["total"]) for e in events] == [(5, 12), (10, 12), (12, 12)]
    for other in (chunked, filed):
        assert other.reasons == whole.reasons
        for name in whole.names:
            assert other.inputs[name].dtype == whole.inputs[name].dtype
            assert np.array_equal(other.inputs[name], whole.inputs[name])
            assert np.array_equal(other.cells[name], whole.cells[name])
    assert isinstance(filed.inputs["photo"], np.memmap)
    size = (tmp_path / "inputs" / "0.raw").stat().st_size
    filed.inputs["photo"][:] = 7  # copy on write: the file stays
    assert (tmp_path / "inputs" / "0.raw").stat().st_size == size
    on_disk = np.fromfile(tmp_path / "inputs" / "0.raw", np.uint8)
    assert np.array_equal(on_disk, whole.inputs["photo"].reshape(-1))


def test_no_rows_give_no_rows(folder: Path, tmp_path: Path) -> None:
    table = read(folder / "table.csv")
    views = views_of(table)
    for place in (None, tmp_path / "none"):
        prepared = prepare(table.take([]), views, folder=place)
        assert len(prepared) == 0
        assert prepared.inputs["photo"].shape == (0, 1, 8, 8)
        assert prepared.present["tabular"].shape == (0,)
        assert prepared.statuses() == []


def test_a_batch_holds_the_rows_asked_for_and_keeps_what_is_named(folder: Path) -> None:
    table = read(folder / "table.csv")
    prepared = prepare(table, views_of(table))
    batch = prepared.batch(np.array([3, 1]))
    assert batch.present["photo"].tolist() == [True, False]
    assert batch.present["sound"].tolist() == [False, True]
    assert batch.inputs["photo"].dtype == torch.uint8
    assert np.array_equal(batch.inputs["photo"][0].numpy(), prepared.inputs["photo"][3])
    kept = prepared.batch(np.array([3, 1]), ["photo"])
    assert {name: there.tolist() for name, there in kept.present.items()} == {
        "photo": [True, False],
        "sound": [False, False],
        "text": [False, False],
        "tabular": [False, False],
    }
    assert kept.inputs["sound"].shape == batch.inputs["sound"].shape
    assert not kept.inputs["sound"].any()  # nothing is copied of what nobody is to see
    batch.inputs["photo"][:] = 0
    assert prepared.inputs["photo"][3].any()  # a batch is a copy


def test_a_batch_holds_arrays_where_nobody_can_ask_for_tensors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare((table := read(folder / "table.csv")), views_of(table))
    tensors = prepared.batch(np.array([3, 1]), ["photo"])
    monkeypatch.delitem(sys.modules, "torch")
    arrays = prepared.batch(np.array([3, 1]), ["photo"])
    for own, other in ((arrays.inputs, tensors.inputs), (arrays.present, tensors.present)):
        assert {name: type(x) for name, x in own.items()} == dict.fromkeys(other, np.ndarray)
        assert all(
            np.array_equal(x, other[name].numpy()) and x.dtype == other[name].numpy().dtype for name, x in own.items()
        )
    arrays.inputs["photo"][:] = 0
    assert prepared.inputs["photo"][3].any()  # a batch is a copy


def test_several_columns_of_media_in_one_modality(tmp_path: Path) -> None:
    rows = read_csv(write_table(tmp_path, 8))
    table = [{"front": r["photo"], "back": r["photo"], "label": r["label"]} for r in rows]
    table[1]["back"] = ""
    table[2] |= {"front": "", "back": ""}
    data = read(write_csv(tmp_path / "two.csv", table))
    (view,) = views_of(data, kinds={}, modalities={"views": ["front", "back"]})
    prepared = prepare(data, [view])
    assert view.several
    assert prepared.inputs["views"].shape == (8, 2, 1, 8, 8)
    assert prepared.cells["views"][:3].tolist() == [[True, True], [True, False], [False, False]]
    assert prepared.present["views"].tolist() == [True, True, False] + [True] * 5
    assert prepared.statuses()[:3] == [
        ("ok", ""),
        ("partial", "views: back: blank"),
        ("failed", "views: front: blank; back: blank"),
    ]
    assert np.array_equal(prepared.inputs["views"][0, 0], prepared.inputs["views"][0, 1])
    batch = prepared.batch(np.array([1]))
    assert batch.cells["views"].tolist() == [[True, False]]


def test_a_text_stays_there_through_the_encoder_that_was_not_chosen() -> None:
    modality, frozen = Modality("note", "text", ("note",)), SimpleNamespace(name="static")
    own: Any = View(modality, None, "note")
    rival = replace(own, encoder="static", how="rival", frozen=frozen)
    x, y = np.zeros((2, 3)), np.ones((2, 4))
    cells = {"note": np.ones((2, 1), bool), rival.name: np.ones((2, 1), bool)}
    rows = Prepared([own, rival], {"note": x, rival.name: y}, cells, [{}, {}])
    assert rows.settle("note", "note").views == [own]
    kept = rows.settle("note", "note", keep=True)
    assert [(view.name, view.how) for view in kept.views] == [("note", "own"), (rival.name, "beside")]
    assert kept.beside == {"note": [rival.name]}
    assert kept.inputs[rival.name] is y
    other = rows.settle("note", rival.name, keep=True)
    assert [(view.name, view.how, view.encoder) for view in other.views] == [("note", "own", "static")]
    assert other.inputs["note"] is y


def test_rows_are_prepared_elsewhere_as_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, runner = read(folder / "table.csv"), Travelling()
    views = views_of(table)
    whole = prepare(table, views)
    monkeypatch.setattr(dataset, "CHUNK", 5)
    sent = prepare(table, views, runner=runner)
    assert runner.tasks == 3
    assert sent.reasons == whole.reasons
    for name in whole.inputs:
        assert np.array_equal(sent.inputs[name], whole.inputs[name])
        assert np.array_equal(sent.cells[name], whole.cells[name])
    words = [view for view in views if view.name == "text"]
    prepare(table, words, runner=runner)
    assert runner.tasks == 3  # to send them costs more than to read them


def test_rows_that_were_prepared_before_a_kill_are_not_prepared_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read(folder / "table.csv")
    views, asked = views_of(table), list[int]()
    whole = prepare(table, views)
    monkeypatch.setattr(dataset, "CHUNK", 5)
    monkeypatch.setattr(dataset, "MOMENT", 0.0)

    def kill(event: dict[str, Any]) -> None:
        if event["done"] == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(table, views, folder=tmp_path, callback=kill)
    again = prepare(table, views, folder=tmp_path, callback=lambda event: asked.append(event["done"]))
    assert asked == [12]  # of which the last two alone are prepared
    assert again.reasons == whole.reasons
    for name in whole.inputs:
        assert np.array_equal(again.inputs[name], whole.inputs[name])
        assert np.array_equal(again.cells[name], whole.cells[name])
    (tmp_path / "0.raw").write_bytes(b"cut short")
    asked.clear()
    assert prepare(table, views, folder=tmp_path, callback=lambda event: asked.append(event["done"])).reasons
    assert asked == [5, 10, 12]
