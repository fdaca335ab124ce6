"""The verb `explain`: which modality mattered, for a row or a table. Thin: the work is in attribution and drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.options import checked
from plait.errors import RequestError
from plait.models.rows import Callback, quiet
from plait.proof.explanation import PICTURES, Explanation, write_explanation
from plait.runs.load import open_model
from plait.runs.model import Model
from plait.runs.targets import TargetExplanations, Targets, name_folders


@checked
def explain(
    run: str | Path | Model | Targets,
    rows: Any,
    *,
    row: int | None = None,
    out: str | Path | None = None,
    candidate: str | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> Explanation | TargetExplanations:
    """Return what each modality added to the test score, and to each answer of a run: Shapley values.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote. In Python a model too.
        rows (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders. In Python what
            `plait.read` takes.
        row (--row N): Explain this row, from 0, down to its parts.
        out (--out OUT): Picture of the row (.png), or a folder for all there is.
        candidate (--candidate NAME): Another predictor of the run: a candidate that it keeps, as it was scored (plait
            study RUN lists them), a modality alone, or proof, the winner as it was when the test rows were looked at.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        callback: Called with a dict for progress.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: there is no such row, none of the model's columns is there, or `out` has another ending.

    Example:
        >>> explanation = plait.explain("run", "people.csv")
        >>> explanation.shares["text"].shape
        (40,)
    """
    if out is not None and row is None and Path(out).suffix.lower() in PICTURES:
        raise RequestError("a picture shows one row; name it with row (--row N), or give a folder for the whole table.")
    if out is not None and Path(out).suffix and Path(out).suffix.lower() not in PICTURES:
        raise RequestError(
            f"the explanation cannot be written to {Path(out).name!r}; expected a .png file or a folder."
        )
    model = open_model(run, candidate)
    if isinstance(model, Targets) and out is not None and Path(out).suffix.lower() in PICTURES:
        raise RequestError(
            f"a picture shows one target; give a folder, or explain the run of one: {', '.join(model.targets)}."
        )
    explanation = model.explain(rows, row, folder=folder, callback=callback or quiet)
    if out is None:
        return explanation
    if isinstance(explanation, TargetExplanations):
        for target, name in name_folders([*explanation.of]).items():
            write_explanation(explanation[target], Path(out) / name)
    else:
        write_explanation(explanation, out)
    return explanation
