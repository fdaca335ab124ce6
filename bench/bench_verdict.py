"""Whether the verdict can be trusted: how often it says `helps` where there is nothing, and where there is something.

Tables of 600 rows and four classes, with a block of columns `a` that knows the class and a block `b`; 300 rows to learn
from, 100 to choose on, 200 to test on. Over 200 tables in which b is noise, `helps` is expected in at most 5 %; over
200 in which b knows as much as a, of its own, in at least 80 %. Holes, groups, and a b that knows less come with it.

`fit_table(table) → verdict` is all that learns and chooses; the rest of the file draws tables and counts.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from plait.verdict import Side, judge

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
    """Fit the classic candidates, choose the best of one block and the best of both on validation, and judge them.

    A stand-in for the study: logistic regression and a random forest on a, on b, and on both side by side; an absent
    block is zeros and a flag; the same number of candidates for each block and for both.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, val, test = (np.flatnonzero(table.split == part) for part in ("train", "val", "test"))
    found = []
    for names in (("a",), ("b",), ("a", "b")):
        there = [table.present[name][:, None] for name in names]
        x = np.concatenate([np.where(t, table.blocks[n], 0.0) for n, t in zip(names, there, strict=True)] + there, 1)
        learn = train[np.any(there, axis=0)[train, 0]]
        for kind, learner in (
            ("logistic", make_pipeline(StandardScaler(), LogisticRegression())),
            ("forest", RandomForestClassifier(100, min_samples_leaf=3, n_jobs=1, random_state=table.seed)),
        ):
            learner.fit(x[learn], table.target[learn])
            said = learner.predict_proba(x)
            some = np.any(there, axis=0)[:, 0]
            said[~some] = np.bincount(table.target[train], minlength=CLASSES) / len(train)
            loss = -np.log(np.clip(said[val, table.target[val]], 1e-12, None)).mean()
            whole = np.all(there, axis=0)[test, 0]
            found.append((loss, names, Side(f"{kind}({', '.join(names)})", said[test], whole, names[0])))
    single, fused = (
        min((f for f in found if (len(f[1]) > 1) == several), key=lambda f: f[0])[2] for several in (False, True)
    )
    generator = np.random.default_rng([table.seed, 1])
    groups = None if table.groups is None else table.groups[test]
    return judge(single, fused, table.target[test], range(CLASSES), generator=generator, groups=groups)


def one(seed: int, fit: Callable[[Drawn], dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # two processes already share the cores
        return fit(draw_table(seed, **options))


def count(num: int, fit: Callable[[Drawn], dict[str, Any]] = fit_table, **options: Any) -> tuple[Counter[str], float]:
    """Fit num tables; return how often each code came up, and the mean difference of accuracy."""
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
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
