"""What an editor completes, `help` shows and a type checker refuses: the options of the verbs, by their names."""

import inspect
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import get_type_hints

import pytest

import plait
from plait.core.options import ColumnKeywords, FitKeywords, FitOptions

HERE = Path(__file__).parent
CALLS = HERE / "twenty_calls.py"
MISSPELT = {"time_limit=60": "time_limt=60", 'ignore=["id"]': 'ignor=["id"]', 'split="part"': 'splt="part"'}


def test_what_editors_see_is_what_fit_takes() -> None:
    assert get_type_hints(FitKeywords) == get_type_hints(FitOptions)


def test_the_signature_names_each_option_with_its_default() -> None:
    taken = inspect.signature(plait.fit).parameters
    options = {f.name for f in fields(FitOptions)}
    named = {"data", "labels", "target", "pairs", "out", "folder", "callback", "sample_weight", "on", "quiet"}
    assert {*taken} - {"options"} == options | named
    assert next(iter(taken)) == "data"
    assert (taken["batch_size"].default, taken["epochs"].default, taken["kinds"].default) == (64, None, {})
    for verb in (plait.show, plait.check):
        assert set(ColumnKeywords.__annotations__) <= set(inspect.signature(verb).parameters)


def test_dir_shows_the_public_names_alone() -> None:
    assert dir(plait) == sorted(plait.__all__)
    assert (Path(plait.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize(
    ("verb", "option", "near"),
    [("fit", "targt", "target"), ("fit", "epoch", "epochs"), ("check", "splt", "split"), ("show", "ignor", "ignore")],
)
def test_a_misspelt_option_gets_a_near_one(verb: str, option: str, near: str) -> None:
    with pytest.raises(plait.RequestError, match=rf"^{verb} has no option '{option}'\. Did you mean '{near}'\?"):
        getattr(plait, verb)({"a": [1, 2]}, **{option: "x"})


def check_types(checker: str, file: Path, cache: Path) -> str:
    """Return what a type checker says of a file; skips where it does not run, as pyright without its download."""
    words = {
        "mypy": ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent", "--cache-dir", str(cache)],
        "pyright": ["--pythonpath", sys.executable],
    }[checker]
    if find_spec(checker) is None or (checker == "pyright" and shutil.which("node") is None):
        pytest.skip(f"{checker} is not installed")
    env = os.environ | {"MYPYPATH": str(HERE.parent / "src"), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", checker, *words, str(file)], capture_output=True, text=True, env=env, cwd=cache
    )
    if done.returncode not in (0, 1):
        pytest.skip(f"{checker} does not run: {done.stderr[:200]}")
    return done.stdout


@pytest.mark.heavy  # mypy reads all of plait first: 25 s
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_twenty_calls_are_clean_and_a_misspelt_option_is_an_error(checker: str, tmp_path: Path) -> None:
    said = check_types(checker, CALLS, tmp_path)
    assert "Success: no issues found" in said or said.startswith("0 errors"), said
    text = CALLS.read_text(encoding="utf-8")
    for right, wrong in MISSPELT.items():
        assert right in text
        text = text.replace(right, wrong)
    misspelt = tmp_path / "misspelt.py"
    misspelt.write_text(text, encoding="utf-8")
    said = check_types(checker, misspelt, tmp_path)
    lines = {
        int(line.split(".py:")[1].split(":")[0]) for line in said.splitlines() if "error" in line and ".py:" in line
    }
    assert lines == {8, 9, 10}, said
