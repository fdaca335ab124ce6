"""Is today's default better than that of an earlier commit? Same rows to learn from, same other rows to answer.

python bench/bench_before.py CHECKOUT [--only wine,heroes] [--splits 20] [--rows 400] [--workers 1] [--out FILE]
python bench/bench_before.py --told FILE

CHECKOUT is a clone at the earlier commit. The sets are those of real_sets.txt (see bench_real.py), and digits_hard of
../shared/data. Of each split half of the rows are learned from, --rows at most, and up to 2,000 others answered; each
fit is a process of its own, as plait comes. Prints accuracy, or R² of numbers, of both, and the difference with its
standard error over splits; then the mean over sets.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from bench_real import DATA, SETS, measure, read_set

USUAL = "wine,glass,diabetes,mpg,yeast,companies,heroes,digits_hard"
MEDIA = "digits_hard"


def measure_one(name: str, rows: int, seed: int) -> dict[str, float]:
    """Return what the plait of this process reaches on a set."""
    import plait

    try:
        options_of = importlib.import_module("plait.core.options")
    except ModuleNotFoundError:  # before it had its rooms
        options_of = importlib.import_module("plait.options")
    known = {field.name for field in fields(options_of.FitOptions)}
    whole, options = plait.fit, dict[str, Any]()

    def fit(x: Any, **asked: Any) -> Any:
        told = {what: value for what, value in asked.items() if what in known | {"target", "out"}}
        return whole(x, **told, **options)

    plait.fit = fit  # an earlier one has fewer options
    if name == MEDIA:
        import pandas as pd

        frame, target = pd.read_csv(DATA / "digits/digits_hard.csv").drop(columns=["id", "split"]), "digit"
        frame = frame.iloc[np.random.default_rng(seed).permutation(len(frame))[: rows + 500]].reset_index(drop=True)
        for column in frame.columns[frame.apply(lambda cells: cells.astype(str).str.contains("/").any())]:
            frame[column] = [cell if pd.isna(cell) else str(DATA / "digits" / cell) for cell in frame[column]]
        options["ignore"] = ("speaker",)
    else:
        lines = [[*map(str.strip, row.split("|")), ""] for row in SETS.read_text().splitlines()[1:]]
        package, file, target, left = next(line[2:6] for line in lines if line[1] == name)
        found = read_set(package, file, target, left)
        assert found is not None, f"{name} is not there"
        frame = found
    return measure("plait", frame, target, rows, seed)


def tell(lines: list[dict[str, Any]]) -> None:
    """Print a line for each set, and the mean over them."""
    found: dict[str, dict[int, dict[str, dict[str, float]]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        found[line["set"]][line["split"]][line["who"]] = line
    print("| set | splits | then | now | difference | log loss then, now | CPU s then, now |")
    apart = {}
    for name, splits in found.items():
        pairs = [(own["then"], own["now"]) for own in splits.values() if len(own) == 2]
        if len(pairs) < 2:
            continue
        means = {
            what: np.mean([[one[what] for one in pair] for pair in pairs], axis=0) for what in ("score", "seconds")
        }
        less = np.array([new["score"] - old["score"] for old, new in pairs])
        lost = [[one["log loss"] for one in pair] for pair in pairs if "log loss" in pair[0]]
        losses = ", ".join(f"{mean:.3f}" for mean in np.mean(lost, axis=0)) if lost else "—"
        apart[name] = less.mean()
        then, now = means["score"]
        error, cpu = less.std(ddof=1) / len(less) ** 0.5, ", ".join(f"{mean:.1f}" for mean in means["seconds"])
        print(
            f"| {name} | {len(pairs)} | {then:.3f} | {now:.3f} | {less.mean():+.4f} ± {error:.4f} | {losses} | {cpu} |"
        )
    if apart:
        print(f"mean over {len(apart)} sets: {np.mean(list(apart.values())):+.4f}")


def main() -> None:
    """Measure, print each as it comes, and tell all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", nargs="?", type=Path)
    parser.add_argument("--only", default=USUAL)
    for name, usual in (("splits", 20), ("rows", 400), ("workers", 1), ("seed", -1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    for name in ("out", "told"):
        parser.add_argument(f"--{name}", type=Path)
    chosen = parser.parse_args()
    if chosen.seed >= 0:  # within a process of its own
        print(json.dumps(measure_one(chosen.only, chosen.rows, chosen.seed)))
        return
    if chosen.told:
        tell([json.loads(line) for line in chosen.told.read_text().splitlines()])
        return
    if chosen.checkout is None:
        parser.print_usage()
        return
    sources = {"then": chosen.checkout.absolute() / "src", "now": Path(__file__).absolute().parents[1] / "src"}

    def measure_both(task: tuple[int, str]) -> list[dict[str, Any]]:
        seed, name = task
        lines = []
        for who, source in sources.items():
            place = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), os.environ.get("PYTHONPATH", "")])}
            asked = [sys.executable, __file__, "--only", name, "--seed", str(seed), "--rows", str(chosen.rows)]
            done = subprocess.run(asked, env=place, capture_output=True, text=True)
            if done.returncode:
                print(f"{name}, {seed}, {who}: {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            lines.append({"set": name, "split": seed, "who": who, **json.loads(done.stdout.splitlines()[-1])})
            print(json.dumps(lines[-1]), flush=True)
            if chosen.out:
                with open(chosen.out, "a") as written:
                    written.write(json.dumps(lines[-1]) + "\n")
        return lines

    tasks = [(seed, name) for seed in range(chosen.splits) for name in chosen.only.split(",")]
    with ThreadPoolExecutor(chosen.workers) as pool:
        tell([line for lines in pool.map(measure_both, tasks) for line in lines])


if __name__ == "__main__":
    main()
