"""The space of a run: read where the run has one, else learned from the table it was fitted on, and kept beside it.

Knows a fitted model and its folder. A space names the run that it belongs to, and is none of another.
"""

from __future__ import annotations

import os
from dataclasses import replace

from plait.core.contract import Table
from plait.core.terminal import Callback, quiet
from plait.errors import RequestError
from plait.runs.embedding import Read, Space, kept_space, read_features, space_stem, usual_aim
from plait.runs.model import PROOF, Model
from plait.runs.onnx import OnnxModel
from plait.space.learn import learn_space
from plait.space.lesson import Lesson, lesson_of


def space_of(model: Model, table: Table, read: Read, aim: str | None = None, *, callback: Callback = quiet) -> Space:
    """Return the space of a run for an aim, by default to find the same class where it has classes.

    table, read: what it is learned from where there is none yet, and what the run reads of it.
    Raises RequestError where that teaches nothing.
    """
    aim = usual_aim(model, aim)
    if (kept := kept_space(model, aim)) is not None:
        return kept
    callback({"note": f"learning a space to find {'the very row' if aim == 'rows' else 'the same class'}"})
    try:
        lesson, proof = lessons_of(model, table, read)
        space = learn_space(lesson, aim, callback, proof)
    except RequestError as error:
        mend = "A space is learned from the table that the run was fitted on; give that first."
        raise RequestError(f"{error} {mend}") from None
    if model.folder is not None and os.access(model.folder, os.W_OK):
        space.write(model.folder, space_stem(aim))
    return space


def needs_before(model: Model, aim: str | None = None) -> bool:
    """Whether the space of a run, or one that is to be learned, takes what networks read: only to find the very row.

    What a network has learned for a target tells classes apart best, and has forgotten what tells rows apart.
    """
    kept = kept_space(model, aim)
    return usual_aim(model, aim) == "rows" if kept is None else kept.reads_before


def lessons_of(model: Model, table: Table, read: Read) -> tuple[Lesson, Lesson | None]:
    """Return what a table teaches of the space of a run, and of it as it was proven, where that is another.

    read: what the run reads of the table. By the second is chosen and measured.
    """
    proven = as_proven(model)
    proof = None if proven is None else lesson_of(proven, table, read_features(proven, table, before=bool(read.own)))
    return lesson_of(model, table, read), proof


def as_proven(model: Model) -> Model | None:
    """Return the model with the predictors of its modalities as they were when the test rows were looked at.

    None where they are those that ship, or were not all kept.
    """
    again = model.facts.refit
    if again is None:
        return None
    kept, proof = model._kept(), model.predictors.get(PROOF)
    then = [one for one in (*kept.predictors.values(), proof) if one is not None]
    alone = {
        name: ships if name in again["kept"] else next((one for one in then if [*one.names] == [name]), None)
        for name, ships in model.alone.items()
    }
    if None in alone.values():
        return None
    predictors = {"winner": proof or model.predictors["winner"], **alone}
    return replace(
        model, facts=replace(model.facts, refit=None), predictors=predictors, views=[*model.views, *kept.views]
    )


def check_able(model: Model, aim: str | None) -> None:
    """Raise RequestError for an ONNX file, for a recogniser, and for an aim that there is not."""
    if isinstance(model, OnnxModel) or model.facts.task == "recognition":
        what = "an ONNX file" if isinstance(model, OnnxModel) else "a recogniser"
        raise RequestError(f"{what} has no vectors to search by; expected the folder of a run that plait fit wrote.")
    if aim is not None:
        space_stem(aim)
