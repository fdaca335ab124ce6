"""A space, chosen and not believed: candidates learn on training rows, validation decides, test rows are seen once.

Knows features, classes and parts of a split; no model and no table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import torch

from plait.core.terminal import Callback, quiet
from plait.core.words import count, number
from plait.errors import RequestError
from plait.runs.embedding import BEFORE, Head, Space, mean_vector, unit
from plait.space.cca import FEWEST, FOLDS, fit_cca, fit_held
from plait.space.heads import fit_heads
from plait.space.lesson import Lesson
from plait.space.measures import TOPS, Found, find_all, never_paired

SHRINKS = (0.1, 0.2, 0.3)
HELD = (0.3, 0.6, 0.9)  # where correlations are held out, more shrinkage costs little and steadies the directions
DIM = 64
SAMPLES = 256  # rows whose vectors stay with the space, from which chance is known
SIMPLEST = (
    "cca",
    "held",
    "classes",
    "before",
    "vicreg",
    "infonce",
)  # the simplest first: it wins where others are as good
POWERS = (1, 2, 4)  # of the sharpness of a modality, by which it counts in a query of several cells
SHARPNESS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # of cosines, as logarithms of probabilities
REACH = 1.96
ON_KNOWN = (
    "The run has learned from the validation rows too, so that the choice leans to what it knows by heart; fit anew, "
    "with --refit none, to choose by rows never seen."
)
ON_PROOF = "Chosen and measured with the run as it was when it was proven; it has learned from more rows since."
ALL_KNOWN = (
    "The run has learned from all rows since it was proven: how well its space finds others is not known. Score rows "
    "never seen, plait search INDEX --evaluate TABLE, or fit with --refit none."
)


def learn_space(lesson: Lesson, aim: str, callback: Callback = quiet, proof: Lesson | None = None) -> Space:
    """Learn the candidates, choose by what validation rows find, and say what the test rows say of the chosen one.

    proof: the same rows as the run saw them before it learned from more of them; by these is chosen and measured.
    Raises RequestError where the rows have no two modalities together, or no classes though they are asked for.
    """
    if aim == "kind" and lesson.classes is None:
        raise RequestError(
            "to find the same kind a target of classes is needed, in the run and in the table; or ask for the very "
            "row: --for rows."
        )
    train, val = lesson.take(lesson.rows("train")), lesson.take(lesson.rows("val"))
    there = {name: ~np.isnan(x).all(1) for name, x in train.features.items()}
    pairs = [(there[a] & there[b]).sum() for a, b in combinations(lesson.names, 2)]
    if not pairs or max(pairs) < FEWEST:
        raise RequestError(
            f"a space needs rows that have two modalities; there are {count(max(pairs, default=0), 'training row')} "
            f"with any two of {', '.join(lesson.names)}; expected {FEWEST} or more."
        )
    judged = None if proof is None else learn_space(proof, aim, callback)
    spaces = _candidates(train, val, aim, callback, SIMPLEST if judged is None else ("cca", judged.name))
    if judged is not None:
        space = _finished(spaces, judged.name, {"caveat": ON_PROOF, **judged.report}, val)
        return replace(space, samples=judged.samples)  # rows known by heart are far nearer than those that will come
    scored = {name: _score(val.find(space), aim) for name, space in spaces.items()}
    best = max(scored, key=lambda name: scored[name][0])
    enough = scored[best][0] - scored[best][1]
    chosen = next(name for name in SIMPLEST if name in scored and scored[name][0] >= enough)
    report = {
        "candidates": [{"name": name, "val": value, "error": error} for name, (value, error) in scored.items()],
        "never_paired": never_paired(lesson.features),
        **combine(spaces[chosen], val, aim),
    }
    space = _finished(spaces, chosen, report, val)
    if "val" in lesson.learned:
        space.report["caveat"] = ON_KNOWN
    test = lesson.take(lesson.rows("test"))
    if len(test.part) and "test" in lesson.learned:
        space.report["sentence"] = ALL_KNOWN
    elif len(test.part):
        directions = measure(space, test)
        space.report |= {"rows": len(test.part), "directions": directions, "sentence": say_space(directions, aim)}
    return space


def _finished(spaces: Mapping[str, Space], chosen: str, report: dict[str, Any], val: Lesson) -> Space:
    """Return the chosen space with what it says of itself, plain CCA beside it, and samples from validation rows."""
    space, rows = spaces[chosen], np.random.default_rng([val.seed, 7]).permutation(len(val.part))[:SAMPLES]
    space.report = report
    space.rival = {} if chosen == "cca" else {name: head.weight for name, head in spaces["cca"].heads.items()}
    for name, weight in space.rival.items():  # nothing of what networks read, where there is that
        space.rival[name] = np.pad(weight, ((len(space.heads[name].centre) - len(weight), 0), (0, 0)))
    sampled = val.take(rows).features
    says = space.lengths(sampled)
    space.samples = {name: (x * says[name][:, None]).astype(np.float32) for name, x in space.project(sampled).items()}
    return space


def _candidates(
    whole: Lesson, val: Lesson, aim: str, callback: Callback, names: Sequence[str] = SIMPLEST
) -> dict[str, Space]:
    """Return the space of each of these methods, learned on training rows, and those of both CCAs."""
    train = whole.narrow()
    heads, scaled = _standardise(train)

    def space(name: str, weights: Mapping[str, np.ndarray]) -> Space:
        return _with(name, aim, train, heads, weights)

    callback({"stage": "space, CCA"})
    fold = _folds(train)
    ways: dict[str, tuple[Sequence[float], Callable[..., Any]]] = {
        "cca": (SHRINKS, fit_cca),
        "held": (HELD, partial(fit_held, fold=fold)),
    }
    spaces, chances = dict[str, Space](), train.chances or {}
    for name, (shrinks, fit) in ways.items():
        tries = [space(name, fit(scaled, shrink, DIM)[0]) for shrink in shrinks]
        spaces[name] = max(tries, key=lambda made: _score(val.find(made), aim)[0])
    if "before" in names and whole.own:
        more, known = _standardise(whole)
        tries = [_with("before", aim, whole, more, fit_cca(known, shrink, DIM)[0]) for shrink in SHRINKS]
        spaces["before"] = max(tries, key=lambda made: _score(val.find(made), aim)[0])
    start = {name: head.weight for name, head in spaces["held"].heads.items()}
    if "classes" in names and train.classes is not None and chances:
        width = max(chances.values())
        spaces["classes"] = space("classes", {n: _pick(len(heads[n].centre), chances[n], width) for n in train.names})
    rows = np.arange(len(train.part))
    positives = train.contents
    if train.classes is not None and aim == "kind":
        codes = np.where(train.classes < 0, train.classes.max() + 1 + rows, train.classes)
        positives = dict.fromkeys(train.names, codes)
    for loss in [name for name in ("vicreg", "infonce") if name in names]:
        callback({"stage": f"space, {loss}"})
        generator = torch.Generator().manual_seed(train.seed)
        spaces[loss] = space(loss, fit_heads(loss, scaled, positives, start, generator))
    return spaces


def _standardise(train: Lesson) -> tuple[dict[str, Head], dict[str, np.ndarray]]:
    """Return heads without weights, and the features (rows, feature) as they scale them."""
    said = {name: BEFORE + of if name in train.own else of for name, of in train.of.items()}
    heads = {name: _scale(train.features[name], said[name]) for name in train.names}
    return heads, {
        name: np.where(np.isnan(x).all(1, keepdims=True), np.nan, heads[name].scaled(x))
        for name, x in train.features.items()
    }


def _with(name: str, aim: str, train: Lesson, heads: Mapping[str, Head], weights: Mapping[str, np.ndarray]) -> Space:
    made = {modality: replace(head, weight=weights[modality]) for modality, head in heads.items()}
    return Space(name, aim, train.run, made)


def _folds(train: Lesson) -> np.ndarray:
    """Return a fold for each row, the same for rows of one group where there are enough of these."""
    generator, num = np.random.default_rng([train.seed, 11]), len(train.part)
    codes = np.arange(num) if train.groups is None else np.unique(train.groups, return_inverse=True)[1]
    if len(np.unique(codes)) < 2 * FOLDS:
        codes = np.arange(num)
    return (generator.permutation(int(codes.max()) + 1) % FOLDS)[codes]


def _scale(x: np.ndarray, of: str) -> Head:
    """Return a head without weights: mean and deviation of the features of training rows."""
    there = ~np.isnan(x).all(1)
    if not there.any():
        return Head(of, np.zeros(x.shape[1]), np.ones(x.shape[1]), np.zeros((x.shape[1], 1)))
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(x[there]).all(0)
        centre, spread = np.zeros(x.shape[1]), np.ones(x.shape[1])
        centre[known] = np.nanmean(x[there][:, known].astype(np.float64), 0)
        spread[known] = np.nanstd(x[there][:, known].astype(np.float64), 0)
    return Head(of, centre, np.where(spread > 1e-6, spread, 1.0), np.zeros((x.shape[1], 1)))


def _pick(features: int, last: int, width: int) -> np.ndarray:
    """Return weights that take the last features as they are."""
    weight = np.zeros((features, width))
    weight[features - last :, :last] = np.eye(last)
    return weight


def _score(found: Mapping[str, Found], aim: str) -> tuple[float, float]:
    """Return the mean over directions of what counts, and its standard error."""
    scores = [direction.scores(aim) for direction in found.values()]
    scores = [values for values in scores if len(values)]
    if not scores:
        return 0.0, 0.0
    errors = [values.var() / len(values) for values in scores]
    return float(np.mean([values.mean() for values in scores])), float(np.sqrt(np.sum(errors)) / len(scores))


def combine(space: Space, val: Lesson, aim: str) -> dict[str, Any]:
    """Return how a query of several cells is put together: {"combine": "mean" or "product", "weights", "lengths"}.

    A product of probabilities is a sum of cosines, each as sharp as its modality is sure, and a cell counts as much as
    its vector was long before it was a unit: long where its features lie far along what modalities share. A mean takes
    all modalities alike. By a higher power of the sharpness one that knows little disturbs less: which power,
    validation says too. lengths: what is usual of each modality.
    """
    vectors, heads = space.project(val.features), space.heads
    lengths = {name: heads[name].lengths(val.features[name]) for name in vectors}
    usual = {name: float(np.nanmean(x)) if np.nansum(x) > 0 else 1.0 for name, x in lengths.items()}
    says = {name: np.nan_to_num(x / usual[name]) for name, x in lengths.items()}
    sharp = {name: _sharpness(name, vectors, says[name], val, aim) for name in vectors}
    reached = {"mean": 0.0, "product": 0.0}
    weights = sharp
    for power in (0, *POWERS):
        scale, scores = {name: value**power for name, value in sharp.items()}, []
        for into in vectors:
            others = [name for name in vectors if name != into]
            for one, other in combinations(others, 2):
                pair = [vectors[one], vectors[other]]
                both = mean_vector(pair, [scale[one] * says[one], scale[other] * says[other]])
                both[np.isnan(pair[0][:, 0]) | np.isnan(pair[1][:, 0])] = np.nan
                found = find_all({"query": both, into: vectors[into]}, {"query": val.contents[one], **val.contents},
                                 val.classes).get(f"query->{into}")  # fmt: skip
                scores += [found.scores(aim).mean()] if found is not None and len(found.scores(aim)) else []
        mean, how = float(np.mean(scores)) if scores else 0.0, "product" if power else "mean"
        if mean > reached[how]:
            reached[how], weights = mean, scale if power else weights
    best = "product" if reached["product"] > reached["mean"] else "mean"
    return {"combine": best, "combined": reached, "weights": weights, "lengths": usual}


def _sharpness(name: str, vectors: Mapping[str, np.ndarray], says: np.ndarray, val: Lesson, aim: str) -> float:
    """Return how sharp the cosines of a modality's queries are, as logarithms of the probability to belong together.

    says: (rows,) what a cell counts.
    """
    best: list[float] = []
    for other in vectors:
        rows = np.flatnonzero(~np.isnan(vectors[name][:, 0]) & ~np.isnan(vectors[other][:, 0]))[:SAMPLES]
        if other == name or len(rows) < 2:
            continue
        by_class = aim == "kind" and val.classes is not None
        code = val.classes[rows] if by_class and val.classes is not None else val.contents[other][rows]
        match = code[:, None] == code
        cosines = says[rows, None] * (vectors[name][rows] @ vectors[other][rows].T).astype(np.float64)
        losses = []
        for sharp in SHARPNESS:
            logits = sharp * cosines
            high = logits.max(1, keepdims=True)
            norm = np.log(np.exp(logits - high).sum(1)) + high[:, 0]
            losses.append(float((norm - (logits * match).sum(1) / match.sum(1)).mean()))
        best.append(SHARPNESS[int(np.argmin(losses))])
    return float(np.exp(np.mean(np.log(best)))) if best else 1.0


# -- what is said of it -------------------------------------------------------------------------------------------


def measure(space: Space, lesson: Lesson, aim: str | None = None) -> dict[str, Any]:
    """Return {"image->audio": what `search --evaluate` says of it} on these rows. aim: by default that of the space."""
    found = lesson.find(space)
    rival = lesson.find(space.plain) if space.rival else found
    return {name: _tell(one, rival[name], lesson, name, aim or space.aim) for name, one in found.items()}


def _tell(one: Found, cca: Found, lesson: Lesson, name: str, aim: str) -> dict[str, Any]:
    ranks = 1 / one.reciprocal
    groups = None if lesson.groups is None else lesson.groups[one.rows]
    paired: dict[str, Any] = {f"r{top}": float((ranks <= top).mean()) for top in TOPS}
    paired |= {"mrr": spread_of(one.reciprocal, groups)}
    facts: dict[str, Any] = {"queries": len(one.rows), "gallery": one.gallery, "paired": paired}
    kind = None
    if one.precision is not None and one.first is not None:
        known = ~np.isnan(one.precision)
        if known.any():
            within = None if groups is None else groups[known]
            kind = {"map": spread_of(one.precision[known], within), "p1": float(one.first[known].mean())}
    chance = {"mrr": one.chance[0], "map": one.chance[1] if kind is not None else None}
    precise = None if cca.precision is None or kind is None else float(np.nanmean(cca.precision))
    facts |= {"kind": kind, "chance": chance, "cca": {"mrr": float(cca.reciprocal.mean()), "map": precise}}
    return {**facts, "sentence": say_direction(name, facts, aim)}


def spread_of(values: np.ndarray, groups: np.ndarray | None = None, least: float = 0.0) -> dict[str, float | None]:
    """Return a mean with the ends of its 95 % interval; rows of one group count as one look, unless all are of one.

    least: what no value is less than.
    """
    value, ends = float(values.mean()), (None, None)
    codes = np.arange(len(values)) if groups is None else np.unique(groups, return_inverse=True)[1]
    codes = codes if len(codes) and codes.max() > 0 else np.arange(len(values))
    num = int(codes.max()) + 1 if len(codes) else 0
    if num > 1:
        sums, sizes = np.bincount(codes, values - value), num / (num - 1)
        error = float(np.sqrt(sizes * np.square(sums).sum()) / len(values))
        ends = max(least, value - REACH * error), min(1.0, value + REACH * error)  # type: ignore[assignment]
    return {"value": value, "low": ends[0], "high": ends[1]}


def say_direction(name: str, facts: Mapping[str, Any], aim: str) -> str:
    """Return one sentence: what a direction finds, beside chance and CCA."""
    one, _, other = name.partition("->")
    by_kind = aim == "kind" and facts["kind"] is not None
    span = facts["kind"]["map"] if by_kind else facts["paired"]["mrr"]
    key, what = ("map", "the same class") if by_kind else ("mrr", "the very row")
    chance, cca = facts["chance"][key], facts["cca"][key]
    ends = f" ({number(span['low'])} to {number(span['high'])})" if span["low"] is not None else ""
    better = span["low"] is not None and span["low"] > chance
    beside = f"chance is {number(chance)}, CCA {number(cca)}"
    does = f"{one} finds {what} of {other}" if better else f"{one} does not surely find {what} of {other}"
    return f"{does}: {'class mAP' if by_kind else 'MRR'} {number(span['value'])}{ends}; {beside}."


def say_space(directions: Mapping[str, Any], aim: str) -> str:
    """Return one sentence on all directions."""
    key = "map" if aim == "kind" else "mrr"
    spans = [(d["kind"]["map"] if aim == "kind" else d["paired"]["mrr"]) if d["kind"] or aim == "rows" else None
             for d in directions.values()]  # fmt: skip
    pairs = [(s, d["chance"][key]) for s, d in zip(spans, directions.values(), strict=True) if s is not None]
    sure = sum(span["low"] is not None and span["low"] > chance for span, chance in pairs)
    mean = float(np.mean([span["value"] for span, _ in pairs])) if pairs else float("nan")
    what, are = "class mAP" if aim == "kind" else "MRR", "is" if sure == 1 else "are"
    return f"{sure} of {count(len(pairs), 'direction')} {are} surely better than chance; mean {what} {number(mean)}."


def map_points(space: Space) -> dict[str, list[list[float]]]:
    """Return where the sampled cells of each modality lie in the two directions in which all of them differ most."""
    there = {name: unit(x[~np.isnan(x[:, 0])]).astype(np.float64) for name, x in space.samples.items()}
    whole = np.concatenate([*there.values(), np.zeros((0, space.dim))])
    if len(whole) < 2:
        return {}
    centre = whole.mean(0)
    _, _, axes = np.linalg.svd(whole - centre, full_matrices=False)
    axes = axes[:2] * np.where(axes[:2].sum(1) < 0, -1.0, 1.0)[:, None]
    return {name: ((x - centre) @ axes.T).tolist() for name, x in there.items() if axes.shape[0] == 2}
