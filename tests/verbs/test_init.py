"""The verb init: a plait.toml with what was found, which fit takes as it stands."""

import tomllib
from pathlib import Path

import pytest

from plait.errors import RequestError
from plait.verbs.init import init
from tiny import write_csv

ROWS = [
    {"id": f"p{i:03}", "speaker": f"s{i % 3}", "age": 20 + i % 9, "part": ["train", "dev"][i % 2], "sick": "yn"[i % 2]}
    for i in range(24)
]


def test_a_file_says_what_was_found(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "data" / "a.csv", ROWS)
    begun = init(table, target="sick", out=tmp_path / "plait.toml")
    assert tomllib.loads(begun.path.read_text("utf-8")) == {
        "table": "data/a.csv",
        "target": "sick",
        "out": "run",
        "split": "part",
        "kinds": {"speaker": "category", "age": "number"},
    }
    assert "# 'id' is left out: named like an id" in begun.text
    assert "'speaker' may tell which rows belong together" in begun.text
    assert str(begun).endswith(f"written to {begun.path}\nnext: plait fit --config {begun.path}")


def test_without_a_target_a_line_waits_for_it(tmp_path: Path) -> None:
    begun = init(write_csv(tmp_path / "a.csv", ROWS), out=tmp_path / "plait.toml")
    assert "\n# target =\n" in begun.text


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "a.csv", ROWS)
    (tmp_path / "plait.toml").write_text("seed = 1")
    with pytest.raises(RequestError, match=r"plait\.toml is there already\. Name another with --out"):
        init(table, out=tmp_path / "plait.toml")
    assert init(table, out=tmp_path / "plait.toml", overwrite=True).to_json()["config"] == tmp_path / "plait.toml"
