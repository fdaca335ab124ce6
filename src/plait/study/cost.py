"""What a candidate costs, counted here and nowhere else: with its pretrained encoders, its members, and all before it.

An encoder that several of its inputs, or members, share counts once. Knows prepared rows and the table they are from.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.core.contract import Batch, Table
from plait.kinds.features import features_seconds
from plait.models.classic import OfFeatures
from plait.models.predictors import input_names, leaves_of
from plait.models.rows import Prepared
from plait.models.views import View
from plait.pretrained.features import encoding_device
from plait.study.candidate import Candidate, Cost

ROWS = 4  # that a pretrained encoder sees to be timed
TIMED = 64  # rows on which a predictor is timed, at most


def count_network(network: Any, learned: bool = False) -> tuple[int, int]:
    """Return how many numbers a network keeps, and the bytes they take. learned: only those that learned."""
    kept = [p for p in network.parameters() if p.requires_grad or not learned]
    return sum(p.numel() for p in kept), sum(p.numel() * p.element_size() for p in kept)


def encoded_by(predictor: Any, views: Sequence[View]) -> list[View]:
    """Return the views that a predictor reads through a pretrained encoder that is not inside it."""
    names = input_names(predictor)
    return [view for view in views if view.name in names and view.frozen is not None and not view.feeds_encoder]


def count_learned(predictor: Any) -> int:
    """Return how many numbers a predictor and its members have learned: how simple they are, by which is chosen."""
    return count_kept(predictor, (), True)[0]


def count_leaves(predictor: Any, learned: bool = False) -> dict[int, tuple[int, int]]:
    """Return for each network and learner that a predictor asks in the end how many numbers it keeps, and how many
    bytes these take, by the identity of what keeps them."""
    kept = {}
    for leaf in leaves_of(predictor):
        network = getattr(leaf, "network", leaf)
        if hasattr(network, "named_parameters"):
            kept[id(network)] = count_network(network, learned)
        else:
            params = int(getattr(leaf, "params", 0))
            kept[id(leaf)] = params, 8 * params
    return kept


def count_kept(predictor: Any, views: Sequence[View], learned: bool = False) -> tuple[int, int]:
    """Return how many numbers a predictor, its members and its pretrained encoders keep, and how many bytes these take.

    What two members share counts once, and so do two encoders of the same weights.
    """
    kept: dict[Any, tuple[int, int]] = {**count_leaves(predictor, learned)}
    for view in encoded_by(predictor, views):
        assert view.frozen is not None
        kept[view.frozen.weights] = count_network(view.frozen.network)
    return sum(numbers for numbers, _ in kept.values()), sum(size for _, size in kept.values())


def chain_of(candidate: Candidate) -> list[Candidate]:
    """Return a candidate, those that it is made of, and those whose weights it started from, each once."""
    found = [candidate]
    for one in found:  # it grows meanwhile
        found += [other for other in dict.fromkeys([*one.parts, *one.after]) if other not in found]
    return found


@dataclass
class Costs:
    """Counts what candidates of one study cost. learned: (rows,) those that training looked at."""

    table: Table
    prepared: Prepared
    learned: np.ndarray
    times: dict[str, float] = field(default_factory=dict)  # of the encoder of each view, seconds for one cell

    def of(self, candidate: Candidate, latency_ms: float) -> Cost:
        """Return the cost of a candidate, which takes so many milliseconds for one row that is encoded already."""
        params, size = count_kept(candidate.predictor, self.prepared.views)
        seconds = sum(one.seconds for one in chain_of(candidate))
        for view in encoded_by(candidate.predictor, self.prepared.views):
            cells = self.prepared.cells[view.name][self.learned]
            each = self.time_cell(view)
            seconds += each * int(cells.sum())
            latency_ms += 1000 * each * (cells.sum() / len(cells) if len(cells) else cells.shape[1])
        return Cost(params, size, latency_ms, seconds)

    def time_cell(self, view: View) -> float:
        """Return the seconds that the pretrained encoder of a view takes for a cell, of a few that it is given."""
        if view.name not in self.times:
            frozen, cells = view.frozen, self.prepared.cells[view.name]
            assert frozen is not None
            rows = np.flatnonzero(cells.any(1))[:ROWS]
            with ThreadPoolExecutor(1) as pool:
                raw, there, _ = replace(view, how="given").prepare(self.table.take(rows), pool, keep=False)
            inputs, device = raw.reshape(-1, *frozen.shape)[there.ravel()], encoding_device()
            frozen.encode(inputs[:1], device)  # once to get warm
            began = time.perf_counter()
            frozen.encode(inputs, device)
            self.times[view.name] = (time.perf_counter() - began) / max(1, len(inputs))
        return self.times[view.name]


def time_row(predictor: Any, batch: Batch) -> float:
    """Return the milliseconds that a predictor takes for one row of a batch that is prepared already.

    The features of the batch are made once for all who are timed on it, and what they took counts for each of these.
    """
    leaves = leaves_of(predictor)
    made_by_hand = [leaf for leaf in leaves if isinstance(leaf, OfFeatures)]
    making = features_seconds(batch, [(name, leaf.layouts) for leaf in made_by_hand for name in leaf.input_names])
    if len(made_by_hand) < len(leaves):
        predictor(batch)  # once to get warm
    began = time.perf_counter()
    predictor(batch)
    answering = time.perf_counter() - began
    return 1000 * (answering + making) / max(1, len(next(iter(batch.present.values()))))
