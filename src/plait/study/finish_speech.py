"""The end of a fit of a recogniser: a look at the test rows, and the files of its run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.files import write_json
from plait.draw import charts
from plait.runs.facts import RunFacts
from plait.runs.transcriber import Transcriber
from plait.runs.transcripts import Transcripts
from plait.study.candidate import Candidate
from plait.study.finish import readable, write_history
from plait.study.speech import Recognition


@dataclass
class _Scored(Transcripts):
    """Transcripts of rows of the fitted table, with their number, split and target in front."""

    front: Mapping[str, list[Any]] = field(default_factory=dict)

    def to_arrow(self) -> Any:
        import pyarrow as pa

        answers = super().to_arrow()
        return pa.table({**self.front, **{name: answers[name] for name in answers.column_names}})


def finish_recognition(study: Recognition, winner: Candidate, holes: dict[str, Any]) -> Transcriber:
    """Look at the test rows once, write the run folder, and remove what only a run under way needs."""
    job, split, tests = study.job, study.split, np.flatnonzero(study.split == "test")
    study.leave_device()
    networks = {"winner": winner.network, study.audio: study.alone.network}
    facts = list_facts(study, winner, holes)
    model = Transcriber(facts, study.prepared.views, networks, made=list(job.made))
    rows, whole = tests if len(tests) else np.flatnonzero(split == "val"), tuple(sorted(model.modalities))
    asked = (model.subsets(), [study.audio]) if len(tests) else ([whole],)
    answered = model.answer_prepared(study.prepared.take(rows), *asked)
    if len(tests):  # heard once; candidates are judged on those rows whose sound can be heard
        heard = np.isin(rows, study.test)
        winner.tested, study.alone.tested = answered.answers[whole][heard], answered.alone[study.audio][heard]
        facts.test = model.grade(answered, study.texts[tests])
    facts.study = {
        "winner": winner.name,
        "metric": "wer",
        "verdict": study.verdict().to_json(),
        "trials": {"single": 1, "fused": len(study.candidates) - 1},
        "candidates": study.leaderboard(winner),
    }
    front = {"row": rows.tolist(), "split": split[rows].tolist(), "target": study.texts[rows].tolist()}
    told = Transcripts.of(answered.answers[whole].tolist(), answered.statuses)
    facts.mute = bool(len(tests)) and not any(told.labels)
    epochs = [event for c in study.candidates for event in c.outcome.history]
    files: dict[str, Callable[[Path], Any]] = {
        "predictions.parquet": _Scored(**vars(told), front=front).write,
        "study.json": lambda path: write_json(path, facts.study),
        "curves.png": lambda path: charts.curves_picture(path, epochs),
        "history.jsonl": lambda path: write_history(path, study.candidates),
    }
    model.write(job.folder, files)
    shutil.rmtree(job.work, ignore_errors=True)  # Windows keeps files that are mapped into memory
    return model


def list_facts(study: Recognition, winner: Candidate, holes: dict[str, Any]) -> RunFacts:
    """Return what run.json says of the fit, before anything is known of the test rows."""
    job = study.job
    return RunFacts(
        task="recognition",
        target=job.target,
        audio=job.audio,
        units=study.units.to_json(),
        seed=job.options.seed,
        schema=job.schema.to_json(),
        options=readable(vars(job.options)),
        rows=len(job.table),
        splits={part: int((study.split == part).sum()) for part in ("train", "val", "test")},
        unlabelled=int((study.split == "").sum()),
        holes=holes,
        winner=winner.name,
        recipe=winner.recipe,
        sample_rates=job.table.sample_rates,
        conversions=[one.to_json() for one in job.made],
        stopped=study.budget.stopped,
    )
