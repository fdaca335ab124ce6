"""What each section of the report shows: from what is known of a run to numbers in order, texts and drawn charts.

Each function takes its part of the content that `report` describes and returns a view for the template, or None where
there is nothing to show. Knows no HTML, no run folder and no model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import count, p_value
from plait.draw import figures, svg

BEST = 12  # candidates in the open; the others are folded away
MOST_SUBSETS = 15  # of more, those of some modalities are folded away
HEADLINES = {
    "helps": "Combining the modalities helps.",
    "no_evidence": "No evidence that combining the modalities helps.",
    "hurts": "Combining the modalities hurts.",
    "not_tested": "Not tested: does combining the modalities help?",
}
MEANINGS = {
    "helps": "On rows that nobody had looked at before, the model that combines is better than the best model of one "
    "modality, and by more than chance explains. It is worth collecting both.",
    "no_evidence": "On rows that nobody had looked at before, the two models are so close that chance explains the "
    "difference. That is not proof that they are equal: more test rows could show a small difference. Until then "
    "the simpler model is as good a choice.",
    "hurts": "On rows that nobody had looked at before, the model that combines is worse than the best model of one "
    "modality, and by more than chance explains. Use the single modality.",
    "not_tested": "So this report makes no claim about it. The scores below stand on their own.",
}


def show_verdict(facts: Mapping[str, Any] | None, modalities: Sequence[str] | None) -> dict[str, Any] | None:
    if not facts:
        return None
    without = str(facts["single"]) if facts.get("single") in (modalities or []) else "that modality"
    code = str(facts["code"]) if facts.get("code") in HEADLINES else "not_tested"
    nouns = {
        "difference": ("test row", ""),
        "adds": ("complete row", ""),
        "fills_holes": (f"row without {without}", f"rows without {without}"),
    }
    rows = []
    for key, noun in nouns.items():
        span = facts.get(key) or {}
        num = facts.get("rows") if key == "difference" else span.get("rows")
        if num is not None:
            text = ("all " if key == "difference" and num > 1 else "") + count(num, *noun)
            rows.append((text if num else text.replace("0", "no", 1), _span(span)))
    return {
        **{key: str(facts.get(key) or "") for key in ("sentence", "single", "fused")},
        "code": code,
        "headline": HEADLINES[code],
        "meaning": MEANINGS[code],
        "points": facts.get("metric") == "accuracy",
        "rows_shown": [row for row in rows if row[1]["value"] is not None] if facts.get("difference") else [],
        "table": rows,
        "unit": facts.get("unit") or "row",
        "p_text": "" if facts.get("p") is None else p_value(facts["p"]),
        "metric_text": str(facts.get("metric") or "").replace("_", " "),
    }


def show_data(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not facts:
        return None
    splits = {str(name): int(rows) for name, rows in (facts.get("splits") or {}).items()}
    modalities = [
        {
            **_filled(m, kind="", columns=[], blank=None, broken=None, reason=""),
            "present": [(m.get("present") or {}).get(name) for name in splits],
        }
        for m in facts.get("modalities") or []
    ]
    holes = any(share is not None and share < 1 for m in modalities for share in m["present"])
    return {
        **_filled(facts, rows=None, unlabelled=0, notes=[]),
        "splits": splits,
        "modalities": modalities,
        "holes": holes,
    }


def show_candidates(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
    if not board:
        return None
    rows = [show_candidate(place, c) for place, c in enumerate(_ranked(board, lower), 1)]
    shown = rows[:BEST] + [row for row in rows[BEST:] if row["winner"]]
    rest = [row for row in rows[BEST:] if not row["winner"]]
    return {
        # each has an axis of its own: one hopeless candidate must not squeeze the best into a corner
        "shown": shown,
        "ends": svg.around([v for row in shown for v in _ends(row["val"])], 0.04),
        "rest": rest,
        "rest_ends": svg.around([v for row in rest for v in _ends(row["val"])], 0.04),
        "total": len(rows),
        "tested": any(row["test"] for row in rows),
    }


def show_candidate(place: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_filled(facts, recipe="", family="", loss=None, seconds=None, winner=False),
        "place": place,
        "name": facts.get("plan") or facts.get("name") or "",
        "val": _span(facts.get("val")),
        "test": _span(facts["test"]) if facts.get("test") else None,
    }


def show_calibration(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not facts or not (facts.get("before") or facts.get("after")):
        return None
    both = dict.fromkeys(("before", "after"))
    measures = {key: {**both, **facts[key]} if facts.get(key) else None for key in ("ece", "brier")}
    return {**both, "temperature": None, **facts, **measures}


def show_mistakes(content: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any] | None:
    scatter = content.get("scatter") or {}
    if scatter.get("points"):
        points = [(float(t), float(p)) for t, p in scatter["points"]]
        off = [abs(p - t) for t, p in points]
        return {
            "kind": "scatter",
            "points": points,
            "name": str(question.get("target") or "value"),
            "unit": str(question.get("unit") or ""),
            "mean": sum(off) / len(off),
            "median": sorted(off)[len(off) // 2],
        }
    facts = content.get("confusion") or {}
    if not facts.get("counts") or not any(map(any, facts["counts"])):
        return None
    counts, names = np.array(facts["counts"], np.int64), [str(name) for name in facts["names"]]
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
    }


def show_robustness(curves: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
    curves = [
        {**_filled(c, unit="", rows=None, area=None), "first": c["scores"][0], "last": c["scores"][-1]}
        for c in curves
        if c.get("levels") and c.get("scores")
    ]
    if not curves:
        return None
    every = [float(s) for c in curves for s in c["scores"] if s is not None]
    ends = svg.around(every, 0.08, floor=0.0 if min(every) >= 0 else None, top=1.0 if max(every) <= 1 else None)
    metric = str(curves[0].get("metric") or metric).replace("_", " ")
    panels = []
    gone = [{**c, "name": c["modality"]} for c in curves if c["what"] == "missing"]
    if gone:
        unit = str(gone[0]["unit"] or "share of rows without it")
        panels.append(figures.curve_figure(gone, unit, metric, ends, title="a modality goes missing"))
    for c in [c for c in curves if c["what"] != "missing"]:
        unit = f"{c['what']} ({c['unit']})" if c["unit"] else str(c["what"])
        panels.append(
            figures.curve_figure([{**c, "name": c["what"]}], unit, metric, ends, title=f"{c['modality']}: {c['what']}")
        )
    return {"panels": panels, "rows": curves, "metric": metric}


def show_subsets(facts: Mapping[str, Any] | None, metric: str) -> dict[str, Any] | None:
    if not facts or not facts.get("by_modalities"):
        return None
    table, alone = facts["by_modalities"], facts.get("alone") or {}
    names = sorted({name for key in table for name in key.split("+")})

    def score(entry: Mapping[str, Any]) -> dict[str, Any]:
        return _span((entry.get("metrics") or {}).get(metric))

    rows = [
        {
            "has": [name in key.split("+") for name in names],
            "key": key,
            "rows": entry.get("rows"),
            "span": score(entry),
            "alone": score(alone.get(key) or {}),
            "whole": len(key.split("+")) == len(names),
        }
        for key, entry in sorted(table.items(), key=lambda item: (-item[0].count("+"), item[0]))
    ]
    few = len(rows) <= MOST_SUBSETS
    shown = [row for row in rows if few or sum(row["has"]) in (1, len(names) - 1, len(names))]
    return {
        "names": names,
        "shown": shown,
        "rest": [row for row in rows if row not in shown],
        "ends": svg.around([v for entry in [*table.values(), *alone.values()] for v in _ends(score(entry))], 0.04),
        "alone": any(row["alone"]["value"] is not None for row in rows),
    }


def show_importance(facts: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not facts or not facts.get("modalities"):
        return None
    rows = [
        {"share": None, "mean": None, "present": None, **values, "name": name}
        for name, values in facts["modalities"].items()
    ]
    rows.sort(key=lambda row: -(row["share"] or 0.0))
    pairs = [(key.replace("+", " + "), float(value)) for key, value in (facts.get("synergy") or {}).items()]
    pairs.sort(key=lambda pair: -abs(pair[1]))
    return {
        "rows": rows,
        "top": max([row["share"] or 0.0 for row in rows] + [1e-9]),
        "pairs": pairs[:10],
        "limit": max([abs(value) for _, value in pairs] + [1e-9]),
        "num": facts.get("rows"),
    }


def show_cost(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
    costs = ("params", "latency_ms", "memory_mb")
    known = [
        {**_filled(c, **dict.fromkeys((*costs, "seconds", "winner"))), "name": c.get("name") or c.get("plan") or ""}
        for c in board
        if any(c.get(key) is not None for key in costs)
    ]
    if not known:
        return None
    drawn = [c for c in known if (c["latency_ms"] or 0) > 0 and _score(c) is not None]
    families = list(dict.fromkeys(str(c.get("family") or "") for c in drawn))
    dots: list[dict[str, Any]] = []
    best, ahead = -math.inf, 0
    sign = -1 if lower else 1
    for c in sorted(drawn, key=lambda c: (c["latency_ms"], -sign * c["val"]["value"])):
        front = sign * c["val"]["value"] > best
        best, ahead = max(best, sign * c["val"]["value"]), ahead + front
        dot = {"name": c["name"], "ms": c["latency_ms"], "score": c["val"]["value"], "winner": bool(c["winner"])}
        shape = families.index(str(c.get("family") or ""))
        dots.append({**dot, "front": ahead if front else None, "shape": shape})
    rows = _ranked(known, lower)
    return {
        "dots": dots,
        "front": [dot for dot in dots if dot["front"]],
        "shown": rows[:BEST],
        "rest": rows[BEST:],
        "families": families if len(families) <= 4 else [],
    }


def show_growth(points: Sequence[Mapping[str, Any]], metric: str) -> str | None:
    points = [p for p in points if _score(p) is not None]
    return figures.growth_figure(points, metric) if len(points) > 1 else None


def show_command(question: Mapping[str, Any]) -> dict[str, Any] | None:
    facts = {"table": "table", "hash": "SHA-256 of the table", "seed": "seed", "when": "when", "version": "plait"}
    rows = [(text, str(question[key])) for key, text in facts.items() if question.get(key) is not None]
    rows += [(str(name), str(value)) for name, value in (question.get("versions") or {}).items()]
    options = [(str(name), str(value)) for name, value in (question.get("options") or {}).items()]
    if not rows and not options and not question.get("command"):
        return None
    return {"command": question.get("command"), "rows": rows, "options": options}


def _filled(entry: Mapping[str, Any], **usual: Any) -> dict[str, Any]:
    """Return an entry, with what stands where it knows nothing: the key is absent, or None."""
    return {**usual, **{key: value for key, value in entry.items() if value is not None}}


def _span(span: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: (span or {}).get(key) for key in ("value", "low", "high")}


def _ends(span: Mapping[str, Any]) -> list[float]:
    return [float(span[key]) for key in ("low", "value", "high") if span[key] is not None]


def _score(entry: Mapping[str, Any]) -> float | None:
    """Return the score on validation rows of a candidate, or of a point of a curve."""
    return (entry.get("val") or {}).get("value")


def _ranked(board: Sequence[Mapping[str, Any]], lower: bool) -> list[Mapping[str, Any]]:
    """Return candidates, the best first, those without a score last."""
    known = sorted((c for c in board if _score(c) is not None), key=lambda c: c["val"]["value"], reverse=not lower)
    return known + [c for c in board if _score(c) is None]
