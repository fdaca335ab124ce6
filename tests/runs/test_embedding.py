from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from plait.core.contract import Table
from plait.errors import RequestError, RunError
from plait.runs.embedding import Embeddings, Head, Read, Sources, Space, mean_vector, read_features, space_stem, unit
from plait.runs.load import load
from plait.runs.shared import set_up_model
from travelling import Travelling

KEPT = Path(__file__).parents[1] / "kept"


def small() -> Space:
    eye = np.eye(2)
    heads = {name: Head("features by hand", np.zeros(2), np.ones(2), eye) for name in ("image", "text")}
    samples = {name: np.eye(2, dtype=np.float32) for name in heads}
    return Space("cca", "rows", "run", heads, samples, report={"sentence": "it is small"})


def test_vectors_have_the_length_1_or_are_absent() -> None:
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()[0] == pytest.approx([0.6, 0.8])
    assert np.isnan(unit(np.zeros((1, 2)))).all()


def test_the_mean_is_of_what_is_there() -> None:
    a, b = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [np.nan, np.nan]])
    assert mean_vector([a, b]).tolist() == [pytest.approx([0.7071, 0.7071], abs=1e-4), [1, 0]]
    assert mean_vector([a, b], [3.0, 4.0])[0].tolist() == pytest.approx([0.6, 0.8])
    each = mean_vector([a, b], [np.array([3.0, 1.0]), 4.0])
    assert each[0].tolist() == pytest.approx([0.6, 0.8])
    assert each[1].tolist() == [1, 0]


def test_a_hole_inside_a_present_row_is_average() -> None:
    head = Head("", np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.eye(2))
    assert head.project(np.array([[2.0, np.nan]])).tolist() == [[1, 0]]
    assert np.isnan(head.project(np.full((1, 2), np.nan))).all()
    assert head.lengths(np.array([[2.0, np.nan], [np.nan, np.nan]])).tolist()[0] > 0
    assert np.isnan(head.lengths(np.full((1, 2), np.nan))).all()
    space = Space("cca", "rows", "", {"text": head})
    assert space.lengths({"text": np.ones((1, 2))}) == {}  # one of before, whose report knows no usual length
    space.report["lengths"] = {"text": 0.5}
    assert space.lengths({"text": np.ones((1, 2))})["text"] == pytest.approx(2 * head.lengths(np.ones((1, 2))))


def test_written_and_read_again(tmp_path: Path) -> None:
    space = small()
    space.write(tmp_path)
    again = Space.read(tmp_path)
    assert again is not None
    assert again.seal == space.seal
    assert again.report == {"sentence": "it is small"}
    assert Space.read(tmp_path, "other") is None


def test_another_space_has_another_seal() -> None:
    space = small()
    moved = replace(space, heads={**space.heads, "text": replace(space.heads["text"], weight=np.eye(2) * 2)})
    assert moved.seal != space.seal


def test_arrays_that_do_not_fit(tmp_path: Path) -> None:
    space = small()
    space.write(tmp_path)
    wide = replace(space, heads={n: replace(h, weight=np.ones((2, 3))) for n, h in space.heads.items()}, samples={})
    wide.write(tmp_path / "wide")
    (tmp_path / "space.safetensors").write_bytes((tmp_path / "wide" / "space.safetensors").read_bytes())
    with pytest.raises(RunError, match="what it says does not fit together"):
        Space.read(tmp_path)


def test_where_the_numbers_of_a_modality_are_from() -> None:
    told = Sources.of(load(KEPT / "network")).origins()
    assert told == {"text": "network and probabilities", "tabular": "network and probabilities"}
    assert Sources.of(load(KEPT / "classic")).origins()["photo"] == "features by hand and probabilities"


def embedded() -> Embeddings:
    features = {"image": np.array([[1.0, 0.0], [np.nan] * 2]), "text": np.array([[0.0, 1.0], [np.nan] * 2])}
    return Embeddings.of(small(), Read(features, [("ok", ""), ("failed", "image: blank; text: blank")], [], Table({})))


def test_json_counts_what_is_there() -> None:
    told = embedded().to_json()
    assert (told["rows"], told["failed"], told["dim"]) == (2, 1, 2)
    assert told["modalities"] == {"image": {"present": 1}, "text": {"present": 1}}


def test_files(tmp_path: Path) -> None:
    embedded().write(tmp_path / "v.parquet")
    rows = parquet.read_table(tmp_path / "v.parquet").to_pylist()
    assert rows[0]["row"] == pytest.approx([0.7071, 0.7071], abs=1e-4)
    assert rows[1] == {
        "image": None,
        "text": None,
        "row": None,
        "status": "failed",
        "reason": "image: blank; text: blank",
    }
    embedded().write(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert np.isnan(arrays["image"][1]).all()
        assert arrays["status"].tolist() == ["ok", "failed"]
    with pytest.raises(RequestError, match=r"'v.csv'; expected a name that ends in .parquet or .npz"):
        embedded().write("v.csv")


def test_a_modality_called_row_keeps_its_vectors(tmp_path: Path) -> None:
    found = embedded()
    found.vectors["row"] = found.vectors.pop("image")
    found.write(tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as arrays:
        assert {*arrays} == {"row", "text", "row_2", "status", "reason"}
        assert arrays["row"][0].tolist() == [1, 0]


def test_a_stem_for_each_aim() -> None:
    assert space_stem("kind") == "space-kind"
    with pytest.raises(RequestError, match=r"there is no space for 'kinds'\. Did you mean 'kind'"):
        space_stem("kinds")


def test_rows_that_travel_are_read_as_those_that_stay() -> None:
    model, rows = load(KEPT / "network"), KEPT / "table" / "table.csv"
    runner = Travelling()
    there = read_features(
        model, rows, before=True, runner=runner, setup=set_up_model(KEPT / "network", model, None, runner)
    )
    here = read_features(model, rows, before=True)
    assert there.own == here.own
    assert runner.tasks == 1
    assert runner.folders == [KEPT / "network"]
    assert (there.statuses, there.notes) == (here.statuses, here.notes)
    assert {name: x.tobytes() for name, x in there.features.items()} == {
        name: x.tobytes() for name, x in here.features.items()
    }


def test_what_a_network_reads_comes_before_what_it_makes_of_it() -> None:
    model, rows = load(KEPT / "network"), KEPT / "table" / "table.csv"
    one, more = read_features(model, rows), read_features(model, rows, before=True)
    assert (one.own, more.own) == ({}, {name: x.shape[1] for name, x in one.features.items()})
    for name, x in one.features.items():
        assert more.features[name].shape[1] > x.shape[1]
        assert np.array_equal(more.features[name][:, -x.shape[1] :], x, equal_nan=True)
