"""Features of a pretrained encoder given as a column of vectors, against the encoder itself: the scores are the same.

Reviews of clothes, read through `text=static`, and the same once more with the features of that encoder in a column.
Prints scores on the test rows of both, with networks alone and with classic learners, and the CPU seconds of each.
Needs the folder ../shared/data.

    python bench/bench_vectors.py [--rows 1200] [--seeds 2]
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import plait

DATA = Path(__file__).parents[1] / "../shared/data"
FAMILIES, SCORES = ("alone", "classic"), ("accuracy", "auroc", "log_loss")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    whole = plait.read(DATA / "clothing/train.csv")
    for seed in range(asked.seeds):
        rows = np.random.default_rng(seed).permutation(len(whole))[: asked.rows]
        text, target = whole.cells("Review Text", rows), whole.cells("Recommended IND", rows)
        data = {"text": text, "vector": None, "target": target}
        for family in FAMILIES:
            for what in ("text", "vector"):
                table = {what: data[what], "target": target}
                encoders = {"text": "static"} if what == "text" else {}
                began = time.process_time()
                model = plait.fit(
                    table,
                    target="target",
                    candidates=[family],
                    encoders=encoders,
                    seed=seed,
                    refit="none",
                    report=False,
                )
                found = [f"{name} {model.facts['test']['metrics'][name]['value']:.4f}" for name in SCORES]
                print(
                    f"seed {seed}, {family:7} {what:6}", *found, f"{time.process_time() - began:.0f} CPU s", flush=True
                )
                if data["vector"] is None:
                    (view,) = (view for view in model.views if view.is_main)
                    with ThreadPoolExecutor(1) as pool:
                        values, there, _ = view.prepare(plait.read({"text": text, "target": target}), pool)
                    data["vector"] = [v.ravel() if here else None for v, here in zip(values, there[:, 0], strict=True)]


if __name__ == "__main__":
    main()
