"""Columns of series against MiniRocket of the package aeon, on the four sets of the UCR archive inside its wheel.

Prints accuracy on the test rows of each set, means over seeds, and CPU seconds with imports and compilation. plait
learns from the training rows alone: by classic learners, or with --networks by all that it tries. Needs aeon, which is
no part of plait and goes beside it; MiniRocket needs numba too, and is left out without:

    pip install --no-deps --target FOLDER aeon numba llvmlite deprecated wrapt
    python bench/bench_series.py --aeon FOLDER [--seeds 3] [--networks]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import plait

SETS = ("GunPoint", "ItalyPowerDemand", "ArrowHead", "BasicMotions")
GOAL, APART = 0.93, 0.02  # mean accuracy, and how far one set may be below MiniRocket


def read_set(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return series (row, channel, time) and labels (row,) of a .ts file: channels apart by colons, the label last."""
    lines = (folder / f"{folder.name}_{part}.ts").read_text(encoding="utf-8").splitlines()
    rows = [line.strip().split(":") for line in lines if line.strip() and line[0] not in "@#"]
    series = [[[float(number) for number in channel.split(",")] for channel in row[:-1]] for row in rows]
    return np.array(series, np.float32), np.array([row[-1] for row in rows])


def score_plait(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int, all_: bool
) -> float:
    """Return the accuracy of plait on the test rows, which it sees once it has learned."""
    options: dict[str, Any] = {} if all_ else {"candidates": ["classic"]}
    model = plait.fit(
        {"series": train[0]}, train[1].tolist(), kinds={"series": "series"}, seed=seed, report=False, **options
    )
    return float((np.array(model.predict({"series": test[0]}).labels) == test[1]).mean())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--aeon", type=Path, help="the folder that aeon was installed to")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", action="store_true", help="let plait try networks too")
    asked = parser.parse_args()
    if asked.aeon is not None:
        sys.path.append(str(asked.aeon))
    found = importlib.util.find_spec("aeon")
    if found is None or found.origin is None:
        print("skipped: aeon is not there; pip install --no-deps --target FOLDER aeon, and give --aeon FOLDER")
        return
    os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp()  # so that compilation counts, whoever compiled before
    data = Path(found.origin).parent / "datasets" / "data"
    with_rocket = importlib.util.find_spec("numba") is not None
    means: dict[str, list[float]] = {"plait": [], "MiniRocket": []}
    seconds = dict.fromkeys(means, 0.0)
    for name in SETS:
        train, test = (read_set(data / name, part) for part in ("TRAIN", "TEST"))
        print(
            f"{name:17} {len(train[0])} + {len(test[0])} rows, {train[0].shape[1]} × {train[0].shape[2]} points",
            flush=True,
        )
        for who in means if with_rocket else ["plait"]:
            began, scores = time.process_time(), []
            for seed in range(asked.seeds):
                if who == "plait":
                    scores.append(score_plait(train, test, seed, asked.networks))
                else:
                    from aeon.classification.convolution_based import MiniRocketClassifier

                    rocket = MiniRocketClassifier(random_state=seed).fit(train[0].astype(np.float64), train[1])
                    scores.append(float((rocket.predict(test[0].astype(np.float64)) == test[1]).mean()))
            took = time.process_time() - began
            seconds[who] += took
            means[who].append(float(np.mean(scores)))
            each = " ".join(f"{score:.4f}" for score in scores)
            print(f"  {who:11} {means[who][-1]:.4f}  ({each})  {took:.1f} CPU s", flush=True)
    mean = float(np.mean(means["plait"]))
    print(
        f"plait: mean {mean:.4f} ({'reached' if mean >= GOAL else 'not reached'}: {GOAL}), {seconds['plait']:.0f} CPU s"
    )
    if means["MiniRocket"]:
        gap = max(other - own for own, other in zip(means["plait"], means["MiniRocket"], strict=True))
        print(f"MiniRocket: mean {np.mean(means['MiniRocket']):.4f}, {seconds['MiniRocket']:.0f} CPU s")
        print(f"farthest below MiniRocket: {max(gap, 0):.4f} ({'reached' if gap <= APART else 'not reached'}: {APART})")


if __name__ == "__main__":
    main()
