"""The course of a fit of several targets: one split and one preparation, a network that they share, a study of each.

Knows searches and their order. What a candidate is, and what the network learns, stands in `search` and `shared`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from plait.core.files import write_bytes, write_json
from plait.core.options import SHARED
from plait.core.version import __version__
from plait.core.words import count, jsonable
from plait.draw.report import write_overview
from plait.errors import RequestError, TableError
from plait.runs.model import Model
from plait.runs.targets import Targets, name_folders, name_target
from plait.study.budget import Budget
from plait.study.course import suit_threads
from plait.study.finish import finish
from plait.study.job import END_SHARE, Fit
from plait.study.labels import Labels
from plait.study.learning_curve import learning_curve
from plait.study.looks import note_look
from plait.study.search import Result, Search
from plait.study.shared import JointLabels, Sharing
from plait.study.sharing_gain import compare_sharing

ENOUGH = 12  # rows of a combination of classes that is dealt into the parts of the split by itself: two choose
LEAST = 0.05  # seconds that a study gets, however late it comes


def learn_targets(whole: Fit, jobs: Sequence[Fit]) -> Targets:
    """Fit all targets of a table. whole: the fit with its folder and JointLabels; jobs: the same of each target.

    The test rows are looked at once, after the choices of all targets.
    """
    for name in ("folds", "repeats"):
        if getattr(whole.options, name) not in (None, 1):
            raise RequestError(f"{name} is for one target: of several there is one split. Leave it out, or name one.")
    with suit_threads(len(whole.table)):
        return _learn(whole, jobs)


def _learn(whole: Fit, jobs: Sequence[Fit]) -> Targets:
    options, parts = whole.options, [job.labels for job in jobs if job.labels is not None]
    whole.labels = cast(Labels, JointLabels(parts, np.zeros(0, np.int64)))
    whole.convert()
    names = name_folders([job.target for job in jobs])
    for job in jobs:
        assert job.labels is not None
        job.table, job.whole = whole.table, whole
        job.folder = whole.work / "finished" / names[job.target]
        job.callback = name_target(whole.callback, job.target)
        job.labels.settle_metric(options.metric)
    split = split_targets(whole, jobs)
    prepared = whole.prepare(split)
    searches, holes = [], []
    for job in jobs:
        assert job.labels is not None
        own = np.where(job.labels.codes >= 0, split, "")
        job.given_rows = prepared
        searches.append(Search.of(job, own))
        holes.append(job.count_holes(prepared, own))
    sharing = _share(whole, split, searches)
    results = []
    for place, (job, search) in enumerate(zip(jobs, searches, strict=True)):
        search.study.budget = _budget(whole, len(jobs) - place)
        winner = search.run()
        points = learning_curve(search, winner, job.work) if options.learning_curve else []
        names_seen = [candidate.name for candidate in search.looked_at(winner)]
        looks = note_look(job, search.study.test, names_seen, search.labels.metric)
        results.append(Result(search, winner, holes[place], points, None, looks))
    told = compare_sharing([(result.search, result.winner) for result in results])
    for result in results:
        result.sharing = told["targets"][result.job.target]
        result.job.folder.mkdir(parents=True, exist_ok=True)
    models = {result.job.target: finish(result) for result in results}
    return _write(whole, jobs, models, told, sharing)


def _share(whole: Fit, split: np.ndarray, searches: Sequence[Search]) -> Sharing | None:
    """Train the network that all targets share, where it is wanted, and give it to their studies."""
    if SHARED not in searches[0].families:
        return None
    for search in searches:
        search.classic.settle_scale()  # on which the network learns a number, too
    sharing = Sharing.of(whole, split, searches)
    sharing.study.callback = name_target(whole.callback, "all targets")
    sharing.study.budget = _budget(whole, len(searches) + 1)
    sharing.train()
    for search in searches:
        search.sharing = sharing.candidates_of
        search.use(sharing.study)
    return sharing


def _budget(whole: Fit, waiting: int) -> Budget:
    """Return an equal part of the time that is left for what waits."""
    limit = whole.options.time_limit
    return Budget.of(limit and max(LEAST, (whole.began + (1 - END_SHARE) * limit - time.monotonic()) / waiting))


def _write(
    whole: Fit, jobs: Sequence[Fit], models: Mapping[str, Model], told: dict[str, Any], sharing: Sharing | None
) -> Targets:
    """Bring the finished runs to the folder, all at once, and remove what only a run under way needs."""
    history = [event for c in (sharing.study.candidates if sharing else ()) for event in c.outcome.history]
    lines = "".join(f"{json.dumps(jsonable(event), ensure_ascii=False)}\n" for event in history)
    facts = jsonable({"sharing": told, "rows": len(whole.table), "seed": whole.options.seed})
    run = Targets(dict(models), facts)
    study, shared = whole.work / "study.json", whole.work / "history.jsonl"
    write_json(study, jsonable(run.study.to_json()))
    write_bytes(shared, lines.encode())
    extra = [study, shared]
    if whole.options.report:
        extra.append(whole.work / "report.html")
        write_overview(extra[-1], _overview(whole, jobs, run))
    run.write(whole.folder, {job.target: job.folder for job in jobs}, extra)
    shutil.rmtree(whole.work)
    return run


def _overview(whole: Fit, jobs: Sequence[Fit], run: Targets) -> dict[str, Any]:
    """Return what the page says that leads to the reports of the targets."""
    places = {job.target: f"{job.folder.name}/report.html" for job in jobs}
    return {
        "table": Path(str(whole.table.source)).name,
        "rows": len(whole.table),
        "when": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "version": __version__,
        "sentence": run.facts["sharing"]["sentence"],
        "targets": [{**line, "report": places[line["name"]]} for line in run.lines()],
    }


# -- one split for all ------------------------------------------------------------------------------------------------


def split_targets(whole: Fit, jobs: Sequence[Fit]) -> np.ndarray:
    """Return which rows train, choose and test (rows,), for all targets; "" without any label.

    Raises TableError for a target with too few labels in training or validation rows.
    """
    parts = [job.labels for job in jobs if job.labels is not None]
    split = whole.split_rows(join_codes(parts), any(labels.classes is not None for labels in parts))
    if whole.schema.role("split") is None and whole.groups is None:
        keep_classes(split, parts)
    for job, labels in zip(jobs, parts, strict=True):
        own = np.where(labels.codes >= 0, split, "")
        lacking = [part for part, least in (("train", 2), ("val", 1)) if (own == part).sum() < least]
        if lacking:
            where = {"train": "training", "val": "validation"}[lacking[0]]
            raise TableError(
                f"column {labels.name!r} has {count((labels.codes >= 0).sum(), 'label')}, and too few of them in "
                f"{where} rows to be learned beside the others; leave it out, or fit it by itself."
            )
        job.check_split(own)
    return split


def join_codes(parts: Sequence[Labels]) -> np.ndarray:
    """Return a number for each combination of classes that is dealt by itself (rows,), −1 for rows without any label.

    The classes of the first target that has some are told apart; those of each further one within a combination where
    all that are there have twelve rows.
    """
    known = np.any([labels.codes >= 0 for labels in parts], axis=0)
    joined, first = np.zeros(len(known), np.int64), True
    for labels in sorted(parts, key=lambda labels: labels.classes is None):
        both = np.unique(np.stack([joined, labels.codes]), axis=1, return_inverse=True)[1].reshape(-1)
        sizes = np.bincount(both[known], minlength=both.max() + 1)
        least = np.full(joined.max() + 1, len(known))
        np.minimum.at(least, joined[known], sizes[both[known]])
        finer = (least[joined] >= ENOUGH) | first
        joined = np.unique(np.where(finer, both + joined.max() + 1, joined), return_inverse=True)[1].reshape(-1)
        first = False
    return np.where(known, joined, -1)


def keep_classes(split: np.ndarray, parts: Sequence[Labels]) -> None:
    """Move a row of each class that no training row has to the training rows, in place."""
    for labels in parts:
        for code in range(len(labels.classes or ())):
            rows = np.flatnonzero((labels.codes == code) & (split != ""))
            if len(rows) and not (split[rows] == "train").any():
                split[rows[0]] = "train"
