"""What `--quality` costs and brings: CPU seconds of a fit, and scores on test rows, at each of its levels.

python bench/bench_quality.py [--rows 500] [--splits 2] [--only wine,clothing,digits_hard]

The sets of bench_choice.py. Nothing is kept between fits: each begins with an empty cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile

import numpy as np
from bench_choice import list_sets, measure

LEVELS = ("quick", "good", "best")


def main() -> None:
    """Measure and print, the means of the splits last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--only", default="breast_cancer,clothing,digits_hard")
    chosen = parser.parse_args()
    sets = list_sets(chosen.rows)
    for name in chosen.only.split(","):
        found: dict[str, list[tuple[float, float]]] = {level: [] for level in LEVELS}
        for seed in range(chosen.splits):
            data, options = sets[name](seed)
            for level in LEVELS:
                with tempfile.TemporaryDirectory() as cache:
                    os.environ["PLAIT_CACHE"] = cache
                    got = measure(data, {**options, "quality": level, "seed": seed})
                found[level].append((got["seconds"], got.get("accuracy", got.get("r2", float("nan")))))
                print(name, seed, level, *(f"{value:.3f}" for value in found[level][-1]), flush=True)
        for level in LEVELS:
            seconds, score = np.mean(found[level], axis=0)
            print(f"{name:14} {level:6} {seconds:7.1f} s  {score:.3f}", flush=True)


if __name__ == "__main__":
    main()
