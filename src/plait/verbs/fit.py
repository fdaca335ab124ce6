"""The verb fit. The one place where names become objects."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

from plait.converters.in_fit import plan_conversions
from plait.core.contract import Schema, Table
from plait.core.options import FitOptions
from plait.core.threads import number_threads
from plait.data.prune import prune_to, usual_limit
from plait.data.read import read
from plait.errors import PlaitError, RequestError, TableError, did_you_mean
from plait.kinds import TEXT
from plait.models import plan as plans
from plait.models.rows import Callback, quiet
from plait.models.views import (
    encoder_names,
    name_modalities,
    prep_options,
)
from plait.runs.model import Model
from plait.study.course import learn
from plait.study.job import Fit, open_folder
from plait.study.labels import Labels, column_of_labels, fingerprint
from plait.study.speech import check_request
from plait.verbs.show import detect_columns, with_rates


def fit(
    data: Any,
    labels: Any = None,
    *,
    target: str | None = None,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
    **options: Any,
) -> Model:
    """Learn to predict a column of a table, or labels beside arrays, and return the fitted Model.

    data: anything `plait.read` takes (a path, a frame, a dict of arrays), with the target as a column, or with labels:
    (rows,) integers, strings or numbers, or one-hot (rows, class). out: the run folder; without it a temporary one that
    lives as long as the model. folder: where relative media paths of a frame start. options: the fields of FitOptions.

    Raises TableError for a table that cannot be learned from, RequestError for a wrong request, RunError for a folder
    that is finished or belongs to another command. A run that was killed goes on where it stopped.
    """
    chosen, callback, began = FitOptions.of(options), callback or quiet, time.monotonic()
    most = usual_limit()
    number_threads()
    table, target = _with_labels(read(data, folder), labels, target)
    schema = detect_columns(table, target, chosen)
    table = with_rates(table, schema, chosen.sample_rate, callback)
    spoken = schema.column(target).kind in TEXT.columns
    audio = check_request(schema, name_modalities(schema, chosen)) if spoken else ""
    classes = None if spoken else Labels.find(table, schema)
    if not schema.modalities:
        raise TableError(
            "no column is left to learn from: " + "; ".join(f"{c.name}: {c.why or c.role}" for c in schema.columns)
        )
    schema, made = plan_conversions(table, schema, chosen.convert, chosen.fill, chosen.converters)
    schema, chosen, plan_objects = _settle_plan(schema, chosen)
    if plan_objects:
        made = [one for one in made if one.modality in {m.name for m in schema.modalities}]
    chosen = name_modalities(schema, chosen)
    prep_options(schema, chosen.prep)
    encoder_names(schema, chosen.encoders)
    chosen = replace(chosen, report=out is not None and not spoken if chosen.report is None else chosen.report)
    temporary = tempfile.mkdtemp(prefix="plait-") if out is None else None
    place = Path(out) if out is not None else Path(str(temporary)) / "run"
    try:
        model = _learn_there(Fit(table, schema, chosen, place, classes, audio, plan_objects, made, callback, began))
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    prune_to(most)
    if temporary is not None:
        model.keeper = weakref.finalize(model, shutil.rmtree, temporary, ignore_errors=True)
    return model


def _with_labels(table: Table, labels: Any, target: str | None) -> tuple[Table, str]:
    """Return the table with the target as a column, and its name."""
    if labels is not None:
        if target is not None and target in table.names:
            raise RequestError(f"got labels and the column {target!r}; expected one of the two.")
        target = target or ("label" if "label" not in table.names else "label (given)")
        table = replace(table, data={**table.data, target: column_of_labels(labels, len(table))})
    if target is None:
        raise RequestError(
            f"name the column to predict: target=…, or give labels. {did_you_mean('label', table.names)}"
        )
    return table, target


def _settle_plan(schema: Schema, chosen: FitOptions) -> tuple[Schema, FitOptions, dict[str, Any]]:
    """Return the modalities that the plan asked for looks at, the options with its name, and the plan by that name."""
    if isinstance(chosen.fusion, str) and chosen.fusion.strip() == "auto":
        return schema, replace(chosen, fusion=None, candidates=("alone", "auto")), {}
    if chosen.fusion is None:
        return schema, chosen, {}
    plan = plans.parse(chosen.fusion)
    plans.check(plan, [modality.name for modality in schema.modalities])
    named = plans.leaves(plan)  # what the plan leaves out is neither prepared nor trained
    kept = replace(schema, modalities=tuple(m for m in schema.modalities if m.name in named))
    return kept, replace(chosen, fusion=str(plan)), {str(plan): plan}


def _learn_there(job: Fit) -> Model:
    """Open the run folder and fit. Nothing of a wrong request stays, so the mended one can go to the same folder."""
    new = not job.folder.exists()
    command = fingerprint(job.table, job.target, job.options)
    with open_folder(job.folder, command, job.options.overwrite, job.callback):
        try:
            return learn(job)
        except PlaitError:
            shutil.rmtree(job.folder if new else job.work, ignore_errors=True)
            raise
