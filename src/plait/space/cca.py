"""Ridge multi-set canonical correlation: directions in which all modalities of a row say the same, in closed form.

The covariance of a pair is of the rows that have both, so that holes are neither filled nor dropped; a pair that never
meets counts as unrelated, and is joined through a third (Kettenring 1971; Tenenhaus and others 2017). Each direction
counts as much as it correlates: in the rows that it was found in, where hundreds of features of few rows agree by
chance, or in rows held out, where only what is shared is left. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

MOST = 192  # directions of a modality that are looked at, those that vary most: what is left varies by noise
FEWEST = 8  # rows that have two modalities, of which their covariance is taken


FAINT = 0.01  # of its own correlation: what a direction keeps that rows held out do not confirm
FOLDS = 4  # in which the correlation of a direction is held against rows that it was not found in


def fit_cca(features: Mapping[str, np.ndarray], shrink: float, dim: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return ({modality: weights (feature, dim)}, correlations (dim,)) of standardised features; the weights make each
    direction as long as its correlation.

    features: {modality: (rows, feature)} of the same rows, NaN where a row has none of them. shrink: 0 to 1, how far
    the covariance of a modality is brought to its mean variance.
    """
    weights, strength = _directions(features, shrink, dim)
    return {name: x * strength for name, x in weights.items()}, strength


def fit_held(
    features: Mapping[str, np.ndarray], shrink: float, dim: int, fold: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what `fit_cca` does, each direction as long as its correlation in rows held out. fold: (rows,) numbers."""
    weights, own = _directions(features, shrink, dim)
    held = []
    for number in np.unique(fold):
        rest, _ = _directions({name: x[fold != number] for name, x in features.items()}, shrink, dim)
        held.append(_correlations({name: x[fold == number] for name, x in features.items()}, rest))
    strength = np.clip(np.mean(held, axis=0), FAINT * own, 1.0)
    return {name: x * strength for name, x in weights.items()}, strength


def _directions(
    features: Mapping[str, np.ndarray], shrink: float, dim: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return ({modality: weights (feature, dim)}, correlations (dim,)), the strongest direction first."""
    names = list(features)
    there = {name: ~np.isnan(features[name]).all(1) for name in names}
    filled = {name: np.nan_to_num(features[name].astype(np.float64)) for name in names}
    whiten = {name: _root(filled[name][there[name]], shrink) for name in names}
    ends = np.cumsum([0, *(whiten[name].shape[1] for name in names)])
    whole = np.zeros((ends[-1], ends[-1]))
    for (i, one), (j, other) in combinations(enumerate(names), 2):
        both = there[one] & there[other]
        if both.sum() < FEWEST:
            continue
        x, y = filled[one][both] @ whiten[one], filled[other][both] @ whiten[other]
        block = (x - x.mean(0)).T @ (y - y.mean(0)) / both.sum()
        whole[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
        whole[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    values, vectors = np.linalg.eigh(whole)
    best = np.argsort(-values)[: min(dim, len(values))]
    strength = np.clip(values[best] / max(1, len(names) - 1), 0.0, 1.0)
    vectors = vectors[:, best] * _signs(vectors[:, best]) * np.sqrt(len(names))
    lack = dim - len(best)
    weights = {
        name: np.pad(whiten[name] @ vectors[ends[i] : ends[i + 1]], ((0, 0), (0, lack))) for i, name in enumerate(names)
    }
    return weights, np.pad(strength, (0, lack))


def _correlations(features: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the mean correlation (dim,) of each direction over the pairs of modalities that rows have."""
    there = {name: ~np.isnan(x).all(1) for name, x in features.items()}
    out = {name: np.nan_to_num(x) @ weights[name] for name, x in features.items()}
    each = []
    for one, other in combinations(out, 2):
        both = there[one] & there[other]
        if both.sum() >= FEWEST:
            x, y = (out[name][both] - out[name][both].mean(0) for name in (one, other))
            each.append((x * y).mean(0) / np.maximum(x.std(0) * y.std(0), 1e-9))
    return np.mean(each, axis=0) if each else np.zeros(next(iter(out.values())).shape[1])


def _root(x: np.ndarray, shrink: float) -> np.ndarray:
    """Return what whitens features (rows, feature): (feature, direction), without directions that do not vary."""
    if not len(x):
        return np.zeros((x.shape[1], 0))
    x = x - x.mean(0)
    covariance = x.T @ x / max(1, len(x))
    covariance = (1 - shrink) * covariance + shrink * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    kept = (values > max(1e-10, 1e-8 * values[-1])) & (np.arange(len(values)) >= len(values) - MOST)
    return vectors[:, kept] / np.sqrt(values[kept])


def _signs(vectors: np.ndarray) -> np.ndarray:
    """Return ±1 for each direction, so that its largest part is positive, whatever the library of linear algebra."""
    largest = np.abs(vectors).argmax(0)
    return np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
