"""The end of a fit: one look at the test rows, the report, and the files of the run folder."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.in_fit import Made
from plait.core.contract import Schema, Table
from plait.core.files import UNFINISHED, write_json
from plait.core.options import FitOptions
from plait.draw import charts
from plait.draw.report import write_report
from plait.models.predictors import input_names
from plait.models.views import encoder_names
from plait.proof.leaderboard import HEADLINE
from plait.proof.scores import confusion, reliability
from plait.runs.answers import answer_prepared
from plait.runs.model import Model
from plait.runs.predictions import Predictions
from plait.study.candidate import Candidate
from plait.study.conversion_gain import compare_conversions
from plait.study.encoder_choice import tell_encoders
from plait.study.labels import Labels, hash_cells
from plait.study.report_content import Account, command_of
from plait.study.search import Search, time_row


def finish(
    table: Table,
    schema: Schema,
    chosen: FitOptions,
    search: Search,
    winner: Candidate,
    holes: dict[str, Any],
    points: list[dict[str, Any]],
    checked: dict[str, Any] | None,
    made: Sequence[Made],
    place: Path,
) -> Model:
    """Look at the test rows once, write the run folder, and remove what only a run under way needs."""
    study, wish = search.study, search.labels
    search.leave_device()
    alone = {name: search.predictor_of(c) for name in study.prepared.names if (c := search.best_alone(name))}
    split, prepared = study.split, study.prepared
    shipped = search.refitted(winner)
    if winner.names == [winner.names[0]] and search.best_alone(winner.names[0]) is winner:
        alone[winner.names[0]] = shipped
    facts: dict[str, Any] = {
        "task": "classification" if wish.classes is not None else "regression",
        "target": schema.role("target"),
        "classes": wish.classes,
        "center": wish.center,
        "spread": wish.spread,
        "prior": wish.prior.tolist(),
        "seed": chosen.seed,
        "precision": "bfloat16" if study.lowered else "float32",
        "schema": schema.to_json(),
        "options": readable(asdict(chosen)),
        "rows": len(table),
        "splits": {part: int((split == part).sum()) for part in ("train", "val", "test")},
        "unlabelled": int((split == "").sum()),
        "holes": holes,
        "winner": winner.name,
        "recipe": winner.recipe,
        "temperature": search.temperatures.get(id(winner), 1.0),
        "sample_rates": table.sample_rates,
        "conversions": [one.to_json() for one in made],
        "learning_curve": points,
        "encoders": tell_encoders(study, encoder_names(schema, chosen.encoders)),
        "folds": checked,
        "stopped": study.stopped
        if study.stopped in ("time", "interrupt")
        else ("time" if study.limited or time.monotonic() >= study.deadline else ""),
    }
    read_by = {view for predictor in (shipped, *alone.values()) for view in input_names(predictor)}
    strands = [s for s in prepared.strands if not s.raw or s.name in read_by]
    model = Model(facts, strands, {"winner": shipped, **alone}, made=list(made))
    tests = np.flatnonzero(split == "test")
    truth = wish.cells
    facts["test"] = None
    if len(tests):
        facts["test"], _ = model.score(
            model._fitting(table.take(tests), [s.name for s in prepared.strands]), truth[tests]
        )
    said = {id(c): search.answers_on(c, tests) for c in search.looked_at(winner)} if len(tests) else {}
    facts["study"] = {
        "winner": winner.name,
        "metric": HEADLINE[str(facts["task"])],
        "verdict": search.verdict(tests, said).to_json() if checked is None else checked["verdict"],
        "trials": search.trials,
        "candidates": _leaderboard(search, winner, tests, said),
        "conversions": compare_conversions(
            search, [one for one in facts["conversions"] if one["how"] == "convert"], tests
        ),
    }
    rows = tests if len(tests) else study.val
    answered = answer_prepared(prepared, model.predictor(), [tuple(model.modalities)], {}, model.modalities, rows)
    values = answered.answers[tuple(sorted(model.modalities))]
    seen = np.array([status != "failed" for status, _ in answered.statuses], bool)
    where = f"{'test' if len(tests) else 'validation'} rows, {winner.name}"
    extra: dict[str, Any] = {
        "history.jsonl": lambda path: write_history(path, study.candidates),
        "predictions.parquet": lambda path: _predictions(wish, split, rows, answered.statuses, values).write(path),
        "study.json": lambda path: write_json(path, facts["study"]),
    }
    epochs = [event for c in study.candidates for event in c.outcome.history]
    if epochs:
        extra["curves.png"] = lambda path: charts.curves_picture(path, epochs)
    if points:
        extra["learning-curve.png"] = lambda path: charts.growth_picture(path, points, HEADLINE[str(facts["task"])])
    if seen.any() and wish.classes is not None:
        given = truth[rows][seen], values[seen], wish.classes
        extra["confusion.png"] = lambda path: charts.confusion_picture(
            path, *confusion(*given), title=f"Confusion: {where}"
        )
        extra["reliability.png"] = lambda path: charts.reliability_picture(
            path, reliability(*given), title=f"Reliability: {where}"
        )
    elif seen.any():
        numbers = truth[rows][seen].astype(float)
        extra["scatter.png"] = lambda path: charts.scatter_picture(
            path, numbers, values[seen, 0], str(schema.role("target"))
        )
    if chosen.report:
        asked = {f.name: getattr(chosen, f.name) for f in fields(chosen) if f.name not in ("overwrite", "report")}
        told = Account(
            model,
            search,
            winner,
            table,
            schema,
            command_of(Path(str(table.source)).name, str(schema.role("target")), place, _changed(asked)),
            hash_cells(table).hexdigest(),
        ).content()
        extra["report.html"] = lambda path: write_report(path, told)
    model.write(place, extra)
    shutil.rmtree(place / UNFINISHED)
    return model


def _leaderboard(
    search: Search, winner: Candidate, tests: np.ndarray, said: Mapping[int, np.ndarray]
) -> list[dict[str, Any]]:
    """Say of every candidate what validation, cost and, where it was looked at, the test rows say; the winner first."""
    study, wish = search.study, search.labels
    board = []
    for candidate in sorted(study.candidates, key=lambda c: (c is not winner, c.loss)):
        answers = said.get(id(candidate))
        board.append(
            {
                "name": candidate.name,
                "family": candidate.family,
                "plan": candidate.plan,
                "recipe": candidate.recipe,
                "modalities": candidate.names,
                "members": candidate.members,
                "loss": candidate.loss,
                "val": wish.headline(candidate.answers, study.val, study.seed),
                "test": None if answers is None else wish.headline(answers, tests, study.seed),
                "seconds": round(candidate.seconds, 2),
                "params": candidate.params,
                "latency_ms": round(time_row(candidate.predictor, study.prepared, study.val), 4),
                "memory_mb": round(candidate.params * (4 if candidate.network is not None else 8) / 1e6, 3),
                "winner": candidate is winner,
            }
        )
    return board


def write_history(path: Path, candidates: Sequence[Candidate]) -> None:
    events = [event for c in candidates for event in c.outcome.history]
    with open(path, "w", encoding="utf-8") as file:
        for event in events:
            clean = {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in event.items()}
            file.write(json.dumps(clean, ensure_ascii=False) + "\n")


@dataclass
class _Scored(Predictions):
    """Predictions of rows of the fitted table, with their number, split and target in front."""

    row: Any = None
    split: Any = None
    truth: Any = None

    def to_arrow(self) -> Any:
        import pyarrow as pa

        answers = super().to_arrow()
        front = {"row": pa.array(self.row), "split": pa.array(self.split), "target": pa.array(self.truth)}
        return pa.table({**front, **{name: answers[name] for name in answers.column_names}})


def _predictions(
    wish: Labels, split: np.ndarray, rows: np.ndarray, statuses: Sequence[tuple[str, str]], values: np.ndarray
) -> _Scored:
    failed = [status == "failed" for status, _ in statuses]
    if wish.classes is None:
        labels: list[Any] = [None if bad else float(v) for bad, v in zip(failed, values[:, 0], strict=True)]
    else:
        labels = [None if bad else wish.classes[i] for bad, i in zip(failed, values.argmax(1), strict=True)]
    return _Scored(
        labels,
        values if wish.classes is not None else None,
        [s for s, _ in statuses],
        [r for _, r in statuses],
        wish.classes,
        row=rows.tolist(),
        split=[str(split[row]) for row in rows],
        truth=wish.cells[rows].tolist(),
    )


def _changed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not at their default."""
    usual = FitOptions()
    return {name: value for name, value in given.items() if value != getattr(usual, name)}


def readable(value: Any) -> Any:
    """Return options as JSON; an object of the user's own is named by its class."""
    if isinstance(value, Mapping):
        return {str(k): readable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(v) for v in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
