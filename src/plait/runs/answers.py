"""What predictors say of prepared rows, with each subset of modalities present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.core.contract import BLANK, FILLED, MUTE, NEW, answer_subsets, shown_by
from plait.core.threads import torch_inference
from plait.models.rows import Prepared

NO_NUMBER = ("failed", "the model's answer is no finite number")


@dataclass
class Answers:
    """What predictors said of a table: answers[subset] and alone[name] (rows, class), present[m] (rows,), statuses."""

    answers: dict[tuple[str, ...], np.ndarray]
    alone: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    statuses: list[tuple[str, str]]

    @classmethod
    def join(cls, parts: Sequence[Answers]) -> Answers:
        answers, alone, present = (
            {key: np.concatenate([getattr(part, name)[key] for part in parts]) for key in getattr(parts[0], name)}
            for name in ("answers", "alone", "present")
        )
        return cls(answers, alone, present, [status for part in parts for status in part.statuses])


def answer_prepared(
    prepared: Prepared,
    predictor: Any,
    subsets: Sequence[tuple[str, ...]],
    alone: Mapping[str, Any],
    modalities: Sequence[str],
    rows: np.ndarray | None = None,
) -> Answers:
    """Answer for prepared rows given each subset of modalities, and by others alone; each row is encoded once."""
    rows = np.arange(len(prepared)) if rows is None else rows
    answers: dict[tuple[str, ...], list[np.ndarray]] = {tuple(sorted(keep)): [] for keep in subsets}
    single: dict[str, list[np.ndarray]] = {name: [] for name in alone}
    with torch_inference():
        for start in range(0, max(1, len(rows)), 128):
            batch = prepared.batch(rows[start : start + 128])
            batch.answers = {}  # members of several are asked once
            for lots, answer in zip(answers.values(), answer_subsets(predictor, batch, list(answers)), strict=True):
                lots.append(answer)
            for name, lots in single.items():
                lots += answer_subsets(alone[name], batch, [[shown_by(shown) for shown in alone[name].names]])
    present = {name: there[rows] for name, there in prepared.present.items()}
    joined = {keep: np.concatenate(lots) for keep, lots in answers.items()}
    finite = np.all([np.isfinite(answer).all(1) for answer in joined.values()], axis=0)
    statuses = prepared.statuses(modalities)
    given = [statuses[row] if sound else NO_NUMBER for row, sound in zip(rows, finite, strict=True)]
    return Answers(joined, {name: np.concatenate(lots) for name, lots in single.items()}, present, given)


def count_holes(prepared: Prepared, rows: np.ndarray | None = None) -> dict[str, dict[str, Any]]:
    """Count for each modality the rows in which it is blank, and those with a broken cell, with an example of these.

    Of the blank ones, "mute" are videos without a sound track.
    """
    asked = range(len(prepared.reasons)) if rows is None else rows.tolist()
    present = prepared.present
    counts: dict[str, dict[str, Any]] = {name: {"blank": 0, "broken": 0, "example": ""} for name in prepared.names}
    for row in asked:
        for name, reason in prepared.reasons[row].items():
            if FILLED in reason:
                counts[name]["filled"] = counts[name].get("filled", 0) + 1
                continue
            broken = [part for part in reason.split("; ") if not part.endswith((BLANK, NEW, MUTE))]
            if broken:
                counts[name]["broken"] += 1
                counts[name]["example"] = counts[name]["example"] or f"row {row}: {'; '.join(broken)}"
            elif not present[name][row]:
                counts[name]["blank"] += 1
                if reason.endswith(MUTE):
                    counts[name]["mute"] = counts[name].get("mute", 0) + 1
    return counts
