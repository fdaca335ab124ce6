"""Networks that other processes train before their study asks for them: what each has learned it finds as a stage.

A process makes the study again from the folder of the run under way, where the prepared rows lie, and a task names what
is to be trained; it is trained there as the study would train it, and kept where the study looks first. What is lost,
or cannot travel, the study trains itself. Knows the networks of a study; not which are tried, nor what is chosen.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Schema, Table
from plait.core.files import Stages
from plait.core.later import torch
from plait.core.options import OWN, FitOptions
from plait.core.threads import torch_threads
from plait.errors import RequestError
from plait.models import plan as plans
from plait.models.rows import Prepared, are_known
from plait.study.budget import tell_end, until_then
from plait.study.candidate import ALONE, FUSED, JOINT, TUNED
from plait.study.job import Fit, kept_rows
from plait.study.labels import Labels
from plait.study.networks import Study

WORK, OPEN_STUDY = "plait.study.ahead:train_one", "plait.study.ahead:open_study"
PASSES = "augmented passes"  # the stage of rows that were encoded once
ASKED = ("epochs", "batch_size", "precision", "tune", "choose", "seed")  # options that networks ask for


def train_ahead(study: Study, asked: Sequence[Mapping[str, Any]]) -> None:
    """Train what is asked for and was not trained yet, side by side, by the runner of a fit.

    What cannot travel, and one by itself, is trained where it is asked for.
    """
    waiting = [one for one in asked if not study.stages.has(one["stage"])]
    if len(waiting) < 2 or study.budget.interrupted or not can_travel(study):
        return
    until = tell_end(study.budget.deadline - time.monotonic())
    requests = [{**one, "left": study.left_for(one["how"]), "until": until} for one in waiting]
    try:
        if any(one["how"] == FUSED for one in waiting) and not study.stages.has(PASSES):
            study.encode()
            study.stages.save_arrays(PASSES, pack_tokens(study.tokens), {})
        done = study.job.runner.map(WORK, requests, setup=(OPEN_STUDY, pack_study(study)))
        for number, one in enumerate(done):
            study.callback({"stage": f"{one['stage']}, elsewhere", "done": number + 1, "total": len(waiting)})
    except KeyboardInterrupt:
        study.budget.interrupted = True


def can_travel(study: Study) -> bool:
    """Whether a study can be made again in another process: nothing in it is an object of the user's own."""
    own = any(view.encoder == OWN for view in study.prepared.views)
    named = all(_is_text(name, plan) for name, plan in study.job.plan_objects.items())
    kept = study.stages.folder is not None and (_work_of(study.job) / "prepared.json").exists()
    alike = are_known(study.prepared.views) and isinstance(study.labels, Labels)
    return study.job.runner.engine != "here" and kept and named and alike and not own


def pack_tokens(tokens: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return rows that were encoded once as arrays."""
    lots = [("val", tokens["val"]), *((str(number), lot) for number, lot in enumerate(tokens["train"]))]
    whole = {f"{lot}.{what}.{name}": x for lot, parts in lots for name, pair in parts.items()
             for what, x in zip(("tokens", "present"), pair, strict=True)}  # fmt: skip
    return {name: x.cpu().numpy() for name, x in whole.items()}


def read_tokens(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return rows encoded once, of what `pack_tokens` gave."""
    lots: dict[str, dict[str, dict[str, torch.Tensor]]] = {}
    for key, x in arrays.items():
        lot, what, name = key.split(".", 2)
        # in torch's own memory: the last bits of a product depend on where it lies
        lots.setdefault(lot, {}).setdefault(name, {})[what] = torch.from_numpy(x.copy()).clone()
    parts = {lot: {n: (x["tokens"], x["present"]) for n, x in own.items()} for lot, own in lots.items()}
    return {"val": parts.pop("val"), "train": [parts[str(number)] for number in range(len(parts))]}


def _is_text(name: str, plan: Any) -> bool:
    try:
        return bool(plans.parse(name) == plan)
    except RequestError:  # it holds a module
        return False


def _work_of(job: Fit) -> Path:
    """Return the folder in which the prepared rows lie."""
    return (job.whole or job).work


def pack_study(study: Study) -> dict[str, Any]:
    """Return what `open_study` makes the same study of."""
    facts, arrays = study.labels.state()
    encoders = {view.name: view.encoder for view in study.prepared.views if view.is_main}
    told = {
        "labels": facts,
        "options": {name: getattr(study.options, name) for name in ASKED},
        "folder": str(_work_of(study.job).absolute()),
        "stages": study.stages.path,
        "kept": study.kept.path if study.kept is not None else "",
        "plans": list(study.job.plan_objects),
        "names": study.prepared.names,
        "encoders": {name: own for name, own in encoders.items() if name not in study.prepared.choices},
        "threads": torch.get_num_threads(),
    }
    packed = {f"labels.{name}": x for name, x in arrays.items()}
    return {"facts": json.dumps(told), "split": np.asarray(study.split, str), "val": study.val, **packed}


def open_study(setup: Mapping[str, Any]) -> tuple[Study, int]:
    """Return a study as `pack_study` told it, with the number of threads that its networks learn with."""
    told = json.loads(setup["facts"])
    arrays = {name.removeprefix("labels."): x for name, x in setup.items() if name.startswith("labels.")}
    folder = Path(told["folder"])
    if not folder.is_dir():
        raise RequestError(f"the folder {folder} is not there on this machine; expected one that all of them share.")
    labels = Labels.from_state(told["labels"], arrays)
    named = {name: plans.parse(name) for name in told["plans"]}
    schema = Schema((), ())
    job = Fit(Table({}), schema, FitOptions(**told["options"]), folder.parent, labels, plan_objects=named)
    kept = Stages(Path(told["kept"])) if told["kept"] else None
    prepared = _settled(kept_rows(folder, {}), told["encoders"])
    stages = Stages(Path(told["stages"]))
    study = Study(job, prepared, setup["split"], stages=stages, kept=kept)
    study.val = setup["val"].copy()
    return study, told["threads"]


def _settled(prepared: Prepared, encoders: Mapping[str, str]) -> Prepared:
    """Return rows in which each of these modalities is seen by this encoder, and by no rival of it."""
    for of, names in prepared.choices.items():
        if of in encoders:
            own = {view.name: view.encoder for view in prepared.views}
            prepared = prepared.settle(of, next(name for name in names if own[name] == encoders[of]))
    return prepared


def train_one(opened: tuple[Study, int], request: Mapping[str, Any]) -> dict[str, Any]:
    """Train what a request names, and keep it for the study that asks."""
    study, threads = opened
    study.budget, study.candidates, study.asked = until_then(request["until"], request["left"]), [], True
    with torch_threads(threads):  # sums hang on how many share them
        _train(study, request)
    return {"stage": request["stage"]}


def _train(study: Study, request: Mapping[str, Any]) -> None:
    how = request["how"]
    if how == ALONE:
        view, rival = request.get("view"), request.get("rival", math.inf)
        (study if view is None else study.on_view(request["name"], view)).train_alone(request["name"], rival)
        return
    study.train_each()  # which finds them
    plan, family = request["plan"], request["family"]
    if how == JOINT:
        rivals = {int(epoch): loss for epoch, loss in request["rivals"].items()}
        if study.stages.has(f"{plan} {FUSED}"):
            study.train_fused(plan, family)  # which finds it
        study.train_joint(plan, rivals, family, request["best"])
        return
    if how == FUSED and not study.tokens and (saved := study.stages.load_arrays(PASSES)) is not None:
        study.tokens.update(read_tokens(saved[0]))
    fused = study.train_fused(plan, family)
    if how == TUNED and fused is not None:
        study.fine_tune(fused)
