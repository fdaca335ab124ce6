"""Quick fits of tables of numbers, kills in the midst of them, and what a run folder holds. Knows no test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plait.draw import charts
from plait.runs.model import Model
from plait.study import finish
from plait.verbs.fit import fit
from tiny import numbers_table

FILES = {
    "study.json",
    "plait.toml",
    "README.md",
    "report.html",
    "report.json",
    "example.json",
    "run.json",
    "weights.safetensors",
    "history.jsonl",
    "predictions.parquet",
    "curves.png",
}


class Killed(BaseException):
    """What nothing catches, as little as a kill."""


def raise_at(stage: str, error: BaseException) -> Any:
    """Return a callback that raises at the first event of a stage whose name holds this text."""

    def callback(event: dict[str, Any]) -> None:
        if stage in str(event.get("stage")):
            raise error

    return callback


def numbers(**options: Any) -> Model:
    """Fit the quick table of numbers: one network, unless other candidates are named."""
    return fit(numbers_table(), **{"target": "y", "epochs": 2, "candidates": ("alone",), **options})


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fixed_names_in(folder: Path) -> set[str]:
    """Return the files that every run has, not those of each classic learner or of candidates beside the winner."""
    return {name for name in names_in(folder) if not name.startswith(("classic-", "candidates."))}


def text_and_numbers() -> dict[str, Any]:
    data = numbers_table(30)
    data["note"] = [f"{y} tide today, number {n}" if n % 4 else "" for n, y in enumerate(data["y"])]
    return data


@contextmanager
def drawn() -> Iterator[None]:
    """Let fits draw the pictures that a user gets; tests/conftest.py spares them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finish, "charts", charts)
        yield
