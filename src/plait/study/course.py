"""The course of a fit, from its table to its model: split, folds, search, learning curve, end."""

from __future__ import annotations

import contextlib
import time
from copy import copy

import numpy as np

from plait.core.threads import single_blas
from plait.errors import RequestError
from plait.runs.model import Model
from plait.study.finish import finish, finish_recognition
from plait.study.folds import cross_validate
from plait.study.job import Fit
from plait.study.learning_curve import learning_curve
from plait.study.looks import note_look
from plait.study.repeats import repeat_splits
from plait.study.search import Result, Search

FEW_ROWS = 20_000  # up to which a product is so small that its threads wait for each other longer than they work


def learn(job: Fit) -> Model:
    """Fit what is asked for: a predictor of classes or numbers, or a recogniser of transcripts."""
    asked = "folds" if job.options.folds is not None else "repeats" if job.options.repeats > 1 else ""
    if asked and job.schema.role("split") is not None:
        raise RequestError(f"{asked} draw the test rows, so no split column can be given with them; leave one out.")
    if asked == "folds" and job.options.repeats > 1:
        raise RequestError("folds test on every row, repeats on drawn ones; give one of the two.")
    named = [modality.name for modality in job.schema.modalities]
    if job.labels is None and job.plan_objects and job.audio not in named:
        fusion = job.options.fusion
        raise RequestError(f"fusion {fusion} leaves the sound {job.audio!r} out; it has: {', '.join(named)}.")
    with suit_threads(len(job.table)):
        job.convert()
        return learn_transcripts(job) if job.labels is None else learn_labels(job)


def suit_threads(rows: int) -> contextlib.AbstractContextManager[None]:
    """Return what holds while so many rows are learned: products of few run on one thread."""
    import scipy.linalg  # noqa: F401  # before threads are counted: it has its own

    return single_blas() if rows <= FEW_ROWS else contextlib.nullcontext()


def learn_labels(job: Fit) -> Model:
    """Fit a predictor of classes or numbers."""
    labels, options = job.labels, job.options
    assert labels is not None
    labels.settle_metric(options.metric)
    split = job.split_rows(labels.codes, labels.classes is not None)
    checked, looks = None, 0
    if options.folds is not None:
        split[split == "test"] = "train"  # the folds have tested; the model to ship learns from all rows
        families = options.families
        looks = note_look(job, np.flatnonzero(labels.codes >= 0), families, labels.metric)
        checked = cross_validate(lambda part: Search.of(job, part, fold=True), job)
    search = Search.of(job, split)
    holes = job.count_holes(search.study.prepared, split)
    began = time.monotonic()
    winner = search.run()
    seconds = time.monotonic() - began
    if checked is None:
        names = [candidate.name for candidate in search.looked_at(winner)]
        looks = note_look(job, search.study.test, names, labels.metric)
    points = learning_curve(search, winner, job.work) if options.learning_curve else []
    if options.repeats > 1:
        spare = copy(job)  # what the model that ships learned of the labels stays as it is
        spare.labels = copy(labels)
        search.settled = repeat_splits(
            search.verdict(winner), lambda part: Search.of(spare, part, fold=True), spare, seconds
        )
    return finish(Result(search, winner, holes, points, checked, looks))


def learn_transcripts(job: Fit) -> Model:
    """Fit a recogniser: what is said in the sound is the target."""
    from plait.runs.transcriber import transcripts_of  # here, since torch comes with them
    from plait.study.speech import Recognition, find_units, learnable_rows, recogniser_options

    texts = transcripts_of(job.table, job.target)
    split = job.split_rows(learnable_rows(job.table, job.schema, texts, job.audio), False)
    units = find_units(texts[split == "train"].tolist(), job.target)
    prepared = job.prepare(split, recogniser_options(job.schema, job.options, job.audio))
    holes = job.count_holes(prepared, split)
    study = Recognition.of(job, prepared, split, texts=texts, units=units)
    winner = study.run()
    names = [candidate.name for candidate in study.candidates]
    return finish_recognition(study, winner, holes, note_look(job, study.test, names, "wer"))
