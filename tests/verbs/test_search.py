import json
import shutil
from pathlib import Path
from typing import Any

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
    place = tmp_path_factory.mktemp("search")
    return plait.index(shutil.copytree(KEPT / "network", place / "run"), TABLE, place / "index").folder or place


def told(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    type_words([*map(str, words), "--json"])
    return json.loads(capsys.readouterr().out)


def test_by_cells(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["search", folder, "--cell", "note=bright sunshine", "--cell", "age=50", "--in", "text", "--top", 2]
    found = told(capsys, *words, "--out", tmp_path / "hits.csv")
    assert {*found} == {"space", "in", "queries"}
    (query,) = found["queries"]
    assert (query["used"], len(query["hits"])) == (["text", "tabular"], 2)
    assert {*query["hits"][0]} == {"rank", "row", "kind", "column", "cell", "score", "above_chance"}
    assert (tmp_path / "hits.csv").read_text().count("\n") == 3


def test_a_page_of_hits(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "search", folder, "--cell", "note=bright sunshine", "--html", tmp_path / "hits.html")
    page = (tmp_path / "hits.html").read_text()
    assert "<bdi>bright sunshine</bdi>" in page
    assert page.count("<li>") == 10


def test_a_broken_cell_finds_nothing_and_stops_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (query,) = told(capsys, "search", folder, "--cell", "note= ")["queries"]
    assert (query["status"], query["reason"], query["hits"]) == ("failed", "text: blank", [])


def test_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = told(capsys, "search", folder, "--evaluate", TABLE)
    assert {*scores["directions"]} == {"text->tabular", "tabular->text"}
    type_words(["search", str(folder), "--evaluate", str(TABLE)])
    assert "the same class of tabular: class mAP" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "search takes a TABLE, --cell COLUMN=VALUE, or --evaluate TABLE, one of the three."),
        (["--cell", "note=x", "--in", "smell"], "the space knows no modality 'smell'."),
        (["--cell", "smell=x"], "none of the model's columns"),
        (["--cell", "note=x", "--out", "hits.txt"], "expected a name that ends in .csv or .parquet"),
    ],
)
def test_a_wrong_request_ends_with_2(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_words(["search", str(folder), *words]) == 2
    assert said in capsys.readouterr().err
