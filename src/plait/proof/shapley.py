"""Which player of a game made how much of the result: Shapley values, interactions, and weights of many parts.
A game is what a predictor says with each subset of modalities present: {names: (rows,)}. Knows functions and arrays
only; no table, no network, no modality."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_EXACT = 8  # modalities: 256 subsets; above that orders are drawn
PAIRS = 32  # pairs of orders, one the other backwards
FEWEST_SAMPLES = 32  # subsets of parts that are answered

Keep = tuple[str, ...]
Values = Mapping[Any, np.ndarray]  # {a tuple or frozenset of names: (rows,)}
Answer = Callable[[np.ndarray], np.ndarray]  # kept (step, part) bool → (step,)


@dataclass(frozen=True)
class Shares:
    """What each name adds, and each pair beyond its two parts; all (rows,)."""

    shares: dict[str, np.ndarray]  # they add up to the value with all minus the value with none
    synergy: dict[str, np.ndarray]  # "audio+image": above 0 worth more together, below 0 they say the same
    errors: dict[str, np.ndarray]  # the standard error of each share, 0 where it is exact
    exact: bool = True

    def take(self, rows: np.ndarray) -> Shares:
        """Return the shares of these rows, by index or a boolean for each row."""
        shares, synergy, errors = ({n: x[rows] for n, x in part.items()} for part in self._parts())
        return Shares(shares, synergy, errors, self.exact)

    @classmethod
    def join(cls, several: Sequence[Shares]) -> Shares:
        """Return the shares of several batches of rows as one."""
        parts = zip(*[each._parts() for each in several], strict=True)
        shares, synergy, errors = ({n: np.concatenate([part[n] for part in some]) for n in some[0]} for some in parts)
        return cls(shares, synergy, errors, several[0].exact)

    def _parts(self) -> tuple[dict[str, np.ndarray], ...]:
        return self.shares, self.synergy, self.errors


def explain_game(values: Values, names: Sequence[str], orders: Sequence[Keep] = ()) -> Shares:
    """Return shares and synergy of a game: exact, or from orders where some are given."""
    game = {frozenset(keep): np.asarray(value, np.float64) for keep, value in values.items()}
    if not orders:
        shares = _over_all(game, names, 1)
        return Shares(shares, _over_all(game, sorted(names), 2), {name: np.zeros_like(x) for name, x in shares.items()})
    # an order and its reverse are one sample (Mitchell and others 2022), whose spread gives the error
    pairs = {name: gains.reshape(-1, 2, gains.shape[1]).mean(1) for name, gains in _over_some(game, orders, 1).items()}
    shares = {name: x.mean(0) for name, x in pairs.items()}
    errors = {name: x.std(0, ddof=1) / math.sqrt(len(x)) for name, x in pairs.items()}
    synergy = {pair: gains.mean(0) for pair, gains in _over_some(game, orders, 2).items()}
    return Shares(shares, synergy, errors, exact=False)


def needed_subsets(names: Sequence[str], orders: Sequence[Keep] = ()) -> list[Keep]:
    """Return the subsets whose values `explain_game` asks for, names sorted in each; the empty one is the first."""
    if not orders:
        return [keep for size in range(len(names) + 1) for keep in itertools.combinations(sorted(names), size)]
    keeps: set[Keep] = {()}
    for order in orders:
        keeps |= {tuple(sorted(order[: place + 1])) for place in range(len(order))}
        # the next one without this one, for the interaction of the two
        keeps |= {tuple(sorted((*order[:place], order[place + 1]))) for place in range(len(order) - 1)}
    return sorted(keeps, key=lambda keep: (len(keep), keep))


def draw_orders(names: Sequence[str], generator: np.random.Generator) -> list[Keep]:
    """Return orders of the names at random, each followed by itself backwards, which makes the estimate steadier.
    Up to MOST_EXACT names there is no need for them, and the list is empty."""
    if len(names) <= MOST_EXACT:
        return []
    ordered = sorted(names)
    drawn = [tuple(ordered[i] for i in generator.permutation(len(ordered))) for _ in range(PAIRS)]
    return [order for forwards in drawn for order in (forwards, forwards[::-1])]


def _over_all(game: Values, names: Sequence[str], num: int) -> dict[str, np.ndarray]:
    """Return what each num names add together, (rows,): the mean over all orders of those before them.
    One: its Shapley value (Shapley 1953; Lundberg and Lee 2017). Two: their interaction index (Grabisch and Roubens
    1999)."""
    rest = len(names) - num
    chance = [math.factorial(size) * math.factorial(rest - size) / math.factorial(rest + 1) for size in range(rest + 1)]
    added: dict[str, Any] = {}
    for players in itertools.combinations(names, num):
        others = [name for name in names if name not in players]
        keeps = [keep for size in range(rest + 1) for keep in itertools.combinations(others, size)]
        added["+".join(players)] = sum(chance[len(keep)] * _gain(game, keep, players) for keep in keeps)
    return added


def _over_some(game: Values, orders: Sequence[Keep], num: int) -> dict[str, np.ndarray]:
    """Return what num neighbours of an order add to those before them, (order, rows) for each (Castro and others 2009).
    Where two neighbours stand in an order drawn at random, those before them are drawn as the index weighs them."""
    added: dict[str, list[np.ndarray]] = {}
    for order in orders:
        for place in range(len(order) - num + 1):
            players = order[place : place + num]
            added.setdefault("+".join(sorted(players)), []).append(_gain(game, order[:place], players))
    return {key: np.stack(added[key]) for key in sorted(added)}


def _gain(game: Values, keep: Keep, players: Keep) -> Any:
    """Return what players add to keep together, beyond what fewer of them add."""
    parts = itertools.product((False, True), repeat=len(players))
    chosen = [tuple(itertools.compress(players, part)) for part in parts]
    return sum((-1) ** (len(players) - len(some)) * game[frozenset((*keep, *some))] for some in chosen)


def weigh_parts(answer: Answer, num: int, generator: np.random.Generator) -> np.ndarray:
    """Return how much less is left without each of num parts: (part,), the weights of a line through many answers.
    answer: kept (step, part) bool → (step,), the value with only those parts. A line by least squares with the weights
    of the Shapley kernel (Lundberg and Lee 2017). Up to 5 parts every subset counts that keeps some; above, 4 for each
    part are drawn, in pairs that complete each other (Covert and Lee 2021). The value with no part at all would bend
    all weights, as no text is something else than a short text; only a part that is alone is weighed against it."""
    if num < 2:
        none, whole = np.asarray(answer(np.array([[False] * num, [True] * num])), np.float64)
        return np.array([whole - none][:num])
    sizes = np.arange(1, num)
    chance = 1 / (sizes * (num - sizes))  # of a size; within it all subsets are alike
    if 2**num <= FEWEST_SAMPLES:
        kept = np.array(list(itertools.product((False, True), repeat=num))[1:-1])
        weight = np.array([chance[size - 1] / math.comb(num, int(size)) for size in kept.sum(1)])
    else:
        half = np.zeros((max(FEWEST_SAMPLES, 4 * num) // 2, num), bool)
        for row, size in zip(half, generator.choice(sizes, len(half), p=chance / chance.sum()), strict=True):
            row[generator.permutation(num)[:size]] = True
        kept = np.concatenate([half, ~half])
        weight = np.ones(len(kept))
    values = np.asarray(answer(np.concatenate([kept, np.ones((1, num), bool)])), np.float64)
    root = np.sqrt(weight / weight.sum())[:, None]
    gone, lost = ~kept * root, (values[-1] - values[:-1])[:, None] * root
    # a little ridge, should the draws leave two parts always together
    return np.linalg.solve(gone.T @ gone + 1e-9 * np.eye(num), gone.T @ lost)[:, 0]


def sum_up(parts: Shares, present: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what matters over all rows, as JSON: {"modalities": {name: …}, "synergy": {pair: mean}}.
    For each name: "share", the mean of the absolute shares as a part of the sum of all; "mean", the mean with its sign;
    "present", the rows that have it. present: {name: (rows,) bool}. A row without it counts, with a share of 0. Without
    rows the numbers are None."""

    def mean(x: np.ndarray) -> float | None:
        return float(x.mean()) if len(x) else None

    sizes = {name: mean(np.abs(x)) for name, x in parts.shares.items()}
    total = sum(size or 0.0 for size in sizes.values()) or 1.0
    modalities = {}
    for name, size in sizes.items():
        facts = {"mean": mean(parts.shares[name]), "present": int(present[name].sum())}
        modalities[name] = {"share": None if size is None else size / total, **facts}
    return {"modalities": modalities, "synergy": {pair: mean(x) for pair, x in parts.synergy.items()}}
