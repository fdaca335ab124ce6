"""The verb explain: a trained model, the form of the JSON, pictures, bad input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import plait
from plait import cli
from plait.errors import RequestError
from plait.proof.explanation import Explanation
from tiny import numbers_table

NAMES = ["photo", "sound", "text", "tabular"]
PAIRS = ["photo+sound", "photo+tabular", "photo+text", "sound+tabular", "sound+text", "tabular+text"]


@pytest.fixture(scope="module")
def whole(explained_model: Any, explained_table: Path) -> Explanation:
    return explained_model.explain(explained_table)


@pytest.fixture(scope="module")
def one(explained_model: Any, explained_table: Path) -> Explanation:
    return explained_model.explain(explained_table, 7)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that types words and gives (exit code, stdout, stderr)."""

    def type_words(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return type_words


def test_shares_add_up_to_prediction_minus_base_in_every_row(whole: Explanation) -> None:
    kept = ~whole.failed
    total = np.sum([x[kept] for x in whole.shares.values()], axis=0)
    np.testing.assert_allclose(total, (whole.prediction - whole.base)[kept], atol=1e-6)
    assert kept.tolist() == [row != 2 for row in range(48)]


def test_the_prediction_explained_is_the_one_of_predict(
    whole: Explanation, explained_model: Any, explained_table: Path
) -> None:
    answers = explained_model.predict(explained_table)
    assert answers.labels == whole.labels
    kept = ~whole.failed
    np.testing.assert_allclose(answers.probabilities.max(1)[kept], whole.prediction[kept], atol=1e-6)
    np.testing.assert_allclose(
        whole.base[kept],
        [explained_model.prior[["no", "yes"].index(k)] for k in np.array(whole.labels)[kept]],
        atol=1e-6,
    )


def test_what_a_row_lacks_has_no_share(whole: Explanation) -> None:
    assert whole.shares["photo"][0] == 0.0
    assert whole.shares["sound"][1] == 0.0
    assert whole.synergy["photo+sound"][:2].tolist() == [0.0, 0.0]


def test_the_table_as_text(whole: Explanation) -> None:
    said = str(whole)
    assert said.startswith("What mattered, in points of accuracy, on 12 test rows: 0.500 with nothing known, ")
    assert "\n\n48 rows, 47 explained, 1 left out (nothing present)\n" in said
    assert "modality  weight  mean share  rows that have it" in said
    assert sum(entry["share"] for entry in whole.to_json()["table"]["modalities"].values()) == pytest.approx(1)


def test_the_table_as_arrow(whole: Explanation) -> None:
    table = whole.to_arrow()
    assert table.num_rows == 48
    assert table.column_names[:7] == ["class", "prediction", "base", *(f"share_{name}" for name in NAMES)]
    assert table["share_photo"][2].as_py() is None
    assert table["status"].to_pylist()[:4] == ["partial", "partial", "failed", "ok"]


def test_a_row_in_its_table_and_alone_is_the_same(whole: Explanation, one: Explanation) -> None:
    assert len(one) == 1
    for name in NAMES:
        assert one.shares[name][0] == pytest.approx(whole.shares[name][7], abs=1e-5)


def test_the_row_as_json(one: Explanation) -> None:
    told = json.loads(json.dumps(one.to_json()))
    assert list(told) == ["row"]
    row = told["row"]
    assert list(row)[:5] == ["class", "prediction", "base", "modalities", "synergy"]
    assert (row["class"], row["index"], row["status"], row["absent"]) == ("yes", 7, "ok", {})
    assert list(row["modalities"]) == NAMES
    assert sorted(row["synergy"]) == PAIRS
    assert sum(row["modalities"].values()) == pytest.approx(row["prediction"] - row["base"], abs=1e-6)


def test_the_details_of_a_row(one: Explanation) -> None:
    details = one.to_json()["row"]["details"]
    assert list(details) == NAMES
    (text,), (table,), (photo,), (sound,) = (details[name] for name in ("text", "tabular", "photo", "sound"))
    assert [word["text"] for word in text["words"]] == ["bright", "sunshine", "over", "dry", "hills", "day", "7"]
    assert list(table["columns"]) == ["age", "colour"]
    assert np.shape(photo["grid"]) == (8, 8)
    assert [sound["seconds"][0]["start"], sound["seconds"][-1]["end"]] == [0.0, pytest.approx(0.1)]


def test_the_row_as_text(one: Explanation) -> None:
    said = str(one)
    assert said.startswith("row 7: yes, probability ")
    assert "text (by occlusion): “" in said
    assert " px " in said


def test_a_row_with_a_hole(explained_model: Any, explained_table: Path) -> None:
    told = explained_model.explain(explained_table, 1).to_json()["row"]
    assert told["modalities"]["sound"] == 0.0
    assert told["absent"] == {"sound": "not a sound: words.wav holds text"}
    assert "sound" not in told["details"]


def test_a_row_with_nothing(explained_model: Any, explained_table: Path) -> None:
    found = explained_model.explain(explained_table, 2)
    told = found.to_json()["row"]
    assert (told["class"], told["prediction"], told["base"], told["status"]) == (None, None, None, "failed")
    assert told["modalities"] == dict.fromkeys(NAMES, 0.0)
    assert str(found).startswith("row 2: nothing is present, so there is nothing to explain (photo: blank; ")


def test_a_column_that_is_not_there_is_absent(explained_model: Any, explained_table: Path) -> None:
    found = explained_model.explain({"note": ["bright sunshine"], "age": [50]}, 0)
    assert sorted(found.to_json()["row"]["absent"]) == ["photo", "sound"]


def test_wrong_requests(explained_model: Any, explained_table: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there is no row 48; rows are numbered from 0 to 47"):
        explained_model.explain(explained_table, 48)
    with pytest.raises(RequestError, match=r"there is no row -1; rows"):
        explained_model.explain(explained_table, -1)
    with pytest.raises(RequestError, match=r"none of the model's columns \(photo, sound, note, age, colour\) is in"):
        explained_model.explain({"other": [1, 2]})
    with pytest.raises(RequestError, match=r"a picture shows one row; name it with row \(--row N\)"):
        plait.explain(explained_model, explained_table, out=tmp_path / "all.png")
    with pytest.raises(RequestError, match=r"cannot be written to 'row.gif'; expected a .png file or a folder"):
        plait.explain(explained_model, explained_table, row=0, out=tmp_path / "row.gif")


def test_progress_is_told(explained_model: Any, explained_table: Path) -> None:
    events: list[dict[str, Any]] = []
    plait.explain(explained_model, explained_table, callback=events.append)
    assert {"stage": "explain", "done": 48, "total": 48} in events


# pictures and files


def test_the_picture_of_a_row(explained_model: Any, explained_table: Path, tmp_path: Path) -> None:
    plait.explain(explained_model, explained_table, row=1, out=tmp_path / "row.png")
    assert [path.name for path in tmp_path.iterdir()] == ["row.png"]
    with Image.open(tmp_path / "row.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == 1320
        assert picture.height > 800


def test_the_folder_of_a_table(explained_model: Any, explained_table: Path, tmp_path: Path) -> None:
    plait.explain(explained_model, explained_table, out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shares.csv", "table.json", "table.png"]
    assert json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))["table"]["rows"] == 48
    assert len((tmp_path / "out" / "shares.csv").read_text("utf-8").splitlines()) == 49


def test_a_failed_row_can_be_drawn(explained_model: Any, explained_table: Path) -> None:
    said = [text.get_text() for text in explained_model.explain(explained_table, 2).draw().texts]
    assert "Row 2: nothing is present" in said
    assert "missing: blank" in said


# the command line


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run over numbers alone, and its table as a file."""
    folder = tmp_path_factory.mktemp("numbers")
    table = numbers_table(12)
    lines = ["a,b,y", *(f"{a},{b},{y}" for a, b, y in zip(*table.values(), strict=True))]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    plait.fit(folder / "table.csv", target="y", out=folder / "run", epochs=2)
    return folder / "run", folder / "table.csv"


def test_the_command(numbers: tuple[Path, Path], run: Any, tmp_path: Path) -> None:
    code, out, _ = run("explain", *numbers)
    assert code == 0
    assert out.startswith("What mattered, in points of accuracy, on 3 test rows: ")
    assert "12 rows, 12 explained\n\nWhat the model listened to:\n" in out
    code, out, _ = run("explain", *numbers, "--row", 3, "--json")
    row = json.loads(out)["row"]
    assert (code, row["index"], list(row["modalities"]), row["synergy"]) == (0, 3, ["tabular"], {})
    assert list(row["details"]["tabular"][0]["columns"]) == ["a", "b"]
    code, out, _ = run("explain", *numbers, "--row", 3, "--out", tmp_path / "row.svg")
    assert out.splitlines()[-1] == f"open {tmp_path / 'row.svg'}"
    assert (tmp_path / "row.svg").exists()


def test_the_command_refuses_with_exit_code_2(numbers: tuple[Path, Path], run: Any, tmp_path: Path) -> None:
    code, out, err = run("explain", *numbers, "--row", 12)
    assert (code, out) == (2, "")
    assert "there is no row 12; rows are numbered from 0 to 11" in err
    code, _, err = run("explain", tmp_path / "gone", numbers[1])
    assert code == 2
    assert "there is no folder" in err
