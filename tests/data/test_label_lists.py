"""Cells of several labels: lists, text with a delimiter that is found, and what cannot be told."""

import numpy as np
import pytest

from plait.data.label_lists import code_labels, find_delimiter, looks_like_labels, read_labels
from plait.errors import TableError


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (["a;b", "b", None], ";"),
        (["a|b", "b|c"], "|"),
        (["a, b", "c"], ","),
        (["a", "b"], ""),
        ([["a", "b"], ["c;d"]], ""),
        (['["a", "b"]', "[]"], ""),
        (["Doe, Ann;Ito, Ken", "Ito, Ken", "Doe, Ann"], ";"),
    ],
)
def test_the_delimiter_is_found(cells: list[object], sign: str) -> None:
    assert find_delimiter(cells) == sign


def test_two_delimiters_of_which_either_may_be_inside_a_label_are_told() -> None:
    with pytest.raises(ValueError, match="holds ';' in 2 cells and ',' in 2 cells, so what is between labels is part"):
        find_delimiter(["a;b", "b,a", "a,c;b"])


def test_text_is_split_and_each_label_is_there_once() -> None:
    assert read_labels(["a; b ;a", "b", None, "  ", ";"], ";") == [("a", "b"), ("b",), None, None, ()]


def test_lists_and_lists_in_text_are_read() -> None:
    cells = [["b", "a"], ("c",), {"d"}, np.array([1, 2]), '["x;y", 3.0]', [], [None, " "]]
    assert read_labels(cells, ";") == [("b", "a"), ("c",), ("d",), (1, 2), ("x;y", 3), (), ()]


@pytest.mark.parametrize("cell", ['"salt, pepper", onion', "rock (soft, hard), pop"])
def test_a_delimiter_inside_a_label_is_told_with_its_place(cell: str) -> None:
    with pytest.raises(TableError, match="column 'tags', row 1: the delimiter ',' is inside a label, near"):
        read_labels(["a,b", cell], ",", ["column 'tags', row 0", "column 'tags', row 1"])


def test_labels_are_coded_by_their_text() -> None:
    assert code_labels([("a", "c"), None, (), ("z", 3)], ["a", "b", "3"]).tolist() == [
        [1, 0, 0],
        [0] * 3,
        [0] * 3,
        [0, 0, 1],
    ]


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["red;blue", "blue;green", "red", "red;green"], ";"),
        (["red;blue", "blue", "green", "red"], ""),  # most cells hold one
        (["red;blue", "cat;dog", "sun;moon", "up;down"], ""),  # no piece comes again
        (["1,5", "2,5", "1,5", "2,5"], ""),  # numbers
        (["a story that is long, and which is no label"] * 4, ""),
    ],
)
def test_text_that_looks_like_labels(texts: list[str], sign: str) -> None:
    assert looks_like_labels(texts) == sign


@pytest.mark.parametrize("cell", ['["a"', '["a", ["b"]]', '[{"a": 1}]'])
def test_what_is_no_list_of_labels_is_told(cell: str) -> None:
    with pytest.raises(TableError, match=r'^row 0: .* is no (label|list of labels)\. Expected .*\["a", "b"\]\.$'):
        read_labels([cell], "")


def test_a_list_that_nests_too_deep_is_text() -> None:
    assert read_labels([deep := "[" * 5000 + "]" * 5000], "") == [(deep,)]
