"""Searches over small tables of numbers and words, without networks, that several tests learn from. Knows no test."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Schema, Table
from plait.core.options import FitOptions
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.learners import LEARNERS
from plait.models.rows import Prepared, prepare
from plait.models.views import fit_views, letter_views, text_views
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.networks import Study
from plait.study.search import Search
from tiny import SENTENCES

FAMILIES = ("classic", "late", "ensemble")
QUICK = {
    "classification": ("logistic regression", "nearest neighbours"),
    "regression": ("ridge regression", "nearest neighbours"),
}


def take_quick_learners(monkeypatch: Any) -> None:
    """Leave two learners of each task, those that fit in a hundredth of a second, with all their settings."""
    for task, names in QUICK.items():
        monkeypatch.setitem(LEARNERS, task, {name: LEARNERS[task][name] for name in names})


def draw_blocks(
    num: int = 120, seed: int = 0, knows: Mapping[str, float] | None = None, holes: float = 0.0, classes: int = 2
) -> dict[str, list[Any]]:
    """Return columns a0, a1, b0, b1, … and y: of each block the column c is raised by what it knows in class c.

    holes: share of rows in which the second block is blank.
    """
    generator = np.random.default_rng(seed)
    codes = np.arange(num) % classes
    columns: dict[str, list[Any]] = {"y": [f"class {code}" for code in codes]}
    for place, (name, shift) in enumerate((knows or {"a": 1.5, "b": 1.5}).items()):
        values = generator.standard_normal((num, classes))
        values[np.arange(num), codes] += shift
        gone = generator.random(num) < (holes if place == 1 else 0.0)
        for column in range(classes):
            cells = zip(values[:, column].round(4).tolist(), gone, strict=True)
            columns[f"{name}{column}"] = [None if blank else value for value, blank in cells]
    return columns


def split_of(train: int, val: int, test: int = 0) -> np.ndarray:
    return np.repeat(["train", "val", "test"], [train, val, test])


def modalities_of(columns: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return {first letter: its columns} of a table that `draw_blocks` gave."""
    found: dict[str, list[str]] = {}
    for name in columns:
        if name != "y":
            found.setdefault(name[0], []).append(name)
    return found


def make_search(
    columns: Mapping[str, Any],
    split: np.ndarray,
    families: Sequence[str] = FAMILIES,
    *,
    modalities: Mapping[str, Sequence[str]] | None = None,
    kinds: Mapping[str, str] | None = None,
    group: str | None = None,
    **options: Any,
) -> Search:
    """Return a search that has not run, over columns with the target y. options: those of a fit and of Study."""
    table = read(dict(columns))
    if modalities is None:
        modalities = modalities_of({name: cells for name, cells in columns.items() if name != group})
    if kinds is None:
        kinds = {name: "number" for names in modalities.values() for name in names}
    schema = detect(table, target="y", modalities=modalities, kinds=kinds, group=group)
    prepared = prepare_all(table, schema, np.flatnonzero(split == "train"))
    return Search(make_study(table, schema, prepared, split, candidates=families, **options))


def search_words(families: tuple[str, ...], **options: Any) -> Search:
    """Return a search over a sentence and a number; both know the class, now and then wrongly."""
    generator = np.random.default_rng(3)
    codes = np.arange(36) % 2
    heard = np.where(generator.random(36) < 0.2, 1 - codes, codes)
    columns = {
        "note": [f"{SENTENCES[code]} {row}" for row, code in enumerate(heard)],
        "age": (codes + generator.standard_normal(36)).round(3).tolist(),
        "y": [f"class {code}" for code in codes],
    }
    kinds = {"note": "text", "age": "number"}
    return make_search(columns, split_of(24, 12), families, modalities={}, kinds=kinds, **options)


def make_study(table: Table, schema: Schema, prepared: Prepared, split: np.ndarray, **options: Any) -> Study:
    """Return a study that has trained nothing. options: of FitOptions, and of Study."""
    wishes = {field.name for field in fields(FitOptions)}
    job = make_job(table, schema, **{name: value for name, value in options.items() if name in wishes})
    assert job.labels is not None
    job.labels.learn_from(np.flatnonzero(split == "train"), False)
    return Study(job, prepared, split, **{name: value for name, value in options.items() if name not in wishes})


def make_job(table: Table, schema: Schema, **options: Any) -> Fit:
    """Return a fit with these options, which has a folder that nothing is written to; its choice is the simple one."""
    return Fit(
        table, schema, FitOptions(**{"choose": "simple", **options}), Path("never written"), Labels.find(table, schema)
    )


def prepare_all(table: Table, schema: Any, rows: np.ndarray) -> Prepared:
    generator = np.random.default_rng(0)
    views = fit_views(table, schema, rows, {}, generator)
    letters = letter_views(table, views, rows, dict.fromkeys([view.of for view in views], "auto"))
    return prepare(table, [*views, *letters, *text_views(table, views, rows, generator)])


def load_bench(name: str) -> Any:
    """Return a file of bench/ as a module."""
    path = Path(__file__).parents[1] / "bench" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for the names in their annotations
    spec.loader.exec_module(module)
    return module
