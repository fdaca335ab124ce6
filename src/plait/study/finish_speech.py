"""The end of a fit of a recogniser: a look at the test rows, and the files of its run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Schema, Table
from plait.core.files import write_json
from plait.draw import charts
from plait.runs.answers import count_holes
from plait.runs.transcriber import Transcriber
from plait.runs.transcripts import Transcripts
from plait.study.candidate import Candidate
from plait.study.speech import Recognition


@dataclass
class _Scored(Transcripts):
    """Transcripts of rows of the fitted table, with their number, split and target in front."""

    front: Mapping[str, list[Any]] = field(default_factory=dict)

    def to_arrow(self) -> Any:
        import pyarrow as pa

        answers = super().to_arrow()
        return pa.table({**self.front, **{name: answers[name] for name in answers.column_names}})


def finish_recognition(
    study: Recognition, winner: Candidate, table: Table, schema: Schema, options: Mapping[str, Any]
) -> tuple[Transcriber, dict[str, Callable[[Path], Any]]]:
    """Look at the test rows once. Return the model, and what writes each further file of its run folder."""
    study.leave_device()
    prepared, split, audio = study.prepared, study.split, study.audio
    seen = study.look(winner) if len(study.test) else {}
    over = study.limited or time.monotonic() >= study.deadline
    facts: dict[str, Any] = {
        "task": "recognition",
        "target": schema.role("target"),
        "audio": audio,
        "units": study.units.to_json(),
        "classes": None,
        "center": 0.0,
        "spread": 1.0,
        "prior": [],
        "seed": study.options.seed,
        "schema": schema.to_json(),
        "options": dict(options),
        "rows": len(table),
        "splits": {part: int((split == part).sum()) for part in ("train", "val", "test")},
        "unlabelled": int((split == "").sum()),
        "holes": count_holes(prepared),
        "winner": winner.name,
        "recipe": winner.recipe,
        "temperature": 1.0,
        "sample_rates": table.sample_rates,
        "learning_curve": [],
        "folds": None,
        "stopped": study.stopped or ("time" if over else ""),
        "test": None,
        "study": {
            "winner": winner.name,
            "metric": "wer",
            "verdict": study.verdict(seen).to_json(),
            "trials": {"single": 1, "fused": len(study.candidates) - 1},
            "candidates": study.leaderboard(winner, seen),
        },
    }
    model = Transcriber(facts, prepared.strands, {"winner": winner.network, audio: study.alone.network})
    tests = np.flatnonzero(split == "test")
    if len(tests):
        facts["test"], _ = model.score(
            model._fitting(table.take(tests), [s.name for s in prepared.strands]), study.texts[tests]
        )
    rows = tests if len(tests) else np.flatnonzero(split == "val")
    keep = tuple(sorted(model.modalities))
    answered = model.answer_prepared(prepared.take(rows), [keep])
    front = {"row": rows.tolist(), "split": split[rows].tolist(), "target": study.texts[rows].tolist()}
    told = Transcripts.of(answered.answers[keep].tolist(), answered.statuses)
    facts["mute"] = bool(len(tests)) and not any(told.labels)
    written = _Scored(**vars(told), front=front)
    epochs = [event for c in study.candidates for event in c.outcome.history]
    extra: dict[str, Callable[[Path], Any]] = {
        "predictions.parquet": written.write,
        "study.json": lambda path: write_json(path, facts["study"]),
        "curves.png": lambda path: charts.curves_picture(path, epochs),
    }
    return model, extra
