"""From a run folder, or an ONNX file, to the model it holds. Knows the kinds of models there are, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.converters.in_fit import Made
from plait.runs.model import Model, open_run


def load(
    folder: str | Path, *, plan: Any = None, converters: Sequence[Any] = (), encoders: Mapping[str, Any] | None = None
) -> Model:
    """Return the model of a finished run, or of a file that ends in .onnx and that `plait.export` wrote.

    plan: the plan object, where it holds a module of the user's own. converters and encoders ({modality: module}): the
    user's own, where fit had them. Raises RunError, naming the file, when one is missing, was changed or cut short.
    """
    if Path(folder).suffix == ".onnx" and not Path(folder).is_dir():
        from plait.runs.onnx import OnnxModel

        return OnnxModel.load(folder, converters)
    facts, strands, predictors = open_run(folder, plan, encoders)
    kind = Model
    if facts["task"] == "recognition":
        from plait.runs.transcriber import Transcriber as kind  # with all that fits one, which no other model waits for
    made = [Made.from_json(data, converters) for data in facts.get("conversions", [])]
    return kind(facts, strands, predictors, Path(folder), made=made)
