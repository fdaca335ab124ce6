"""The verb `explain`: which modality mattered, for a row or a table. Thin: the work is in attribution and drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.errors import RequestError
from plait.models.rows import Callback, quiet
from plait.proof.explanation import PICTURES, Explanation, write_explanation
from plait.runs.load import open_model
from plait.runs.model import Model


def explain(
    run: str | Path | Model,
    rows: Any,
    *,
    row: int | None = None,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> Explanation:
    """Return how much each modality made of the answers of a fitted run. Print it.

    For each row the Shapley value of each modality, by presence alone: they add up to the prediction minus what the
    model says with nothing present. Raises RequestError for a row that there is not, or a table with none of the
    model's columns.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote.
        rows (TABLE): CSV, TSV, JSONL, Parquet or Arrow file, or a folder of class-named folders.
        row (--row N): Explain this row, from 0, down to its parts.
        out (--out OUT): Picture of the row (.png), or a folder for all there is.
        folder: What relative paths are relative to.
    """
    if out is not None and row is None and Path(out).suffix.lower() in PICTURES:
        raise RequestError("a picture shows one row; name it with row (--row N), or give a folder for the whole table.")
    if out is not None and Path(out).suffix and Path(out).suffix.lower() not in PICTURES:
        raise RequestError(
            f"the explanation cannot be written to {Path(out).name!r}; expected a .png file or a folder."
        )
    explanation = open_model(run).explain(rows, row, folder=folder, callback=callback or quiet)
    if out is not None:
        write_explanation(explanation, out)
    return explanation
