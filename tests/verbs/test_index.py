import json
import shutil
from pathlib import Path

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
    return Path(shutil.copytree(KEPT / "network", tmp_path_factory.mktemp("index") / "run"))


def test_made_and_added_to(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["index", str(folder), str(TABLE), "--out", str(tmp_path / "index"), "--json"]
    type_words(words)
    told = json.loads(capsys.readouterr().out)
    assert {*told} == {"rows", "entries", "dim", "space", "out", "report"}
    type_words([*words, "--add"])
    out, err = capsys.readouterr()
    again = json.loads(out)
    assert "0 new cells; what the index holds already is not added again" in err
    assert (again["rows"], again["entries"]) == (48, told["entries"])
    assert type_words(words) == 2
    assert "is there already. Name another folder, or add to the index in it: --add." in capsys.readouterr().err


def test_an_index_of_another_run_or_aim_is_refused(folder: Path, tmp_path: Path) -> None:
    plait.index(folder, TABLE, tmp_path / "index")
    with pytest.raises(plait.RunError, match="is an index of another run, whose space is another"):
        plait.index(KEPT / "classic", TABLE, tmp_path / "index", add=True)
    with pytest.raises(plait.RunError, match="has a space for kind; expected it for rows"):
        plait.index(folder, TABLE, tmp_path / "index", add=True, aim="rows")
    with pytest.raises(plait.RequestError, match="add adds to an index in a folder; name it"):
        plait.index(folder, TABLE, add=True)


def test_the_summary_says_how_well_it_finds(folder: Path) -> None:
    said = str(plait.index(folder, TABLE))
    assert said.startswith("24 rows given, ")
    assert "class mAP on validation (* was chosen):" in said
    assert "ridge CCA" in said
