"""JSON in every form that pandas writes, and in those that people write."""

import json
from pathlib import Path
from typing import Any

import pandas
import pytest

from plait.data.read import read
from plait.errors import TableError
from text_files import write

AGES = pandas.DataFrame({"age": [3, 4, 5], "sex": ["m", "f", "m"]})


def cells(path: Path) -> dict[str, list[Any]]:
    table = read(path)
    return {name: table.cells(name) for name in table.names}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table", "values"])
def test_every_orientation_of_pandas(tmp_path: Path, orient: Any, indent: Any) -> None:
    AGES.to_json(tmp_path / "t.json", orient=orient, indent=indent)
    assert list(cells(tmp_path / "t.json").values()) == [[3, 4, 5], ["m", "f", "m"]]
    AGES.set_index(pandas.Index(["p", "q", "r"])).to_json(tmp_path / "t.json", orient=orient, indent=indent)
    named = {} if orient in ("records", "values") else {"index": ["p", "q", "r"]}
    names = ["x0", "x1"] if orient == "values" else ["age", "sex"]
    expected = {**named, names[0]: [3, 4, 5], names[1]: ["m", "f", "m"]}
    assert cells(tmp_path / "t.json") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"age": [3, 4], "sex": ["m", "f"]}, {"age": [3, 4], "sex": ["m", "f"]}),
        ([["age", "sex"], [3, "m"]], {"age": [3], "sex": ["m"]}),
        ([["a", "b"], ["c", "d"]], {"x0": ["a", "c"], "x1": ["b", "d"]}),
        ({"data": [{"age": 3}, {"age": 4}], "version": 2}, {"age": [3, 4]}),
        ({"p": {"age": 3, "sex": "m"}, "q": {"age": 4}}, {"index": ["p", "q"], "age": [3, 4], "sex": ["m", None]}),
        ({"photo": "a.png", "age": 3}, {"photo": ["a.png"], "age": [3]}),
        (
            {"photo": {"path": "a.png"}, "cough": {"path": "b"}},
            {"photo": [{"path": "a.png"}], "cough": [{"path": "b"}]},
        ),
    ],
)
def test_other_forms(tmp_path: Path, value: Any, expected: dict[str, list[Any]]) -> None:
    assert cells(write(tmp_path, "t.json", json.dumps(value))) == expected
    assert cells(write(tmp_path, "t.json", json.dumps(value, indent=1))) == expected


def test_a_line_of_jsonl_is_a_row(tmp_path: Path) -> None:
    assert cells(write(tmp_path, "t.jsonl", '{"a": {"0": 1}}\n')) == {"a": [{"0": 1}]}
    assert cells(write(tmp_path, "t.json", '{"a": [1]}\n{"a": [2]}\n'))["a"][1].tolist() == [2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 2}}', "columns of rows or rows of columns.*orient='records'"),
        ("[[1, 2], [3]]", r"row 1: expected a list of 2 values, got \[3\]"),
        ('{"columns": ["a", "a"], "data": [[1, 2]]}', "two columns named 'a'"),
        ("3", "holds 3; expected rows"),
        ('{"a": 1,\n"b": }', "line 2 is not JSON"),
    ],
)
def test_what_leaves_a_doubt_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(write(tmp_path, "t.json", text))
