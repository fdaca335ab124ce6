"""Rows answered in blocks, each a task: whatever process does it, the answers are the same to the last bit.

Knows fitted models and a runner; not how a model is found, nor what a runner is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from plait.core.terminal import Callback, quiet
from plait.data.read import read_rows
from plait.runs.arrival import take_columns
from plait.runs.kept_answers import KeptAnswers, keep_answer
from plait.runs.model import Model, tell
from plait.runs.predictions import Predictions, TargetPredictions, answer_file
from plait.runs.shared import block_size, each_block, say_where, set_up_model, share_media, tables_of
from plait.runs.targets import Targets, answer_alike
from plait.tasks.runner import Runner

WORK = "plait.runs.blocks:answer_block"


def groups_of(model: Model | Targets) -> list[list[Model]]:
    """Return the models in groups that prepare a row in the same way."""
    return model._alike if isinstance(model, Targets) else [[model]]


def answer_block(model: Model | Targets, request: dict[str, Any]) -> dict[str, Any]:
    """Return what each model says of a block of rows: {"said": {target: …}}; it is kept where the request says so."""
    said: dict[str, Any] = {}
    for models, table in zip(groups_of(model), tables_of(request), strict=True):
        several = len(models) > 1
        asked = [tuple(models[0].modalities)]
        answered = answer_alike(models, table) if several else [models[0]._answer(table, asked, (), quiet)]
        said |= {one.target: one._said(table, own) for one, own in zip(models, answered, strict=True)}
    keep_answer(request, answer := {"said": said})
    return answer


def predict_blocks(
    run: Any,
    model: Model | Targets,
    rows: Any,
    runner: Runner,
    *,
    out: str | Path | None,
    keep: Sequence[str],
    folder: str | Path | None,
    callback: Callback,
) -> Predictions | TargetPredictions:
    """Return an answer for every row, as `model.predict`, and write each block where asked as soon as it is there.

    run: what the model was opened from, itself where it was made here.
    """
    groups = groups_of(model)
    candidate = groups[0][0].candidate
    setup = set_up_model(run, model, candidate or None, runner)
    given = read_rows(rows, folder)
    kept = take_columns(given, [keep] if isinstance(keep, str) else keep, groups[0][0]._ids(given))
    tables, opened, notes = [], list[list[str]](), dict[str, None]()
    away = None if runner.engine == "here" else runner
    for models in groups:
        names = dict.fromkeys(name for model in models for name in model.modalities)
        table, said = models[0]._fitting(given, [*names], callback, away)
        views = [view for m in models for view in m.views if view.of in m.modalities]
        share_media(runner, table, views)
        opened.append([*dict.fromkeys(name for view in views if view.able.opened for name in view.modality.columns)])
        tables.append(table)
        notes |= dict.fromkeys(said)
    del given
    parts: list[Any] = []
    stage, done = say_where("predict", runner), 0
    with ExitStack() as stack:
        total = len(tables[0])
        several = total > block_size(total)
        blocks = stack.enter_context(KeptAnswers(out, run, [candidate], opened, several))
        file = None if out is None else stack.enter_context(answer_file(out, kept))
        for block in blocks.ask(runner, WORK, each_block(tables, runner), setup):
            parts.append(_read_block(model, block["said"]))
            if file is not None:
                file.add(parts[-1].to_arrow())
            done += len(parts[-1])
            callback({"stage": stage, "done": done, "total": total})
    answers = type(parts[0]).join(parts)
    answers.kept, answers.notes, answers.on = kept, [*notes], runner.facts()
    answers.candidate = candidate
    tell(answers.notes, callback)
    return answers


def _read_block(model: Model | Targets, said: dict[str, Any]) -> Predictions | TargetPredictions:
    """Return the answers of a block; words that are the same in many rows are one string."""
    for own in said.values():
        own["statuses"] = [(sys.intern(status), sys.intern(reason)) for status, reason in own["statuses"]]
    if isinstance(model, Targets):
        return TargetPredictions({name: model[name]._predictions(said[name]) for name in model.targets})
    return model._predictions(said[model.target])
