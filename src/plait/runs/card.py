"""The model card of a run: README.md in its folder, in the form of the Hugging Face hub. Knows facts alone.

Names, labels and cells come from strangers: each is escaped, in the front matter as JSON, which YAML reads as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from plait.core.language import speaking
from plait.core.tables import markdown_table, markdown_text
from plait.core.version import __version__
from plait.core.words import count, duration, metric_name, milliseconds, parameters, percent, say_some
from plait.proof.leaderboard import choose_shown, span
from plait.runs.facts import RunFacts

TASKS = {
    "classification": "one of {num} classes of",
    "ordered": "one of {num} grades of",
    "labels": "any of {num} labels of",
    "regression": "the number",
    "recognition": "the words of",
}
# the hub's names of tasks that look at one kind alone; it has none for other pairs
SPEECH = "automatic-speech-recognition"
HUB_KINDS = ("image", "audio", "text", "video", "tabular")
PIPELINES = {"tabular-regression", *(f"{kind}-classification" for kind in HUB_KINDS)}
MOST_METRICS = ("accuracy", "balanced_accuracy", "f1_macro", "f1_rows", "auroc", "mae", "rmse", "r2", "wer", "cer")
MOST_CLASSES = 20


def make_card(facts: RunFacts) -> str:
    """Return the model card of a run as Markdown with its front matter; in English, as the hub's are."""
    with speaking("en"):
        return _write_card(facts)


def _write_card(facts: RunFacts) -> str:
    study, target = facts.study, markdown_text(facts.target)
    said = TASKS[facts.task].format(num=len(facts.classes or ()))
    kinds = [f"{markdown_text(m['name'])} ({m['kind']})" for m in facts.schema["modalities"]]
    parts = [
        f"# {target}",
        f"This model predicts {said} **{target}** of a row from {', '.join(kinds)}. It answers rows in which some of "
        f"them are missing. Made by plait {__version__}; chosen: **{markdown_text(facts.winner)}**.",
        "## What is known of it",
        markdown_text(study["verdict"]["sentence"]),
        *_scores_of(facts),
        "## Data",
        *_data_of(facts),
        "## What was compared",
        markdown_table(*_compared(facts)),
        "## Limits",
        "\n".join(f"- {line}" for line in _limits_of(facts)),
        "## How to use it",
        '```python\nimport plait\n\nmodel = plait.load("RUN")  # this folder\nanswers = model.predict("rows.csv")\n```',
        "or on the command line `plait predict RUN rows.csv --out answers.csv`. Nothing in this folder is executed "
        "when it is loaded. `run.json` says how each file must hash.",
    ]
    return "\n\n".join([f"---\n{front_matter(facts)}\n---", *parts]) + "\n"


def front_matter(facts: RunFacts) -> str:
    """Return what the hub reads of a model, as YAML whose values are JSON."""
    kinds = {m["kind"] for m in facts.schema["modalities"]}
    task = "classification" if facts.task == "ordered" else facts.task
    named = SPEECH if task == "recognition" else f"{min(kinds)}-{task}"
    pipeline = named if len(kinds) == 1 and named in {*PIPELINES, SPEECH} else None
    lines: dict[str, Any] = {"library_name": "plait", "tags": ["plait", "multimodal", task]}
    lines |= {"pipeline_tag": pipeline} if pipeline else {}
    if scores := _tested(facts):
        metrics = [{"type": name, "value": round(one["value"], 4)} for name, one in scores.items()]
        result = {
            "task": {"type": pipeline or task},
            "dataset": {"name": facts.target, "type": "own", "split": "test"},
            "metrics": metrics,
        }
        lines["model-index"] = [{"name": facts.target, "results": [result]}]
    return "\n".join(f"{key}: {json.dumps(value, ensure_ascii=True)}" for key, value in lines.items())


def _tested(facts: RunFacts) -> dict[str, Any]:
    """Return the scores of rows that were not learned from, by metric; {} where none are known."""
    part: Mapping[str, Any] = facts.test or facts.folds or {}
    metrics = part.get("metrics") or {}
    return {name: metrics[name] for name in MOST_METRICS if (metrics.get(name) or {}).get("value") is not None}


def _scores_of(facts: RunFacts) -> list[str]:
    scores = _tested(facts)
    if not scores:
        return ["There were no test rows: the score on rows never seen is not known."]
    part: Mapping[str, Any] = facts.test or facts.folds or {}
    rows = [[metric_name(name), span(score)] for name, score in scores.items()]
    own = [f"On {count(part['rows'], 'row')} that it did not learn from, with 95 % intervals:"]
    own.append(markdown_table(["metric", "value"], rows))
    classes = (part.get("metrics") or {}).get("per_class")
    if classes:
        keys = ("precision", "recall", "f1")
        lines = [[name, count(one["support"]), *(span(one[k]) for k in keys)] for name, one in classes.items()]
        own.append(markdown_table(["class", "rows", "precision", "recall", "F1"], lines[:MOST_CLASSES]))
    return own


def _data_of(facts: RunFacts) -> list[str]:
    splits = ", ".join(f"{count(num)} {part}" for part, num in facts.splits.items() if num)
    lines = [f"{count(facts.rows, 'row')}: {splits}."]
    if facts.classes is not None:
        lines.append(f"Classes: {markdown_text(say_some([str(name) for name in facts.classes], 20))}.")
    rows = []
    for modality in facts.schema["modalities"]:
        hole = facts.holes.get(modality["name"], {"blank": 0, "broken": 0})
        gone = (hole["blank"] + hole["broken"]) / max(1, facts.rows)
        rows.append([modality["name"], modality["kind"], say_some(modality["columns"]), percent(gone)])
    return [*lines, markdown_table(["modality", "kind", "columns", "missing"], rows)]


def _compared(facts: RunFacts) -> tuple[list[str], list[list[str]]]:
    named = metric_name(facts.study["metric"])
    head = ["candidate", f"{named}, validation", f"{named}, test", "training time", "parameters", "latency per row"]
    rows = []
    for c in choose_shown(facts.study["candidates"], 6):
        cost = [duration(c["seconds"]), parameters(c["params"]), milliseconds(c["latency_ms"])]
        name = f"{c['name']} (chosen)" if c["winner"] else c["name"]
        rows.append([name, span(c["val"]), "not looked at" if c["test"] is None else span(c["test"]), *cost])
    return head, rows


def _limits_of(facts: RunFacts) -> list[str]:
    lines = [
        "It was tested on rows of the same table. Rows from elsewhere may be told less well: score some with "
        "`plait evaluate RUN TABLE` first.",
        "What it learned is in this folder, words and categories of the training rows among it, and with the report "
        "some rows as they are. Do not publish a run of data that you would not publish.",
    ]
    lines += [markdown_text(one["sentence"]) for one in facts.study.get("caveats", [])]
    holes = {name: hole["blank"] + hole["broken"] for name, hole in facts.holes.items()}
    whole = [markdown_text(name) for name, num in holes.items() if not num]
    if whole and len(facts.schema["modalities"]) > 1:
        lines.append(f"No training row lacked {', '.join(whole)}; rows without it were made by hiding it.")
    return lines
