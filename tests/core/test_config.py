"""plait.toml: read with its paths begun at its folder, refused with a near name, written so that it reads the same."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from plait.core.config import describe_options, read_config, write_config, write_value
from plait.core.options import FitOptions, read_flags
from plait.errors import RequestError

PAGE = Path(__file__).parents[2] / "docs/guide/config.md"


def write(folder: Path, text: str) -> Path:
    (folder / "plait.toml").write_text(text, encoding="utf-8")
    return folder / "plait.toml"


def test_a_file_is_read_and_its_paths_begin_at_its_folder(tmp_path: Path) -> None:
    text = 'table = "a.csv"\ntarget = ["x", "y"]\nout = "/runs/1"\ntest = "../b.csv"\nbatch-size = 8\n'
    text += '[kinds]\n"my age" = "number"\n'
    assert read_config(write(tmp_path, text)) == {
        "table": str(tmp_path / "a.csv"),
        "target": ["x", "y"],
        "out": "/runs/1",
        "test": str(tmp_path.parent / "b.csv"),
        "batch_size": 8,
        "kinds": {"my age": "number"},
    }


def test_the_file_that_the_page_shows_is_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    given = read_config(write(tmp_path, block))
    assert (
        FitOptions.of({key: value for key, value in given.items() if key not in ("table", "target", "out")}).seed == 0
    )
    assert (given["target"], given["prep"]) == ("sick", {"audio.denoise": True})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch = 3", r"plait\.toml has the key 'epoch', which is no option\. Did you mean 'epochs'\?"),
        ('config = "other.toml"', r"has the key 'config', which is no option"),
        ("epochs 3", r"plait\.toml is no TOML: "),
        ("a = '\x00'", r"plait\.toml is no TOML: "),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RequestError, match=rf"^config: .*{said}"):
        read_config(write(tmp_path, text))


def test_frames_that_were_given_in_python_are_comments(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [3, 4], "y": ["a", "b"]})  # which has no truth value
    write_config(tmp_path / "plait.toml", {"table": frame, "target": "y"}, FitOptions(test=frame))
    written = (tmp_path / "plait.toml").read_text(encoding="utf-8")
    assert "# table was given in Python, as DataFrame: give it again\n" in written
    assert "# test was given in Python, as DataFrame: give it again\n" in written
    assert read_config(tmp_path / "plait.toml") == {"target": "y", "seed": 0}


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"config: cannot open .*none\.toml: No such file.*plait init TABLE writes one"
    ):
        read_config(tmp_path / "none.toml")


def test_what_was_asked_is_written_and_read_the_same(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"table": tmp_path / "a.csv", "target": 'say "å"\n', "pairs": False, "folder": None}
    options = FitOptions(
        epochs=3, time_limit=0.5, ignore=("a", "b"), kinds={"my age": "number"}, prep={"audio": {"band": (300, 3400)}},
        encoders={"image": object()}, balance=True, val_share=0.25,
    )  # fmt: skip
    write_config(tmp_path / "plait.toml", asked, options)
    text = (tmp_path / "plait.toml").read_text(encoding="utf-8")
    assert "# encoders was given in Python, as dict: give it again" in text
    assert read_config(tmp_path / "plait.toml") == {
        "table": str(tmp_path / "a.csv"),
        "target": 'say "å"\n',
        "ignore": ["a", "b"],
        "val_share": 0.25,
        "balance": True,
        "epochs": 3,
        "time_limit": 0.5,
        "seed": 0,
        "kinds": {"my age": "number"},
        "prep": {"audio": {"band": [300, 3400]}},
    }


def test_every_option_is_described_and_no_comment_is_read() -> None:
    text = describe_options({"table": "a.csv", "target": None, "kinds": {"a": "number"}}, {"target": "What to learn."})
    assert tomllib.loads(text) == {"table": "a.csv", "kinds": {"a": "number"}}
    assert "# What to learn.\n# target =\n" in text
    for name in set(read_flags(FitOptions)) - {"config", "sample_rate", "kinds"}:
        assert f"\n# {name} =" in text or f"\n# [{name}]" in text
    uncommented = re.sub(r"^# ((?:\w+ = .+)|\[\w+\])$", r"\1", text, flags=re.MULTILINE)
    given = tomllib.loads(uncommented)
    assert FitOptions.of({key: value for key, value in given.items() if key != "table"}) == FitOptions(
        kinds={"a": "number"}
    )


@pytest.mark.parametrize("value", [True, 3, 0.1, float("inf"), "a\t'\"\\ü\x7f", [1, [2]], [], {"a b": {"c": "d"}}])
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert tomllib.loads(write_value("a-b" if isinstance(value, dict) else "a b", value)) == {
        "a-b" if isinstance(value, dict) else "a b": value
    }
