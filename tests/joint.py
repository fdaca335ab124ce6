"""A tiny fit of two targets, a class and a number, that several tests look at. Knows no test."""

from functools import cache
from typing import Any

import numpy as np

import plait

MODALITIES = {"a": ["a0", "a1"], "b": ["b0", "b1"]}


def two_targets(num: int = 160) -> dict[str, list[Any]]:
    """Return two blocks of numbers, the class y of every fourth row but one, and the number z of all rows."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((num, 4)).round(3)
    columns: dict[str, list[Any]] = {name: x[:, k].tolist() for k, name in enumerate(("a0", "a1", "b0", "b1"))}
    columns["y"] = [None if row % 8 == 0 else "yes" if x[row, 0] + x[row, 2] > 0 else "no" for row in range(num)]
    columns["z"] = (x[:, 0] - x[:, 2]).round(3).tolist()
    return columns


def fit_two(**options: Any) -> Any:
    """Fit both with networks of one epoch."""
    given = {"target": ["y", "z"], "candidates": ["alone", "shared"], "modalities": MODALITIES, "epochs": 1}
    return plait.fit(two_targets(), **{**given, **options})


@cache
def joint_run() -> plait.Targets:
    """Return one such run, that nobody changes."""
    return fit_two()
