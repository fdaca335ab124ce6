"""From a run folder, or an ONNX file, to the model it holds. Knows the kinds of models there are, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.files import (
    AGAIN,
    check_finite,
    consistent,
    digest,
    file_in,
    folder_in,
    read_json,
    read_tensors,
    seal,
    under,
)
from plait.core.threads import number_threads
from plait.core.typed import check_type
from plait.errors import RequestError, RunError
from plait.models.predictors import Stored, restore_predictors
from plait.models.views import View
from plait.models.written import check_prior, check_temperature, require
from plait.runs.facts import RunFacts
from plait.runs.kept import KEPT_FILES, Kept, KeptSource
from plait.runs.model import FORMAT, LEARNED, NETWORK, PROOF, WEIGHTS, Model
from plait.runs.unseen import Unseen

OTHER = "Use the plait that wrote it."

if TYPE_CHECKING:
    from plait.converters.in_fit import Made
    from plait.runs.targets import Targets


def load(
    folder: str | Path, *, plan: Any = None, converters: Sequence[Any] = (), encoders: Mapping[str, Any] | None = None
) -> Model | Targets:
    """Return the model of a finished run, or of an .onnx file that `plait.export` wrote.

    A run of several targets gives a `plait.Targets`, which holds a model each.

    Args:
        folder: the run folder, or the file.
        plan: the plan object, where it holds a module of the user's own.
        converters: the user's own converters, where fit had them.
        encoders: {modality: module} of the user's own, where fit had them; for an ONNX file {modality: "hf:FOLDER"}, a
            folder that it names and that may be opened.

    Raises:
        RunError: a file is missing, was changed or cut short; the message names it.
        MissingExtra: the run needs a package that is not installed.

    Example:
        >>> plait.load("run").modalities
        ['text', 'tabular']
    """
    if Path(folder).suffix == ".onnx" and not Path(folder).is_dir():
        from plait.runs.onnx import OnnxModel

        return OnnxModel.load(folder, converters, encoders)
    given = read_run(Path(folder))
    if given.get("task") == "targets":
        return load_targets(Path(folder), given, plan, converters, encoders)
    return load_model(Path(folder), given, plan, converters, encoders)


def load_model(
    folder: Path, given: dict[str, Any], plan: Any, converters: Sequence[Any], encoders: Mapping[str, Any] | None
) -> Model:
    """Return the model of a run of one target. given: what its run.json says."""
    facts, strands, predictors, learned, unseen = open_run(folder, given, plan, encoders)
    kind: Any = Model
    if facts.task == "recognition":
        from plait.runs.transcriber import Transcriber as kind  # with all that fits one, which no other model waits for
    elif facts.task == "pairs":
        from plait.runs.pairs import Pairs as kind
    with consistent(folder / "run.json"):
        made = [restore_made(data, converters, str(folder)) for data in facts.conversions]
    kept = KeptSource(partial(open_kept, folder, facts, strands, plan, encoders))
    return kind(facts, strands, predictors, folder, _made=made, _learned=learned, _unseen=unseen, _kept=kept)


def open_kept(
    folder: Path, facts: RunFacts, views: Sequence[View], plan: Any, encoders: Mapping[str, Any] | None
) -> Kept:
    """Return the candidates that a run keeps beside what ships, which no prediction by this waits for."""
    files = {name: hashed for name, hashed in (facts.files or {}).items() if name in KEPT_FILES}
    if not files:
        return Kept()
    check_digests(folder, files)
    classes = None if facts.task == "recognition" else len(facts.classes or ())
    about = {"plan": plan, "encoders": encoders, "num_classes": classes, "several": facts.task == "labels"}
    kept = Kept.read(folder, views, about)
    if classes is None:
        check_recognisers(facts, kept.predictors)
    return kept


def load_targets(
    folder: Path, given: dict[str, Any], plan: Any, converters: Sequence[Any], encoders: Mapping[str, Any] | None
) -> Targets:
    """Return a run of several targets: the run of each is in a folder of its own, and is the one that was listed."""
    from plait.runs.targets import SEVERAL, Listing, Targets

    path, models = folder / "run.json", dict[str, Model]()
    with consistent(path):
        if given["format"] != SEVERAL:
            raise RunError(f"{path} has the format {given['format']!r:.40}; this plait reads {SEVERAL}. {OTHER}")
        check_type(given, Listing, str(path))
        check_digests(folder, given["files"])
        for target, part in given["targets"].items():
            place = folder_in(folder, part["folder"])
            facts = read_run(place)
            require(facts["seal"] == part["seal"], f"{place} holds another run than the one of target {target!r}")
            models[target] = load_model(place, facts, plan, converters, encoders)
            require(models[target].target == target, f"{place} predicts another column than {target!r}")
        require(len(models) > 1, "it has no targets")
    return Targets(models, given, folder)


def restore_made(data: Mapping[str, Any], converters: Sequence[Any], source: str) -> Made:
    """Make a conversion again. A run holds words and grammars themselves; models and fonts stay outside of it."""
    from plait.converters.catalogue import refuse_files  # here, since most runs convert nothing
    from plait.converters.in_fit import Made

    refuse_files(data["route"], converters, source, ("model", "font"))
    return Made.from_json(data, converters)


def open_model(run: str | Path | Model | Targets, candidate: str | None = None) -> Model | Targets:
    """Return the model of a run, where it is not one already, ready to answer. candidate: another of its predictors."""
    model = load(run) if isinstance(run, (str, Path)) else run
    number_threads()
    return model if candidate is None else model.use(candidate)


def open_request(request: Mapping[str, Any]) -> Model | Targets:
    """Return the model of a run, opened by a process that does tasks."""
    return open_model(request["run"], request["candidate"])


def open_one(run: str | Path | Model | Targets, what: str, candidate: str | None = None) -> Model:
    """Return the model of a run of one target. what: "a file holds", for the RequestError that several get."""
    model = open_model(run, candidate)
    if isinstance(model, Model):
        return model
    folders = ", ".join(part["folder"] for part in model.facts["targets"].values())
    raise RequestError(f"{what} one target; give the run of one, which is a folder in this one: {folders}.")


def open_run(
    folder: Path, facts: dict[str, Any], plan: Any, encoders: Mapping[str, Any] | None
) -> tuple[RunFacts, list[View], dict[str, Any], np.ndarray | None, Unseen | None]:
    """Return (facts, strands, predictors, hashes of the rows learned from, what is kept of validation rows) of a run.

    Raises as `load` does.
    """
    with consistent(folder / "run.json"):
        check_facts(folder, facts)
        tensors = read_tensors(file_in(folder, WEIGHTS))
        check_finite(tensors, folder / WEIGHTS)
        states = enumerate(facts["strands"])
        views = [View.from_state(data, under(tensors, f"prep.{index}."), encoders) for index, data in states]
        parts, roles = facts["predictors"]["parts"], facts["predictors"]["roles"]
        files = {
            name: file_in(folder, name).read_bytes() for name in {part["file"] for part in parts if "file" in part}
        }
        stored = Stored(parts, roles, tensors, files, folder / "run.json")
        check_answers(facts, views)
        classes = None if facts["task"] == "recognition" else len(facts["classes"] or ())
        predictors = restore_predictors(stored, plan, views, classes, facts["task"] == "labels")
        if classes is None:
            check_recognisers(facts, predictors)
        learned = tensors.get(LEARNED)  # runs of before have none
        sound = learned is None or (learned.dtype == np.int64 and learned.ndim == 1)
        require(sound, "the hashes of the rows that were learned from are none")
        unseen = Unseen.read(tensors, classes or 0)
        return RunFacts.from_json(facts), views, predictors, learned, unseen


def check_answers(facts: Mapping[str, Any], views: Sequence[View]) -> None:
    """Raise ValueError unless what a run says of its target, and of what it looks at, goes together."""
    task, classes, names = facts["task"], facts["classes"], [view.name for view in views]
    require(len({*names}) == len(names), f"there are the modalities {str(names)[:200]}; expected each once")
    mains = {view.name for view in views if view.is_main}
    blind = [view.name for view in views if view.of not in mains or (view.feeds_encoder and view.frozen is None)]
    require(not blind, f"the modality or encoder that {blind} shows is not there")
    strange = [role for role in facts["predictors"]["roles"] if role not in ("winner", PROOF, NETWORK, *mains)]
    some = ("winner" in facts["predictors"]["roles"]) != (task == "pairs")
    require(not strange and some, f"there are predictors of {str(strange)[:200]}")
    named = task in ("classification", "labels", "ordered")
    right = len({*classes}) == len(classes) > 1 if classes is not None else not named
    require(right and (classes is None or named), f"{task} has the classes {str(classes)[:100]}")
    require((facts.get("labels") is not None) == (task == "labels"), f"{task} says how several labels are written")
    check_temperature(facts["temperature"], task)
    require(facts["spread"] > 0, f"{task} has the spread {facts['spread']}; expected a number above 0")
    if task not in ("recognition", "pairs"):
        check_prior(facts["prior"], task, len(classes or ()), task == "labels")


def check_recognisers(facts: Mapping[str, Any], predictors: Mapping[str, Any]) -> None:
    """Raise ValueError unless all predictors hear the sound, and write the units, that a run names."""
    from plait.models.speech.units import Units

    size = Units.from_json(facts["units"]).size
    for role, predictor in predictors.items():
        heard = getattr(predictor, "audio", None), getattr(predictor, "spec", {}).get("units")
        require(
            heard == (facts["audio"], size), f"{role!r} hears {heard}; expected {facts['audio']!r} and {size} units"
        )


def read_run(folder: Path) -> dict[str, Any]:
    """Return what run.json says, if it is as it was written. Raises RunError."""
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}. Name the folder that `plait fit` wrote.")
    if not (folder / "run.json").exists():
        raise RunError(
            f"{folder} holds no finished run: {folder / 'run.json'} is missing. Run the fit again; it goes on where it "
            "stopped."
        )
    path = file_in(folder, "run.json")
    with consistent(path):
        facts = read_json(path)
        if not isinstance(facts, dict) or facts.get("seal") != seal(facts):
            raise RunError(f"{path} is damaged: it was changed after it was written. {AGAIN}")
    return facts


def check_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Raise RunError or ValueError unless what a run of one target says has the form that is read, and its files are
    what was written."""
    path = folder / "run.json"
    if facts["format"] not in (3, FORMAT):  # 3 has a verdict of another form, and is read as it is
        raise RunError(f"{path} has the format {facts['format']!r:.40}; this plait reads {FORMAT}. {OTHER}")
    RunFacts.check(facts, str(path))
    check_digests(folder, {name: hashed for name, hashed in facts["files"].items() if name not in KEPT_FILES})


def check_digests(folder: Path, files: Mapping[str, str]) -> None:
    """Raise RunError for a file of a run that is not what was written."""
    paths = {file_in(folder, name): expected for name, expected in files.items()}
    for file, expected in paths.items():
        if digest(file) != expected:
            raise RunError(f"{file} is damaged: it was changed or cut short. {AGAIN}")
