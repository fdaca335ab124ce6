"""Checks of the target: each finds what was broken on purpose, and keeps still on a sound table."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animals import animals, brief, check, look, names
from plait.checks.label_checks import check_labels, find_wrong
from plait.checks.survey import Survey, survey_table
from plait.core.contract import Table
from plait.data.read import read
from plait.kinds.detect import detect


def test_a_sound_table_has_no_finding() -> None:
    codes = animals()
    split = ["train", "train", "val", "test"] * 75
    assert check(names(codes), {"split": split}, photo=look(codes, 2), voice=look(codes, 3)) == []


@pytest.mark.parametrize("labels", [["cat"] * 50, ["cat", *[None] * 49], ["cat", "dog"] * 15])
def test_nothing_is_found_where_a_check_cannot_run(labels: list[Any]) -> None:
    found = check(labels, photo=np.random.default_rng(0).standard_normal((len(labels), 8)))
    assert brief(found) == []


def test_a_table_without_a_target_is_judged_too() -> None:
    table = read({"weight": [0.5 * i for i in range(50)]})
    assert check_labels(Survey(table, detect(table)), lambda event: None) == []


def test_a_group_in_two_splits() -> None:
    split, owner = ["train"] * 40 + ["test"] * 20, ["ann", "bob"] * 20 + ["bob", "carl"] * 10
    found = check(["cat", "dog"] * 30, {"split": split, "owner": owner})
    assert ("warning", "split-group", "owner") in brief(found)
    assert "1 of 3 groups are in more than one split: 'bob'" in found[0].message
    found = check(["cat", "dog"] * 30, {"split": split, "owner": ["ann", "bob"] * 20 + ["carl"] * 20})
    assert "split-group" not in [f.check for f in found]


def test_an_id_in_two_splits() -> None:
    ids = [f"animal{i}" for i in range(200)]
    split = ["train"] * 150 + ["test"] * 50
    assert check(["cat", "dog"] * 100, {"id": ids, "split": split}) == []
    ids[199] = "animal3"
    (finding,) = check(["cat", "dog"] * 100, {"id": ids, "split": split})
    assert (finding.severity, finding.check, finding.column, finding.rows) == ("warning", "split-id", "id", (3, 199))


def test_classes_that_differ_only_in_how_they_are_written() -> None:
    (finding,) = check(["cat", "dog", "Dog", "dog "] * 60)
    assert (finding.severity, finding.check, finding.column) == ("warning", "label-alike", "kind")
    assert finding.message == "classes differ only in how they are written: 'Dog' and 'dog'"


@pytest.mark.parametrize(
    ("names", "nothing"),
    [
        (["cat", "N/A"], "'N/A'"), (["cat", "?"], "'?'"), (["cat", "NA"], "'NA'"), ([0, 1, -999], "-999"),
        (["0", "1", "-999"], "'-999'"), ([1, 2, 3, 4, 5, 99], "99"),
        (["mild", "none"], None), (["yes", "unknown"], None), ([0, 44, 99], None), ([0, 1, 9], None),
        (["a", "99"], None),
    ],
)  # fmt: skip
def test_a_label_that_may_stand_for_none(names: list[Any], nothing: str | None) -> None:
    labels = [names[row % len(names)] for row in range(len(names) * 20)]
    found = [finding for finding in check(labels, {"x": list(range(len(labels)))}) if finding.check == "label-no-value"]
    assert [(f.severity, len(f.rows), f"the label {nothing}, which" in f.message) for f in found] == (
        [("warning", 20, True)] if nothing else []
    )


@pytest.mark.parametrize(("dogs", "severities"), [(61, []), (60, ["note"]), (13, ["note"]), (12, ["warning"])])
def test_classes_of_very_different_size(dogs: int, severities: list[str]) -> None:
    found = check(["cat"] * 240 + ["dog"] * dogs)
    assert brief(found) == [(severity, "label-imbalance", "kind") for severity in severities]


def test_too_few_training_rows_of_a_class() -> None:
    split = ["train"] * 40 + ["test"] * 20
    found = check(["cat", "dog"] * 17 + ["fish"] * 16 + ["cat", "dog"] * 5, {"split": split})
    assert brief(found) == [("warning", "label-few-rows", "kind")]
    assert "1 of 3 classes have fewer than 10 training rows to learn from: 'fish' (6)" in found[0].message
    assert check(["cat", "dog", "fish"] * 20, {"split": split}) == []


def test_the_same_row_with_two_labels() -> None:
    codes = animals()
    photo = look(codes, 2)
    first, second = np.flatnonzero(codes == 0)[0], np.flatnonzero(codes == 2)[5]
    photo[second] = photo[first]
    finding = next(f for f in check(names(codes), photo=photo) if f.check == "label-conflict")
    assert (finding.severity, finding.column, finding.rows) == ("warning", "kind", tuple(sorted((first, second))))


def test_the_same_text_with_two_labels() -> None:
    notes = [f"note {i} tells of animal {i} and of house {i}" for i in range(60)]
    notes[31] = "  NOTE 4 tells of animal 4 and of house 4"
    labels = ["cat", "dog"] * 30
    found = [
        f for f in check(labels, {"note": notes, "age": [i % 7 * 0.5 for i in range(60)]}) if "conflict" in f.check
    ]
    assert [(f.column, f.rows) for f in found] == [("note", (4, 31))]


def test_a_cell_that_is_used_with_many_labels_on_purpose_is_no_conflict() -> None:
    codes = animals()
    cards = np.repeat(look(codes[:30], 2), 10, axis=0)
    found = check(names(codes), photo=cards, voice=look(codes, 3))
    assert "label-conflict" not in [f.check for f in found]


def test_likely_wrong_labels_are_found_and_ranked() -> None:
    codes = animals()
    photo, voice = look(codes, 2), look(codes, 3)
    wrong = np.arange(7, 300, 30)
    labels = codes.copy()
    labels[wrong] = (labels[wrong] + 1) % 3
    (finding,) = check(names(labels), photo=photo, voice=voice)
    assert (finding.severity, finding.check, finding.column) == ("warning", "label-wrong", "kind")
    assert sorted(finding.rows) == wrong.tolist()
    assert finding.message.startswith("10 labels are likely wrong: quick guesses from photo and voice")


def test_hard_rows_are_not_called_wrong() -> None:
    codes = animals()
    assert check(names(codes), photo=look(codes, 2, noise=3.0)) == []


def test_only_rows_drawn_are_looked_at_and_it_is_said() -> None:
    codes = animals(3600)
    labels = codes.copy()
    labels[::60] = (labels[::60] + 1) % 3
    (finding,) = check(names(labels), photo=look(codes, 2), voice=look(codes, 3))
    assert "likely wrong (looked at 3,000 rows, drawn)" in finding.message
    assert set(finding.rows) <= set(range(0, 3600, 60))
    assert len(finding.rows) > 40


def test_find_wrong_takes_sure_contradictions_only() -> None:
    sure, fair = [0.99, 0.01], [0.6, 0.4]
    probabilities = np.array([sure] * 10 + [sure[::-1]] * 10 + [fair, fair[::-1], sure])
    codes = np.array([0] * 10 + [1] * 10 + [1, 0, 1])
    assert find_wrong(probabilities, codes, np.array([0.5, 0.5])) == [22]


def test_find_wrong_spares_a_rare_class() -> None:
    probabilities = np.array([[0.99, 0.01]] * 100)
    codes = np.array([0] * 99 + [1])
    assert find_wrong(probabilities, codes, np.array([0.99, 0.01])) == []


def test_the_same_table_gives_the_same_findings() -> None:
    codes = animals()
    labels = names(codes)
    labels[5] = "dog" if labels[5] == "cat" else "cat"
    assert check(labels, photo=look(codes, 2)) == check(labels, photo=look(codes, 2))


def test_no_torch_is_loaded() -> None:
    code = (
        "import sys, plait.checks.label_checks, plait.checks.table_checks\n"
        "from plait.kinds import KINDS; [(kind.checks, kind.mend) for kind in KINDS.values()]\n"
        "print([name for name in ('torch', 'sklearn', 'scipy', 'pyarrow') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def flipped(table: Table, name: str, share: float) -> tuple[Table, set[int]]:
    """Return the table with a share of its labels changed, and the rows that were."""
    import pyarrow as pa

    generator = np.random.default_rng(7)
    labels = table.cells(name)
    known = sorted(set(labels))
    rows = [int(row) for row in np.flatnonzero(generator.random(len(labels)) < share)]
    for row in rows:
        labels[row] = [label for label in known if label != labels[row]][generator.integers(len(known) - 1)]
    return Table({**table.data, name: pa.chunked_array([pa.array(labels)])}, table.folder), set(rows)


@pytest.mark.heavy
def test_wrong_labels_of_real_digits(shared_data: Path) -> None:
    table = read(shared_data / "digits/digits.csv")
    schema = detect(table, target="digit", group="speaker")
    survey = survey_table(table, schema)
    sound = check_labels(survey, lambda event: None)
    assert {f.check for f in sound} <= {"label-wrong"}
    assert sum(len(f.rows) for f in sound) <= 5
    broken, rows = flipped(table, "digit", 0.05)
    (finding,) = check_labels(replace(survey, table=broken), lambda event: None)
    assert len(set(finding.rows) & rows) >= 0.9 * len(rows)
    assert len(set(finding.rows) - rows) <= 5


def test_several_labels_a_row_are_counted_one_by_one() -> None:
    def found(cells: list[str]) -> list[Any]:
        table = read({"x": [0.5 * i for i in range(len(cells))], "tags": cells})
        schema = detect(table, target="tags", kinds={"tags": "labels"})
        return check_labels(survey_table(table, schema), lambda event: None)

    assert found(["a;b", "b"] * 20) == []
    few, alike = found(["a;b", "b"] * 20 + ["Sea", "sea"]), found(["a;b", "b"] * 20 + ["Sea", "sea"] * 20)
    assert [one.check for one in few] == ["label-alike", "label-few-rows"]
    assert few[1].message == "2 of 4 labels have fewer than 12 rows: 'sea' 1, 'Sea' 1"
    assert [one.check for one in alike] == ["label-alike"]
    (cut,) = found(["a;b", 'b;"c;d"'] * 20)
    assert (cut.severity, cut.check) == ("error", "label-delimiter")
    assert cut.message.startswith("row 1: the delimiter ';' is inside a label, near ")
