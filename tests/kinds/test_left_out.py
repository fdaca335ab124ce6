"""Filled columns that are left out are named, with the way out; what was asked for, and true ids, are not."""

import numpy as np
import pyarrow as pa
import pytest

from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.left_out import say_left_out
from plait.verbs.check import check
from plait.verbs.show import show

COLUMNS = {
    "id": [f"u{i * 7}x" for i in range(30)],
    "serial": [f"P{i:04d}" for i in range(30)],
    "hash": [f"{i * 7919:016x}" for i in range(30)],
    "empty": [None] * 30,
    "unwanted": [f"a{i}b" for i in range(30)],
    "x": np.linspace(0.5, 3, 30).tolist(),
    "ref": [f"{i}kg/x{i}" for i in range(30)],
    "site": ["A"] * 30,
    "link": [f"https://a.example/{i}.png" for i in range(30)],
    "tags": [{"k": "a"}, {"k": "b"}] * 15,
    "y": ["no", "yes"] * 15,
}
TABLE = pa.table(COLUMNS)


def test_each_column_that_is_lost_is_a_line() -> None:
    schema = detect(read(TABLE), target="y", ignore=["unwanted"])
    same = "30 different values in 30 cells"
    lines = [
        f"warning: 'ref' is left out: looks like an id, such as '0kg/x0'; {same}; to use it: --kind ref=category (or "
        "number, text)",
        "warning: 'site' is left out: only one value: 'A'; to use it: --kind site=category (or number, text)",
        "warning: 'link' is left out: web addresses: plait downloads nothing; put the files in a folder",
        "warning: 'tags' is left out: the cells hold records: nothing here to learn from; to use it: "
        "--kind tags=category (or number, text)",
    ]
    assert say_left_out(schema) == lines
    assert say_left_out(schema, most=1) == [lines[0], "warning: 3 more columns are left out: plait show"]
    assert str(show(TABLE, target="y", ignore=["unwanted"])).endswith("\n".join(lines))
    used = detect(read(TABLE), target="y", ignore=["unwanted", "site", "link"], kinds={"ref": "text", "tags": "text"})
    assert say_left_out(used) == []


def test_check_warns_of_each_once() -> None:
    found = [f for f in check(TABLE, target="y", ignore="unwanted", cache=False) if f.severity == "warning"]
    lost = [(f.check, f.column) for f in found if f.column in COLUMNS and f.column != "empty"]
    assert sorted(lost) == [
        ("file-address", "link"),
        ("table-constant", "site"),
        ("table-left-out", "ref"),
        ("table-left-out", "tags"),
    ]
    assert next(f.mend for f in found if f.column == "link").startswith("Download the files")


@pytest.mark.parametrize("name", ["id", "serial", "hash", "unwanted", "empty"])
def test_nothing_is_said_of(name: str) -> None:
    schema = detect(read({name: COLUMNS[name], "x": COLUMNS["x"]}), ignore=["unwanted"] if name == "unwanted" else [])
    assert schema.column(name).role == "ignored"
    assert say_left_out(schema) == []
