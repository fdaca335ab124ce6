"""Whether the verdict can be trusted: how often it says `helps` where there is nothing, and where there is something.

Tables of 600 rows and four classes, with a block of columns `a` that knows the class and a block `b`; 300 rows to learn
from, 100 to choose on, 200 to test on. Over 200 tables in which b is noise, `helps` is expected in at most 5 %; over
200 in which b knows as much as a, of its own, in at least 80 %. Holes, groups, and a b that knows less come with it.

Each table is fitted by the study itself with its classic candidates, late fusion and ensembles, a second each.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.options import FitOptions
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.rows import prepare
from plait.models.views import fit_views
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.networks import Study
from plait.study.search import Search

FAMILIES = ("classic", "late", "ensemble")
SPLIT = np.repeat(["train", "val", "test"], [300, 100, 200])
CLASSES, FEATURES = 4, 5  # features of each block, of deviation 1
SHIFT = 1.2  # what a block knows: feature c is raised by so much in class c


@dataclass(frozen=True)
class Drawn:
    """One simulated table. blocks[name]: (rows, feature); present[name]: (rows,) bool; target: (rows,) class codes."""

    blocks: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    target: np.ndarray
    split: np.ndarray
    seed: int
    groups: np.ndarray | None = None


def draw_table(seed: int, b_shift: float = 0.0, holes: float = 0.0, group_size: int = 1) -> Drawn:
    """Draw a table. holes: share of rows without b. With groups, their rows share a class and most of their noise."""
    generator = np.random.default_rng([seed, round(1000 * b_shift), round(1000 * holes), group_size])
    rows = len(SPLIT)
    cluster = np.arange(rows) // group_size
    target = generator.integers(0, CLASSES, rows)[cluster]
    blocks = {}
    for name, shift in (("a", SHIFT), ("b", b_shift)):
        noise = generator.standard_normal((rows, FEATURES))
        if group_size > 1:
            noise = (2 * generator.standard_normal((rows, FEATURES))[cluster] + noise) / 5**0.5
        noise[np.arange(rows), target] += shift
        blocks[name] = noise
    present = {"a": np.ones(rows, bool), "b": generator.random(rows) >= holes}
    return Drawn(blocks, present, target, SPLIT, seed, cluster if group_size > 1 else None)


def fit_table(table: Drawn) -> dict[str, Any]:
    """Run the study with its classic candidates over the blocks as two modalities, and return its verdict."""
    columns: dict[str, list[Any]] = {"y": [f"class {code}" for code in table.target]}
    blocks: dict[str, list[str]] = {}
    for name, values in table.blocks.items():
        blocks[name] = [f"{name}{place}" for place in range(values.shape[1])]
        for column, numbers in zip(blocks[name], values.T, strict=True):
            cells = zip(numbers.tolist(), table.present[name], strict=True)
            columns[column] = [number if there else None for number, there in cells]
    data = read(columns)
    schema = detect(
        data, target="y", modalities=blocks, kinds={c: "number" for names in blocks.values() for c in names}
    )
    train = np.flatnonzero(table.split == "train")
    prepared = prepare(data, fit_views(data, schema, train, {}, np.random.default_rng(table.seed)))
    labels = Labels.find(data, schema)
    labels.learn_from(train, False)
    job = Fit(data, schema, FitOptions(candidates=FAMILIES, seed=table.seed), Path("never written"), labels)
    job.groups = table.groups
    search = Search(Study(job, prepared, table.split))
    search.run()
    return search.verdict().to_json()


def one(seed: int, fit: Callable[[Drawn], dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # two processes already share the cores
        return fit(draw_table(seed, **options))


def count(num: int, fit: Callable[[Drawn], dict[str, Any]] = fit_table, **options: Any) -> tuple[Counter[str], float]:
    """Fit num tables; return how often each code came up, and the mean difference of accuracy."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), context) as pool:
        found = list(pool.map(partial(one, fit=fit, options=options), range(num), chunksize=5))
    return Counter(v["code"] for v in found), float(np.mean([v["difference"]["value"] for v in found]))


def main(num: int = 200) -> None:
    for what, options, expected in (
        ("b is noise", {}, "at most 5 %"),
        (f"b knows as much as a, of its own (shift {SHIFT})", {"b_shift": SHIFT}, "at least 80 %"),
        ("b is noise, and absent in 30 % of the rows", {"holes": 0.3}, "at most 5 %"),
        ("b is noise, rows in groups of 4", {"group_size": 4}, "at most 5 %"),
        ("b knows less (shift 0.9)", {"b_shift": 0.9}, "no number; for comparison"),
    ):
        began = time.perf_counter()
        codes, mean = count(num, **options)
        told = ", ".join(f"{code} {100 * codes[code] / num:.1f} %" for code in ("helps", "no_evidence", "hurts"))
        seconds = (time.perf_counter() - began) / num
        print(
            f"{what}: {told}; mean difference {100 * mean:+.1f} points ({num} tables, {seconds:.2f} s each); "
            f"helps expected: {expected}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
