"""What each modality was worth: the score of a model, split over its modalities in points, and what pairs reach.
The value of a set of modalities is the score with the others masked. Takes what was answered given each set; knows no
model and no table."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.language import say
from plait.core.terminal import text_table
from plait.core.words import LOWER_IS_BETTER, metric_name, number, percent, signed, tested_rows
from plait.proof.metrics import draw
from plait.proof.paired import BLOCK, MANY_GROUPS, POINTS, Yardstick
from plait.proof.shapley import Keep, explain_game
from plait.proof.spans import LEVEL, Z, jackknife_reach

RESAMPLES = 1000
QUICK = ("accuracy", "balanced_accuracy", "log_loss", "mae", "rmse", "r2")  # of which many rows take no time
SAME = 1e-9  # below which resamples do not differ
PAIR = ("pair", "together", "the better alone", "gain")  # the header of their table
MOST_PAIRS = 6  # that are told; JSON has them all


def split_score(
    answers: Mapping[Keep, np.ndarray],
    names: Sequence[str],
    yardstick: Yardstick,
    generator: np.random.Generator,
    orders: Sequence[Keep] = (),
) -> dict[str, Any]:
    """Return what each modality adds to the score, as its Shapley value, and what each pair reaches, as JSON.

    answers: for each set that `needed_subsets` of names and orders asks for, (rows, class) or (rows, 1) with only these
    modalities there; the empty one is what is said of a row of which nothing is known. A gain is positive where the
    score is better, of errors too, and has its 95 % interval: a bootstrap by percentiles (Efron 1979) of rows, or of
    groups; of up to 100 groups the jackknife, by t. Where no row makes a difference, points get the width of the score
    interval for none of so many, and the error of drawn orders widens it.
    """
    metric = yardstick.metric
    sign = -1 if metric in LOWER_IS_BETTER else 1
    blocks = list(_weigh(yardstick, generator))
    game = {
        frozenset(keep): sign * np.concatenate([yardstick.scores(said, weights) for weights in blocks])
        for keep, said in answers.items()
    }
    found = explain_game(game, names, orders)
    pairs = {}
    for pair in itertools.combinations(sorted(names), 2):
        sides = [frozenset(side) for side in (pair, pair[:1], pair[1:])]
        if all(side in game for side in sides):
            both, *alone = (game[side] for side in sides)
            better = max(alone, key=lambda reached: np.nan_to_num(reached[0], nan=-np.inf))
            reached = {name: _finite(sign * x[0]) for name, x in zip(pair, alone, strict=True)}
            facts = {"together": _finite(sign * both[0]), "alone": reached}
            pairs["+".join(pair)] = {**facts, **_span(both - better, yardstick)}
    return {
        "metric": metric,
        "rows": len(yardstick),
        "groups": yardstick.num_groups or None,
        "value": _finite(sign * game[frozenset(names)][0]),
        "prior": _finite(sign * game[frozenset()][0]),
        "modalities": {
            name: _span(found.shares[name], yardstick, float(found.errors[name][0])) for name in sorted(names)
        },
        "pairs": pairs,
    }


def _weigh(yardstick: Yardstick, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Give what each row counts (row, resample), in blocks: all rows once, then resamples, or without each group."""
    num, units = len(yardstick), yardstick.num_groups or len(yardstick)
    groups = np.arange(num) if yardstick.groups is None else yardstick.groups
    yield np.ones((num, 1), np.float32)
    if 0 < yardstick.num_groups <= MANY_GROUPS:
        yield (groups[:, None] != np.arange(units)).astype(np.float32)
        return
    step = max(1, BLOCK // num)
    for start in range(0, RESAMPLES, step):
        weights = draw(generator, units, min(step, RESAMPLES - start))
        yield weights if yardstick.groups is None else weights[groups]


def _span(drawn: np.ndarray, yardstick: Yardstick, error: float = 0.0) -> dict[str, float | None]:
    """Return a gain with its interval. drawn: (1 + resample,), the gain itself first. error: of drawn orders."""
    value, rest = float(drawn[0]), drawn[1:][~np.isnan(drawn[1:])]
    if np.isnan(value) or not len(rest):
        return {"value": _finite(value), "low": None, "high": None}
    if yardstick.metric in POINTS and np.ptp(rest) < SAME:
        reach = Z**2 / (len(yardstick) + Z**2)  # half the width of the score interval where no row differs
        low, high = value - reach, value + reach
    elif 0 < yardstick.num_groups <= MANY_GROUPS:
        reach = jackknife_reach(drawn[1:])
        low, high = value - reach, value + reach
    else:
        low, high = np.quantile(rest, [LEVEL / 2, 1 - LEVEL / 2]).tolist()
    low, high = (float(np.hypot(min(0.0, end), Z * error)) for end in (low - value, value - high))
    return {"value": value, "low": value - low, "high": value + high}


def _finite(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def say_worth(worth: Mapping[str, Any]) -> list[str]:
    """Return what mattered, as lines of text: what each modality adds to the score, and what pairs reach."""
    points, lower = worth["metric"] in POINTS, worth["metric"] in LOWER_IS_BETTER
    header = [say("modality"), say("points") if points else say("saved" if lower else "adds"), say("95 % interval")]
    header += [say("of the prior's")] if lower else []
    found = sorted(worth["modalities"].items(), key=lambda item: -(item[1]["value"] or 0.0))
    table = [
        [name, signed(gain["value"], points), say_ends(gain, points)] + ([share_of(gain, worth)] if lower else [])
        for name, gain in found
    ]
    said = "What mattered, in {unit}, on {rows}: {prior} with nothing known, {value} with all."
    told = {"unit": say_unit(worth), "rows": say_tests(worth)}
    told |= {name: number(worth[name]) for name in ("prior", "value")}
    lines = [say(said, **told), "", text_table(header, table)]
    pairs = sorted(worth["pairs"].items(), key=lambda item: -abs(item[1]["value"] or 0.0))[:MOST_PAIRS]
    both = [[pair, *say_pair(facts, worth["metric"])] for pair, facts in pairs]
    return [*lines, "", text_table([*map(say, PAIR)], both)] if both else lines


def say_unit(worth: Mapping[str, Any]) -> str:
    """Return in what gains are told: points of accuracy, log loss saved, r2."""
    named = metric_name(worth["metric"])
    points, lower = worth["metric"] in POINTS, worth["metric"] in LOWER_IS_BETTER
    return say("points of {name}", name=named) if points else say("{name} saved", name=named) if lower else named


def say_tests(worth: Mapping[str, Any]) -> str:
    """Return on which rows: 150 test rows of 47 groups, drawn from 900."""
    return tested_rows(worth["rows"], worth["groups"], worth.get("repeats", 0), worth.get("of", 0))


def say_pair(facts: Mapping[str, Any], metric: str) -> tuple[str, str, str]:
    """Return what a pair reaches together, what the better of the two does alone, and the gain, as text."""
    points, lower = metric in POINTS, metric in LOWER_IS_BETTER
    known = {name: value for name, value in facts["alone"].items() if value is not None}
    if not known:
        return number(facts["together"]), number(None), number(None)
    better = (min if lower else max)(known, key=lambda name: known[name])
    gain = signed(facts["value"], points)
    gain = say("{size} points", size=gain) if points else gain
    return (
        number(facts["together"]),
        f"{number(known[better])} ({better})",
        f"{gain} ({say_ends(facts, points)})",
    )


def say_ends(gain: Mapping[str, Any], points: bool) -> str:
    """Return an interval as text.

    >>> say_ends({"low": -0.018, "high": 0.009}, True)
    '−1.8 to 0.9'
    """
    low, high = (signed(gain[end], points, plus="") for end in ("low", "high"))
    return low if gain["low"] is None else say("{low} to {high}", low=low, high=high)


def share_of(gain: Mapping[str, Any], worth: Mapping[str, Any]) -> str:
    """Return a gain in percent of the prior's error."""
    return percent(gain["value"] / worth["prior"], 0) if gain["value"] is not None and worth["prior"] else percent(None)
