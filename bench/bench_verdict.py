"""Whether the verdict can be trusted: how often it claims what is not so, and how often it finds what is.

Most settings draw tables of blocks of columns, of which each is a modality, and run the study with its classic
candidates, late fusion and ensembles, over the split that plait draws. `groups`, `equal` and `curve` draw what two
candidates answer, where a table would only add noise. 400 tables a setting; intervals after Clopper and Pearson.

    python bench/bench_verdict.py [--only noise-150 --only groups-6] [--num 400] [--out bench/RESULTS.md]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.options import FitOptions
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.learners import LEARNERS
from plait.models.rows import prepare
from plait.models.views import fit_views
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Side, judge
from plait.study.folds import cross_validate
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.networks import Study
from plait.study.search import Search
from plait.study.splits import choose_splits

FAMILIES = ("classic", "late", "ensemble")
FEATURES = 5  # of each block, of deviation 1
LEARNERS_OF = {"ridge": "logistic regression", "neighbours": "nearest neighbours"}


@dataclass(frozen=True)
class Drawn:
    """One simulated table. blocks[name]: (rows, feature); present[name]: (rows,) bool; target: (rows,) class codes."""

    blocks: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    target: np.ndarray
    seed: int


def draw_table(
    seed: int,
    rows: int = 600,
    shifts: Sequence[float] = (1.2, 0.0),
    holes: float = 0.0,
    copy: float | None = None,
    classes: int = 4,
    common: float | None = None,
) -> Drawn:
    """Draw a table of modalities a, b, …: feature c of a block is raised by its shift in class c.

    holes: share of rows without a modality. copy: b is a and so much noise. common: share of the first class.
    """
    generator = np.random.default_rng([seed, rows, len(shifts), round(1000 * sum(shifts))])
    shares = None if common is None else [common, *[(1 - common) / (classes - 1)] * (classes - 1)]
    target = generator.choice(classes, rows, p=shares)
    blocks, present = {}, {}
    for name, shift in zip("abcdefgh", shifts, strict=False):
        values = generator.standard_normal((rows, FEATURES))
        values[np.arange(rows), target] += shift
        if copy is not None and name != "a":
            values = blocks["a"] + copy * generator.standard_normal((rows, FEATURES))
        blocks[name], present[name] = values, generator.random(rows) >= holes
    return Drawn(blocks, present, target, seed)


def job_of(table: Drawn, **options: Any) -> Fit:
    """Return the fit of a table, ready to be searched."""
    columns: dict[str, list[Any]] = {"y": [f"class {code}" for code in table.target]}
    blocks: dict[str, list[str]] = {}
    for name, values in table.blocks.items():
        blocks[name] = [f"{name}{place}" for place in range(values.shape[1])]
        for column, numbers in zip(blocks[name], values.T, strict=True):
            cells = zip(numbers.tolist(), table.present[name], strict=True)
            columns[column] = [number if there else None for number, there in cells]
    data = read(columns)
    kinds = {column: "number" for names in blocks.values() for column in names}
    schema = detect(data, target="y", modalities=blocks, kinds=kinds)
    labels = Labels.find(data, schema)
    labels.settle_metric(None)
    chosen = FitOptions(**{"candidates": FAMILIES, "seed": table.seed, **options})
    return Fit(data, schema, chosen, Path("never written"), labels)


def search_of(job: Fit, split: np.ndarray) -> Search:
    """Return the search over one split."""
    assert job.labels is not None
    train = np.flatnonzero(split == "train")
    views = fit_views(job.table, job.schema, train, {}, np.random.default_rng(job.options.seed))
    job.labels.learn_from(train, False)
    return Search(Study(job, prepare(job.table, views), split))


def fit_table(table: Drawn, folds: int | None = None, learner: str | None = None) -> dict[str, Any]:
    """Run the study over the split that plait draws, or by folds, and return its verdict."""
    if learner is not None:
        kept = {name: values for name, values in LEARNERS["classification"].items() if name == LEARNERS_OF[learner]}
        LEARNERS["classification"] = kept
    job = job_of(table, **({"folds": folds, "candidates": ("classic",)} if folds else {}))
    assert job.labels is not None
    if folds:
        return dict(cross_validate(partial(search_of, job), job)["verdict"])
    generator = np.random.default_rng([table.seed, 1])
    search = search_of(job, choose_splits(job.table, job.schema, job.labels.codes, True, generator))
    return search.verdict(search.run()).to_json()


def draw_answers(seed: int, rows: int = 200, gain: float = 0.0, groups: int = 0, spread: float = 0.0) -> dict[str, Any]:
    """Return the verdict on drawn answers: what combines is right more often by the gain, by more or less in a group.

    groups: of sizes after Zipf, of which each has a gain of its own, with this spread.
    """
    generator = np.random.default_rng([seed, rows, groups])
    sizes = 1 / np.arange(1, groups + 1) if groups else np.ones(rows)
    unit = np.repeat(np.arange(len(sizes)), np.maximum(1, np.round(rows * sizes / sizes.sum()).astype(int)))
    own = gain + spread * generator.standard_normal(len(sizes)) if groups else np.full(len(sizes), gain)
    easy = generator.random(len(unit))  # what both know
    apart = generator.random(len(unit)) < 0.25  # rows on which they go ways of their own
    one = np.where(apart, generator.random(len(unit)), easy) < 0.8
    more = np.where(apart, generator.random(len(unit)), easy) < np.clip(0.8 + own[unit], 0, 1)
    truth = np.array(["right"] * len(unit), object)
    sides = [
        Side(name, np.column_stack([right, ~right]).astype(float), np.ones(len(unit), bool))
        for name, right in (("both", more), ("a", one))
    ]
    yardstick = Yardstick("accuracy", truth, ["right", "wrong"], unit if groups else None)
    return judge(Contest(sides[0], {"a": sides[1]}, yardstick), generator).to_json()


def fit_drawn(seed: int, options: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    return fit_table(draw_table(seed, **options), **how)


def answers_drawn(seed: int, options: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    return draw_answers(seed, **options)


@dataclass(frozen=True)
class Setting:
    """What is drawn, and which code must be rare, or common."""

    draw: Callable[..., dict[str, Any]]
    options: dict[str, Any]
    code: tuple[str, ...]
    expected: str
    how: dict[str, Any]


FALSE, RARE = ("helps", "hurts"), "lower end at most 5 %"


def table(
    code: tuple[str, ...] = FALSE, expected: str = RARE, how: dict[str, Any] | None = None, **options: Any
) -> Setting:
    return Setting(fit_drawn, options, code, expected, how or {})


SETTINGS = {
    "noise-150": table(rows=150),
    "noise-600": table(rows=600),
    "noisy-copy": table(copy=0.5),
    "copies-with-holes": table(copy=0.0, holes=0.15),
    "five-modalities": table(shifts=(1.2, 0, 0, 0, 0)),
    "95-5": table(classes=2, common=0.95, rows=600),
    **{f"groups-{n}": Setting(answers_drawn, {"groups": n, "spread": 0.1}, FALSE, RARE, {}) for n in (6, 10, 40)},
    **{
        f"folds-{rows}-{learner}": table(rows=rows, how={"folds": 5, "learner": learner})
        for rows in (120, 300)
        for learner in LEARNERS_OF
    },
    "equal-3-points": Setting(answers_drawn, {"rows": 600, "gain": 0.03}, ("equal",), RARE, {}),
    "power-11-points": table(("helps",), "at least 60 %", shifts=(1.2, 1.2)),
    **{
        f"curve-{points}-{rows}": Setting(
            answers_drawn, {"rows": rows, "gain": points / 100}, ("helps",), "for the documents", {}
        )
        for points in (5, 8, 11)
        for rows in (60, 150, 200)
    },
}


def one(seed: int, setting: str) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    chosen = SETTINGS[setting]
    with threadpool_limits(1):  # two processes already share the cores
        return chosen.draw(seed, chosen.options, chosen.how)


def count(setting: str, num: int) -> Counter[str]:
    """Run a setting num times; return how often each code came up."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), context) as pool:
        return Counter(v["code"] for v in pool.map(partial(one, setting=setting), range(num), chunksize=5))


def share(hits: int, num: int) -> tuple[float, float, float]:
    """Return a share and its 95 % interval (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    ends = binomtest(hits, num).proportion_ci(0.95)
    return hits / num, float(ends.low), float(ends.high)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=SETTINGS)
    parser.add_argument("--num", type=int, default=400)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(given)
    wrong = total = 0
    lines = []
    for name in asked.only or SETTINGS:
        setting, began = SETTINGS[name], time.perf_counter()
        codes = count(name, asked.num)
        hits = sum(codes[code] for code in setting.code)
        value, low, high = share(hits, asked.num)
        if setting.code == FALSE:
            wrong, total = wrong + hits, total + asked.num
        seconds = (time.perf_counter() - began) / asked.num
        every = ", ".join(f"{code} {number}" for code, number in codes.most_common())
        lines.append(
            f"- {name}: {' or '.join(setting.code)} {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f}), "
            f"expected {setting.expected}; of {asked.num}: {every} ({seconds:.2f} s each)"
        )
        print(lines[-1], flush=True)
    if total:
        value, low, high = share(wrong, total)
        lines.append(f"- false claims pooled: {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f}), at most 5 %")
        print(lines[-1])
    if asked.out:
        with asked.out.open("a", encoding="utf-8") as file:
            file.write("\n".join(["", "## The verdict (bench_verdict.py)", "", *lines, ""]))


if __name__ == "__main__":
    main()
