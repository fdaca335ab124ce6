"""What a category says of the target, for learners that cannot tell thousands of categories apart: mean targets.

Learned out of fold for the rows that are learned from, so that a learner trusts a category as much as it deserves
(Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical attributes"). Knows codes and numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.models.calibration import assign_folds

SMOOTH = 2.0  # rows of the average that each category's own are mixed with; 1 to 5 are measured to do as well


def learn_means(
    x: np.ndarray, sizes: Sequence[int], targets: np.ndarray, num_classes: int, generator: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return x (rows, feature) with means for its last columns, of codes, and tables for rows not learned from.

    sizes: how many codes each of these columns has. targets: (rows,) class codes, or numbers with num_classes 0. Of
    every code column as many columns of means as the target has classes, one for two classes and for numbers. Tables:
    (code, mean) for each; a code that did not come has the mean of all rows.
    """
    if not sizes:
        return x, []
    goals = np.eye(num_classes)[targets] if num_classes else targets[:, None]
    goals = goals[:, 1:] if num_classes == 2 else goals
    fold = assign_folds(targets, generator=generator)
    parts, tables = [x[:, : -len(sizes)]], []
    for size, codes in zip(sizes, x[:, -len(sizes) :].astype(np.int64).T, strict=True):
        means = np.empty(goals.shape)
        for held in (fold == number for number in np.unique(fold)):
            means[held] = _mean_goals(codes[~held], goals[~held], size)[codes[held]]
        parts.append(means)
        tables.append(_mean_goals(codes, goals, size))
    return np.concatenate(parts, axis=1), tables


def _mean_goals(codes: np.ndarray, goals: np.ndarray, size: int) -> np.ndarray:
    """Return the mean goal of each code (code, goal), smoothed towards that of all rows."""
    sums = np.stack([np.bincount(codes, goal, size) for goal in goals.T], axis=1)
    average = goals.mean(axis=0) if len(goals) else np.zeros(goals.shape[1])
    return (sums + SMOOTH * average) / (np.bincount(codes, minlength=size) + SMOOTH)[:, None]


def take_means(x: np.ndarray, tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return features (batch, feature) with the means of `tables` for the codes in the last columns; NaN stays NaN."""
    if not tables:
        return x
    codes = x[:, -len(tables) :]
    there = ~np.isnan(codes)
    places = np.where(there, codes, 0).astype(np.int64)
    means = [np.where(there[:, [k]], table[places[:, k]], np.nan) for k, table in enumerate(tables)]
    return np.concatenate([x[:, : -len(tables)], *means], axis=1)
