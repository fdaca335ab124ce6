"""Several labels a row, on made pictures: each holds one to three of eight shapes, anywhere, in any size.

Learned by small networks as labels, and once more as one class for each combination of labels, which is what there was
before. Prints micro F1 and exact match on the same test rows, and the CPU seconds of each.

    python bench/bench_labels.py [--rows 1000] [--epochs 40] [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations

import numpy as np

import plait

SIDE, NOISE = 32, 0.1
SHAPES = ("bar", "corner", "cross", "diamond", "disc", "ring", "square", "triangle")


def draw_shape(name: str, generator: np.random.Generator) -> np.ndarray:
    """Return where a shape is (height, width) bool: its place and size are drawn."""
    radius = generator.uniform(4, 6.5)
    y, x = (np.arange(SIDE) - generator.uniform(radius, SIDE - radius) for _ in range(2))
    y, x = y[:, None], x[None]
    away, box = np.hypot(y, x), np.maximum(abs(y), abs(x))
    return {
        "bar": (abs(y) < radius / 4) & (abs(x) < radius),
        "corner": (box < radius) & ((x < -radius / 2) | (y > radius / 2)),
        "diamond": abs(y) + abs(x) < radius * 1.1,
        "cross": (np.minimum(abs(y), abs(x)) < radius / 4) & (box < radius),
        "disc": away < radius,
        "ring": (away < radius) & (away > radius / 1.7),
        "square": box < radius * 0.9,
        "triangle": (abs(y) < radius) & (abs(x) < (y + radius) / 2),
    }[name]


def make_pictures(rows: int, generator: np.random.Generator) -> tuple[np.ndarray, list[list[str]]]:
    """Return pictures (rows, height, width) uint8, and the shapes in each."""
    pictures, labels = np.zeros((rows, SIDE, SIDE), np.uint8), []
    for row in range(rows):
        own = sorted(generator.choice(SHAPES, generator.integers(1, 4), replace=False).tolist())
        ground = generator.normal(0.3, NOISE, (SIDE, SIDE))
        for name in own:
            ground[draw_shape(name, generator)] += 0.5
        pictures[row] = (255 * np.clip(ground, 0, 1)).astype(np.uint8)
        labels.append(own)
    return pictures, labels


def score(said: list[list[str]], labels: list[list[str]]) -> tuple[float, float]:
    """Return micro F1 and exact match."""
    hits = sum(len({*one} & {*other}) for one, other in zip(said, labels, strict=True))
    total = sum(map(len, said)) + sum(map(len, labels))
    return 2 * hits / total, float(np.mean([{*one} == {*other} for one, other in zip(said, labels, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator = np.random.default_rng(asked.seed)
    pictures, labels = make_pictures(asked.rows, generator)
    unseen, truth = make_pictures(400, generator)
    combinations_of = sum(len(list(combinations(SHAPES, size))) for size in (1, 2, 3))
    print(f"{asked.rows} pictures, {len(SHAPES)} shapes, {combinations_of} combinations; 400 more to test", flush=True)
    for kind in ("labels", "category"):
        began = time.process_time()
        given = labels if kind == "labels" else [";".join(own) for own in labels]
        model = plait.fit(
            {"picture": pictures},
            given,
            kinds={"picture": "image", "label": kind},
            candidates=["alone"],
            epochs=asked.epochs,
            refit="none",
            seed=asked.seed,
            report=False,
        )
        said = model.predict({"picture": unseen}).labels
        f1, exact = score(said if kind == "labels" else [own.split(";") for own in said], truth)
        seconds = time.process_time() - began
        print(f"{kind:9} micro F1 {f1:.3f}, exact match {exact:.3f}, {seconds:.0f} CPU s", flush=True)


if __name__ == "__main__":
    main()
