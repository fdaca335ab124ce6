"""Whether a 95 % interval holds the truth as often as it says: scores, by rows and by groups, and paired gains.

Each setting draws answers of a model whose true score is known, from a formula or from many rows, and counts how often
the interval holds it: 400 draws each; the interval of that share after Clopper and Pearson.

    python bench/bench_intervals.py [--only accuracy-60 --only groups-10] [--num 400] [--out bench/RESULTS.md]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from plait.proof.metrics import classification, regression
from plait.proof.paired import Yardstick
from plait.proof.scores import intervals

MANY = 200_000  # rows that tell the truth


class Drawn(NamedTuple):
    """Answers to some rows, as `intervals` takes them."""

    target: np.ndarray
    answers: np.ndarray
    classes: range | None = None
    groups: np.ndarray | None = None


Draw = Callable[[np.random.Generator, int, int], Drawn]  # of a generator, rows and groups, 0 for none


def draw_classes(
    generator: np.random.Generator, rows: int, groups: int, shares: Sequence[float], shift: float
) -> Drawn:
    """Draw classes by their shares, and probabilities: the logit of the true class is raised by a shift, with groups by
    one that differs between them."""
    target = generator.choice(len(shares), rows, p=shares)
    group = np.arange(rows) % groups if groups else None
    logits = generator.standard_normal((rows, len(shares))) + np.log(shares)
    logits[np.arange(rows), target] += shift * (1 if group is None else generator.normal(1, 0.35, groups)[group])
    odds = np.exp(logits)
    return Drawn(target, odds / odds.sum(1, keepdims=True), range(len(shares)), group)


def draw_numbers(generator: np.random.Generator, rows: int, groups: int, free: float) -> Drawn:
    """Draw numbers, and answers whose errors are a Student t's, or normal where free is 0; a group shares one."""
    errors = generator.standard_t(free, rows) if free else generator.standard_normal(rows)
    group = np.arange(rows) % groups if groups else None
    errors = errors if group is None else errors + generator.standard_normal(groups)[group]
    answers = generator.normal(0, 3, rows)
    return Drawn(answers + errors, answers, None, group)


@dataclass(frozen=True)
class Setting:
    """What is drawn, and the scores that are measured. truth: those known by a formula; else many rows tell."""

    rows: int
    metrics: tuple[str, ...]
    draw: Draw
    groups: int = 0
    truth: dict[str, float] = field(default_factory=dict)

    def known(self) -> dict[str, float]:
        if self.truth:
            return self.truth
        many = self.draw(np.random.default_rng(0), MANY, MANY // 10 if self.groups else 0)
        if many.classes is None:
            measure = regression(many.target, many.answers)
        else:
            names = [str(code) for code in many.classes]
            measure = classification(many.target, many.answers.argmax(1), many.answers, names)
        return {metric: float(measure(np.ones((MANY, 1), np.float64))[metric][0]) for metric in self.metrics}

    def run(self, num: int) -> dict[str, tuple[float, np.ndarray]]:
        """Return of each metric what is true, and the intervals (draw, 2)."""
        generator = np.random.default_rng([7, self.rows, self.groups])
        ends: dict[str, list[list[float | None]]] = {metric: [] for metric in self.metrics}
        for _ in range(num):
            drawn = self.draw(generator, self.rows, self.groups)
            spans = intervals(drawn.target, drawn.answers, drawn.classes, generator=generator, groups=drawn.groups)
            for metric in self.metrics:
                ends[metric].append([spans[metric]["low"], spans[metric]["high"]])
        truth = self.known()
        return {metric: (truth[metric], np.array(ends[metric], np.float64)) for metric in self.metrics}


@dataclass(frozen=True)
class Gain:
    """Two models of four classes whose answers share half of their noise, and by how much the second is better."""

    rows: int
    metrics: tuple[str, ...]
    groups: int = 0

    def draw(self, generator: np.random.Generator, rows: int, groups: int) -> tuple[np.ndarray, list[np.ndarray]]:
        target, noise = generator.integers(0, 4, rows), generator.standard_normal((3, rows, 4)) / 2**0.5
        easy = 1 if not groups else generator.normal(1, 0.35, groups)[np.arange(rows) % groups]
        sides = []
        for own, shift in ((1, 2.6), (2, 3.1)):
            logits = noise[0] + noise[own]
            logits[np.arange(rows), target] += shift * easy
            odds = np.exp(logits)
            sides.append(odds / odds.sum(1, keepdims=True))
        return target, sides

    def run(self, num: int) -> dict[str, tuple[float, np.ndarray]]:
        """Return of each metric what is true, and the intervals (draw, 2)."""
        generator = np.random.default_rng([8, self.rows, self.groups])
        ends: dict[str, list[list[float | None]]] = {metric: [] for metric in self.metrics}
        group = np.arange(self.rows) % self.groups if self.groups else None
        for _ in range(num):
            target, (less, more) = self.draw(generator, self.rows, self.groups)
            for metric in self.metrics:
                found = Yardstick(metric, target, range(4), group).compare(more, less, generator)
                ends[metric].append([found.low, found.high])
        target, (less, more) = self.draw(np.random.default_rng(0), MANY, MANY // 10 if self.groups else 0)
        many = {metric: Yardstick(metric, target, range(4)) for metric in self.metrics}
        truth = {metric: abs(yard.score(more) - yard.score(less)) for metric, yard in many.items()}
        return {metric: (truth[metric], np.array(ends[metric], np.float64)) for metric in self.metrics}


def tell(name: str, truth: float, ends: np.ndarray) -> str:
    """Return how many of the intervals (draw, 2) hold the truth, and on which side the others miss it."""
    there = ends[~np.isnan(ends).any(1)]
    above, below = int((there[:, 0] > truth).sum()), int((there[:, 1] < truth).sum())
    held = len(there) - above - below
    share = binomtest(held, len(there)).proportion_ci()
    return (
        f"| {name} | {truth:.3f} | {100 * held / len(there):.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f}) | "
        f"{above} | {below} | {np.median(there[:, 1] - there[:, 0]):.3f} | {len(there)} |"
    )


FOUR = partial(draw_classes, shares=[0.25] * 4, shift=2.5)
TWENTY = partial(draw_classes, shares=[0.05] * 20, shift=3.2)
RARE = partial(draw_classes, shares=[0.95, 0.05], shift=1.5)
NORMAL, HEAVY = partial(draw_numbers, free=0.0), partial(draw_numbers, free=2.5)
OF_HEAVY = {"rmse": 5**0.5, "r2": 9 / 14}  # the errors vary by 2.5 / 0.5, the answers by 9
GAINS = ("accuracy", "balanced_accuracy", "f1_macro", "auroc", "log_loss")
SETTINGS: dict[str, Setting | Gain] = {
    **{f"accuracy-{rows}": Setting(rows, ("accuracy", "log_loss"), FOUR) for rows in (60, 150)},
    **{
        f"macro-{rows}": Setting(rows, ("f1_macro", "balanced_accuracy", "f1_weighted"), TWENTY) for rows in (500, 1000)
    },
    **{f"rare-{rows}": Setting(rows, ("auroc", "f1_macro"), RARE) for rows in (500, 1000)},
    **{f"normal-{rows}": Setting(rows, ("rmse", "r2", "mae"), NORMAL) for rows in (20, 60, 150)},
    **{f"heavy-{rows}": Setting(rows, ("rmse", "r2"), HEAVY, truth=OF_HEAVY) for rows in (150, 500)},
    **{f"groups-{n}": Setting(20 * n, ("accuracy", "f1_macro", "auroc", "log_loss"), FOUR, n) for n in (10, 30)},
    **{f"groups-of-numbers-{n}": Setting(20 * n, ("rmse", "r2", "mae"), NORMAL, n) for n in (10, 30)},
    **{f"gain-{rows}": Gain(rows, GAINS) for rows in (60, 150)},
    **{f"gain-groups-{n}": Gain(20 * n, ("accuracy", "f1_macro"), n) for n in (10, 30)},
}
HEADER = (
    "| setting | truth | held | too high | too low | median width | intervals |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=SETTINGS)
    parser.add_argument("--num", type=int, default=400)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(given)
    lines = list(HEADER)
    print(*lines, sep="\n")
    for name in asked.only or SETTINGS:
        for metric, (truth, ends) in SETTINGS[name].run(asked.num).items():
            lines.append(tell(f"{name}, {metric}", truth, ends))
            print(lines[-1], flush=True)
    if asked.out:
        with asked.out.open("a", encoding="utf-8") as file:
            file.write("\n".join(["", "## Intervals that hold the truth (bench_intervals.py)", "", *lines, ""]))


if __name__ == "__main__":
    main()
