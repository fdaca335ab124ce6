"""The split a table says each row is in."""

from plait.checks.splits import split_of
from plait.data.read import read
from plait.kinds.detect import detect


def test_words_for_the_same_split_become_one() -> None:
    table = read({"x": [1.5, 2.5, 3.5, 4.5], "part": ["Training", "dev", None, "test"]})
    assert split_of(table, detect(table, split="part")) == ["train", "val", None, "test"]


def test_a_table_without_a_split() -> None:
    table = read({"x": [1.5, 2.5, 3.5]})
    assert split_of(table, detect(table)) is None
