"""The verb fit. The one place where names become objects."""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack, overload

import numpy as np

from plait.checks.split_checks import propose_groups
from plait.converters.in_fit import plan_conversions
from plait.core.config import CONFIG, read_config, write_config
from plait.core.contract import Schema, Table, free_name, name_splits
from plait.core.language import speak_to
from plait.core.options import QUICK, FitKeywords, FitOptions, check_argument, checked
from plait.core.progress import Progress, can_show, joined
from plait.core.threads import number_threads
from plait.core.words import count, jsonable
from plait.data.append import append_rows
from plait.data.arrow import is_category
from plait.data.prune import prune_to, usual_limit
from plait.data.read import read
from plait.draw.space import write_space
from plait.errors import PlaitError, RequestError, TableError, did_you_mean
from plait.kinds import TEXT
from plait.kinds.detect import UNSURE, say_target
from plait.kinds.relocate import move_media
from plait.models import plan as plans
from plait.models.rows import Callback
from plait.models.rows import quiet as ignore
from plait.models.views import encoder_names, name_modalities, prep_options
from plait.runs.embedding import NAMES, Sources, Space, space_stem
from plait.runs.facts import RunFacts
from plait.runs.model import Model
from plait.runs.pairs import Pairs
from plait.runs.targets import Targets
from plait.space.lesson import Lesson, contents_of
from plait.study.course import learn
from plait.study.job import Fit, choose_device, open_folder
from plait.study.labels import Labels, column_of_labels, fingerprint
from plait.study.report_content import changed_options
from plait.study.several import learn_targets
from plait.study.way import Way
from plait.tasks.runner import open_runner
from plait.verbs.check import WHY_TARGET, detect_columns, detect_targets, list_targets
from plait.verbs.show import with_rates

# what may be asked of a fit without a target
ON_PAIRS = ("split", "val_share", "group", "ignore", "kinds", "modalities", "encoders", "prep", "convert", "fill",
            "converters", "seed", "overwrite", "sample_rate", "report")  # fmt: skip


HINTS = {
    "table": Any,
    "target": str | Sequence[str] | None,
    "pairs": bool | None,
    "out": str | Path | None,
    "folder": str | Path | None,
}


def watched(verb: Callable[..., Any]) -> Any:
    """Show what a verb tells its callback in a terminal or a notebook, unless quiet is asked for."""

    @functools.wraps(verb)
    def call(*args: Any, callback: Callback | None = None, quiet: bool = False, **given: Any) -> Any:
        if quiet or not can_show():
            return verb(*args, callback=callback, **given)
        with Progress() as progress:
            return verb(*args, callback=joined(progress, *filter(None, [callback])), **given)

    return call


@overload
def fit(
    data: Any,
    labels: Mapping[str, Any],
    *,
    target: list[str] | tuple[str, ...] | None = None,
    pairs: bool = False,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    quiet: bool = False,
    on: str | None = None,
    **options: Unpack[FitKeywords],
) -> Targets: ...


@overload
def fit(
    data: Any = None,
    labels: Any = None,
    *,
    target: str | None = None,
    pairs: bool = False,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    quiet: bool = False,
    on: str | None = None,
    **options: Unpack[FitKeywords],
) -> Model: ...


@overload
def fit(
    data: Any = None,
    labels: Any = None,
    *,
    target: list[str] | tuple[str, ...],
    pairs: bool = False,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    quiet: bool = False,
    on: str | None = None,
    **options: Unpack[FitKeywords],
) -> Targets: ...


@checked
@watched
def fit(
    data: Any = None,
    labels: Any = None,
    *,
    target: str | Sequence[str] | None = None,
    pairs: bool = False,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
    sample_weight: Any = None,
    quiet: bool = False,
    on: str | None = None,
    **options: Unpack[FitKeywords],
) -> Model | Targets:
    """Learn to predict a column of a table, or labels beside arrays, and return the fitted model.

    Args:
        data (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders. In Python what
            `plait.read` takes.
        labels: (rows,) integers, strings or numbers, or one-hot (rows, class), where the target is no column of data;
            of several labels a row a list for each, of several targets {name: labels}.
        target (--target COLUMN): Column to predict. Repeat it for several, which are learned together and apart. In
            Python a list; the answer is then a `plait.Targets`.
        pairs (--pairs): No target: the cells of a row belong together, and teach a space in which any kind finds any
            other.
        out (--out RUN): Folder for the model and its proof.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        callback: Called with a dict for progress and notes, whatever is shown.
        sample_weight: (rows,) what each row counts: in the loss of networks and learners, in the shares of the classes,
            and where candidates are compared. Calibration, the scores on test rows and the verdict count every row
            once. A row that counts 0 is not learned from.
        quiet (--quiet): Show no progress. Without a terminal or a notebook none is shown anyway.
        on (--on WHERE): Where candidates are learned: here; local:4, in four processes of this machine; or ray, on the
            machines of a cluster. The result is the same.
        **options: What else may be asked, none of it needed:
            fusion: plan, such as "parallel(image, audio)"; "auto" grows a tree; by default many are compared.
            split: column that says train, val or test; a missing part is drawn.
            group: column whose values must not be in two splits, such as a speaker.
            test: a table of test rows of its own, in any form that `plait.read` takes.
            val_share: of the rows, how many choose, where no split column says.
            ignore: columns to leave out.
            kinds: {column: kind} where the guess is wrong.
            modalities: {name: columns} to group columns.
            encoders: {modality: name or module}, such as {"image": "lite0", "text": "static"}.
            prep: options of preprocessing, such as {"audio.denoise": True}.
            convert: modalities to make of others, and to compare with them: "audio->text".
            fill: missing cells to fill from another modality: "audio->text".
            converters: options of converters, such as {"pocketsphinx.words": "yes,no"}, and objects of your own.
            tune: pretrained encoders to tune: "image=last-2" or "image=full"; "none": nothing is tuned.
            balance: weight the classes so that rare ones count as much as common ones.
            epochs: passes over the training rows; by default chosen from their number.
            batch_size: rows in one training step; 64.
            precision: "auto" (convolutions learn in bfloat16 where that is quicker) or "float32".
            device: where networks learn: "auto" (a CUDA GPU where there is one), "cpu", "cuda" or "mps".
            quality: "quick" (no networks), "good" or "best" (networks learn twice as long, fused ones always).
            candidates: families to compare: alone, classic, late, text, parallel, sequential, tree, auto, ensemble; of
                several targets shared.
            choose: "ensemble" (an average of candidates, by rows that they did not learn from; the usual) or "simple"
                (the simplest candidate that is as good as the best on validation).
            metric: what decides choice, headline and verdict, such as "f1_macro", "auroc" or "mae".
            margin: points, or percent of the prior's error, within which a difference does not matter; 2.
            repeats: splits to draw, with a study of each; the verdict is that of the median p.
            refit: rows that the winner learns from again once it is proven: "all", "train+val" or "none".
            folds: test on every row by cross-validation in so many folds, twice. For small tables.
            time_limit: seconds that the fit may take; the best model so far is kept.
            seed: same seed, same result, on the same machine; 0.
            learning_curve: fit the winner on parts of the rows too.
            report: write report.html, and pictures beside it; by default where `out` is given.
            report_rows: test rows on which the report measures robustness and explanations; 300 at most.
            lang: language of the notes, the summary and the report: "en" or "zh".
            overwrite: replace a finished run in the folder.
            config: a plait.toml with any of these, and table, target, out; what is given here goes first.
            sample_rate: of sounds given as arrays, in Hz; by default 22050.

    Raises:
        TableError: the table cannot be read or learned from.
        RequestError: a column, an option or a plan that is not there or makes no sense.
        RunError: the folder holds a finished run, or one of another command.
        MissingExtra: an encoder or converter needs a package that is not installed.

    Example:
        >>> model = plait.fit("people.csv", target="sick", ignore="note", candidates="classic")
        >>> model.predict({"age": [20, 60]}).labels
        ['no', 'yes']
    """
    asked = {"table": data, "target": target, "pairs": pairs, "out": out, "folder": folder}
    asked, wish = _with_config(asked, options)
    began, callback, most = time.monotonic(), speak_to(callback or ignore, wish.lang), usual_limit()
    if wish.device != "auto" or {*wish.families} - {*QUICK} or wish.fusion is not None:
        choose_device(wish.device)  # which may not be there, as is said before anything is read
        number_threads()
    table = read(asked["table"], asked["folder"])
    if asked["pairs"]:
        _check_pairs(labels, asked["target"], sample_weight, wish)
        if on is not None:
            raise RequestError("pairs are learned in this process, in one piece; leave on out.")
        return _place(lambda place: fit_pairs(table, wish, place, callback, began), asked, wish, most)
    table, targets = _with_labels(table, labels, asked["target"])
    table, chosen = _with_test(table, targets, labels, wish, callback)
    schemas = detect_targets(table, targets, chosen)
    for name in targets:
        if schemas[name].column(name).confidence < UNSURE:
            callback({"note": say_target(schemas[name].column(name))})
    schema = schemas[targets[0]]
    for sentence in propose_groups(table, schema):
        callback({"note": sentence})
    table = with_rates(table, schema, chosen.sample_rate, callback)
    classes = _find_labels(table, schemas, sample_weight)
    audio = ""
    if not classes:
        from plait.study.speech import check_request  # here, since torch comes with it

        audio = check_request(schema, name_modalities(schema, chosen))
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
    chosen = replace(
        chosen, report=asked["out"] is not None and bool(classes) if chosen.report is None else chosen.report
    )

    way = Way(callback, chosen, len(schema.modalities), targets, began)
    way({"began": {"targets": targets, "rows": len(table), "options": changed_options(chosen)}})
    for note in filter(None, (labels.note for labels in classes)):
        way({"note": note})

    def learn_in(place: Path) -> Model | Targets:
        with open_runner(on, way) as runner:
            if "classic" in chosen.families:
                runner.ready("plait.study.desk:get_ready")
            job = Fit(table, schema, chosen, place, None, audio, plan_objects, made, way, began, runner=runner)
            job.found_again = asked["out"] is not None or runner.engine != "here"
            model = _learn_job(job, [_job_of(job, schemas[found.name], found) for found in classes])
            model.on = runner.facts()
        way({"ended": tell_end(model)})
        return model

    if not classes and on is not None:
        raise RequestError("transcripts are learned by one network, in this process; leave on out.")
    return _place(learn_in, asked, wish, most)


def tell_end(model: Model | Targets) -> dict[str, Any]:
    """Return what a callback is told at the end: of each target the winner, its scores on test rows, the verdict."""
    if isinstance(model, Targets):
        return {"run": str(model.folder), "targets": {name: tell_end(own) for name, own in model.models.items()}}
    scores = {name: one["value"] for name, one in (model.facts.test or {}).get("metrics", {}).items() if "value" in one}
    verdict = model.study.verdict["code"]
    return {"run": str(model.folder), "winner": model.facts.winner, "test": scores, "verdict": verdict}


def _with_config(asked: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[dict[str, Any], FitOptions]:
    """Return the table, target and places, and the options, filled up from the plait.toml that they name."""
    options = dict(options)
    path = options.pop("config", None)
    file = {} if path is None else read_config(path)
    given = {name: value for name, value in asked.items() if value is not None and value is not False}
    named: dict[str, Any] = {
        **dict.fromkeys(asked),
        **{name: file.pop(name) for name in asked if name in file},
        **given,
    }
    for name, hint in HINTS.items():
        check_argument(name, named[name], hint)
    if named["table"] is None:
        raise RequestError("fit needs a table: the first argument, or `table` in the file of config.")
    return named, FitOptions.of({**file, **options})


def _with_test(
    table: Table, targets: Sequence[str], labels: Any, chosen: FitOptions, callback: Callback
) -> tuple[Table, FitOptions]:
    """Return the table with the rows of the test table below, a split column that says which these are, and the
    options that name it."""
    if chosen.test is None:
        return table, chosen
    if labels is not None:
        raise RequestError("test needs the target as a column of both tables; put the labels there.")
    if chosen.folds is not None or chosen.repeats > 1:
        asked = "repeats" if chosen.folds is None else "folds"
        raise RequestError(f"{asked} draw the test rows, so no test table can be given with them; leave one out.")
    other = read(chosen.test)
    schema = detect_columns(table, targets[0] if targets[0] in table.names else None, replace(chosen, kinds={}))
    name = schema.role("split") or free_name("split", table.names)
    parts = name_splits(table.cells(name)) if name in table.names else ["train"] * len(table)
    if "test" in parts:
        raise RequestError(f"column {name!r} names test rows, and a test table is given too; give one of the two.")
    if table.folder != other.folder:
        other = move_media(other, other.names, table.folder or Path())
    joined, lacking = append_rows(table, other, name, [*parts, *["test"] * len(other)])
    for target in targets:
        if target in lacking:
            near = did_you_mean(target, other.names)
            raise RequestError(f"test: there is no column {target!r} in {other.source}. {near}")
    if lacking:
        callback({"note": f"the test table lacks {', '.join(lacking)}: missing in its rows."})
    return joined, replace(chosen, split=name, test=str(other.source))


def _place(
    learn_in: Callable[[Path], Model | Targets], asked: Mapping[str, Any], chosen: FitOptions, most: int
) -> Model | Targets:
    """Learn in a folder, a temporary one where none is named, and keep the cache within its limit."""
    out = asked["out"]
    temporary = tempfile.mkdtemp(prefix="plait-") if out is None else None
    place = Path(out) if out is not None else Path(str(temporary)) / "run"
    try:
        model = learn_in(place)
    except BaseException:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    prune_to(most)
    if out is not None:
        _keep_config(place, asked, chosen)
    if temporary is not None:
        model._keeper = weakref.finalize(model, shutil.rmtree, temporary, ignore_errors=True)
    for own in model.models.values() if isinstance(model, Targets) and temporary is not None else ():
        own._keeper = model  # the folder is there as long as any of them
    return model


def _keep_config(place: Path, asked: Mapping[str, Any], chosen: FitOptions) -> None:
    """Write beside the run what it was asked, with whole paths."""
    places = {name: asked[name] for name in ("table", "folder")}
    whole = {name: os.path.abspath(one) if isinstance(one, (str, Path)) else one for name, one in places.items()}
    test = os.path.abspath(chosen.test) if isinstance(chosen.test, (str, Path)) else chosen.test
    listed = {"table": whole["table"], "target": asked["target"], "pairs": asked["pairs"], "folder": whole["folder"]}
    write_config(place / CONFIG, listed, replace(chosen, test=test, overwrite=False))


def _check_pairs(labels: Any, target: str | Sequence[str] | None, sample_weight: Any, chosen: FitOptions) -> None:
    """Raise RequestError for what makes no sense without a target."""
    usual = FitOptions()
    asked = [f.name for f in fields(FitOptions) if f.name not in ON_PAIRS]
    asked = [name for name in asked if getattr(chosen, name) != getattr(usual, name)]
    given = {"target": target or None, "labels": labels, "sample_weight": sample_weight}
    asked = [*(name for name, value in given.items() if value is not None), *asked]
    if asked:
        raise RequestError(f"pairs learns no target, so {asked[0]} makes no sense with it; leave one of the two out.")


def fit_pairs(table: Table, chosen: FitOptions, place: Path, callback: Callback, began: float) -> Model:
    """Learn a space from the pairs of rows, write the run folder, and return it."""
    schema = detect_columns(table, None, chosen)
    table = with_rates(table, schema, chosen.sample_rate, callback)
    schema, made = plan_conversions(table, schema, chosen.convert, chosen.fill, chosen.converters)
    if len(schema.modalities) < 2:
        found = ", ".join(m.name for m in schema.modalities) or "none"
        raise TableError(f"a space of pairs needs two modalities or more; the table has: {found}.")
    chosen = replace(name_modalities(schema, chosen), candidates=("alone",))
    prep_options(schema, chosen.prep)
    encoder_names(schema, chosen.encoders)
    job = Fit(table, schema, chosen, place, made=made, callback=callback, began=began)
    with open_folder(place, fingerprint(table, "pairs", chosen), chosen.overwrite, callback):
        job.convert()
        split = job.split_rows(np.zeros(len(table), np.int64), False)
        prepared = job.prepare(split)
        facts = RunFacts(
            task="pairs",
            target="",
            seed=chosen.seed,
            schema=schema.to_json(),
            options=jsonable(vars(chosen)),
            rows=len(table),
            splits={part: int((split == part).sum()) for part in ("train", "val", "test")},
            sample_rates=job.table.sample_rates,
            conversions=[one.to_json() for one in made],
            holes=job.count_holes(prepared, split),
        )
        model = Pairs(facts, prepared.views, {}, _made=list(made))
        sources = Sources.of(model)
        contents = contents_of(model, job.table)
        lesson = Lesson(
            sources.features(prepared), sources.origins(), contents, split, groups=job.groups, seed=chosen.seed
        )
        from plait.space.learn import learn_space  # here, since torch comes with it

        space = learn_space(lesson, "rows", callback)
        said = space.report.get("sentence", "There are no test rows, so what it finds is not known.")
        facts.winner = space.name
        verdict = {"code": "pairs", "sentence": said}
        trials = {"single": 0, "fused": 0}
        facts.study = {"winner": space.name, "metric": "mrr", "verdict": verdict, "trials": trials, "candidates": []}
        files = (
            {} if chosen.report is False else {"report.html": partial(write_space, content=_tell_space(space, table))}
        )
        model._write(place, files)
        space.run = str(facts.seal)
        space.write(place, space_stem("rows"))
        shutil.rmtree(job.work)
    return model


def _tell_space(space: Space, table: Table) -> dict[str, Any]:
    """Return what the report of a run of pairs says."""
    from plait.space.learn import map_points

    report = space.report
    found = [{"name": NAMES[one["name"]], "val": one["val"], "chosen": one["name"] == space.name}
             for one in report["candidates"]]  # fmt: skip
    never = [f"{' and '.join(pair)} were never seen together." for pair in report["never_paired"]]
    return {
        "title": "pairs",
        "lines": [f"{count(len(table), 'row')} of {table.source}, without a target.", *never],
        "sentence": report.get("sentence", "There are no test rows, so what it finds is not known."),
        "measure": "MRR",
        "candidates": found,
        "directions": [one["sentence"] for one in report.get("directions", {}).values()],
        "points": map_points(space),
    }


def _with_labels(table: Table, labels: Any, target: str | Sequence[str] | None) -> tuple[Table, list[str]]:
    """Return the table with the targets as columns, and their names."""
    targets = list_targets(target)
    if isinstance(labels, Mapping):
        if targets and {*targets} != {*labels}:
            raise RequestError(f"got labels of {', '.join(map(str, labels))}; expected of {', '.join(targets)}.")
        targets = targets or [str(name) for name in labels]
    elif labels is not None and len(targets) > 1:
        raise RequestError("got several targets and one set of labels; expected {target: labels}.")
    elif labels is not None:
        targets = targets or ["label" if "label" not in table.names else "label (given)"]
        labels = {targets[0]: labels}
    for name in targets if labels is not None else ():
        if name in table.names:
            raise RequestError(f"got labels and the column {name!r}; expected one of the two.")
        named = table.categories | {name} if is_category(labels[name]) else table.categories - {name}
        data = {**table.data, name: column_of_labels(labels[name], len(table))}
        table = replace(table, data=data, categories=named)
    if not targets:
        raise RequestError(
            f"name the column to predict: target=…, or give labels. {did_you_mean('label', table.names)}"
        )
    return table, targets


def _find_labels(table: Table, schemas: Mapping[str, Schema], sample_weight: Any) -> list[Labels]:
    """Return the labels of each target, weighed; of transcripts none."""
    spoken = [name for name, schema in schemas.items() if schema.column(name).kind in TEXT.columns]
    if spoken and len(schemas) > 1:
        raise RequestError(
            f"column {spoken[0]!r} holds transcripts, which are learned by themselves; expected targets of classes or "
            f"numbers. If it does hold classes, say so with --kind {spoken[0]}=category."
        )
    if spoken and sample_weight is not None:
        raise RequestError("sample_weight: transcripts are learned row by row; expected classes or numbers.")
    found = [] if spoken else [Labels.find(table, schema) for schema in schemas.values()]
    for labels in found if sample_weight is not None else ():
        labels.weigh(sample_weight)
    return found


def _job_of(job: Fit, schema: Schema, labels: Labels) -> Fit:
    """Return the fit of one target. schema: what the columns of the table are when that is the target."""
    own = {column.name: column for column in schema.columns}
    columns = tuple(own[c.name] if c.why == WHY_TARGET or c.role == "target" else c for c in job.schema.columns)
    return replace(job, schema=replace(job.schema, columns=columns), labels=labels)


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


def _learn_job(job: Fit, jobs: Sequence[Fit]) -> Model | Targets:
    """Open the run folder and fit. Nothing of a wrong request stays, so the mended one can go to the same folder.

    jobs: one of each target; of transcripts none, and of several targets `job` is what they share.
    """
    several, new = len(jobs) > 1, not job.folder.exists()
    named = json.dumps([one.target for one in jobs]) if several else job.target
    counts = jobs[0].labels.counts if jobs and jobs[0].labels is not None else None
    command = fingerprint(job.table, named, job.options, counts)
    with open_folder(job.folder, command, job.options.overwrite, job.callback):
        try:
            job.runner.check_folders(job.folder)
            return learn_targets(job, jobs) if several else learn(*(jobs or [job]))
        except KeyboardInterrupt:
            kept = f"what was prepared is kept in {job.folder}, and the same command goes on from there"
            job.callback({"note": f"interrupted before there was a candidate; {kept}."})
            raise
        except PlaitError:
            shutil.rmtree(job.folder if new else job.work, ignore_errors=True)
            raise
