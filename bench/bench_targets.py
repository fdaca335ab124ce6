"""Several targets at once against each by itself: digits written and spoken, and what comes of them, of arithmetic.csv.

Fits three targets together, then each alone on the same split, and prints for each the score of both with its 95 %
interval, whether the fit together is worse by more than its interval, CPU seconds, and what the run says of sharing.
Needs the folder ../shared/data.

    python bench/bench_targets.py [--rows 600] [--epochs 6] [--candidates alone classic shared] [--seed 0]
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np

import plait

DATA = Path(__file__).parents[1] / "../shared/data/digits"
TARGETS = ("written", "spoken", "result")


def read_rows(num: int, seed: int) -> plait.Table:
    """Return so many rows of arithmetic.csv, drawn, with the digit of each picture and of each sound beside."""
    with (DATA / "digits.csv").open(newline="", encoding="utf-8") as file:
        written = {row["image"]: row["digit"] for row in csv.DictReader(file)}
    with (DATA / "arithmetic.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["image"] in written]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:num])
    columns: dict[str, list[Any]] = {name: [rows[k][name] for k in chosen] for name in ("image", "text", "audio")}
    columns["written"] = [f"digit {written[rows[k]['image']]}" for k in chosen]
    columns["spoken"] = [f"digit {Path(rows[k]['audio']).name[0]}" for k in chosen]
    columns["result"] = [float(rows[k]["result"]) for k in chosen]
    columns["split"] = [rows[k]["split"] for k in chosen]
    return plait.read(columns, folder=DATA)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--candidates", nargs="+", default=["alone", "classic", "shared"])
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    table = read_rows(asked.rows, asked.seed)
    options: dict[str, Any] = {
        "epochs": asked.epochs,
        "candidates": asked.candidates,
        "seed": asked.seed,
        "kinds": {"written": "category", "spoken": "category", "result": "number"},
        "refit": "none",
        "report": False,
    }
    began = time.process_time()
    run = plait.fit(table, target=list(TARGETS), **options)
    print(f"together: {time.process_time() - began:.0f} CPU s", flush=True)
    print(run.sharing["sentence"], flush=True)
    for target in TARGETS:
        began = time.process_time()
        others = [name for name in TARGETS if name != target]
        own = {**options, "candidates": [name for name in asked.candidates if name != "shared"]}
        alone = plait.fit(table, target=target, ignore=others, **own)
        seconds = time.process_time() - began
        metric = alone.facts.study["metric"]
        both, apart = (model.facts["test"]["metrics"][metric] for model in (run[target], alone))
        worse = both["value"] < apart["low"]
        print(
            f"{target:8} {metric}: together {say(both)} ({run[target].facts['winner']}), alone {say(apart)} "
            f"({alone.facts['winner']}), {'WORSE by more than its interval' if worse else 'not worse'}, "
            f"{seconds:.0f} CPU s",
            flush=True,
        )


def say(score: dict[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


if __name__ == "__main__":
    main()
