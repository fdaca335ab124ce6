import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import plait
from plait import cli

KEPT = Path(__file__).parents[1] / "kept"
TABLE = KEPT / "table" / "table.csv"


def type_words(words: list[str]) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(KEPT / "network", tmp_path_factory.mktemp("embed") / "run"))


def test_a_vector_for_each_modality_and_one_for_the_row(folder: Path, tmp_path: Path) -> None:
    vectors = plait.embed(folder, TABLE, out=tmp_path / "vectors.npz")
    assert len(vectors) == 24
    there = ~np.isnan(vectors.vectors["text"][:, 0])
    assert 0 < there.sum() < 24
    assert np.linalg.norm(vectors.row[there], axis=1) == pytest.approx(np.ones(there.sum()), abs=1e-5)
    assert np.isnan(vectors.row[[status == "failed" for status in vectors.status]]).all()
    again = plait.load(folder).embed({"note": ["a cold grey morning", None]})  # the space was kept
    assert (again.status, again.space) == (["partial", "failed"], vectors.space)


def test_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    type_words(["embed", str(folder), str(TABLE), "--out", str(tmp_path / "v.parquet"), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert {*told} == {"rows", "failed", "dim", "space", "modalities", "out"}
    assert {*told["space"]} == {"name", "seal"}
    assert {*told["modalities"]} == {"text", "tabular"}
    assert type_words(["embed", str(folder), str(TABLE)]) == 2
    assert "embed needs --out FILE (.parquet or .npz)" in capsys.readouterr().err


def test_a_run_without_a_space_says_how_to_get_one(tmp_path: Path) -> None:
    model = plait.load(shutil.copytree(KEPT / "network", tmp_path / "run"))
    with pytest.raises(plait.RequestError, match="has no space yet: plait index"):
        model.embed({"note": ["fever"]})
    with pytest.raises(plait.RequestError, match="there is no space for 'row'"):
        plait.embed(model, TABLE, aim="row")
