"""A fit from a table and its schema to the model: split, preparation, search, and where a killed one goes on."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.converters.in_fit import Made, apply_conversions
from plait.core.contract import Schema, Table
from plait.core.files import UNFINISHED, Stages, read_json, read_tensors, write_json, write_tensors
from plait.core.options import AS_TEXT, FAMILIES, FitOptions
from plait.core.words import count
from plait.data.fact_cache import cache_folder
from plait.errors import RequestError, RunError, TableError
from plait.models.rows import Callback, Prepared, prepare, quiet
from plait.models.train import has_bfloat16
from plait.models.views import (
    Strand,
    encoder_names,
    fit_strands,
    prep_options,
    raw_strands,
    rival_strands,
    shadow_strands,
)
from plait.runs.answers import count_holes
from plait.runs.model import Model
from plait.study.finish import finish, readable, write_history
from plait.study.finish_speech import finish_recognition
from plait.study.folds import cross_validate
from plait.study.labels import Labels
from plait.study.learning_curve import learning_curve
from plait.study.networks import Study
from plait.study.search import Search
from plait.study.speech import Recognition, find_units, keep_whole, learnable_rows, transcripts_of
from plait.study.splits import choose_splits, group_rows


def fit_table(
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
    return finish(table, schema, chosen, search, winner, holes, points, checked, made, place)


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


def fit_transcripts(
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
    model, extra = finish_recognition(study, winner, table, schema, readable(asdict(chosen)))
    model.made = list(made)
    model.facts["conversions"] = [one.to_json() for one in made]
    extra["history.jsonl"] = lambda path: write_history(path, study.candidates)
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
    if chosen.fusion is None and AS_TEXT in (chosen.candidates or FAMILIES):
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
        many, shown = count(len(both), f"value of {name!r} is", f"values of {name!r} are"), ", ".join(both[:5])
        callback({"note": f"warning: {many} in more than one split ({shown}); scores may be too good."})


def open_folder(folder: Path, command: str, overwrite: bool, callback: Callback) -> Path:
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
