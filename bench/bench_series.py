"""Columns of series against MiniRocket of the package aeon, on the four sets of the UCR archive inside its wheel.

Prints accuracy on the test rows of each set, means over seeds, and CPU seconds. Each way runs in a process of its own:
what it imports and compiles counts, once for all of its fits. plait learns from the training rows alone: by classic
learners, or with --networks by all that it tries; "kernels" are its features under one linear learner, with nothing
chosen, as MiniRocket is used. Needs aeon, which is no part of plait and goes beside it; MiniRocket needs numba too, and
is left out without:

    pip install --no-deps --target FOLDER aeon numba llvmlite deprecated wrapt
    python bench/bench_series.py --aeon FOLDER [--seeds 3] [--networks] [--only plait] [--sets ArrowHead]
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

Part = tuple[np.ndarray, np.ndarray]  # series and labels
SETS = ("GunPoint", "ItalyPowerDemand", "ArrowHead", "BasicMotions")
# mean accuracy, how far one set may be below MiniRocket, and the share of its seconds that may be taken
GOAL, APART, SHARE = 0.93, 0.02, 0.1


def read_set(folder: Path, part: str) -> Part:
    """Return series (row, channel, time) and labels (row,) of a .ts file: channels apart by colons, the label last."""
    lines = (folder / f"{folder.name}_{part}.ts").read_text(encoding="utf-8").splitlines()
    rows = [line.strip().split(":") for line in lines if line.strip() and line[0] not in "@#"]
    series = [[[float(number) for number in channel.split(",")] for channel in row[:-1]] for row in rows]
    return np.array(series, np.float32), np.array([row[-1] for row in rows])


def score_plait(train: Part, test: Part, seed: int, networks: bool = False) -> float:
    """Return the accuracy of plait on the test rows, which it sees once it has learned."""
    import plait

    options: dict[str, Any] = {} if networks else {"candidates": ["classic"]}
    model = plait.fit(
        {"series": train[0]}, train[1].tolist(), kinds={"series": "series"}, seed=seed, report=False, **options
    )
    return float((np.array(model.predict({"series": test[0]}).labels) == test[1]).mean())


def score_kernels(train: Part, test: Part, seed: int) -> float:
    """Return the accuracy of the kernels under one linear learner, as MiniRocket is used: nothing is chosen."""
    from plait.kinds.series.features import features
    from plait.kinds.series.prep import SeriesPrep, layout
    from plait.models.discriminant import Discriminant

    classes, codes = np.unique(train[1], return_inverse=True)
    prep = SeriesPrep().fitted(train[0], np.random.default_rng(seed))
    x, asked = (features(np.stack([prep(row) for row in part[0]]), layout(prep, "scratch")) for part in (train, test))
    centre, spread = x.mean(0), np.where(x.std(0) > 1e-6, x.std(0), 1.0)
    learner = Discriminant().fit((x - centre) / spread, codes).plain
    return float((classes[learner.predict_proba((asked - centre) / spread).argmax(1)] == test[1]).mean())


def score_rocket(train: Part, test: Part, seed: int) -> float:
    """Return the accuracy of aeon's MiniRocket."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    rocket = MiniRocketClassifier(random_state=seed).fit(train[0].astype(np.float64), train[1])
    return float((rocket.predict(test[0].astype(np.float64)) == test[1]).mean())


def race(score: Callable[[Part, Part, int], float], folders: Sequence[Path], seeds: int) -> tuple[list[Any], float]:
    """Return the accuracies (set, seed), and the CPU seconds of this process from its start."""
    parts = [(read_set(folder, "TRAIN"), read_set(folder, "TEST")) for folder in folders]
    return [[score(*own, seed) for seed in range(seeds)] for own in parts], time.process_time()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--aeon", type=Path, help="the folder that aeon was installed to")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", action="store_true", help="let plait try networks too")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--only", nargs="+", choices=["plait", "kernels", "MiniRocket"], help="the ways to run")
    asked = parser.parse_args()
    if asked.aeon is not None:
        sys.path.append(str(asked.aeon))
    found = importlib.util.find_spec("aeon")
    if found is None or found.origin is None:
        print("skipped: aeon is not there; pip install --no-deps --target FOLDER aeon, and give --aeon FOLDER")
        return
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp()  # so that compilation counts, whoever compiled before
    for package in ("plait", "aeon"):  # they have their bytecode, as pip leaves them
        spec = importlib.util.find_spec(package)
        compileall.compile_dir(str(Path(spec.origin).parent) if spec and spec.origin else "", quiet=2)
    folders = [Path(found.origin).parent / "datasets" / "data" / name for name in asked.sets]
    ways: dict[str, Callable[[Part, Part, int], float]] = {
        "plait": partial(score_plait, networks=asked.networks),
        "kernels": score_kernels,
    }
    if importlib.util.find_spec("numba") is not None:
        ways["MiniRocket"] = score_rocket
    means: dict[str, list[float]] = {}
    seconds: dict[str, float] = {}
    for who in asked.only or ways:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            scores, seconds[who] = process.submit(race, ways[who], folders, asked.seeds).result()
        means[who] = [float(np.mean(own)) for own in scores]
        for name, mean, own in zip(asked.sets, means[who], scores, strict=True):
            print(f"{who:11} {name:17} {mean:.4f}  ({' '.join(f'{score:.4f}' for score in own)})", flush=True)
        print(f"{who:11} mean {np.mean(means[who]):.4f}, {seconds[who]:.1f} CPU s", flush=True)
    if "plait" not in means:
        return
    mean = float(np.mean(means["plait"]))
    print(f"plait: mean {'reached' if mean >= GOAL else 'not reached'}: {GOAL}")
    if "MiniRocket" in means:
        gap = max(other - own for own, other in zip(means["plait"], means["MiniRocket"], strict=True))
        print(f"farthest below MiniRocket: {max(gap, 0):.4f} ({'reached' if gap <= APART else 'not reached'}: {APART})")
        share = seconds["plait"] / seconds["MiniRocket"]
        print(f"share of its seconds: {share:.3f} ({'reached' if share <= SHARE else 'not reached'}: {SHARE})")


if __name__ == "__main__":
    main()
