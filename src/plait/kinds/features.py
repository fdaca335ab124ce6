"""A few hundred numbers a row for learners that are no networks: made by hand from what preparation gives.

What is absent is NaN and enters no arithmetic. All is computed in float64 and rounded at the end, so that a row has the
same features alone and in any batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import Batch, as_array
from plait.errors import RequestError, did_you_mean
from plait.kinds import KINDS
from plait.kinds.sizes import check_shape, input_shape

ROWS, BYTES = 128, 255  # rows in floats at a time; what bytes are divided by


class Made(NamedTuple):
    """Features that a batch keeps: what they were made of, and the seconds that this took."""

    seen: tuple[Any, ...]  # the inputs, and which are there
    layout: Mapping[str, Any]
    features: np.ndarray
    seconds: float


def batch_features(
    batch: Batch, layouts: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the features of each modality: {name: (batch, feature) float32}, NaN where it is absent.

    layouts: {name: the strand's layout, and "columns": how many media columns it has where there are several}.
    A present row can hold NaN too: a number of the table, or a column of a modality, that is absent.
    Raises RequestError for a missing or misshaped input.
    """
    return {name: _made(batch, name, layouts).features for name in names}


def give_features(batch: Batch, name: str, layout: Mapping[str, Any], features: np.ndarray, seconds: float) -> None:
    """Give a batch the features of one modality, (batch, feature), which took so long to make of its rows."""
    seen = batch.inputs.get(name), batch.present.get(name), batch.cells.get(name)
    batch.features.setdefault(name, []).append(Made(seen, layout, features, seconds))


def features_seconds(batch: Batch, wanted: Iterable[tuple[str, Mapping[str, Mapping[str, Any]]]]) -> float:
    """Return the seconds that it takes to make the features of (name, layouts), each once, whoever else asks."""
    made = [_made(batch, name, layouts) for name, layouts in wanted]
    return sum({id(each): each.seconds for each in made}.values())


def _made(batch: Batch, name: str, layouts: Mapping[str, Mapping[str, Any]]) -> Made:
    """Return the features of one modality, those made before where the members of an ensemble ask for the same."""
    seen = batch.inputs.get(name), batch.present.get(name), batch.cells.get(name)
    for each in batch.features.get(name, ()):
        if all(a is b for a, b in zip(each.seen, seen, strict=True)) and each.layout == layouts[name]:
            return each
    began = time.perf_counter()
    features = _features_of(batch, name, layouts)
    features.flags.writeable = False  # they are shared
    made = Made(seen, layouts[name], features, time.perf_counter() - began)
    batch.features.setdefault(name, []).append(made)
    return made


def even_spread(kind: str, spread: np.ndarray) -> np.ndarray:
    """Return what each feature of a kind is divided by: its own spread, unless the kind says otherwise."""
    features = KINDS[kind].features
    return features.even(spread) if hasattr(features, "even") else spread


def coded_sizes(layout: Mapping[str, Any]) -> list[int]:
    """Return how many codes each feature has, of those at the end of a modality's that are codes and no amounts."""
    features = KINDS[layout["kind"]].features
    return features.coded(layout) if hasattr(features, "coded") else []


def code_blocks(layout: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return from where to where the features of a modality stand for one code each: 1 for the code, else 0."""
    features = KINDS[layout["kind"]].features
    return features.blocks(layout) if hasattr(features, "blocks") else []


def count_numbers(layout: Mapping[str, Any]) -> int:
    """Return how many features of a modality, the first of them, are numbers of the user's own, of any shape."""
    return int(layout["numbers"]) if "numbers" in layout else 0


def feature_count(layout: Mapping[str, Any]) -> int:
    """Return how many features a modality of this layout has."""
    columns = int(layout.get("columns", 1))
    blank = np.zeros((1, *input_shape(layout)))
    each = KINDS[layout["kind"]].features.features(blank, layout).shape[1]
    return each if columns == 1 else columns * (each + 1)


def _features_of(batch: Batch, name: str, layouts: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    if name not in batch.inputs:
        raise RequestError(f"the batch has no modality {name!r}. {did_you_mean(name, batch.inputs)}")
    layout, x = layouts[name], batch.inputs[name]
    kind, columns = layout["kind"], int(layout.get("columns", 1))
    shape = (columns, *input_shape(layout)) if columns > 1 else input_shape(layout)
    check_shape(f"modality {name!r}", x, ("batch", *shape))
    here = as_array(batch.present[name])[:, None]
    if columns > 1:
        here = here & (as_array(batch.cells[name]) if name in batch.cells else np.ones((len(here), columns), bool))
        x = x.reshape(-1, *shape[1:])
    flat, parts = np.flatnonzero(here), []
    for start in range(0, len(flat), ROWS):
        values = as_array(x[flat[start : start + ROWS]]).astype(np.float32)
        values /= BYTES if str(x.dtype).endswith("uint8") else 1  # as the networks of pictures do
        parts.append(KINDS[kind].features.features(values.astype(np.float64), layout))
    width = parts[0].shape[1] if parts else feature_count({**layout, "columns": 1})
    out = np.full((here.size, width), np.nan, np.float32)
    if parts:
        out[flat] = np.concatenate(parts)
    if columns == 1:
        return out
    # a flag for each column, since a learner without NaN must tell an absent column from an average one
    flags = np.where(here.any(1, keepdims=True), here, np.nan).astype(np.float32)
    return np.concatenate([out.reshape(len(here), columns * out.shape[1]), flags], axis=1)
