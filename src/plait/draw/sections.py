"""What each section of the report shows: from what is known of a run to numbers in order, texts and drawn charts.
Each function takes its part of the content that `report` describes and returns a view for the template, or None where
there is nothing to show. Knows no HTML, no run folder and no model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.language import say
from plait.core.words import LOWER_IS_BETTER, count, metric_ends, metric_name, p_value, say_unsure, tested_rows
from plait.draw import figures, svg

BEST = 12  # candidates in the open; the others are folded away
MOST_SUBSETS = 15  # of more, those of some modalities are folded away
MOST_OPPONENTS = 6
MOST_LETTERS = 44  # that fit under a chart
MOST_PAIRS = 10
PER_CLASS = ("precision", "recall", "f1")
# told in hundredths
POINTS = (
    *("accuracy", "balanced_accuracy", "f1_macro", "auroc"),
    *("f1_rows", "f1_micro", "average_precision", "hamming_loss", "exact_match"),
)
MEANINGS = {
    "helps": (
        "Combining the modalities helps.",
        "On rows that nobody had looked at before, the model that combines is better than every way to use one "
        "modality a row, and by more than chance explains.",
    ),
    "equal": (
        "Combining makes no difference that matters.",
        "On rows that nobody had looked at before, the model that combines is neither better nor worse than the best "
        "way to use one modality a row, but for a margin too small to matter.",
    ),
    "cannot_tell": (
        "These rows cannot tell whether combining helps.",
        "The difference is one that chance explains, and the test rows are too few to rule out one that matters. More "
        "test rows would tell.",
    ),
    "hurts": (
        "Combining the modalities hurts.",
        "On rows that nobody had looked at before, the model that combines is worse than a way to use one modality a "
        "row, and by more than chance explains. Use that one.",
    ),
    "not_tested": (
        "Not tested: does combining the modalities help?",
        "So this report makes no claim about it. The scores below stand on their own.",
    ),
}


def show_verdict(facts: Mapping[str, Any]) -> dict[str, Any]:
    against = sorted(facts["opponents"], key=lambda one: one["difference"]["value"])[:MOST_OPPONENTS]
    rows = [(say("over {rule}", rule=say(", else ").join(one["rule"])), one["difference"]) for one in against]
    rows[:1] = [(what, facts["difference"]) for what, _ in rows[:1]]  # the toughest, as the sentence has it
    first = (facts["single"]["rule"] or ["it"])[0]
    holes, complete = facts["fills_holes"], facts["complete"]
    if holes["rows"]:
        rows.append((say("of it on {rows} without {name}", rows=count(holes["rows"], "row"), name=first), holes))
    if complete["rows"] and complete["rows"] < facts["test"]["rows"]:
        rows.append((say("on {rows}", rows=count(complete["rows"], "complete row")), complete))
    headline, meaning = map(say, MEANINGS[facts["code"]])
    if facts["code"] == "helps" and facts["difference"]["value"] >= facts["margin"]:
        meaning += " " + say("It is worth having more than one of them.")
    return {
        **{key: facts[key] for key in ("sentence", "fused", "code")},
        "headline": headline,
        "meaning": meaning,
        "rule": facts["single"]["rule"],
        "points": facts["metric"] in POINTS,
        "rows_shown": [row for row in rows if row[1]["value"] is not None],
        "table": rows,
        "unit": "group" if facts["test"]["groups"] else "row",
        "p_text": "" if facts["p"] is None else p_value(facts["p"]),
        "metric_text": metric_name(str(facts["metric"] or "")),
    }


def show_data(facts: Mapping[str, Any]) -> dict[str, Any]:
    modalities = [{**m, "present": [m["present"].get(name) for name in facts["splits"]]} for m in facts["modalities"]]
    holes = any(share is not None and share < 1 for m in modalities for share in m["present"])
    return {**facts, "modalities": modalities, "holes": holes}


def show_head(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the score of the winner beside the majority class and the best single modality, as one picture."""
    board, metric = content["leaderboard"], content["question"]["metric"]
    lower = metric in LOWER_IS_BETTER
    winner = next(c for c in board if c["winner"])
    tested = bool(winner["test"])
    part = "test" if tested else "val"
    known = [c for c in board if c[part] and c[part]["value"] is not None]
    prior = (content.get("prior") if tested else None) or next(
        (c[part] for c in known if c["family"] == "baseline"), None
    )
    single = [c for c in known if len(c["modalities"]) == 1]
    single = sorted(single, key=lambda c: c[part]["value"], reverse=not lower)
    baseline = "always the mean" if content["question"]["classes"] is None else "majority class"
    rows = [(say(baseline), prior)] if prior and prior["value"] is not None else []
    if single and single[0] is not winner:
        rows.append((say("{name} alone", name=single[0]["modalities"][0]), single[0][part]))
    rows.append((say("this model"), winner[part]))
    num = content["data"]["splits"].get(part)
    return {
        "score": winner[part],
        "rows": [(what, span) for what, span in rows if span and span["value"] is not None],
        "where": None if num is None else count(num, "test row" if tested else "validation row"),
    }


def show_classes(facts: Mapping[str, Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of each class as spans, the most rows first."""
    rows = [
        {"name": name, "support": scores["support"], "spans": [_span_of(scores[key]) for key in PER_CLASS]}
        for name, scores in (facts or {}).items()
    ]
    return sorted(rows, key=lambda row: -row["support"])


def _span_of(score: Any) -> Mapping[str, Any]:
    return score if isinstance(score, Mapping) else {"value": score, "low": None, "high": None}


def show_candidates(board: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    lower = metric in LOWER_IS_BETTER
    rows = [{**c, "place": place, "name": c["plan"] or c["name"]} for place, c in enumerate(_ranked(board, lower), 1)]
    shown = rows[:BEST] + [row for row in rows[BEST:] if row["winner"]]
    rest = [row for row in rows[BEST:] if not row["winner"]]
    return {
        # each has an axis of its own: one hopeless candidate must not squeeze the best into a corner
        "shown": shown,
        "ends": metric_ends(metric, svg.around([v for row in shown for v in _ends(row["val"])], 0.04)),
        "rest": rest,
        "rest_ends": metric_ends(metric, svg.around([v for row in rest for v in _ends(row["val"])], 0.04)),
        "total": len(rows),
        "tested": any(row["test"] for row in rows),
        "unsure": say_unsure(row[part] for row in rows for part in ("val", "test")),
    }


def show_mistakes(content: Mapping[str, Any]) -> dict[str, Any] | None:
    more = {"classes": show_classes(content.get("per_class")), "curves": content.get("curves") or []}
    if scatter := content.get("scatter"):
        points = [(float(t), float(p)) for t, p in scatter["points"]]
        off = [abs(p - t) for t, p in points]
        return {
            "kind": "scatter",
            "points": points,
            "name": content["question"]["target"],
            "mean": sum(off) / len(off),
            "median": sorted(off)[len(off) // 2],
            **more,
        }
    facts = content.get("confusion")
    if not facts:
        return {"kind": "", **more} if any(more.values()) else None
    counts, names = np.array(facts["counts"], np.int64), facts["names"]
    shown, pairs = figures.find_mistakes(counts)
    return {
        "kind": "confusion",
        "counts": counts[np.ix_(shown, shown[shown < counts.shape[1]])].tolist(),
        "names": [names[i] for i in shown],
        "all": len(names),
        "worst": [(int(counts[i, j]), names[i], names[j], int(counts[i].sum())) for i, j in pairs],
        "right": int(np.trace(counts)),
        "total": int(counts.sum()),
        "unknown": names[counts.shape[1] :],
        **more,
    }


def show_robustness(curves: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not curves:
        return None
    every = [float(s) for c in curves for s in c["scores"] if s is not None]
    metric, key = metric_name(curves[0]["metric"]), curves[0]["metric"]
    ends = metric_ends(key, svg.around(every, 0.08))
    panels = []
    gone = [{**c, "name": c["modality"]} for c in curves if c["what"] == "missing"]
    if gone:
        title = say("a modality goes missing")
        panels.append(figures.curve_figure(gone, say(gone[0]["unit"]), metric, ends, title=title))
    for c in [c for c in curves if c["what"] != "missing"]:
        what, unit = say(c["what"]), say(c["unit"])
        curve, title = {**c, "name": what}, f"{c['modality']}: {what}"
        unit = f"{what} ({unit})" if len(f"{what} ({unit})") <= MOST_LETTERS else unit  # the title says the rest
        panels.append(figures.curve_figure([curve], unit, metric, ends, title=title))
    rows = [{**c, "first": c["scores"][0], "last": c["scores"][-1]} for c in curves]
    return {"panels": panels, "rows": rows, "metric": metric}


def show_subsets(facts: Mapping[str, Any] | None, metric: str) -> dict[str, Any] | None:
    if not facts:
        return None
    table, alone = facts["by_modalities"], facts["alone"]
    names = sorted({name for key in table for name in key.split("+")})

    def score(entry: Mapping[str, Any]) -> Mapping[str, Any]:
        return entry["metrics"].get(metric) or dict.fromkeys(("value", "low", "high"))  # of no rows there is none

    rows = [
        {
            "has": [name in key.split("+") for name in names],
            "key": key,
            "rows": entry["rows"],
            "span": score(entry),
            "alone": score(alone.get(key, {"metrics": {}})),
            "whole": len(key.split("+")) == len(names),
        }
        for key, entry in table.items()
    ]
    sign = 1 if metric in LOWER_IS_BETTER else -1  # the largest first, and of a size what scores best
    rows.sort(
        key=lambda row: (-sum(row["has"]), math.inf if (at := row["span"]["value"]) is None else sign * at, row["key"])
    )
    few = len(rows) <= MOST_SUBSETS
    shown = [row for row in rows if few or sum(row["has"]) in (1, len(names) - 1, len(names))]
    return {
        "names": names,
        "shown": shown,
        "rest": [row for row in rows if row not in shown],
        "ends": metric_ends(
            metric, svg.around([v for e in [*table.values(), *alone.values()] for v in _ends(score(e))], 0.04)
        ),
        "alone": any(row["alone"]["value"] is not None for row in rows),
        "unsure": say_unsure(span for row in rows for span in (row["span"], row["alone"])),
    }


def show_importance(facts: Mapping[str, Any] | None, worth: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """Return what each modality adds. worth: where no more than that was measured."""
    if not facts:
        return {"rows": [], "num": 0, "worth": _show_worth(worth)} if worth else None
    rows = [{**values, "name": name} for name, values in facts["modalities"].items()]
    rows.sort(key=lambda row: -(row["share"] or 0.0))
    return {
        "rows": rows,
        "top": max([row["share"] or 0.0 for row in rows] + [1e-9]),
        "num": facts["rows"],
        "worth": _show_worth(facts["worth"]) if facts.get("worth") else None,
    }


def _show_worth(worth: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each modality adds to the score, the most first, and what pairs reach, what differs most first."""
    lower = worth["metric"] in LOWER_IS_BETTER
    gains = sorted(worth["modalities"].items(), key=lambda item: -(item[1]["value"] or 0.0))
    pairs = []
    for key, facts in sorted(worth["pairs"].items(), key=lambda item: -abs(item[1]["value"] or 0.0))[:MOST_PAIRS]:
        known = {name: value for name, value in facts["alone"].items() if value is not None}
        better = (min if lower else max)(known, key=lambda name: known[name]) if known else ""
        pairs.append({**facts, "name": key.replace("+", " + "), "better": better, "best": known.get(better)})
    return {
        **{key: worth[key] for key in ("value", "prior")},
        "points": worth["metric"] in POINTS,
        "lower": lower,
        "gains": gains,
        "drawn": [(name, gain) for name, gain in gains if gain["low"] is not None],
        "pairs": pairs,
        "tests": tested_rows(worth["rows"], worth["groups"], worth.get("repeats", 0), worth["of"]),
    }


def show_cost(board: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any]:
    lower = metric in LOWER_IS_BETTER
    drawn = [c for c in board if c["latency_ms"] > 0 and c["val"]["value"] is not None]
    families = list(dict.fromkeys(c["family"] for c in drawn))
    dots: list[dict[str, Any]] = []
    best, ahead = -math.inf, 0
    sign = -1 if lower else 1
    for c in sorted(drawn, key=lambda c: (c["latency_ms"], -sign * c["val"]["value"])):
        front = sign * c["val"]["value"] > best
        best, ahead = max(best, sign * c["val"]["value"]), ahead + front
        dot = {"name": c["name"], "ms": c["latency_ms"], "score": c["val"]["value"], "winner": c["winner"]}
        dots.append({**dot, "front": ahead if front else None, "shape": families.index(c["family"])})
    rows = _ranked(board, lower)
    return {
        "dots": dots,
        "front": [dot for dot in dots if dot["front"]],
        "shown": rows[:BEST],
        "rest": rows[BEST:],
        "families": families if len(families) <= 4 else [],
    }


def show_growth(points: Sequence[Mapping[str, Any]], metric: str) -> str | None:
    points = [p for p in points if p["val"]["value"] is not None]
    return figures.growth_figure(points, metric) if len(points) > 1 else None


def show_command(question: Mapping[str, Any]) -> dict[str, Any]:
    facts = {"table": "table", "hash": "SHA-256 of the table", "seed": "seed", "when": "when", "version": "plait"}
    rows = [(say(text), str(question[key])) for key, text in facts.items() if question.get(key) is not None]
    options = [(name, str(value)) for name, value in question["options"].items()]
    return {"command": question["command"], "rows": [*rows, *question["versions"].items()], "options": options}


def _ends(span: Mapping[str, Any]) -> list[float]:
    return [float(span[key]) for key in ("low", "value", "high") if span[key] is not None]


def _ranked(board: Sequence[Mapping[str, Any]], lower: bool) -> list[Mapping[str, Any]]:
    """Return candidates, the best first, those without a score last."""
    known = [c for c in board if c["val"]["value"] is not None]
    known.sort(key=lambda c: c["val"]["value"], reverse=not lower)
    return known + [c for c in board if c["val"]["value"] is None]
