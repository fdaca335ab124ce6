"""The space of a run: read where the run has one, else learned from the table it was fitted on, and kept beside it.

Knows a fitted model and its folder. A space names the run that it belongs to, and is none of another.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from plait.core.terminal import Callback, quiet
from plait.errors import RequestError
from plait.runs.embedding import Space, kept_space, space_stem, usual_aim
from plait.runs.model import Model
from plait.space.learn import learn_space
from plait.space.lesson import lesson_of


def space_of(
    model: Model,
    rows: Any,
    aim: str | None = None,
    *,
    folder: str | Path | None = None,
    callback: Callback = quiet,
) -> Space:
    """Return the space of a run for an aim, by default to find the same class where it has classes.

    rows: what it is learned from where there is none yet. Raises RequestError for an ONNX file, for a recogniser, and
    where the rows teach nothing.
    """
    if model.facts.task == "recognition" or not model.views or model.facts.seal is None:
        what = "a recogniser" if model.facts.task == "recognition" else "an ONNX file"
        raise RequestError(f"{what} has no vectors to search by; expected the folder of a run that plait fit wrote.")
    aim = usual_aim(model, aim)
    if (kept := kept_space(model, aim)) is not None:
        return kept
    callback({"note": f"learning a space to find {'the very row' if aim == 'rows' else 'the same class'}"})
    try:
        space = learn_space(lesson_of(model, rows, folder=folder, callback=callback), aim, callback)
    except RequestError as error:
        raise RequestError(
            f"{error} A space is learned from the table that the run was fitted on; give that first."
        ) from None
    if model.folder is not None and os.access(model.folder, os.W_OK):
        space.write(model.folder, space_stem(aim))
    return space
