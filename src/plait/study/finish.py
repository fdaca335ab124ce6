"""The end of a fit: one look at the test rows, the report, and the files of the run folder."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.files import write_json
from plait.draw import charts
from plait.draw.report import write_report
from plait.models.predictors import input_names
from plait.models.views import encoder_names
from plait.proof.leaderboard import HEADLINE
from plait.proof.scores import confusion, reliability
from plait.runs.answers import Answers, answer_prepared
from plait.runs.facts import RunFacts
from plait.runs.model import Model
from plait.runs.predictions import Predictions
from plait.study.candidate import Candidate
from plait.study.conversion_gain import compare_conversions
from plait.study.encoder_choice import tell_encoders
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.report_content import Account
from plait.study.search import Search, time_row


@dataclass
class Result:
    """What a search gave: its winner, the holes of the rows, points of a learning curve, and what folds found."""

    job: Fit
    search: Search
    winner: Candidate
    holes: dict[str, Any]
    points: list[dict[str, Any]]
    checked: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        study = self.search.study
        self.rows = study.test if len(study.test) else study.val  # those that the files are about


def finish(result: Result) -> Model:
    """Look at the test rows once, write the run folder, and remove what only a run under way needs."""
    job, search = result.job, result.search
    search.leave_device()
    model = ship(result)
    answered = ask(result, model)
    prove(result, model, answered)
    files = list_files(result, model, answered)
    if job.options.report:
        content = Account(job, search, result.winner, model, answered).content()
        files["report.html"] = lambda path: write_report(path, content)
    model.write(job.folder, files)
    shutil.rmtree(job.work)
    return model


def ship(result: Result) -> Model:
    """Return the model: the winner, learned from validation rows too where it can, and the best of each modality."""
    job, search, winner, study = result.job, result.search, result.winner, result.search.study
    shipped = search.refitted(winner)
    predictors = {"winner": shipped}
    for name in study.prepared.names:
        best = search.best_alone(name)
        if best is not None:
            predictors[name] = shipped if best is winner else best.tempered
    read_by = {view for predictor in predictors.values() for view in input_names(predictor)}
    strands = [s for s in study.prepared.views if s.how != "tuned" or s.name in read_by]
    return Model(list_facts(result), strands, predictors, made=list(job.made))


def list_facts(result: Result) -> RunFacts:
    """Return what run.json says of the fit, before anything is known of the test rows."""
    job, search, winner = result.job, result.search, result.winner
    study, labels = search.study, search.labels
    return RunFacts(
        task="classification" if labels.classes is not None else "regression",
        target=job.target,
        classes=labels.classes,
        center=labels.center,
        spread=labels.spread,
        decimal_comma=labels.decimal_comma or None,
        prior=labels.prior.tolist(),
        seed=job.options.seed,
        precision="bfloat16" if study.lowered else "float32",
        schema=job.schema.to_json(),
        options=readable(vars(job.options)),
        rows=len(job.table),
        splits={part: int((study.split == part).sum()) for part in ("train", "val", "test")},
        unlabelled=int((study.split == "").sum()),
        holes=result.holes,
        winner=winner.name,
        recipe=winner.recipe,
        temperature=winner.heat,
        sample_rates=job.table.sample_rates,
        conversions=[one.to_json() for one in job.made],
        learning_curve=result.points,
        encoders=tell_encoders(study, encoder_names(job.schema, job.options.encoders)),
        folds=result.checked,
        stopped=study.budget.stopped,
    )


def ask(result: Result, model: Model) -> Answers:
    """Answer the test rows (validation, without any), once: all that is said of them is about these answers.

    The winner answers with each subset of modalities, and the best of each modality alone; candidates keep theirs.
    """
    search, study, winner = result.search, result.search.study, result.winner
    whole = tuple(sorted(model.modalities))
    asked = (model.subsets(), model.alone) if len(study.test) else ([whole], {})
    answered = answer_prepared(study.prepared, model.predictor(), *asked, model.modalities, result.rows)
    if len(study.test) and winner.fit is None:  # else the one that is shipped has learned from validation rows since
        winner.tested = answered.answers[whole]
    for name, said in answered.alone.items():
        best = search.best_alone(name)
        if best is not None and best is not winner:
            best.tested = said
    return answered


def prove(result: Result, model: Model, answered: Answers) -> None:
    """Add to the model's facts its scores on the test rows, and all candidates with the verdict."""
    search, facts = result.search, model.facts
    if len(search.study.test):
        facts.test = model.grade(answered, search.labels.cells[search.study.test])
    converted = [one for one in facts.conversions if one["how"] == "convert"]
    facts.study = {
        "winner": result.winner.name,
        "metric": HEADLINE[model.task],
        "verdict": search.verdict().to_json() if result.checked is None else result.checked["verdict"],
        "trials": search.trials,
        "candidates": _leaderboard(search, result.winner),
        "conversions": compare_conversions(search, converted),
    }


def list_files(result: Result, model: Model, answered: Answers) -> dict[str, Callable[[Path], Any]]:
    """Return what writes each further file of the run folder: answers to the rows, tables, pictures."""
    study, labels, rows, points = result.search.study, result.search.labels, result.rows, result.points
    values = answered.answers[tuple(sorted(model.modalities))]
    answers = _predictions(labels, study.split, rows, answered.statuses, values)
    epochs = [event for c in study.candidates for event in c.outcome.history]
    files: dict[str, Callable[[Path], Any]] = {
        "history.jsonl": lambda path: write_history(path, study.candidates),
        "predictions.parquet": answers.write,
        "study.json": lambda path: write_json(path, model.facts.study),
    }
    if epochs:
        files["curves.png"] = lambda path: charts.curves_picture(path, epochs)
    if points:
        files["learning-curve.png"] = lambda path: charts.growth_picture(path, points, HEADLINE[model.task])
    seen = np.array([status != "failed" for status, _ in answered.statuses], bool)
    truth, said = labels.cells[rows][seen], values[seen]
    where = f"{'test' if len(study.test) else 'validation'} rows, {result.winner.name}"
    if seen.any() and labels.classes is not None:
        given = truth, said, labels.classes
        files["confusion.png"] = lambda path: charts.confusion_picture(
            path, *confusion(*given), title=f"Confusion: {where}"
        )
        files["reliability.png"] = lambda path: charts.reliability_picture(
            path, reliability(*given), title=f"Reliability: {where}"
        )
    elif seen.any():
        files["scatter.png"] = lambda path: charts.scatter_picture(
            path, truth.astype(float), said[:, 0], result.job.target
        )
    return files


def _leaderboard(search: Search, winner: Candidate) -> list[dict[str, Any]]:
    """Say of every candidate what validation, cost and, where it was looked at, the test rows say; the winner first."""
    study, wish = search.study, search.labels
    board, looked = [], search.looked_at(winner) if len(study.test) else []
    for candidate in sorted(study.candidates, key=lambda c: (c is not winner, c.loss)):
        answers = search.look(candidate) if candidate in looked else None
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
                "test": None if answers is None else wish.headline(answers, study.test, study.seed),
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


def readable(value: Any) -> Any:
    """Return options as JSON; an object of the user's own is named by its class."""
    if isinstance(value, Mapping):
        return {str(k): readable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [readable(v) for v in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
