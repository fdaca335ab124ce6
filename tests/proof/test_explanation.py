"""What an explanation says, from numbers made up: as text, JSON, Arrow, pictures and files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.proof.explanation import Explanation, write_explanation
from plait.proof.inside import Detail
from plait.proof.shapley import Shares

AGE = {"column": "age", "weight": 0.2}


def of_rows(**changes: Any) -> Explanation:
    """Return an explanation of three rows: whole, without a sound, and with nothing there."""
    zero = np.zeros(3)
    found = Shares(
        shares={"sound": np.array([0.1, 0.0, 0.0]), "tabular": np.array([0.3, -0.2, 0.0])},
        synergy={"sound+tabular": np.array([-0.05, 0.0, 0.0])},
        errors={"sound": zero, "tabular": zero},
    )
    given: dict[str, Any] = {
        "classes": ["no", "yes"],
        "labels": ["yes", "no", None],
        "prediction": np.array([0.9, 0.3, np.nan]),
        "base": np.array([0.5, 0.5, np.nan]),
        "division": found,
        "present": {"sound": np.array([True, False, False]), "tabular": np.array([True, True, False])},
        "statuses": [("ok", ""), ("partial", "sound: blank"), ("failed", "sound: blank; tabular: blank")],
        "absent": [{}, {"sound": "blank"}, {"sound": "blank", "tabular": "blank"}],
        "prior": {"no": 0.5, "yes": 0.5},
    }
    return Explanation(**{**given, **changes})


def of_one(row: int = 0, **changes: Any) -> Explanation:
    """Return the explanation of one of those rows."""
    whole, kept = of_rows(), np.array([row])
    given: dict[str, Any] = {
        "labels": [whole.labels[row]],
        "prediction": whole.prediction[kept],
        "base": whole.base[kept],
        "division": whole.division.take(kept),
        "present": {name: there[kept] for name, there in whole.present.items()},
        "statuses": [whole.statuses[row]],
        "absent": [whole.absent[row]],
        "row": row,
    }
    return of_rows(**{**given, **changes})


def test_a_table_is_summed_up_over_the_rows_that_were_explained() -> None:
    table = of_rows().to_json()["table"]
    assert (table["rows"], table["explained"], table["failed"]) == (3, 2, 1)
    assert table["base"] == {"no": 0.5, "yes": 0.5}
    assert table["modalities"]["sound"] == {"share": pytest.approx(1 / 6), "mean": pytest.approx(0.05), "present": 1}
    assert table["modalities"]["tabular"] == {"share": pytest.approx(5 / 6), "mean": pytest.approx(0.05), "present": 2}
    assert "unused" not in table


def test_a_table_as_text_has_the_heaviest_first() -> None:
    said = str(of_rows(unused=["photo"])).splitlines()
    assert said[0] == "3 rows, 2 explained, 1 left out (nothing present)"
    assert said[2:5] == ["What the model listened to:", "", "modality  weight  mean share  rows that have it"]
    names = [line.split()[0] for line in said if line.startswith(("sound ", "tabular "))]
    assert names == ["tabular", "sound"]
    assert any(line.split() == ["tabular", "83", "%", "+0.050", "2"] for line in said)
    assert said[-1] == "Not looked at by the model: photo."


def test_a_row_as_json() -> None:
    detail = Detail("tabular", "tabular", "tabular", "occlusion", [AGE])
    row = json.loads(json.dumps(of_one(details=[detail]).to_json()))["row"]
    assert (row["class"], row["prediction"], row["base"], row["index"], row["status"]) == ("yes", 0.9, 0.5, 0, "ok")
    assert row["modalities"] == {"sound": 0.1, "tabular": 0.3}
    assert row["synergy"] == {"sound+tabular": -0.05}
    (inside,) = row["details"]["tabular"]
    assert inside == {"kind": "tabular", "by": "occlusion", "columns": {"age": 0.2}}


def test_a_row_as_text() -> None:
    detail = Detail("tabular", "tabular", "tabular", "occlusion", [AGE, {"column": "colour", "weight": -0.25}])
    said = str(of_one(details=[detail])).splitlines()
    assert said[0] == "row 0: yes, probability 0.900; with nothing present 0.500"
    assert any(line.split() == ["tabular", "+0.300", "75", "%"] for line in said)
    assert "tabular (by occlusion): colour −0.250, age +0.200" in said


@pytest.mark.parametrize(
    ("kind", "part", "said"),
    [
        ("text", {"text": "very\ngood", "weight": 0.2}, "“very good” +0.200"),
        ("text", {"text": "x" * 50, "weight": 0.2}, f"“{'x' * 39}…” +0.200"),
        ("image", {"left": 1, "top": 2, "right": 3, "bottom": 4, "weight": -0.2}, "x 1–3, y 2–4 px −0.200"),
        ("audio", {"start": 0.5, "end": 1.25, "weight": 0.2}, "0.50–1.25 s +0.200"),
        ("tabular", AGE, "age +0.200"),
        ("tabular", {"column": "age", "weight": 1e-9}, "no part of it changes the answer much"),
    ],
)
def test_a_part_is_named_by_its_place(kind: str, part: dict[str, Any], said: str) -> None:
    detail = Detail("sound", kind, "clip", "gradient", [part])
    assert f"sound: clip (by gradient): {said}" in str(of_one(details=[detail])).splitlines()


def test_what_is_absent_says_why_and_what_is_odd_is_a_note() -> None:
    told = of_one(1).to_json()["row"]
    assert told["absent"] == {"sound": "blank"}
    assert "notes" not in told
    assert "missing: blank" in str(of_one(1))
    odd = of_one(0, absent=[{"tabular": "column 'age': 'many' is not a number"}])
    assert odd.to_json()["row"]["absent"] == {}
    assert odd.to_json()["row"]["notes"] == {"tabular": "column 'age': 'many' is not a number"}


def test_a_row_with_nothing_has_no_numbers() -> None:
    found = of_one(2)
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))["row"]
    assert (told["class"], told["prediction"], told["base"], told["status"]) == (None, None, None, "failed")
    assert str(found) == "row 2: nothing is present, so there is nothing to explain (sound: blank; tabular: blank)"


def test_a_number_is_told_as_a_number() -> None:
    found = of_one(classes=None, labels=[1234.5], prediction=np.array([1234.5]), base=np.array([61.25]), prior=61.25)
    assert str(found).startswith("row 0: 1,234; with nothing present 61.25\n")
    assert found.to_json()["row"]["class"] is None


def test_drawn_shares_have_an_error() -> None:
    whole = of_rows()
    found = Shares(whole.shares, whole.synergy, {"sound": np.full(3, 0.02), "tabular": np.full(3, 0.01)}, exact=False)
    told = of_rows(division=found)
    assert told.to_json()["table"]["error"] == {"sound": pytest.approx(0.02), "tabular": pytest.approx(0.01)}
    assert "± error" in str(told)
    assert "± error" not in str(whole)


def test_as_arrow_a_failed_row_has_nulls() -> None:
    table = of_rows().to_arrow()
    assert table.to_pylist()[1:] == [
        {
            "class": "no",
            "prediction": 0.3,
            "base": 0.5,
            "share_sound": 0.0,
            "share_tabular": -0.2,
            "synergy_sound+tabular": 0.0,
            "status": "partial",
            "reason": "sound: blank",
        },
        {
            **dict.fromkeys(["class", "prediction", "base", "share_sound", "share_tabular", "synergy_sound+tabular"]),
            "status": "failed",
            "reason": "sound: blank; tabular: blank",
        },
    ]


def test_a_picture_says_what_the_row_says() -> None:
    said = [text.get_text() for text in of_one(1).draw().texts]
    assert "Row 1: no, probability 0.300" in said
    assert "the change from 0.500, the probability of no with nothing present" in said
    assert "missing: blank" in said
    assert "What the model listened to in 2 rows" in [text.get_text() for text in of_rows().draw().texts]


WORTH = {
    "metric": "accuracy", "rows": 150, "of": 150, "groups": None, "value": 0.9, "prior": 0.5,
    "modalities": {"sound": {"value": -0.005, "low": -0.018, "high": 0.009},
                   "tabular": {"value": 0.405, "low": 0.35, "high": 0.46}},
    "pairs": {"sound+tabular": {"together": 0.881, "alone": {"sound": 0.52, "tabular": 0.813}, "value": 0.068,
                                "low": 0.03, "high": 0.105}},
}  # fmt: skip


def test_what_mattered_for_the_score_heads_a_table() -> None:
    found = of_rows(worth=WORTH)
    assert str(found).splitlines()[:11] == [
        "What mattered, in points of accuracy, on 150 test rows: 0.500 with nothing known, 0.900 with all.",
        "",
        "modality  points  95 % interval",
        "tabular   +40.5   35.0 to 46.0",
        "sound     −0.5    −1.8 to 0.9",
        "",
        "pair           together  the better alone  gain",
        "sound+tabular  0.881     0.813 (tabular)   +6.8 points (3.0 to 10.5)",
        "",
        "3 rows, 2 explained, 1 left out (nothing present)",
        "",
    ]
    assert found.to_json()["table"]["worth"] == WORTH
    said = [text.get_text() for text in found.draw().texts]
    assert said[:2] == ["What mattered, in points of accuracy", "on 150 test rows, with 95 % intervals"]
    assert "−1.8 to 0.9" in said
    assert "What the model listened to in 2 rows" in said


def test_two_modalities_of_a_row_stand_beside_the_better_of_them() -> None:
    pairs = {"sound+tabular": {"together": 0.9, "alone": {"sound": 0.55, "tabular": 0.8}, "value": 0.1}}
    found = of_one(pairs=pairs)
    assert "sound+tabular  0.900     0.800 (tabular)   +0.100" in str(found).splitlines()
    assert found.to_json()["row"]["pairs"] == pairs


def test_the_bars_of_all_modalities_of_a_row_share_one_scale() -> None:
    age = Detail("tabular", "tabular", "tabular", "occlusion", [AGE], before={"age": 30})
    piece = {"start": 0.0, "end": 0.05, "weight": -0.4}
    heard: dict[str, Any] = {"before": (np.ones(800), 8000), "after": np.ones((8, 8)), "heat": np.ones((8, 8))}
    sound = Detail("sound", "audio", "sound", "occlusion", [piece], **heard)
    _shares, columns, _wave, seconds, *_ = of_one(details=[age, sound]).draw().axes
    low, high = columns.get_xlim()
    assert (low, high) == pytest.approx((-0.4 - 0.12 * 0.6, 0.2 + 0.12 * 0.6))
    assert seconds.get_ylim() == pytest.approx((-0.42, 0.21))


def test_files_are_written_by_what_is_asked_for(tmp_path: Path) -> None:
    write_explanation(of_one(), tmp_path / "row.png")
    assert [path.name for path in tmp_path.iterdir()] == ["row.png"]
    with Image.open(tmp_path / "row.png") as picture:
        assert picture.format == "PNG"
    write_explanation(of_rows(), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["shares.csv", "table.json", "table.png"]
    assert json.loads((tmp_path / "out" / "table.json").read_text("utf-8"))["table"]["explained"] == 2
    assert (tmp_path / "out" / "shares.csv").read_text("utf-8").count("\n") == 4
    write_explanation(of_one(), tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["row-0.json", "row-0.png"]
