"""One HTML file that tells a reader who was not there what was asked, what came out, and why to believe it.

Takes what is known of a run as one dict, `content`; knows no model, no table and no run folder. Every key may be absent
or None: its section then says so in a sentence, which `missing` may give: {"robustness": "The time limit ended it."}.

question     {"target", "task": "classification" or "regression", "metric": name, "unit": of the target, "classes": how many,
             "modalities": [names], "table": file name, "when", "version": of plait, "command": one line,
             "options": {name: value}, "seed", "hash": SHA-256 of the table, "versions": {"python": …, "torch": …}}
data         {"rows", "unlabelled", "splits": {"train": rows, …}, "notes": [sentences], "modalities": [{"name", "kind",
             "columns": [names], "present": {"train": share, …}, "blank", "broken", "reason": of one broken cell}]}
verdict      what `verdict.judge` returns
leaderboard  [{"name", "family", "plan", "recipe", "val": span, "test": span, "loss", "seconds", "params", "latency_ms",
             "memory_mb", "winner": bool}]; a span is {"value", "low", "high"}; the cost is drawn from here
confusion    {"counts": (label, class), "names": of the labels}; "rows": of which rows, in words
scatter      {"points": [(true, said)]} for a regression
calibration  {"before", "after": as `evaluate.reliability` returns, "temperature", "ece": {"before", "after"}, "brier": likewise}
robustness   [{"modality", "what": "noise", "unit": of the levels, "levels", "scores", "area", "metric"}]
subsets      {"by_modalities", "alone"} as `evaluate --json` has them
importance   {"modalities": {name: {"share", "mean", "present"}}, "synergy": {"audio+image": value}, "rows"}
             share: of all that counted, 0 to 1; mean: what it adds to the answer on average; present: share of rows
examples     [{"row", "split", "target", "prediction", "probability", "base", "status", "reason", "modalities": {name: share or
             None}, "synergy": {"audio+image": value}, "parts": [part]}], and a part is one of
             {"modality", "kind": "image", "png": bytes, "heat": (height, width) weights or the bytes of a PNG}
             {"modality", "kind": "audio", "wav": bytes, "spectrogram": PNG bytes, "duration": s, "seconds": [{"start", "end", "weight"}]}
             {"modality", "kind": "text", "text", "spans": [{"start", "end", "weight"}]}
             {"modality", "kind": "tabular", "columns": [{"name", "value", "weight"}]}
             {"modality", "kind": any, "reason": why it is not there}
learning_curve  [{"rows", "val": span}]
"""

from __future__ import annotations

import math
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from plait import figures, svg
from plait.store import write_bytes

LOWER_IS_BETTER = ("mae", "rmse", "loss", "wer", "cer")
BEST = 12  # candidates in the open; the others are folded away
MOST_MEDIA = 1_000_000  # bytes of one picture or sound in the page
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
    "modality, and by more than chance explains. Use the one modality.",
    "not_tested": "So this report makes no claim about it. The scores below stand on their own.",
}
MISSING = {
    "question": "What was asked is not recorded in this run.",
    "data": "What the table holds is not recorded in this run.",
    "verdict": "This run holds no verdict: nothing was tested.",
    "leaderboard": "This run holds no list of candidates.",
    "mistakes": "There are no test rows with a label, so there are no mistakes to count.",
    "calibration": "Calibration was not measured: it needs probabilities, and rows with a label.",
    "robustness": "Robustness was not measured in this run.",
    "subsets": "The model was not scored with some of its modalities left out.",
    "importance": "What each modality adds was not measured in this run.",
    "examples": "No rows were explained in this run.",
    "cost": "The cost of the candidates was not measured.",
    "learning_curve": "No learning curve was drawn; plait fit --learning-curve draws one.",
    "reproduce": "How to repeat this run is not recorded.",
}
TITLES = {
    "verdict": "Did combining help?",
    "data": "The data and its holes",
    "leaderboard": "Every candidate",
    "mistakes": "What it gets wrong",
    "calibration": "Can its probabilities be believed?",
    "robustness": "What if the input gets worse?",
    "subsets": "What if a modality is missing?",
    "importance": "Which modality mattered?",
    "examples": "Rows explained",
    "cost": "What it costs",
    "learning_curve": "Would more rows help?",
    "reproduce": "How to repeat it",
}


def write_report(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the report of a run as one HTML file, whole or not at all. content: as the docstring of this file says.

    The same content gives the same bytes. Raises OSError where the file cannot be written.
    """
    write_bytes(Path(path), render_report(content).encode())


def render_report(content: Mapping[str, Any]) -> str:
    """Return the report of a run as HTML that refers to nothing outside itself."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    folder = files("plait") / "templates"
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda name: (folder / name).read_text("utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shows: dict[str, Callable[..., Any]] = {"number": svg.number, "percent": svg.percent, "duration": tell_seconds}
    environment.filters |= {**shows, "whole": tell_count, "tidy": svg.tidy, "data": _data_address, "signed": svg.signed}
    for name, draw in vars(figures).items():  # what figures return is markup: they escape what they are given
        if callable(draw) and getattr(draw, "__module__", "") == figures.__name__ and not name.startswith("_"):
            environment.globals[name] = _marked(draw, Markup)
    page = environment.get_template("report.html.j2")
    return page.render(style=Markup((folder / "report.css").read_text("utf-8")), **lay_out(_clean(content))) + "\n"


def lay_out(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template needs: one view for each section, None where there is nothing to show."""
    question = {**dict.fromkeys(QUESTION), **(content.get("question") or {})}
    board = list(content.get("leaderboard") or [])
    metric = str(question.get("metric") or (content.get("verdict") or {}).get("metric") or "score")
    lower = metric in LOWER_IS_BETTER
    views: dict[str, Any] = {
        "verdict": _verdict(content.get("verdict"), question["modalities"]),
        "data": _data(content.get("data")),
        "leaderboard": _leaderboard(board, lower),
        "mistakes": _mistakes(content, question),
        "calibration": _calibration(content.get("calibration")),
        "robustness": _robustness(content.get("robustness") or [], metric),
        "subsets": _subsets(content.get("subsets"), metric),
        "importance": _importance(content.get("importance")),
        "examples": [_example(e, question.get("task") == "regression") for e in content.get("examples") or []] or None,
        "cost": _cost(board, lower),
        "learning_curve": _learning_curve(content.get("learning_curve") or [], metric),
        "reproduce": _reproduce(question),
    }
    said = content.get("missing") or {}
    return {
        "question": question,
        "metric": metric.replace("_", " "),
        "lower": lower,
        "metric_help": METRIC_HELP.get(metric, ""),
        "titles": TITLES,
        "views": views,
        "missing": {name: str(said.get(name) or text) for name, text in MISSING.items()},
        "winner": next((_candidate(0, c) for c in board if c.get("winner")), None),
    }


QUESTION = (
    "target",
    "task",
    "metric",
    "unit",
    "classes",
    "modalities",
    "table",
    "when",
    "version",
    "command",
    "seed",
    "hash",
)
METRIC_HELP = {
    "accuracy": "the share of rows that are right; 1 is best",
    "balanced_accuracy": "the share of rows that are right, each class counting the same; 1 is best",
    "f1_macro": "precision and recall in one number, each class counting the same; 1 is best",
    "auroc": "how well the classes are told apart; 0.5 is chance, 1 is best",
    "r2": "the share of the variation that is explained; 0 is no better than the mean, 1 is best",
    "mae": "the mean distance from the truth, in the unit of the target; 0 is best",
    "rmse": "the typical distance from the truth, large ones counting more, in the unit of the target; 0 is best",
}


# -- sections ---------------------------------------------------------------------------------------------------------


def _verdict(found: Mapping[str, Any] | None, modalities: Sequence[str] | None) -> dict[str, Any] | None:
    if not found:
        return None
    without = str(found["single"]) if found.get("single") in (modalities or []) else "that modality"
    code = found.get("code") if found.get("code") in HEADLINES else "not_tested"
    points = found.get("metric") in BOUNDED
    rows = []
    for key, what in (
        ("difference", "all {} test rows"),
        ("adds", "{} complete rows"),
        ("fills_holes", "{} rows without " + without),
    ):
        span = found.get(key) or {}
        num = found.get("rows") if key == "difference" else span.get("rows")
        if num is not None:
            rows.append((what.format(f"{num:,}" if num else "no"), _span(span)))
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
        "p_text": _chance(found.get("p")),
        "metric_text": str(found.get("metric") or "").replace("_", " "),
    }


def _data(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
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


def _leaderboard(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
    if not board:
        return None
    order = sorted(board, key=lambda c: _rank(c, lower))
    rows = [_candidate(place, c) for place, c in enumerate(order, 1)]
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


def _candidate(place: int, found: Mapping[str, Any]) -> dict[str, Any]:
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


def _calibration(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not found or not (found.get("before") or found.get("after")):
        return None
    both = dict.fromkeys(("before", "after"))
    measures = {key: {**both, **found[key]} if found.get(key) else None for key in ("ece", "brier")}
    return {**both, "temperature": None, **found, **measures}


def _mistakes(content: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any] | None:
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
    counts, names = [[int(n) for n in row] for row in found["counts"]], [str(name) for name in found["names"]]
    total, right = sum(map(sum, counts)), sum(row[i] for i, row in enumerate(counts) if i < len(row))
    wrong = [
        (n, names[i], names[j], sum(row)) for i, row in enumerate(counts) for j, n in enumerate(row) if n and i != j
    ]
    shown = list(range(len(names)))
    if len(names) > figures.MOST_CLASSES:  # those with the most mistakes, either way
        missed = [sum(row) - (row[i] if i < len(row) else 0) for i, row in enumerate(counts)]
        for row, values in enumerate(counts):
            for column, n in enumerate(values):
                missed[column] += n if row != column else 0
        shown = sorted(sorted(shown, key=lambda i: -missed[i])[:60])
    across = [j for j in shown if j < len(counts[0])]
    return {
        "kind": "confusion",
        "counts": [[counts[i][j] for j in across] for i in across + [i for i in shown if i not in across]],
        "names": [names[i] for i in across + [i for i in shown if i not in across]],
        "all": len(names),
        "worst": sorted(wrong, key=lambda w: -w[0])[:10],
        "right": right,
        "total": total,
        "unknown": [name for name in names[len(counts[0]) :]],
    }


def _robustness(found: Sequence[Mapping[str, Any]], metric: str) -> dict[str, Any] | None:
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
            "first": c["scores"][0],
            "last": c["scores"][-1],
            "area": c.get("area"),
        }
        for c in curves
    ]
    return {"panels": panels, "rows": rows, "metric": metric}


def _subsets(found: Mapping[str, Any] | None, metric: str) -> dict[str, Any] | None:
    if not found or not found.get("by_modalities"):
        return None
    table, alone = found["by_modalities"], found.get("alone") or {}
    names = sorted({name for key in table for name in key.split("+")})
    spans = [entry.get("metrics", {}).get(metric) or {} for entry in [*table.values(), *alone.values()]]
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
    return {"names": names, "rows": rows, "ends": ends, "alone": any(row["alone"]["value"] is not None for row in rows)}


def _importance(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
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


def _cost(board: Sequence[Mapping[str, Any]], lower: bool) -> dict[str, Any] | None:
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


def _learning_curve(found: Sequence[Mapping[str, Any]], metric: str) -> str | None:
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


def _reproduce(question: Mapping[str, Any]) -> dict[str, Any] | None:
    facts = {"table": "table", "hash": "SHA-256 of the table", "seed": "seed", "when": "when", "version": "plait"}
    rows = [(text, str(question[key])) for key, text in facts.items() if question.get(key) is not None]
    rows += [(str(name), str(value)) for name, value in (question.get("versions") or {}).items()]
    options = [(str(name), str(value)) for name, value in (question.get("options") or {}).items()]
    if not rows and not options and not question.get("command"):
        return None
    return {"command": question.get("command"), "rows": rows, "options": options}


# -- one row explained ------------------------------------------------------------------------------------------------


def _example(found: Mapping[str, Any], regression: bool) -> dict[str, Any]:
    target, said, probability = found.get("target"), found.get("prediction"), found.get("probability")
    shares = found.get("modalities") or {}
    total = said if regression else probability
    chart = None
    if found.get("base") is not None and isinstance(total, (int, float)) and shares:
        steps = [(str(name), None if share is None else float(share), "not there") for name, share in shares.items()]
        chart = figures.waterfall(float(found["base"]), steps, float(total), "the answer")
    say = svg.plain if regression else str
    judged = None if regression or target is None else str(target) == str(said)
    return {
        **{key: found.get(key) for key in ("row", "split", "status", "reason")},
        "target": None if target is None else say(target),
        "said": None if said is None else say(said),
        "off": svg.plain(said - target, "+") if regression and target is not None and said is not None else None,
        "right": judged,
        "probability": None if regression else probability,
        "chart": chart,
        "synergy": sorted((found.get("synergy") or {}).items(), key=lambda pair: -abs(pair[1]))[:3],
        "parts": [_part(part) for part in found.get("parts") or []],
    }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(part.get("kind") or "")
    view: dict[str, Any] = {
        "name": str(part.get("modality") or kind),
        "kind": kind,
        "reason": part.get("reason"),
        "note": "",
    }
    if part.get("reason"):
        return {**view, "kind": "absent"}
    if kind == "image":
        heat = part.get("heat")
        cells = heat if heat is not None and not isinstance(heat, bytes) and len(heat) else None
        layer = heat if isinstance(heat, bytes) else figures.heat_layer(cells) if cells is not None else None
        view |= {
            "png": _fitting(part.get("png"), view),
            "layer": layer,
            "box": _strongest(cells),
            "size": _png_size(part.get("png")),
        }
    elif kind == "audio":
        seconds = [s for s in part.get("seconds") or [] if s["end"] > s["start"]]
        duration = float(part.get("duration") or max([s["end"] for s in seconds] + [0.0]))
        strip = figures.seconds_figure(seconds, duration) if seconds and duration > 0 else None
        view |= {
            "wav": _fitting(part.get("wav"), view),
            "png": part.get("spectrogram"),
            "strip": strip,
            "duration": duration,
        }
    elif kind == "text":
        view["pieces"] = _pieces(str(part.get("text") or ""), part.get("spans") or [])
    else:
        columns = [{"value": None, "weight": None, **c} for c in part.get("columns") or []]
        limit = max([abs(c["weight"]) for c in columns if c.get("weight") is not None] + [1e-12])
        view |= {"kind": "tabular", "columns": columns, "limit": limit}
    return view


def _fitting(data: bytes | None, view: dict[str, Any]) -> bytes | None:
    """Return a picture or sound, or None and a note where it is too large for the page."""
    if data is not None and len(data) > MOST_MEDIA:
        view["note"] = f"It is too large to keep in this file ({len(data) / 1e6:.1f} MB)."
        return None
    return data


def _png_size(png: bytes | None) -> tuple[int, int]:
    """Return width and height from the head of a PNG, so that the page keeps its place; 1 × 1 for what is none."""
    if not png or len(png) < 24 or png[:8] != b"\x89PNG\r\n\x1a\n":
        return 1, 1
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def _strongest(cells: Sequence[Sequence[float]] | None) -> dict[str, str] | None:
    """Return where the strongest cell that speaks for the answer lies, in percent of the picture."""
    if cells is None:
        return None
    weight, i, j = max((float(w), -i, -j) for i, row in enumerate(cells) for j, w in enumerate(row))
    if weight <= 0:
        return None
    tall, wide = 100 / len(cells), 100 / len(cells[0])
    return {k: svg.tidy(v) for k, v in {"left": -j * wide, "top": -i * tall, "width": wide, "height": tall}.items()}


def _pieces(text: str, spans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cut a text into pieces, each with how strongly it counted, 0 to 4, and for or against. Overlaps are left out."""
    limit = max([abs(float(s["weight"])) for s in spans] + [1e-12])
    pieces: list[dict[str, Any]] = []
    at = 0
    for s in sorted(spans, key=lambda s: (s["start"], s["end"])):
        begin, stop, weight = int(s["start"]), min(int(s["end"]), len(text)), float(s["weight"])
        if begin < at or stop <= begin:
            continue
        pieces.append({"text": text[at:begin], "level": 0, "weight": 0.0})
        pieces.append({"text": text[begin:stop], "level": round(4 * abs(weight) / limit), "weight": weight})
        at = stop
    return [p for p in [*pieces, {"text": text[at:], "level": 0, "weight": 0.0}] if p["text"]]


# -- words and values -------------------------------------------------------------------------------------------------


def tell_seconds(seconds: float | None) -> str:
    """Return a time as text.

    >>> tell_seconds(0.42), tell_seconds(12.4), tell_seconds(200), tell_seconds(4000)
    ('0.4 s', '12 s', '3 min 20 s', '1 h 7 min')
    """
    if seconds is None:
        return svg.NONE
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "< 0.1 s"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def tell_count(value: float | None) -> str:
    """Return a whole number as text, millions in words.

    >>> tell_count(1234), tell_count(23_400_000), tell_count(None)
    ('1,234', '23.4 million', '–')
    """
    if value is None:
        return svg.NONE
    return f"{value / 1e6:.1f} million" if value >= 1e7 else f"{round(value):,}"


def _chance(p: float | None) -> str:
    if p is None:
        return ""
    return "below 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _span(span: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: (span or {}).get(key) for key in ("value", "low", "high")}


def _ends(span: Mapping[str, Any] | None) -> list[float]:
    return [float(span[key]) for key in ("low", "value", "high") if span.get(key) is not None] if span else []


def _rank(candidate: Mapping[str, Any], lower: bool) -> tuple[bool, float]:
    value = (candidate.get("val") or {}).get("value")
    return value is None, 0.0 if value is None else float(value) if lower else -float(value)


def _data_address(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"


def _marked(draw: Callable[..., Any], markup: Callable[[str], Any]) -> Callable[..., Any]:
    def drawn(*given: Any, **named: Any) -> Any:
        return markup(draw(*given, **named))

    return drawn


def _clean(value: Any) -> Any:
    """Return a value whose texts can stand in a page: no control characters, no half of a character. Offsets stay."""
    if isinstance(value, str):
        return "".join("\ufffd" if _broken(c) else c for c in value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return _clean(value.tolist()) if hasattr(value, "tolist") else value  # an array, or a number of numpy


def _broken(mark: str) -> bool:
    code = ord(mark)
    return (
        (code < 32 and mark not in "\n\t\r") or 127 <= code < 160 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
    )
