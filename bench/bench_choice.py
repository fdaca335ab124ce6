"""Is the ensemble worth its time? Default against `--choose simple`, over several splits of small real sets.

python bench/bench_choice.py [--splits 5] [--only wine,clothing] [--families classic,late] [--out FILE]

Sets: those that scikit-learn carries, and where ../shared/data is, digits as sounds and pictures and clothing as texts
and tables, each drawn down to a few hundred rows. Of each split both fits have the same test rows, drawn by the seed.
Prints accuracy, or r2, and log loss on test rows, and CPU seconds of the fit; then the differences, with standard
errors over splits.
"""

from __future__ import annotations

import argparse
import json
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parents[2] / "shared" / "data"
HOW = ("simple", "ensemble")


def sklearn_table(name: str, most: int) -> dict[str, Any]:
    """Return a set that scikit-learn carries, as columns with the target y; of many rows some, drawn."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    rows = np.random.default_rng(0).permutation(len(data.target))[:most]
    columns = {f"x{place}": column.tolist() for place, column in enumerate(np.asarray(data.data)[rows].T)}
    numbers = name == "diabetes"
    return {**columns, "y": [float(v) if numbers else f"class {v}" for v in data.target[rows]]}


def csv_table(name: str, target: str, ignore: tuple[str, ...], most: int, seed: int) -> tuple[Any, dict[str, Any]]:
    """Return rows of a table of ../shared/data, drawn, and the options of its fit."""
    from plait import read

    table = read(DATA / name)
    rows = np.sort(np.random.default_rng(seed).permutation(len(table))[:most])
    return table.take(rows), {"target": target, "ignore": ignore}


def list_sets(most: int) -> dict[str, Callable[[int], tuple[Any, dict[str, Any]]]]:
    """Return {name: seed → (data, options)}."""
    small: dict[str, Callable[[int], tuple[Any, dict[str, Any]]]] = {}
    for name in ("wine", "breast_cancer", "digits", "diabetes"):
        small[name] = partial(lambda name, seed: (sklearn_table(name, most), {"target": "y"}), name)
    if DATA.exists():
        ignored = ("Unnamed: 0", "Clothing ID", "Rating")
        small["clothing"] = lambda seed: csv_table("clothing/train.csv", "Recommended IND", ignored, most, seed)
        small["digits_hard"] = lambda seed: csv_table("digits/digits_hard.csv", "digit", ("id", "speaker"), most, seed)
    return small


def measure(data: Any, options: dict[str, Any]) -> dict[str, float]:
    """Fit, and return what the model that was proven reaches on the test rows, and the CPU seconds."""
    from plait import fit

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    began = spent()
    model = fit(data, report=False, refit="none", **options)
    seconds = spent() - began
    assert model.facts.test is not None
    metrics = model.facts.test["metrics"]
    kept = {name: metrics[name]["value"] for name in ("accuracy", "r2", "log_loss") if name in metrics}
    return {**kept, "seconds": seconds, "verdict": model.study.verdict["code"]}


def main() -> None:
    """Measure, print, and append the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--only", default="")
    parser.add_argument("--families", default="classic,late,text")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    sets = list_sets(chosen.rows)
    for name in chosen.only.split(",") if chosen.only else sets:
        found: dict[str, list[dict[str, float]]] = {how: [] for how in HOW}
        for seed in range(chosen.splits):
            data, options = sets[name](seed)
            if chosen.families != "all":
                options["candidates"] = tuple(chosen.families.split(","))
            for how in HOW:
                found[how].append(measure(data, {**options, "choose": how, "seed": seed}))
            print(name, seed, json.dumps({how: found[how][-1] for how in HOW}), flush=True)
        tell(name, found)
        if chosen.out is not None:
            with open(chosen.out, "a") as file:
                file.write(json.dumps({"set": name, "families": chosen.families, **found}) + "\n")


def tell(name: str, found: dict[str, list[dict[str, float]]]) -> None:
    """Print the means of both, and of their differences, with standard errors over splits."""
    for metric in found["simple"][0]:
        if metric == "verdict":
            continue
        simple, ensemble = (np.array([one[metric] for one in found[how]]) for how in HOW)
        apart = ensemble - simple
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else float("nan")
        print(
            f"{name:14} {metric:9} simple {simple.mean():.4f}  ensemble {ensemble.mean():.4f}  "
            f"difference {apart.mean():+.4f} ± {error:.4f}"
        )


if __name__ == "__main__":
    main()
