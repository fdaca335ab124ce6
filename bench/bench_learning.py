"""What plait reaches on real tables, against the figures it should reach. Needs the folder ../shared/data.

Each line is one `plait fit` as a user would type it: accuracy (or AUROC) on test rows, the time, and the goal.
Name tables to run only these: python bench/bench_learning.py digits_hard clothing
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import plait

DATA = Path(__file__).parents[1] / "../shared/data"
DIGITS: dict[str, Any] = {"target": "digit", "group": "speaker", "split": "split", "ignore": ["id"]}


def fit(name: str, table: Any = None, **options: Any) -> tuple[Any, float]:
    """Fit a table of the folder, or these rows of it."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        model = plait.fit(DATA / name if table is None else table, out=Path(place) / "run", **options)
        return model, time.perf_counter() - began


def value(scores: dict[str, Any], metric: str = "accuracy") -> float:
    return float(scores["metrics"][metric]["value"])


def say(what: str, found: float, goal: str, seconds: float | None = None) -> None:
    print(
        f"{what:60} {found:6.3f}   goal {goal:14}" + (f" {seconds:5.0f} s" if seconds is not None else ""), flush=True
    )


def digits_hard() -> None:
    """Fused against each modality alone, with a plan named; on complete rows the ratio of the errors."""
    model, seconds = fit("digits/digits_hard.csv", fusion="parallel(image, audio)", **DIGITS)
    test = model.facts["test"]
    say("digits_hard, parallel(image, audio)", value(test), ">= 0.95", seconds)
    for name, goal in (("image", ">= 0.83"), ("audio", ">= 0.85")):
        say(f"digits_hard, {name} alone, rows that have it", value(test["alone"][name]), goal)
    table = plait.read(DATA / "digits/digits_hard.csv")
    columns = {name: table.cells(name) for name in ("image", "audio", "split")}
    rows = [
        r for r in range(len(table)) if columns["split"][r] == "test" and columns["image"][r] and columns["audio"][r]
    ]
    whole = model.evaluate(table.take(np.array(rows)))
    best = max(value(alone) for alone in whole["alone"].values())
    ratio = (1 - value(whole)) / (1 - best)
    say("digits_hard, complete rows: fused error / best alone's error", ratio, "<= 0.30")


def digits_hard_study() -> None:
    model, seconds = fit("digits/digits_hard.csv", **DIGITS)
    say(f"digits_hard, no plan named: {model.facts['winner']}", value(model.facts["test"]), ">= 0.95, 900 s", seconds)
    print(f"  expected helps: {model.study.verdict['sentence']}", flush=True)


def digits_hard_shuffled() -> None:
    """The sounds are dealt anew within each split: they know nothing of the row, and fusion must not seem to help."""
    table = plait.read(DATA / "digits/digits_hard.csv")
    cells = {name: np.array(table.cells(name), object) for name in table.names}
    generator = np.random.default_rng(0)
    for part in ("train", "val", "test"):
        rows = np.flatnonzero(cells["split"] == part)
        cells["audio"][rows] = cells["audio"][generator.permutation(rows)]
    model = plait.fit(cells, folder=DATA / "digits", **DIGITS)
    print(f"digits_hard, sounds shuffled, expected not helps: {model.study.verdict['sentence']}", flush=True)


def digits() -> None:
    model, seconds = fit("digits/digits.csv", fusion="parallel(image, audio)", **DIGITS)
    test = model.facts["test"]
    say("digits, parallel(image, audio)", value(test), ">= 0.98", seconds)
    say("digits, image alone", value(test["alone"]["image"]), "near 0.99")


def few() -> None:
    """Rows a class against accuracy, of classic learners: the fused against each modality alone, on complete rows."""
    table = plait.read(DATA / "digits/digits_hard.csv")
    split, digit = (np.array(table.cells(name)) for name in ("split", "digit"))
    draw = np.random.default_rng(0)
    whole = np.array([all(cells) for cells in zip(table.cells("image"), table.cells("audio"), strict=True)])
    tests = draw.permutation(np.flatnonzero((split == "test") & whole))[:300]
    order = draw.permutation(np.flatnonzero(split != "test"))
    for num in (5, 10, 20, 50):
        rows = np.concatenate([order[digit[order] == one][:num] for one in np.unique(digit)])
        options = {"group": None, "split": None, "ignore": ["id", "speaker", "split"], "candidates": ["classic"]}
        model, seconds = fit("digits/digits_hard.csv", table=table.take(rows), **{**DIGITS, **options})
        scores = model.evaluate(table.take(tests))
        alone = ", ".join(f"{name} {value(one):.3f}" for name, one in scores["alone"].items())
        say(f"{num} rows a class: {model.facts['winner']}; alone {alone}", value(scores), "above both", seconds)


def clothing() -> None:
    model, seconds = fit("clothing/train.csv", target="Recommended IND", ignore=["Rating"])
    scores = model.evaluate(DATA / "clothing/test.csv")
    say(f"clothing, AUROC on test.csv: {model.facts['winner']}", value(scores, "auroc"), ">= 0.935", seconds)
    print(f"  {model.study.verdict['sentence']}", flush=True)


def arithmetic() -> None:
    options: dict[str, Any] = {"target": "result", "kinds": {"result": "category"}, "split": "split", "ignore": ["id"]}
    model, seconds = fit("digits/arithmetic.csv", **options)
    say(f"arithmetic: {model.facts['winner']}", value(model.facts["test"]), ">= 0.65, 900 s", seconds)


def arrays() -> None:
    """The classic shapes: image (n, 224, 224, 3), audio (n, 22050, 1), one-hot labels; easy patterns."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
    from classic_two_branch import main

    began = time.perf_counter()
    say("arrays, the classic two-branch program", float(main()), ">= 0.90", time.perf_counter() - began)


TABLES = (digits_hard, digits_hard_study, digits_hard_shuffled, digits, few, clothing, arithmetic, arrays)


def main() -> None:
    if not DATA.exists():
        print(f"skipped: the folder {DATA.name} with the tables is not here")
        return
    wanted = sys.argv[1:]
    for table in TABLES:
        if not wanted or table.__name__ in wanted:
            table()


if __name__ == "__main__":
    main()
