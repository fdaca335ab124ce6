"""What pictures say as one column of a table: prices made of numbers and of what a photograph shows, with and without.

Patches of ten photographs, as `bench_photos.py` cuts them, each with an area, an age and a kind. The price is the area
times what the photograph is worth, less what age takes; in the control the pictures are dealt anew, and tell nothing.
Prints R² on test rows and CPU seconds of the fit, with the candidates that read a score of the pictures and without.

    python bench/bench_picture_column.py [--patches 40] [--seeds 2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_photos import write_patches

import plait
from plait.study.trials import ClassicTrials


def make_prices(folder: Path, patches: int, seed: int, tells: bool) -> dict[str, list[Any]]:
    """Write patches; return a table of them with numbers, a kind, a split and a price."""
    lines = write_patches(folder, patches, seed).read_text("utf-8").splitlines()[1:]
    paths, shown, split = (list(part) for part in zip(*(line.split(",") for line in lines), strict=True))
    generator = np.random.default_rng([seed, 1])
    names = sorted(set(shown))
    worth = dict(zip(names, np.linspace(0.4, 1.6, len(names))[generator.permutation(len(names))], strict=True))
    area, age = generator.uniform(20, 200, len(paths)), generator.integers(0, 60, len(paths))
    kind = generator.choice(["flat", "house", "barn"], len(paths))
    value = np.array([worth[name] for name in shown]) * np.where(kind == "barn", 0.5, 1.0)
    price = area * value - np.where(age > 30, 25, age * 0.5) + generator.normal(0, 12, len(paths))
    if not tells:
        paths = [paths[place] for place in generator.permutation(len(paths))]
    rows: dict[str, Any] = {"photo": [str(folder / path) for path in paths], "split": split}
    return rows | {"area": area.round(1).tolist(), "age": age.tolist(), "kind": kind.tolist(), "price": price.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=2)
    asked, whole = parser.parse_args(), ClassicTrials.try_scores
    for tells in (True, False):
        for seed in range(asked.seeds):
            with tempfile.TemporaryDirectory() as place:
                data = make_prices(Path(place), asked.patches, seed, tells)
                options: dict[str, Any] = {"encoders": {"photo": "lite0"}, "candidates": ["classic", "late"]}
                options |= {"target": "price", "split": "split", "report": False, "refit": "none", "seed": seed}
                plait.fit(data, **{**options, "candidates": ["classic"], "choose": "simple"})  # features are kept then
                for scored in (False, True):
                    ClassicTrials.try_scores = whole if scored else lambda self: None  # type: ignore[method-assign]
                    began = time.process_time()
                    model = plait.fit(data, **options)
                    spent = time.process_time() - began
                    reached = model.facts.test["metrics"]["r2"]["value"]  # type: ignore[index]
                    members = next(line["members"] for line in model.leaderboard if line["winner"])
                    print(
                        f"{'pictures tell' if tells else 'they do not':13}  seed {seed}  "
                        f"{'with' if scored else 'without':7}  R² {reached:.3f}  {spent:.1f} CPU s  {members}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
