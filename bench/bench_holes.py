"""What a missing modality costs: one model without it, against a model trained only on the rest. Needs ../shared/data.

For five seeds on digits_hard.csv: accuracy of the fused model given one modality alone, and of the model trained on
that modality alone, on the test rows that have it. Expected: the mean difference at most 0.02, and the upper 95 % limit
of the paired difference (Student's t over the seeds) at most 0.03.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import t

import plait

TABLE = Path(__file__).parents[1] / "../shared/data/digits/digits_hard.csv"


def main(seeds: int = 5, **options: object) -> None:
    if not TABLE.exists():
        print("skipped: the folder with the tables is not here")
        return
    losses: dict[str, list[float]] = {"image": [], "audio": []}
    given = {"target": "digit", "group": "speaker", "split": "split", "ignore": ["id"], **options}
    for seed in range(seeds):
        began = time.perf_counter()
        model = plait.fit(TABLE, fusion="parallel(image, audio)", seed=seed, **given)
        test = model.facts["test"]
        told = []
        for name in losses:
            only, kept = (test[key][name]["metrics"]["accuracy"]["value"] for key in ("alone", "by_modalities"))
            losses[name].append(only - kept)
            told.append(f"{name}: trained alone {only:.3f}, the fused model given it alone {kept:.3f}")
        print(f"seed {seed}: {'; '.join(told)} ({time.perf_counter() - began:.0f} s)", flush=True)
    for name, values in losses.items():
        mean, error = np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))
        upper = mean + t.ppf(0.975, len(values) - 1) * error
        print(f"{name}: mean loss {mean:+.3f} (expected at most 0.020), upper limit {upper:+.3f} (at most 0.030)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
