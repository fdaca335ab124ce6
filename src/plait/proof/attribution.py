"""How much each modality made of every answer, and what is inside the modalities of one row: asks any predictor.
Knows strands and predictors, not how a model is fitted or saved, nor how the answer is told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.classes import place_of
from plait.core.contract import Table, answer_subsets, as_array
from plait.errors import RequestError
from plait.models.rows import CHUNK, Callback, Prepared, prepare, quiet
from plait.models.views import View
from plait.proof.explanation import Explanation
from plait.proof.inside import Detail, drill_row
from plait.proof.shapley import Keep, Shares, Values, draw_orders, explain_game, needed_subsets

ROWS = 128  # answered at a time


def explain_table(
    table: Table,
    strands: Sequence[View],
    predictor: Any,
    *,
    classes: Sequence[Any] | None,
    row: int | None = None,
    seed: int = 0,
    callback: Callback = quiet,
    prepared: Prepared | None = None,
    cover: int | None = None,
) -> Explanation:
    """Return what each modality made of the answer to every row, or to one row with what is inside its modalities.
    The number explained is the probability of the class that is predicted with all that is present (of several labels
    a row the surest), or for a number (classes None) the value. Up to 8 modalities the shares are exact; above, a mean
    over orders drawn from the seed, with an error. prepared: the rows of the table, where that has been done, else in
    chunks. cover: how many patches of a cell a pretrained encoder sees covered, at most. Raises RequestError for a row
    that there is not."""
    if row is not None:
        if not 0 <= row < len(table):
            raise RequestError(f"there is no row {row}; rows are numbered from 0 to {len(table) - 1}.")
        table = table.take([row])
        prepared = None if prepared is None else prepared.take(np.array([row]))
    names = [strand.name for strand in strands if strand.name in predictor.names]
    used = [strand for strand in strands if strand.of in names]
    generator = np.random.default_rng(seed)
    orders = draw_orders(names, generator)
    keeps = needed_subsets(names, orders)  # from none to all
    numbers, shares, statuses, absent = [], [], [], []
    details: list[Detail] = []
    pairs: dict[str, dict[str, Any]] = {}
    subsets: dict[str, np.ndarray] = {}
    for start in range(0, max(1, len(table)), 4 * CHUNK):
        rows = np.arange(start, min(start + 4 * CHUNK, len(table)))
        chunk = table.take(rows)
        part = prepare(chunk, used) if prepared is None else prepared.take(rows)
        statuses += part.statuses(names)
        absent += [{name: why for name, why in reasons.items() if name in names} for reasons in part.reasons]
        for first in range(0, max(1, len(chunk)), ROWS):
            batch = part.batch(np.arange(first, min(first + ROWS, len(chunk))))
            batch.answers = {}  # members of several are asked once
            answers = [np.asarray(answer, np.float64) for answer in answer_subsets(predictor, batch, keeps)]
            batch.answers = None
            guess = place_of(answers[-1], classes) if classes is not None else np.zeros(len(answers[-1]), np.int64)
            values = {k: answer[np.arange(len(guess)), guess] for k, answer in zip(keeps, answers, strict=True)}
            present = {name: as_array(batch.present[name]) for name in names}
            shares.append(_share(values, names, orders, present))
            numbers.append((guess, values[keeps[-1]], values[()], *present.values()))
            if row is not None:
                subsets = {"+".join(keep): answer[0] for keep, answer in zip(keeps, answers, strict=True)}
            if row is not None and statuses[0][0] != "failed":
                pairs = _pair_up(values, [name for name in names if present[name][0]]) if classes is not None else {}
                details = drill_row(chunk, used, predictor, batch, int(guess[0]), generator, cover)
            callback({"stage": "explain", "done": min(start + first + ROWS, len(table)), "total": len(table)})
    guess, prediction, base, *flags = (np.concatenate(parts) for parts in zip(*numbers, strict=True))
    failed = np.array([status == "failed" for status, _ in statuses], bool)
    prediction[failed] = base[failed] = np.nan
    labels = [
        None if bad else float(value) if classes is None else classes[int(code)]
        for bad, value, code in zip(failed, prediction, guess, strict=True)
    ]
    return Explanation(
        classes=None if classes is None else list(classes),
        labels=labels,
        prediction=prediction,
        base=base,
        division=Shares.join(shares),
        present=dict(zip(names, flags, strict=True)),
        statuses=statuses,
        absent=absent,
        prior=_prior(predictor, used, classes),
        row=row,
        details=details,
        unused=[s.name for s in strands if s.is_main and s.name not in names],
        pairs=pairs,
        subsets=subsets,
    )


def _share(values: Values, names: Sequence[str], orders: Sequence[Keep], present: Mapping[str, np.ndarray]) -> Shares:
    """Return the shares of rows; what is absent changes nothing, so its share is 0 up to rounding: here it is 0."""
    drawn = explain_game(values, names, orders)
    parts = (drawn.shares, drawn.errors)
    shares, errors = ({name: np.where(present[name], x, 0.0) for name, x in part.items()} for part in parts)
    both = {f"{a}+{b}": present[a] & present[b] for a, b in itertools.combinations(sorted(names), 2)}
    synergy = {pair: np.where(both[pair], x, 0.0) for pair, x in drawn.synergy.items()}
    return Shares(shares, synergy, errors, drawn.exact)


def _pair_up(values: Values, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what each two modalities of the one row say together and alone, and the gain over the better of them."""
    pairs = {}
    for pair in itertools.combinations(sorted(names), 2):
        if all(keep in values for keep in (pair, pair[:1], pair[1:])):
            together, alone = float(values[pair][0]), {name: float(values[(name,)][0]) for name in pair}
            facts = {"together": together, "alone": alone, "value": together - max(alone.values())}
            pairs["+".join(pair)] = facts
    return pairs


def _prior(predictor: Any, strands: Sequence[View], classes: Sequence[Any] | None) -> Any:
    """Return what the predictor says of a row with nothing in it."""
    empty = Table({column: np.array([None], object) for strand in strands for column in strand.modality.columns})
    answer = np.asarray(predictor(prepare(empty, strands).batch(np.arange(1))))[0]
    if classes is None:
        return float(answer[0])
    return {str(name): float(share) for name, share in zip(classes, answer, strict=True)}
