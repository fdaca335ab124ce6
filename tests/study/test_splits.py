"""Splits that keep what must be kept apart: as the table says, else drawn, stratified and by whole groups."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.checks.split_checks import find_gaps
from plait.core.contract import Column, Schema, Table, group_rows
from plait.errors import TableError
from plait.study.splits import check_classes, choose_splits, part_sizes

PARTS = ["train", "val", "test"]


def table_of(num: int, **columns: list[Any]) -> tuple[Table, Schema]:
    data = {
        "x": pa.chunked_array([list(range(num))]),
        **{n: pa.chunked_array([pa.array(v)]) for n, v in columns.items()},
    }
    roles = {"split": "split", "who": "group"}
    schema = Schema(tuple(Column(n, "category", roles.get(n, "feature")) for n in data), ())
    return Table(data, lines=[row + 2 for row in range(num)]), schema


def split_of(codes: Any, classification: bool = True, seed: int = 0, **columns: list[Any]) -> list[str]:
    codes = np.asarray(codes)
    table, schema = table_of(len(codes), **columns)
    return choose_splits(table, schema, codes, classification, np.random.default_rng(seed)).tolist()


def test_splits_are_drawn_stratified() -> None:
    codes = np.array([0] * 80 + [1] * 20)
    split = np.array(split_of(codes))
    for code, count in ((0, 80), (1, 20)):
        own = split[codes == code]
        assert abs((own == "val").sum() - count / 6) <= 1
        assert abs((own == "test").sum() - count / 4) <= 1
        assert (own == "train").sum() >= 0.58 * count - 2
    assert split.tolist() == split_of(codes)
    assert split.tolist() != split_of(codes, seed=1)


def test_a_share_of_validation_that_is_asked_for_is_drawn() -> None:
    table, schema = table_of(100)
    split = choose_splits(table, schema, np.zeros(100), False, np.random.default_rng(0), val_share=0.3).tolist()
    assert {part: split.count(part) for part in PARTS} == {"train": 45, "val": 30, "test": 25}
    table, schema = table_of(100, who=[f"p{row // 5}" for row in range(100)])
    split = choose_splits(table, schema, np.arange(100) % 2, True, np.random.default_rng(0), val_share=0.4).tolist()
    assert 30 <= split.count("val") <= 45
    assert part_sizes(600, 0.5) == {"val": 300.0, "test": 150.0}


def test_the_rarest_class_keeps_a_row_for_training() -> None:
    for seed in range(20):
        split = np.array(split_of([0] * 30 + [1, 2], seed=seed))
        assert split[30:].tolist() == ["train", "train"]


def test_numbers_are_split_by_share() -> None:
    split = split_of([0] * 100, classification=False)
    assert {part: split.count(part) for part in ("train", "val", "test")} == {"train": 58, "val": 17, "test": 25}


def test_rows_without_a_label_are_in_no_split() -> None:
    split = split_of([0, -1] * 20 + [1, -1] * 20)
    assert all(part == "" for part in split[1::2])
    assert "" not in split[::2]


def test_the_users_split_is_kept_with_all_its_synonyms() -> None:
    words = ["train", "Training", " TRAIN ", "val", "valid", "Validation", "dev", "test", "TEST", None]
    split = split_of([0, 1] * 5, split=words)
    assert split == ["train"] * 3 + ["val"] * 4 + ["test"] * 2 + [""]


def test_only_what_is_missing_is_drawn() -> None:
    codes = [0, 1] * 50
    with_test = split_of(codes, split=["train"] * 60 + ["test"] * 40)
    assert with_test[60:] == ["test"] * 40
    assert 8 <= with_test[:60].count("val") <= 12
    with_val = split_of(codes, split=["train"] * 60 + ["dev"] * 40)
    assert with_val[60:] == ["val"] * 40
    assert 13 <= with_val[:60].count("test") <= 17
    train_only = split_of(codes, split=["train"] * 100)
    assert "test" not in train_only  # the test rows are kept elsewhere
    assert 15 <= train_only.count("val") <= 18


def test_whole_groups_are_drawn() -> None:
    who = [f"speaker {row // 5}" for row in range(100)]
    split = split_of([0, 1] * 50, who=who)
    for start in range(0, 100, 5):
        assert len(set(split[start : start + 5])) == 1
    assert {part: 10 <= split.count(part) <= 35 for part in ("val", "test")} == {"val": True, "test": True}
    assert split.count("train") >= 50


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    split = split_of([0, 1] * 20, who=["a"] * 20 + [None] * 20)  # type: ignore[list-item]
    assert len(set(split[:20])) == 1
    assert {"val", "test"} <= set(split)


@pytest.mark.parametrize(
    ("codes", "columns", "said"),
    [
        (
            [0, 1, 0],
            {"split": ["train", "tset", "val"]},
            "column 'split', row 1 (line 3): the split is 'tset'; expected train, val or test (also valid, vali",
        ),
        ([0, 1], {"split": ["val", "test"]}, "there are no training rows with a label."),
        ([-1, 0], {"split": ["train", "test"]}, "there are no training rows with a label."),
        ([0], {}, "there is 1 row to train on and none left to validate with; expected more rows."),
        ([0, -1], {}, "there is 1 row to train on and none left to validate with; expected more rows with a label."),
        ([0, 1, 0], {"who": ["a", "a", "a"]}, "the group column has one group among the training rows"),
    ],
)
def test_wrong_splits_are_told(codes: list[int], columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(TableError, match=re.escape(said)):
        split_of(codes, **columns)


@pytest.mark.parametrize("num", [1, 2, 3])
def test_a_split_never_takes_the_last_training_row(num: int) -> None:
    """A table too small for three splits keeps rows to learn from, or is refused; it is never left without any."""
    try:
        split = split_of([0, 1, 0][:num])
    except TableError:
        return
    assert "train" in split


def test_rows_of_one_group_share_a_number() -> None:
    table, schema = table_of(5, who=["ann", None, "bob", "ann", None])  # type: ignore[list-item]
    found = group_rows(table, schema)
    assert found is not None
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 4  # a row without a group is one of its own
    assert group_rows(*table_of(5)) is None


def counts_of(codes: Any, **columns: list[Any]) -> dict[str, list[int]]:
    split = np.array(split_of(codes, **columns))
    return {part: np.bincount(np.asarray(codes)[split == part], minlength=2).tolist() for part in PARTS}


@pytest.mark.parametrize(
    ("people", "rows", "counts"),
    [
        (40, 5, {"train": [55, 60], "val": [15, 20], "test": [30, 20]}),
        (6, 20, {"train": [20, 20], "val": [20, 20], "test": [20, 20]}),  # in tenths, each part had one label
    ],
)
def test_whole_groups_of_one_label_each_are_drawn_by_class(people: int, rows: int, counts: Any) -> None:
    codes = np.repeat(np.arange(people) % 2, rows)
    assert counts_of(codes, who=[f"p{i // rows}" for i in range(people * rows)]) == counts


def test_the_one_group_of_a_class_is_learned_from() -> None:
    codes = np.repeat((np.arange(20) == 3).astype(int), 5)
    assert counts_of(codes, who=[f"p{i // 5}" for i in range(100)])["train"][1] == 5


def checked(codes: Any, **columns: list[Any]) -> list[str]:
    codes = np.asarray(codes)
    table, schema = table_of(len(codes), **columns)
    split = choose_splits(table, schema, codes, True, np.random.default_rng(0))
    return check_classes(split, codes, ["no", "yes", "odd"][: codes.max() + 1], table, schema)


def test_a_split_that_lacks_a_class_is_refused_with_the_way_out() -> None:
    by_time = {"split": ["train"] * 60 + ["val"] * 20 + ["test"] * 20}
    said = (
        "the validation split lacks class 'no' (50 of 100 rows); its score says nothing of what it lacks. Expected "
        "rows of each class in every part of column 'split'. Mend it, or leave it out with --ignore split"
    )
    with pytest.raises(TableError, match=re.escape(said)):
        checked(np.repeat([0, 1], 50), **by_time)
    with pytest.raises(TableError, match="Its rows are in 2 groups of 'who', too few for whole groups in each part"):
        checked(np.repeat([0, 1, 0, 1], 20), who=[f"p{i // 20}" for i in range(80)])


def test_a_rare_class_that_a_split_lacks_is_told_and_stops_nothing() -> None:
    codes = [0, 1] * 50 + [2]
    assert checked(codes) == []  # drawn class by class
    assert checked(codes, split=["train", "train", "val", "val", "test"] * 20 + ["test"]) == [
        "the training split lacks class 'odd' (1 of 101 rows); what is not learned is never answered.",
        "the validation split lacks class 'odd' (1 of 101 rows); its score says nothing of what it lacks.",
    ]


def test_splits_at_random_are_not_refused() -> None:
    """At most one of a hundred, however rare the classes; measured: none of 400."""
    for seed in range(400):
        generator = np.random.default_rng(seed)
        split = generator.choice(PARTS, 100, p=(0.8, 0.1, 0.1))
        codes = generator.choice(6, 100, p=(0.4, 0.3, 0.2, 0.05, 0.03, 0.02))
        assert not any(gap.sure for gap in find_gaps(split, codes))


def test_small_tables_test_on_more_and_large_ones_on_a_tenth() -> None:
    sizes = {rows: part_sizes(rows) for rows in (100, 600, 2000, 50_000)}
    assert [round(size["test"]) for size in sizes.values()] == [25, 150, 200, 5000]
    assert [round(size["val"]) for size in sizes.values()] == [17, 100, 200, 5000]


@pytest.mark.parametrize(("groups", "least"), [(18, 6), (40, 10)])
def test_enough_groups_are_tested_where_there_are_enough(groups: int, least: int) -> None:
    generator = np.random.default_rng(0)
    sizes = generator.zipf(1.8, groups).clip(1, 60)
    who = np.repeat(np.arange(groups), sizes)
    split = np.array(split_of(generator.integers(0, 2, len(who)), who=[f"p{n}" for n in who]))
    assert len(np.unique(who[split == "test"])) >= least
