"""The verb `explain`: which modality mattered, for a row or a table. Thin: the work is in attribution and drill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.threads import number_threads
from plait.errors import RequestError
from plait.models.rows import Callback, quiet
from plait.proof.explanation import PICTURES, Explanation, write_explanation
from plait.runs.load import load
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
    """Return how much each modality made of the answers of a fitted run, by Shapley values.

    Args:
        run: the folder that `plait.fit` wrote, the .onnx file that `plait.export` wrote, or a model.
        rows: anything that `plait.read` takes.
        row: explain this one (from 0), and which words, regions, seconds and columns of it mattered.
        out: a picture of the row to write, or a folder for JSON, picture and table.
        folder: where relative media paths begin; by default the folder of the table.
        callback: called with a dict for progress.

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
    model = run if isinstance(run, Model) else load(run)
    number_threads()
    found = model.explain(rows, row, folder=folder, callback=callback or quiet)
    if out is not None:
        write_explanation(found, out)
    return found
