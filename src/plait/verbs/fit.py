"""The verbs show and fit. The one place where names become objects."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.converters.in_fit import Made, apply_conversions, plan_conversions
from plait.core.contract import Column, Schema, Table
from plait.core.files import UNFINISHED, Stages, read_json, read_tensors, write_json, write_tensors
from plait.core.options import FAMILIES, FitOptions
from plait.core.terminal import text_table
from plait.data.fact_cache import cache_folder
from plait.data.prune import prune_to, usual_limit
from plait.data.read import read
from plait.draw import charts
from plait.draw.report import write_report
from plait.errors import PlaitError, RequestError, RunError, TableError, did_you_mean
from plait.kinds.detect import detect
from plait.models import plan as plans
from plait.models.predictors import input_names
from plait.models.rows import Callback, Prepared, choose_splits, group_rows, prepare, quiet
from plait.models.train import has_bfloat16
from plait.models.views import (
    Strand,
    encoder_names,
    fit_strands,
    name_modalities,
    prep_options,
    raw_strands,
    rival_strands,
    shadow_strands,
)
from plait.proof.leaderboard import HEADLINE
from plait.proof.scores import confusion, reliability
from plait.runs.model import Model, Predictions, answer_prepared, count_holes, number_threads
from plait.runs.transcriber import finish_recognition
from plait.study.conversion_gain import compare_conversions
from plait.study.encoder_choice import tell_encoders
from plait.study.folds import cross_validate
from plait.study.labels import Labels, column_of_labels, fingerprint, hash_cells
from plait.study.learning_curve import learning_curve
from plait.study.networks import Candidate, Study
from plait.study.report_content import Account, command_of
from plait.study.search import Search, time_row
from plait.study.speech import Recognition, check_request, find_units, keep_whole, learnable_rows, transcripts_of

DEFAULT_RATE = 22050  # Hz, of sounds given as arrays


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
    table = read(data, folder)
    if labels is not None:
        if target is not None and target in table.names:
            raise RequestError(f"got labels and the column {target!r}; expected one of the two.")
        target = target or ("label" if "label" not in table.names else "label (given)")
        table = replace(table, data={**table.data, target: column_of_labels(labels, len(table))})
    if target is None:
        raise RequestError(
            f"name the column to predict: target=…, or give labels. {did_you_mean('label', table.names)}"
        )
    schema = _detect(table, target, chosen)
    table = _with_rates(table, schema, chosen.sample_rate, callback)
    spoken = schema.column(target).kind == "text"
    audio = check_request(schema, name_modalities(schema, chosen)) if spoken else ""
    wish = None if spoken else Labels.find(table, schema)
    if not schema.modalities:
        raise TableError(
            "no column is left to learn from: " + "; ".join(f"{c.name}: {c.why or c.role}" for c in schema.columns)
        )
    schema, made = plan_conversions(table, schema, chosen.convert, chosen.fill, chosen.converters)
    names = [modality.name for modality in schema.modalities]
    plan_objects: dict[str, Any] = {}
    if isinstance(chosen.fusion, str) and chosen.fusion.strip() == "auto":
        chosen = replace(chosen, fusion=None, candidates=("alone", "auto"))
    if chosen.fusion is not None:
        plan = plans.parse(chosen.fusion)
        plans.check(plan, names)
        plan_objects[str(plan)] = plan
        chosen = replace(chosen, fusion=str(plan))
        named = plans.leaves(plan)  # what the plan leaves out is neither prepared nor trained
        schema = replace(schema, modalities=tuple(m for m in schema.modalities if m.name in named))
        made = [one for one in made if one.modality in named]
    chosen = name_modalities(schema, chosen)
    prep_options(schema, chosen.prep)
    encoder_names(schema, chosen.encoders)
    temporary = None
    chosen = replace(chosen, report=out is not None and not spoken if chosen.report is None else chosen.report)
    if out is None:
        temporary = tempfile.mkdtemp(prefix="plait-")
        out = Path(temporary) / "run"
    new = not Path(out).exists()
    try:
        place = _open_run(Path(out), fingerprint(table, target, chosen), chosen.overwrite, callback)
        try:
            if wish is None:
                model = _fit_transcripts(table, schema, audio, chosen, plan_objects, made, place, callback, began)
            else:
                model = _fit(table, schema, wish, chosen, plan_objects, made, place, callback, began)
        except PlaitError:  # nothing of a wrong request stays, so that the mended one can go to the same folder
            shutil.rmtree(place if new else place / UNFINISHED, ignore_errors=True)
            raise
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    prune_to(most)
    if temporary is not None:
        model.keeper = weakref.finalize(model, shutil.rmtree, temporary, ignore_errors=True)
    return model


def _fit(
    table: Table,
    schema: Schema,
    wish: Labels,
    chosen: FitOptions,
    plan_objects: Mapping[str, Any],
    made: Sequence[Made],
    place: Path,
    callback: Callback,
    began: float,
) -> Model:
    table = apply_conversions(table, made, callback)
    augmenting = [one for one in made if one.training_only]
    generator = np.random.default_rng([chosen.seed, 1])
    split = choose_splits(table, schema, wish.codes, wish.classes is not None, generator)
    _warn_of_groups(table, schema, split, callback)
    groups = group_rows(table, schema)
    checked = None
    if chosen.folds is not None:
        if schema.role("split") is not None:
            raise RequestError("folds test on every row, so no split column can be given with them; leave one out.")
        split[split == "test"] = "train"  # the folds have tested; the model to ship learns from all rows
        limit = None if chosen.time_limit is None else chosen.time_limit / (2 * chosen.folds + 1)

        def make(part: np.ndarray) -> Search:
            wish.check_training(part == "train")
            whole = apply_conversions(table, augmenting, quiet, part == "train")
            prepared = _prepare(whole, schema, part, chosen, place / "none", generator, quiet, keep=False)
            end = time.monotonic() + limit if limit else math.inf
            return _search(prepared, part, wish, chosen, plan_objects, made, groups, end, Stages(), quiet)

        checked = cross_validate(make, wish, groups, chosen.folds, chosen.seed, callback)
    wish.check_training(split == "train")
    work = place / UNFINISHED
    whole = apply_conversions(table, augmenting, callback, split == "train")
    prepared = _prepare(whole, schema, split, chosen, work, generator, callback)
    holes = _count_holes(prepared, split)
    end = began + chosen.time_limit if chosen.time_limit else math.inf
    search = _search(prepared, split, wish, chosen, plan_objects, made, groups, end, Stages(work), callback)
    winner = search.run()
    points = learning_curve(search, winner, work) if chosen.learning_curve else []
    return _finish(table, schema, chosen, search, winner, holes, points, checked, made, place)


def _count_holes(prepared: Prepared, split: np.ndarray) -> dict[str, Any]:
    """Return the holes of every modality. Raises TableError for one that no training row has."""
    holes = count_holes(prepared)
    train = np.flatnonzero(split == "train")
    for name, there in prepared.present.items():
        if not there[train].any():
            example = holes[name]["example"]
            raise TableError(
                f"modality {name!r} is absent in every training row{f' ({example})' if example else ''}. "
                f"Mend its column, or leave it out with --ignore."
            )
    return holes


def _fit_transcripts(
    table: Table,
    schema: Schema,
    audio: str,
    chosen: FitOptions,
    plan_objects: Mapping[str, Any],
    made: Sequence[Made],
    place: Path,
    callback: Callback,
    began: float,
) -> Model:
    """Fit a recogniser: what is said in the sound is the target."""
    target = str(schema.role("target"))
    if plan_objects and audio not in (named := [m.name for m in schema.modalities]):
        raise RequestError(f"fusion {chosen.fusion} leaves the sound {audio!r} out; it has: {', '.join(named)}.")
    generator = np.random.default_rng([chosen.seed, 1])
    table = apply_conversions(table, made, callback)
    texts = transcripts_of(table, target)
    split = choose_splits(table, schema, learnable_rows(table, schema, texts, audio), False, generator)
    _warn_of_groups(table, schema, split, callback)
    units = find_units(texts[split == "train"].tolist(), target)
    work = place / UNFINISHED
    whole = keep_whole(schema, chosen, audio)
    if chosen.fusion is None:
        whole = replace(whole, candidates=("alone",))  # no second view of a table: nothing here reads it
    filled = apply_conversions(table, [one for one in made if one.training_only], callback, split == "train")
    prepared = _prepare(filled, schema, split, whole, work, generator, callback, choice=False)
    _count_holes(prepared, split)
    end = began + chosen.time_limit if chosen.time_limit else math.inf
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    study = Recognition(
        prepared,
        split,
        texts,
        units,
        audio,
        chosen,
        end,
        device,
        Stages(work),
        callback,
        plan_objects,
        group_rows(table, schema),
    )
    winner = study.run()
    model, extra = finish_recognition(study, winner, table, schema, _readable(asdict(chosen)))
    model.made = list(made)
    model.facts["conversions"] = [one.to_json() for one in made]
    extra["history.jsonl"] = lambda path: _write_history(path, study.candidates)
    model.write(place, extra)
    shutil.rmtree(place / UNFINISHED, ignore_errors=True)  # Windows keeps files that are mapped into memory
    return model


def _search(
    prepared: Prepared,
    split: np.ndarray,
    wish: Labels,
    chosen: FitOptions,
    plan_objects: Mapping[str, Any],
    made: Sequence[Made],
    groups: np.ndarray | None,
    deadline: float,
    stages: Stages,
    callback: Callback,
) -> Search:
    """Return the search for the best candidate over one split of the rows."""
    target, prior = wish.target_of(np.flatnonzero(split == "train"), chosen.balance)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    target.values = target.values.to(device)
    target.weights = None if target.weights is None else target.weights.to(device)
    study = Study(
        prepared,
        split,
        target,
        prior,
        len(wish.classes) if wish.classes is not None else 1,
        chosen.seed,
        chosen.epochs,
        chosen.batch_size,
        deadline,
        device,
        stages,
        callback,
        plan_objects,
        wish.center,
        wish.spread,
        tune=chosen.tuned,
        gentle="none" not in chosen.tune,
        kept=kept_stages(),
        low=chosen.precision == "auto" and has_bfloat16(device),
    )
    pairs = [(one.origin, one.modality) for one in made if one.how == "convert"]
    plan = next(iter(plan_objects), None)
    return Search(study, replace(wish), chosen.candidates or FAMILIES, groups, plan, pairs)


def _finish(
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
        "options": _readable(asdict(chosen)),
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
        "verdict": search.verdict(tests, said) if checked is None else checked["verdict"],
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
        "history.jsonl": lambda path: _write_history(path, study.candidates),
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


def _prepare(
    table: Table,
    schema: Schema,
    split: np.ndarray,
    chosen: FitOptions,
    work: Path,
    generator: np.random.Generator,
    callback: Callback,
    keep: bool = True,
    choice: bool = True,
) -> Prepared:
    """Fit the preprocessing on the training rows and prepare every row, or take both from a killed run.

    choice: whether an encoder that is left open may become a pretrained one. keep: whether the prepared rows go to
    files, for a run that may be killed, or stay in memory.
    """
    done = work / "prepared.json"
    if done.exists():
        facts, arrays = read_json(done), read_tensors(work / "prepared.safetensors")
        strands = []
        for index, data in enumerate(facts["strands"]):
            prefix = f"{index}."
            own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
            strands.append(Strand.from_state(data, own, chosen.encoders))
        inputs: dict[str, np.ndarray] = {
            s.name: np.memmap(work / "inputs" / f"{i}.raw", s.dtype(), "c", shape=(len(table), *s.shape()))
            for i, s in enumerate(strands)
            if int(np.prod(s.shape()))
        }
        return Prepared(
            strands, inputs, {s.name: arrays[f"cells.{i}"] for i, s in enumerate(strands)}, facts["reasons"]
        )
    # rows without a label may still feed the statistics of texts and tables; rows of validation and test never do
    rows = np.flatnonzero((split == "train") | ((split == "") & _without_split(table, schema)))
    strands = fit_strands(table, schema, rows, chosen.prep, generator, chosen.encoders)
    if choice:
        strands += rival_strands(strands, encoder_names(schema, chosen.encoders), prep_options(schema, chosen.prep))
    strands += raw_strands(strands, list(chosen.tuned))
    if chosen.fusion is None and "text" in (chosen.candidates or FAMILIES):
        strands += shadow_strands(table, strands, rows, generator)
    prepared = prepare(table, strands, folder=work / "inputs" if keep else None, callback=callback)
    if not keep:
        return prepared
    tensors: dict[str, np.ndarray] = {f"cells.{i}": prepared.cells[s.name] for i, s in enumerate(strands)}
    states = [s.state() for s in strands]
    tensors |= {f"{i}.{key}": value for i, (_, arrays) in enumerate(states) for key, value in arrays.items()}
    write_tensors(work / "prepared.safetensors", tensors)
    write_json(done, {"strands": [data for data, _ in states], "reasons": prepared.reasons})
    return prepared


def kept_stages() -> Stages | None:
    """Return where networks trained alone are kept between commands; None without a home folder."""
    try:
        return Stages(cache_folder() / "stages")
    except RuntimeError:
        return None


def _without_split(table: Table, schema: Schema) -> np.ndarray:
    """Return which rows no split is named for: only those may feed statistics when they have no label."""
    name = schema.role("split")
    return np.ones(len(table), bool) if name is None else np.array([cell is None for cell in table.cells(name)], bool)


def _detect(table: Table, target: str | None, chosen: FitOptions) -> Schema:
    return detect(
        table,
        target=target,
        split=chosen.split,
        group=chosen.group,
        ignore=chosen.ignore,
        kinds=chosen.kinds,
        modalities=chosen.modalities,
    )


def _with_rates(table: Table, schema: Schema, rate: int | None, callback: Callback) -> Table:
    """Give sounds that came as arrays their sample rate; say so when it is a guess."""
    heard = [column for modality in schema.modalities if modality.kind == "audio" for column in modality.columns]
    waves = [name for name in heard if isinstance(table.data[name], np.ndarray) and name not in table.sample_rates]
    if rate is None and waves:
        taken = f"no sample rate was given; taken as {DEFAULT_RATE} Hz. Give sample_rate=… to change it."
        callback({"note": f"{', '.join(waves)}: {taken}"})
    return replace(table, sample_rates={**dict.fromkeys(waves, rate or DEFAULT_RATE), **table.sample_rates})


def _warn_of_groups(table: Table, schema: Schema, split: np.ndarray, callback: Callback) -> None:
    name = schema.role("group")
    if name is None:
        return
    places: dict[str, set[str]] = {}
    for cell, part in zip(table.cells(name), split, strict=True):
        if cell is not None and part:
            places.setdefault(str(cell), set()).add(str(part))
    both = [value for value, parts in places.items() if len(parts) > 1]
    if both:
        shown = ", ".join(both[:5])
        callback(
            {
                "note": f"warning: {len(both)} values of {name!r} are in more than one split ({shown}); "
                "scores may be too good."
            }
        )


def _open_run(folder: Path, command: str, overwrite: bool, callback: Callback) -> Path:
    """Make or resume the run folder. Raises RunError when it is finished, or belongs to something else."""
    work = folder / UNFINISHED
    note = work / "command.json"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; expected the name of a folder for the run.")
    if (folder / "run.json").exists() and not overwrite:
        raise RunError(f"{folder} holds a finished run. Name another folder, or give --overwrite to replace it.")
    if note.exists() and read_json(note)["command"] == command:
        callback({"note": f"{folder} holds an unfinished run of this command: going on where it stopped."})
    elif work.exists():
        if not overwrite:
            raise RunError(
                f"{folder} holds an unfinished run of another command or table. "
                "Name another folder, or give --overwrite to drop it."
            )
        shutil.rmtree(work)
    elif folder.exists() and any(folder.iterdir()) and not (folder / "run.json").exists():
        raise RunError(f"{folder} holds files that are not a run. Name another folder.")
    work.mkdir(parents=True, exist_ok=True)
    if not note.exists():
        write_json(note, {"command": command})
    for left in folder.glob(".final-*"):
        shutil.rmtree(left)
    return folder


def _write_history(path: Path, candidates: Sequence[Candidate]) -> None:
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


def _readable(value: Any) -> Any:
    """Return options as JSON; an object of the user's own is named by its class."""
    if isinstance(value, Mapping):
        return {str(k): _readable(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_readable(v) for v in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


@dataclass(frozen=True)
class Show:
    """What `show` found: the schema, the number of rows, and the absent cells of each column."""

    schema: Schema
    rows: int
    holes: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "holes": self.holes, **self.schema.to_json()}

    def __str__(self) -> str:
        def line(column: Column) -> list[str]:
            return [column.name or "(no name)", column.kind, column.role, f"{self.holes[column.name]:,}", column.why]

        parts = [f"{self.rows:,} rows, {len(self.schema.columns)} columns", ""]
        parts.append(text_table(["column", "kind", "role", "absent", "why"], [line(c) for c in self.schema.columns]))
        parts.append("")
        parts += [f"modality {m.name} ({m.kind}): {', '.join(m.columns)}" for m in self.schema.modalities]
        if not self.schema.modalities:
            parts.append("no column is left to learn from")
        return "\n".join(parts)


def show(
    table: Any,
    *,
    target: str | None = None,
    row: int | None = None,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    prep: Mapping[str, Any] | None = None,
    **options: Any,
) -> Show:
    """Say what each column is, and why. With row and out, draw that row before and after preprocessing.

    options: split, group, ignore, kinds, modalities, as in `fit`. Raises RequestError for a row that is not there.
    """
    table = read(table, folder)
    chosen = FitOptions.of({**options, "prep": prep or {}})
    schema = _detect(table, target, chosen)
    table = _with_rates(table, schema, chosen.sample_rate, quiet)
    holes = {name: sum(cell is None for cell in table.cells(name)) for name in table.names}
    if row is not None and out is not None:
        _draw(table, schema, chosen, row, Path(out), target)
    return Show(schema, len(table), holes)


def _draw(table: Table, schema: Schema, chosen: FitOptions, row: int, out: Path, target: str | None) -> None:
    from plait.kinds.row import draw_row
    from plait.verbs.picture import row_parts

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".pdf", ".svg"):
        raise RequestError(f"the picture cannot be written to {out.name!r}; expected a name that ends in .png.")
    if not 0 <= row < len(table):
        raise RequestError(f"there is no row {row}; rows are numbered from 0 to {len(table) - 1}.")
    generator = np.random.default_rng(chosen.seed)
    rows = generator.permutation(len(table))[:500]
    strands = fit_strands(table, schema, np.sort(rows), chosen.prep, generator)
    figure = draw_row(row_parts(table, strands, row))
    with contextlib.ExitStack() as stack:
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        stack.callback(part.unlink, missing_ok=True)
        figure.savefig(part, format=out.suffix.lstrip(".") or "png", dpi=110)
        os.replace(part, out)
