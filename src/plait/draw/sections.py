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
BOUNDED = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "f1_micro",
    "f1_weighted",
    "auroc",
)

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


def show_verdict(found: Mapping[str, Any] | None, modalities: Sequence[str] | None) -> dict[str, Any] | None:
    if not found:
        return None
    without = str(found["single"]) if found.get("single") in (modalities or []) else "that modality"
    code = found.get("code") if found.get("code") in HEADLINES else "not_tested"
    points = found.get("metric") in BOUNDED
    rows = []
    for key, what in (
        ("difference", ("test row", "")),
        ("adds", ("complete row", "")),
        ("fills_holes", (f"row without {without}", f"rows without {without}")),
    ):
        span = found.get(key) or {}
        num = found.get("rows") if key == "difference" else span.get("rows")
        if num is not None:
            told = ("all " if key == "difference" and num > 1 else "") + count(num, *what)
            rows.append((told if num else told.replace("0", "no", 1), _span(span)))
    known = [(what, span) for what, span in rows if span["value"] is not None]
    return {
        **{key: str(found.get(key) or "") for key in ("sentence", "single", "fused")},
        "code": code,
        "headline": HEADLINES[str(code)],
        "meaning": MEANINGS[str(code)],
        "points": points,
        "rows_shown": known if found.get("difference") else [],
        "table": rows,
        "unit": found.get("unit") or "row",
        "p_text": "" if found.get("p") is None else p_value(found["p"]),
        "metric_text": str(found.get("metric") or "").replace("_", " "),
    }


def show_data(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found:
        return None
    splits = {str(name): int(rows) for name, rows in (found.get("splits") or {}).items()}
    modalities = [
        {
            "name": m["name"],
            "kind": m.get("kind") or "",
            "columns": list(m.get("columns") or []),
            "present": [(m.get("present") or {}).get(name) for name in splits],
            "blank": m.get("blank"),
            "broken": m.get("broken"),
            "reason": m.get("reason") or "",
        }
        for m in found.get("modalities") or []
    ]
    return {
        "rows": found.get("rows"),
        "unlabelled": found.get("unlabelled") or 0,
        "splits": splits,
        "modalities": modalities,
        "notes": list(found.get("notes") or []),
        "holes": any(share is not None and share < 1 for m in modalities for share in m["present"]),
    }


def show_candidates(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
    if not board:
        return None
    order = sorted(board, key=lambda c: _rank(c, lower))
    rows = [show_candidate(place, c) for place, c in enumerate(order, 1)]
    shown = rows[:BEST]
    if not any(row["winner"] for row in shown):
        shown += [row for row in rows[BEST:] if row["winner"]]
    rest = [row for row in rows if row not in shown]
    return {
        # each has an axis of its own: one hopeless candidate must not squeeze the best into a corner
        "shown": shown,
        "ends": svg.around([v for row in shown for v in _ends(row["val"])], 0.04),
        "rest": rest,
        "rest_ends": svg.around([v for row in rest for v in _ends(row["val"])], 0.04),
        "total": len(rows),
        "tested": any(row["test"] for row in rows),
    }


def show_candidate(place: int, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "place": place,
        "name": found.get("plan") or found.get("name") or "",
        "recipe": found.get("recipe") or "",
        "family": found.get("family") or "",
        "val": _span(found.get("val")),
        "test": _span(found["test"]) if found.get("test") else None,
        "loss": found.get("loss"),
        "seconds": found.get("seconds"),
        "winner": bool(found.get("winner")),
    }


def show_calibration(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found or not (found.get("before") or found.get("after")):
        return None
    both = dict.fromkeys(("before", "after"))
    measures = {key: {**both, **found[key]} if found.get(key) else None for key in ("ece", "brier")}
    return {**both, "temperature": None, **found, **measures}


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
    found = content.get("confusion") or {}
    if not found.get("counts") or not any(map(any, found["counts"])):
        return None
    counts, names = np.array(found["counts"], np.int64), [str(name) for name in found["names"]]
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


def show_robustness(found: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
    curves = [c for c in found if c.get("levels") and c.get("scores")]
    if not curves:
        return None
    every = [float(s) for c in curves for s in c["scores"] if s is not None]
    ends = svg.around(every, 0.08, floor=0.0 if min(every) >= 0 else None, top=1.0 if max(every) <= 1 else None)
    metric = str(curves[0].get("metric") or metric).replace("_", " ")
    panels = []
    gone = [c for c in curves if c["what"] == "missing"]
    for c in [c for c in curves if c["what"] != "missing"]:
        one = {"name": c["what"], "levels": c["levels"], "scores": c["scores"]}
        unit = f"{c['what']} ({c['unit']})" if c.get("unit") else str(c["what"])
        panels.append(figures.curve_figure([one], unit, metric, ends, title=f"{c['modality']}: {c['what']}"))
    if gone:
        series = [{"name": c["modality"], "levels": c["levels"], "scores": c["scores"]} for c in gone]
        unit = str(gone[0].get("unit") or "share of rows without it")
        panels.insert(0, figures.curve_figure(series, unit, metric, ends, title="a modality goes missing"))
    rows = [
        {
            "modality": c["modality"],
            "what": c["what"],
            "rows": c.get("rows"),
            "first": c["scores"][0],
            "last": c["scores"][-1],
            "area": c.get("area"),
        }
        for c in curves
    ]
    return {"panels": panels, "rows": rows, "metric": metric}


def show_subsets(found: Mapping[str, Any] | None, metric: str) -> dict[str, Any] | None:
    if not found or not found.get("by_modalities"):
        return None
    table, alone = found["by_modalities"], found.get("alone") or {}
    names = sorted({name for key in table for name in key.split("+")})
    spans = [(entry.get("metrics") or {}).get(metric) for entry in [*table.values(), *alone.values()]]
    ends = svg.around([v for span in spans for v in _ends(span)], 0.04)
    rows = [
        {
            "has": [name in key.split("+") for name in names],
            "key": key,
            "rows": entry.get("rows"),
            "span": _span((entry.get("metrics") or {}).get(metric)),
            "alone": _span(((alone.get(key) or {}).get("metrics") or {}).get(metric)),
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
        "ends": ends,
        "alone": any(row["alone"]["value"] is not None for row in rows),
    }


def show_importance(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found or not found.get("modalities"):
        return None
    rows = [
        {"share": None, "mean": None, "present": None, **values, "name": name}
        for name, values in found["modalities"].items()
    ]
    rows.sort(key=lambda row: -(row.get("share") or 0.0))
    pairs = [(key.replace("+", " + "), float(value)) for key, value in (found.get("synergy") or {}).items()]
    pairs.sort(key=lambda pair: -abs(pair[1]))
    return {
        "rows": rows,
        "top": max([row.get("share") or 0.0 for row in rows] + [1e-9]),
        "pairs": pairs[:10],
        "limit": max([abs(value) for _, value in pairs] + [1e-9]),
        "num": found.get("rows"),
    }


def show_cost(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
    costs = ("params", "latency_ms", "memory_mb")
    known = [c for c in board if any(c.get(key) is not None for key in costs)]
    if not known:
        return None
    dots = [c for c in known if (c.get("latency_ms") or 0) > 0 and (c.get("val") or {}).get("value") is not None]
    families = list(dict.fromkeys(str(c.get("family") or "") for c in dots))
    sign = -1 if lower else 1
    drawn: list[dict[str, Any]] = []
    best = -math.inf
    for c in sorted(dots, key=lambda c: (c["latency_ms"], -sign * c["val"]["value"])):
        ahead = sign * c["val"]["value"] > best
        best = max(best, sign * c["val"]["value"])
        drawn.append(
            {
                "name": c.get("name") or c.get("plan") or "",
                "ms": c["latency_ms"],
                "score": c["val"]["value"],
                "winner": bool(c.get("winner")),
                "front": sum(1 for d in drawn if d["front"]) + 1 if ahead else None,
                "shape": families.index(str(c.get("family") or "")),
            }
        )
    order = sorted(known, key=lambda c: _rank(c, lower))
    rows = [
        {"name": c.get("name") or c.get("plan") or "", **{key: c.get(key) for key in (*costs, "seconds", "winner")}}
        for c in order
    ]
    front = [d for d in drawn if d["front"]]
    return {
        "dots": drawn,
        "front": front,
        "shown": rows[:BEST],
        "rest": rows[BEST:],
        "families": families if len(families) <= 4 else [],
    }


def show_growth(found: Sequence[Mapping[str, Any]], metric: str) -> str | None:
    points = [p for p in found if (p.get("val") or {}).get("value") is not None]
    if len(points) < 2:
        return None
    spans = {key: [p["val"].get(key, p["val"]["value"]) for p in points] for key in ("value", "low", "high")}
    one = {
        "name": "validation",
        "levels": [int(p["rows"]) for p in points],
        "scores": spans["value"],
        "low": spans["low"],
        "high": spans["high"],
    }
    ends = svg.around([v for values in spans.values() for v in values], 0.08)
    return figures.curve_figure([one], "training rows", metric.replace("_", " "), ends, log=True)


def show_command(question: Mapping[str, Any]) -> dict[str, Any] | None:
    facts = {"table": "table", "hash": "SHA-256 of the table", "seed": "seed", "when": "when", "version": "plait"}
    rows = [(text, str(question[key])) for key, text in facts.items() if question.get(key) is not None]
    rows += [(str(name), str(value)) for name, value in (question.get("versions") or {}).items()]
    options = [(str(name), str(value)) for name, value in (question.get("options") or {}).items()]
    if not rows and not options and not question.get("command"):
        return None
    return {"command": question.get("command"), "rows": rows, "options": options}


def _span(span: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: (span or {}).get(key) for key in ("value", "low", "high")}


def _ends(span: Mapping[str, Any] | None) -> list[float]:
    return [float(span[key]) for key in ("low", "value", "high") if span.get(key) is not None] if span else []


def _rank(candidate: Mapping[str, Any], lower: bool) -> tuple[bool, float]:
    value = (candidate.get("val") or {}).get("value")
    return value is None, 0.0 if value is None else float(value) if lower else -float(value)
