"""Which player of a game made how much of the result: Shapley values, interactions, deletion and insertion curves.

A game is what a predictor says with each subset of modalities present: {names: (rows,)}. Knows functions and arrays
only; no table, no network, no modality.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.errors import RequestError

MOST_EXACT = 8  # modalities: 256 subsets; above that orders are drawn
PAIRS = 32  # pairs of orders, one the other backwards
MOST_STEPS = 32  # of a curve
FEWEST_SAMPLES = 32  # subsets of parts that are answered

Keep = tuple[str, ...]
Values = Mapping[Any, np.ndarray]  # {a tuple or frozenset of names: (rows,)}
Answer = Callable[[np.ndarray], np.ndarray]  # kept (step, part) bool → (step,)


@dataclass(frozen=True)
class Shares:
    """What each name adds, and each pair beyond its two parts; all (rows,).

    shares: they add up to the value with all minus the value with none. synergy: {"audio+image": (rows,)}, above 0
    where two are worth more together, below 0 where they say the same. errors: the standard error of each share, 0
    where it is exact.
    """

    shares: dict[str, np.ndarray]
    synergy: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    exact: bool = True

    def take(self, rows: np.ndarray) -> Shares:
        """Return the shares of these rows, by index or a boolean for each row."""
        parts = ({n: x[rows] for n, x in part.items()} for part in (self.shares, self.synergy, self.errors))
        shares, synergy, errors = parts
        return Shares(shares, synergy, errors, self.exact)

    @classmethod
    def join(cls, found: Sequence[Shares]) -> Shares:
        """Return the shares of several batches of rows as one."""

        def joined(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

        shares, synergy = joined([f.shares for f in found]), joined([f.synergy for f in found])
        return cls(shares, synergy, joined([f.errors for f in found]), found[0].exact)


def explain_game(values: Values, names: Sequence[str], orders: Sequence[Keep] = ()) -> Shares:
    """Return shares and synergy of a game: exact, or from orders where some are given (see `draw_orders`)."""
    if orders:
        shares, errors = sampled_shapley(values, orders)
        return Shares(shares, sampled_interactions(values, orders), errors, exact=False)
    shares = shapley(values, names)
    return Shares(shares, interactions(values, names), {name: np.zeros_like(x) for name, x in shares.items()})


def needed_subsets(names: Sequence[str], orders: Sequence[Keep] = ()) -> list[Keep]:
    """Return the subsets whose values `explain_game` asks for, names sorted in each; the empty one is the first."""
    if not orders:
        return [keep for size in range(len(names) + 1) for keep in itertools.combinations(sorted(names), size)]
    found: dict[Keep, None] = {(): None}
    for order in orders:
        for place in range(len(order)):
            found[tuple(sorted(order[: place + 1]))] = None
            if place + 1 < len(order):  # the next one without this one, for the interaction of the two
                found[tuple(sorted((*order[:place], order[place + 1])))] = None
    return sorted(found, key=lambda keep: (len(keep), keep))


def draw_orders(names: Sequence[str], generator: np.random.Generator, pairs: int = PAIRS) -> list[Keep]:
    """Return orders of the names at random, each followed by itself backwards, which makes the estimate steadier.

    Up to MOST_EXACT names there is no need for them, and the list is empty.
    """
    if len(names) <= MOST_EXACT:
        return []
    ordered = sorted(names)
    drawn = [tuple(ordered[i] for i in generator.permutation(len(ordered))) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def shapley(values: Values, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the Shapley value of each name, (rows,), from the values of all subsets (Shapley 1953).

    The mean of what a name adds, over all orders in which they can come; for predictors Lundberg and Lee 2017. The
    values add up to the value of all minus the value of none. Raises RequestError when a subset has no value.
    """
    game = _Game(values)
    num = len(names)
    shares = {}
    for name in names:
        others = [other for other in names if other != name]
        share = np.zeros_like(game())
        for size in range(num):
            weight = math.factorial(size) * math.factorial(num - size - 1) / math.factorial(num)
            for keep in itertools.combinations(others, size):
                share = share + weight * (game(*keep, name) - game(*keep))
        shares[name] = share
    return shares


def interactions(values: Values, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the Shapley interaction index of each pair, {"audio+image": (rows,)} (Grabisch and Roubens 1999).

    Above 0 the two are worth more together than apart, below 0 one makes up for the other. Raises RequestError when a
    subset has no value.
    """
    game = _Game(values)
    num = len(names)
    found = {}
    for one, two in itertools.combinations(sorted(names), 2):
        others = [other for other in names if other not in (one, two)]
        index = np.zeros_like(game())
        for size in range(num - 1):
            weight = math.factorial(size) * math.factorial(num - size - 2) / math.factorial(num - 1)
            for keep in itertools.combinations(others, size):
                index = index + weight * game.together(keep, one, two)
        found[f"{one}+{two}"] = index
    return found


def sampled_shapley(values: Values, orders: Sequence[Keep]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return shares and their standard errors, both (rows,) for each name, from orders as `draw_orders` gives them.

    The mean of what a name adds when it comes (Castro and others 2009); along each order this adds up to the whole, so
    the means do too. An order and its reverse are one sample (Mitchell and others 2022), whose spread gives the error.
    """
    game = _Game(values)
    added: dict[str, list[np.ndarray]] = {name: [] for name in sorted(orders[0])}
    for order in orders:
        for place, name in enumerate(order):
            added[name].append(game(*order[: place + 1]) - game(*order[:place]))
    shares, errors = {}, {}
    for name, gains in added.items():
        pairs = np.stack(gains).reshape(len(orders) // 2, 2, -1).mean(1)
        shares[name] = pairs.mean(0)
        errors[name] = (
            pairs.std(0, ddof=1) / math.sqrt(len(pairs)) if len(pairs) > 1 else np.full_like(pairs[0], np.nan)
        )
    return shares, errors


def sampled_interactions(values: Values, orders: Sequence[Keep]) -> dict[str, np.ndarray]:
    """Return an estimate of the interaction index of each pair that stands side by side in one of the orders.

    Where two neighbours stand in an order drawn at random, those before them are drawn as the index weighs them.
    """
    game = _Game(values)
    found: dict[str, list[np.ndarray]] = {}
    for order in orders:
        for place, (one, two) in enumerate(itertools.pairwise(order)):
            found.setdefault("+".join(sorted((one, two))), []).append(game.together(order[:place], one, two))
    return {pair: np.mean(found[pair], axis=0) for pair in sorted(found)}


class _Game:
    """The values of a game by any order of names."""

    def __init__(self, values: Values) -> None:
        self.values = {frozenset(keep): np.asarray(value, np.float64) for keep, value in values.items()}

    def __call__(self, *keep: str) -> np.ndarray:
        try:
            return self.values[frozenset(keep)]
        except KeyError:
            said = ", ".join(sorted(keep)) or "nothing"
            raise RequestError(f"there is no value for the subset with {said}; expected one for each subset.") from None

    def together(self, keep: Iterable[str], one: str, two: str) -> np.ndarray:
        """Return what two names add to keep together, beyond what each adds by itself."""
        kept = tuple(keep)
        return self(*kept, one, two) - self(*kept, one) - self(*kept, two) + self(*kept)


def weigh_parts(answer: Answer, num: int, generator: np.random.Generator) -> np.ndarray:
    """Return how much less is left without each of num parts: (part,), the weights of a line through many answers.

    answer: kept (step, part) bool → (step,), the value with only those parts. The value of all minus the weights of
    what is left out comes as near as a line can, by least squares with the weights of the Shapley kernel (Lundberg and
    Lee 2017). Up to 5 parts every subset counts that keeps some; above, 4 for each part are drawn, in pairs that
    complete each other (Covert and Lee 2021). A line through the value with no part at all would bend all weights, as
    no text is something else than a short text; only a part that is alone is weighed against it.
    """
    if num < 2:
        said = np.asarray(answer(np.array([[False] * num, [True] * num])), np.float64)
        return (said[1:] - said[:1])[:num]
    sizes = np.arange(1, num)
    chance = 1 / (sizes * (num - sizes))  # of a size; within it all subsets are alike
    if 2**num <= FEWEST_SAMPLES:
        kept = np.array(list(itertools.product((False, True), repeat=num))[1:-1])
        count = kept.sum(1)
        weight = chance[count - 1] / np.array([math.comb(num, int(size)) for size in count])
    else:
        half = np.zeros((max(FEWEST_SAMPLES, 4 * num) // 2, num), bool)
        for row, size in zip(half, generator.choice(sizes, len(half), p=chance / chance.sum()), strict=True):
            row[generator.permutation(num)[:size]] = True
        kept = np.concatenate([half, ~half])
        weight = np.ones(len(kept))
    said = np.asarray(answer(np.concatenate([kept, np.ones((1, num), bool)])), np.float64)
    root = np.sqrt(weight / weight.sum())[:, None]
    gone, lost = ~kept * root, (said[-1] - said[:-1])[:, None] * root
    # a little ridge, should the draws leave two parts always together
    return np.linalg.solve(gone.T @ gone + 1e-9 * np.eye(num), gone.T @ lost)[:, 0]


def sum_up(found: Shares, present: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what matters over all rows, as JSON: {"modalities": {name: …}, "synergy": {pair: mean}}.

    For each name: "share", the mean of the absolute shares as a part of the sum of all; "mean", the mean with its sign;
    "present", the rows that have it. present: {name: (rows,) bool}. A row without it counts, with a share of 0. Without
    rows the numbers are None.
    """
    sizes = {name: float(np.abs(x).mean()) if len(x) else math.nan for name, x in found.shares.items()}
    total = sum(sizes.values())
    modalities = {
        name: {
            "share": None if math.isnan(total) else size / total if total > 0 else 0.0,
            "mean": None if math.isnan(total) else float(found.shares[name].mean()),
            "present": int(present[name].sum()),
        }
        for name, size in sizes.items()
    }
    return {
        "modalities": modalities,
        "synergy": {p: float(x.mean()) if len(x) else None for p, x in found.synergy.items()},
    }


@dataclass(frozen=True)
class Curve:
    """What a predictor says while parts go or come: share of the parts (step,), values (step,), and the mean height."""

    parts: np.ndarray
    values: np.ndarray
    area: float


def deletion_curve(answer: Answer, order: Sequence[int] | np.ndarray) -> Curve:
    """Return the curve while parts are taken away in this order, most important first; the lower, the better.

    answer: kept (step, part) bool → (step,), the value with only those parts. order: the number of each part once.
    Petsiuk and others 2018, "RISE".
    """
    return _curve(answer, order, gone=True)


def insertion_curve(answer: Answer, order: Sequence[int] | np.ndarray) -> Curve:
    """Return the curve while parts come back in this order; the higher, the better; see `deletion_curve`."""
    return _curve(answer, order, gone=False)


def _curve(answer: Answer, order: Sequence[int] | np.ndarray, gone: bool) -> Curve:
    places = np.asarray(order, np.int64)
    num = len(places)
    if not np.array_equal(np.sort(places), np.arange(num)) or not num:
        raise RequestError(f"the order holds {num} numbers; expected each of 0 to {max(0, num - 1)} once.")
    moved = np.unique(np.linspace(0, num, min(num, MOST_STEPS) + 1).round().astype(int))
    rank = np.empty(num, np.int64)
    rank[places] = np.arange(num)
    touched = rank[None, :] < moved[:, None]
    values = np.asarray(answer(~touched if gone else touched), np.float64)
    share = moved / num
    area = float(((values[1:] + values[:-1]) / 2 * np.diff(share)).sum())
    return Curve(share, values, area)
