"""From a run folder, or an ONNX file, to the model it holds. Knows the kinds of models there are, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.converters.in_fit import Made
from plait.core.files import AGAIN, check_finite, consistent, digest, file_in, read_json, read_tensors, seal
from plait.errors import RunError
from plait.models.predictors import Stored, restore_predictors
from plait.models.views import Strand
from plait.runs.facts import RunFacts
from plait.runs.model import FORMAT, WEIGHTS, Model


def load(
    folder: str | Path, *, plan: Any = None, converters: Sequence[Any] = (), encoders: Mapping[str, Any] | None = None
) -> Model:
    """Return the model of a finished run, or of a file that ends in .onnx and that `plait.export` wrote.

    plan: the plan object, where it holds a module of the user's own. converters and encoders ({modality: module}): the
    user's own, where fit had them; for an ONNX file encoders may be {modality: "hf:FOLDER"}, a folder that it names and
    that may be opened. Raises RunError, naming the file, when one is missing, was changed or cut short.
    """
    if Path(folder).suffix == ".onnx" and not Path(folder).is_dir():
        from plait.runs.onnx import OnnxModel

        return OnnxModel.load(folder, converters, encoders)
    facts, strands, predictors = open_run(folder, plan, encoders)
    kind = Model
    if facts.task == "recognition":
        from plait.runs.transcriber import Transcriber as kind  # with all that fits one, which no other model waits for
    made = [Made.from_json(data, converters) for data in facts.conversions]
    return kind(facts, strands, predictors, Path(folder), made=made)


def open_run(
    folder: str | Path, plan: Any = None, encoders: Mapping[str, Any] | None = None
) -> tuple[RunFacts, list[Strand], dict[str, Any]]:
    """Return (facts, strands, predictors) of a finished run: what a Model is made of.

    plan: the plan object, where it holds a module of the user's own. encoders: {modality: module}, where one is the
    user's own. Raises RunError, naming the file, when one is missing, was changed or cut short.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunError(f"there is no folder {folder}. Name the folder that `plait fit` wrote.")
    with consistent(folder / "run.json"):
        facts = read_facts(folder)
        tensors = read_tensors(file_in(folder, WEIGHTS))
        check_finite(tensors, folder / WEIGHTS)
        strands = []
        for index, data in enumerate(facts["strands"]):
            prefix = f"prep.{index}."
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            strands.append(Strand.from_state(data, own, encoders))
        parts, roles = facts["predictors"]["parts"], facts["predictors"]["roles"]
        files = {part["file"]: file_in(folder, part["file"]).read_bytes() for part in parts if "file" in part}
        predictors = restore_predictors(Stored(parts, roles, tensors, files), plan, strands)
        return RunFacts.from_json(facts), strands, predictors


def read_facts(folder: Path) -> dict[str, Any]:
    """Return what run.json says, once it and every file that it names are what was written. Raises RunError."""
    if not (folder / "run.json").exists():
        raise RunError(
            f"{folder} holds no finished run: {folder / 'run.json'} is missing. Run the fit again; it goes on where it "
            "stopped."
        )
    path = file_in(folder, "run.json")
    facts = read_json(path)
    if not isinstance(facts, dict) or facts.get("seal") != seal(facts):
        raise RunError(f"{path} is damaged: it was changed after it was written. {AGAIN}")
    if facts["format"] != FORMAT:
        raise RunError(
            f"{path} has the format {facts['format']}; this plait reads {FORMAT}. Use the plait that wrote it."
        )
    paths = {file_in(folder, name): expected for name, expected in facts["files"].items()}
    for file, expected in paths.items():
        if digest(file) != expected:
            raise RunError(f"{file} is damaged: it was changed or cut short. {AGAIN}")
    return facts
