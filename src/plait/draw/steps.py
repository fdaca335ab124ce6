"""What to do next: a plain sentence for each thing that the facts of a report show to be worth doing, the first first.

Takes the content that `report` describes; knows no model and no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plait.core.language import say
from plait.core.words import LOWER_IS_BETTER, count, is_rising, metric_name, number, percent

MOST_STEPS = 5
FEW_OF_CLASS = 10  # rows of a class, of fewer its scores have no interval
WEAK = 0.5  # recall below which a class is more often missed than found
BEHIND = 0.2  # how far below the mean of the others
HOLES = 0.1  # share of rows without a modality that is worth a sentence
BROKEN = 0.01  # share of rows with a cell that cannot be read


def list_steps(content: Mapping[str, Any]) -> list[str]:
    """Return what to do next, at most five sentences."""
    steps = [
        *_by_baseline(content),
        *_by_verdict(content),
        *_by_modalities(content),
        *_by_classes(content),
        *_by_data(content),
        *_by_curve(content),
        *_by_calibration(content),
    ]
    if not steps:
        steps = [say("Nothing stands out. Score the model on rows that are new: plait evaluate RUN TABLE.")]
    return steps[:MOST_STEPS]


def _by_baseline(content: Mapping[str, Any]) -> list[str]:
    """Return a sentence where the winner does no better than an answer that looks at nothing."""
    winner = next(c for c in content["leaderboard"] if c["winner"])
    prior, score = content.get("prior"), winner["test"]
    if not prior or not score or None in (prior["value"], score["value"]):
        return []
    lower = score["value"] < prior["value"]
    better = lower if content["question"]["metric"] in LOWER_IS_BETTER else score["value"] > prior["value"]
    if better:
        return []
    told = {"metric": metric_name(content["question"]["metric"]), "score": number(score["value"])}
    return [
        say(
            "Do not use the model yet: its {metric} of {score} is no better than an answer that looks at nothing "
            "({prior}). Check the target, and look for columns that say more of it.",
            **told,
            prior=number(prior["value"]),
        )
    ]


def _by_verdict(content: Mapping[str, Any]) -> list[str]:
    verdict = content["verdict"]
    needed, rows = (verdict.get("rows_for") or {}).get("5"), verdict["test"]["rows"]
    if verdict["code"] == "cannot_tell" and needed and needed > rows:
        said = "Give more test rows: {rows} cannot tell whether combining helps, about {needed} would."
        return [say(said, rows=count(rows), needed=count(needed))]
    if verdict["code"] == "cannot_tell":
        return [say("Give more test rows: these cannot tell whether combining helps.")]
    if verdict["code"] == "hurts":
        rule = say(", else ").join(verdict["single"]["rule"])
        return [say("Use {rule} alone: it is better than the combination.", rule=rule)]
    if verdict["code"] == "equal" and verdict["single"]["rule"]:
        said = "Where cost counts, use {rule} alone: what the others add is too little to matter."
        return [say(said, rule=say(", else ").join(verdict["single"]["rule"]))]
    if not content["data"]["splits"].get("test"):
        return [say("Keep some labelled rows for a test: without them no score is known for rows never seen.")]
    return []


def _by_modalities(content: Mapping[str, Any]) -> list[str]:
    """Return a sentence on each modality that adds nothing which the tested rows can show.

    Of the one that the best rule asks first none: who leaves the others out keeps it.
    """
    worth = (content.get("importance") or {}).get("worth") or content.get("worth")
    if not worth or len(worth["modalities"]) < 2:
        return []
    said = "{name} adds nothing that the tested rows can show: try without it (--ignore {columns})."
    columns = {m["name"]: m["columns"] for m in content["data"]["modalities"]}
    first = ((content["verdict"].get("single") or {}).get("rule") or [None])[0]
    return [
        say(said, name=name, columns=" --ignore ".join(columns.get(name, [name])[:3]))
        for name, gain in worth["modalities"].items()
        if name != first and gain["low"] is not None and gain["low"] <= 0 and len(columns.get(name, [name])) <= 3
    ]


def _by_classes(content: Mapping[str, Any]) -> list[str]:
    """Return a sentence on the class that is missed most, and on the most frequent mistake."""
    from plait.draw.sections import show_classes

    found = []
    for row in show_classes(content.get("per_class")):
        recall = row["spans"][1]["value"]
        if row["support"] and recall is not None:
            found.append((recall, row["support"], row["name"]))
    if len(found) < 2:
        return []
    recall, rows, name = min(found)
    others = [one[0] for one in found if one[2] != name]
    steps = []
    if recall < WEAK or recall < sum(others) / len(others) - BEHIND:
        told = {"name": name, "recall": percent(recall, 0), "rows": count(rows, "row")}
        more = "More rows of it, or --balance, may help."
        if rows < FEW_OF_CLASS:
            more = "That is too few rows to be sure: give more of it."
        said = "The class {name} is found in only {recall} of {rows}."
        if content["question"]["task"] == "labels":
            said = "The label {name} is found in only {recall} of {rows}."
        steps.append(say(said, **told) + " " + say(more))
    confusion = content.get("confusion")
    if confusion:
        counts, names = confusion["counts"], confusion["names"]
        wrong = [(num, i, j) for i, line in enumerate(counts) for j, num in enumerate(line) if i != j and num]
        num, i, j = max(wrong, key=lambda one: one[0], default=(0, 0, 0))
        if num > 2 and num >= 0.1 * sum(counts[i]):
            told = {"true": names[i], "said": names[j], "rows": count(num, "row")}
            said = "Look at the {rows} of {true} that are predicted as {said}: their labels may be wrong."
            steps.append(say(said, **told))
    return steps


def _by_data(content: Mapping[str, Any]) -> list[str]:
    """Return a sentence on cells that cannot be read, and one on the modality that is missing most."""
    data, steps = content["data"], []
    broken = [m for m in data["modalities"] if m["broken"] >= max(1, BROKEN * data["rows"])]
    if broken:
        told = {"name": broken[0]["name"], "rows": count(broken[0]["broken"], "row")}
        steps.append(
            say("Mend the cells of {name} that cannot be read, in {rows}: plait check TABLE names them.", **told)
        )
    missing = {m["name"]: (m["blank"] + m["broken"]) / max(1, data["rows"]) for m in data["modalities"]}
    name = max(missing, key=lambda one: missing[one], default="")
    if name and missing[name] >= HOLES:
        told = {"name": name, "share": percent(missing[name], 0)}
        steps.append(say("Fill holes where you can: {name} is missing in {share} of the rows.", **told))
    return steps


def _by_curve(content: Mapping[str, Any]) -> list[str]:
    rising = is_rising(content.get("learning_curve") or [])
    return [say("Give more training rows: the learning curve still rises.")] if rising else []


def _by_calibration(content: Mapping[str, Any]) -> list[str]:
    measured = (content.get("calibration") or {}).get("after")
    if not measured or measured["word"] not in ("overconfident", "underconfident"):
        return []
    told = {"confidence": percent(measured["confidence"]), "accuracy": percent(measured["accuracy"])}
    said = "Do not take its confidence at its word: it is {confidence} on average, and the answer right in {accuracy}."
    return [say(said, **told)]
