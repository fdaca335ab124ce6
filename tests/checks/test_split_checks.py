"""Which rows belong together, and what a part of a split lacks: proposed as groups, told, or left alone."""

from typing import Any

import numpy as np
import pytest

from animals import brief, check
from plait.checks.split_checks import check_groups, propose_groups
from plait.data.read import read
from plait.kinds.detect import detect

ROWS = 200
OWNER = np.random.default_rng(0).integers(0, 20, ROWS)
LABEL = np.random.default_rng(1).permutation(ROWS) % 2


def found(columns: dict[str, Any], labels: Any = LABEL) -> list[Any]:
    return brief(check([["cat", "dog"][int(code)] for code in labels], columns))


def groups(columns: dict[str, Any], labels: Any = LABEL) -> list[Any]:
    return [(severity, column) for severity, name, column in found(columns, labels) if name == "split-group-likely"]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("patient", [f"p{i}" for i in OWNER]),
        ("Subject", [int(i) + 100 for i in OWNER]),
        ("speaker_id", [int(i) % 6 for i in OWNER]),
        ("userId", [f"u{i}" for i in OWNER]),
        ("clothing ID", [int(i) for i in OWNER]),
        ("病人编号", [f"p{i}" for i in OWNER]),
        ("说话人", [f"p{i}" for i in OWNER]),
        ("Sprecher", [f"p{i}" for i in OWNER]),
        ("ref", [f"r{i // 5}" for i in range(ROWS)]),  # in blocks
    ],
)
def test_a_column_whose_rows_belong_together_is_proposed_as_a_group(name: str, cells: list[Any]) -> None:
    assert groups({name: cells}) == [("note", name)]


def test_what_show_and_fit_say_of_such_a_column() -> None:
    table = read({"病人": [f"p{i}" for i in OWNER], "ref": [f"r{i // 5}" for i in range(ROWS)], "y": LABEL})
    assert propose_groups(table, detect(table, target="y")) == [
        "'病人' may tell which rows belong together: its name says whose the rows are; if so: --group 病人 (fit then "
        "draws whole groups)"
    ]
    assert propose_groups(table, detect(table, target="y", group="ref")) == []


def photos(folders: list[str], labels: Any, **more: Any) -> list[str]:
    """Return what show and fit say of pictures in these folders."""
    table = read({"photo": [f"data/{f}/{i}.png" for i, f in enumerate(folders)], "y": labels, **more})
    return propose_groups(table, detect(table, target="y", kinds={"photo": "image"}))


def test_folders_that_are_no_classes_may_be_groups() -> None:
    people = [f"p{i}" for i in OWNER]
    assert photos(people, LABEL) == [
        "'photo': its files lie in 20 folders that are no classes, such as 'p0': the rows of one may belong together, "
        "as those of a speaker or a patient; if so, write it into a column and name that with --group"
    ]
    assert len(photos([f"{label}/{name}" for label, name in zip(LABEL, people, strict=True)], LABEL)) == 1
    assert len(photos(people, np.random.default_rng(3).random(ROWS))) == 1  # of a number
    assert len(photos(people, LABEL, split=[["train", "test"][i % 2] for i in range(ROWS)])) == 1
    table = read({"clip": [f"{name}/{i}.wav" for i, name in enumerate(people)], "y": LABEL})
    (finding,) = check_groups(table, detect(table, target="y", kinds={"clip": "audio"}), None, None)
    assert (finding.severity, finding.check, finding.column) == ("note", "split-group-likely", "clip")


def test_folders_of_classes_splits_and_parts_are_no_groups() -> None:
    assert photos([f"class{i % 5}" for i in range(ROWS)], [i % 5 for i in range(ROWS)]) == []
    assert (
        photos([f"class{i % 5 if i % 8 else 0}" for i in range(ROWS)], [i % 5 for i in range(ROWS)]) == []
    )  # a few amiss
    assert photos([f"images_{i:03}" for i in OWNER], LABEL) == []
    assert photos([["train", "val", "test"][i % 3] for i in range(ROWS)], LABEL) == []
    assert photos([f"f{i}" for i in range(ROWS)], LABEL) == []  # a folder for each
    assert photos([f"p{i}" for i in OWNER], LABEL, split=[["train", "test"][int(i > 14)] for i in OWNER]) == []


def test_an_id_with_one_label_is_a_group_and_no_leak() -> None:
    labels = OWNER % 2
    (finding,) = check([["cat", "dog"][int(code)] for code in labels], {"patient": [f"p{i}" for i in OWNER]})
    assert (finding.severity, finding.check) == ("warning", "split-group-likely")
    assert "20 values in 200 rows, and rows of one value have one label" in finding.message
    assert "--group patient" in finding.mend


@pytest.mark.parametrize(
    "columns",
    [
        {"colour": [["red", "blue", "grey"][i % 3] for i in OWNER]},
        {"group": [["placebo", "drug a", "drug b"][i % 3] for i in OWNER]},  # the arms of a trial
        {"age": sorted(int(i) for i in OWNER)},  # a sorted table
        {"town": sorted(f"t{i % 3}" for i in OWNER)},
        {"patient": [f"p{i}" for i in range(ROWS)]},  # each once
        {"patient": [f"p{i}" for i in OWNER], "split": [["train", "test"][int(i > 14)] for i in OWNER]},  # kept apart
        {"owner": [f"p{i}" for i in OWNER]},  # named as the group
    ],
)
def test_what_is_no_group_is_left_alone(columns: dict[str, Any]) -> None:
    assert groups(columns) == []


def test_a_group_in_several_splits_is_proposed() -> None:
    split = [["train", "test"][i % 2] for i in range(ROWS)]
    assert groups({"patient": [f"p{i}" for i in OWNER], "split": split}) == [("note", "patient")]


def test_a_part_of_the_split_that_lacks_a_class() -> None:
    by_label = {"split": [["train", "test"][int(code) and i % 4 > 0] for i, code in enumerate(LABEL)]}
    (finding,) = check([["cat", "dog"][int(code)] for code in LABEL], by_label)
    assert (finding.severity, finding.check) == ("error", "split-class")
    assert finding.message == (
        "the test split lacks class 'cat' (100 of 200 rows); its score says nothing of what it lacks; fit refuses the "
        "table"
    )
    rare = {"split": ["train"] * 150 + ["test"] * 50}
    assert ("note", "split-class", "kind") in brief(check(["fish"] + ["cat", "dog"] * 99 + ["cat"], rare))
