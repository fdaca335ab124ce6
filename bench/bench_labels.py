"""Several labels a row, on made pictures, each of one to three of eight shapes; and how grades are best answered.

Learned by small networks as labels, and once more as one class for each combination of labels. Prints micro F1 and
exact match on the same test rows, and the CPU seconds of each. With --stars instead: quadratic kappa and mean error on
the stars of reviews of clothes, of the middle class, the likeliest, and the rounded mean; that needs the folder
../shared/data.

    python bench/bench_labels.py [--rows 1000] [--epochs 40] [--seed 0] [--stars]
"""

from __future__ import annotations

import argparse
import time
from itertools import combinations
from pathlib import Path

import numpy as np

import plait
from plait.proof.metrics import classification

DATA = Path(__file__).parents[1] / "../shared/data/clothing/train.csv"
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


def measure_stars(seed: int) -> None:
    """Learn stars from 1,500 reviews and ages, and print what three ways to answer reach on 2,000 others."""
    whole = plait.read(DATA)
    drawn = np.random.default_rng(seed).permutation(len(whole))[:3500]
    named = {"text": "Review Text", "age": "Age", "stars": "Rating"}
    train, test = (
        {name: whole.cells(column, rows) for name, column in named.items()} for rows in (drawn[:1500], drawn[1500:])
    )
    candidates, kinds = ["classic", "ensemble"], {"stars": "ordered"}
    model = plait.fit(train, target="stars", kinds=kinds, candidates=candidates, refit="none", report=False, seed=seed)
    said = np.nan_to_num(np.asarray(model.predict(test).probabilities))
    truth = np.array([(model.classes or []).index(star) for star in test["stars"]])
    ways = {
        "middle": (np.cumsum(said, axis=1)[:, :-1] < 0.5 - 1e-9).sum(1),
        "likeliest": said.argmax(1),
        "rounded mean": np.floor(said @ np.arange(said.shape[1]) + 0.5).astype(int),
    }
    for name, guess in ways.items():
        names = [str(star) for star in model.classes or []]
        found = classification(truth, guess, said, names, True)(np.ones((len(truth), 1), np.float32))
        kappa, error = float(found["quadratic_kappa"][0]), float(found["mae"][0])
        print(f"{name:12} quadratic kappa {kappa:.3f}, mean error {error:.3f} stars", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stars", action="store_true")
    asked = parser.parse_args()
    if asked.stars:
        measure_stars(asked.seed)
        return
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
