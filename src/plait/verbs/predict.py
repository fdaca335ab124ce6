"""The verbs predict and evaluate: what a fitted run says of a table. Light, since a prediction waits for it.

Knows no training: what fit needs beyond this is not loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.models.rows import Callback, quiet
from plait.runs.load import open_model
from plait.runs.model import Model
from plait.runs.predictions import Predictions, check_file


def predict(
    run: str | Path | Model, rows: Any, *, out: str | Path | None = None, callback: Callback | None = None
) -> Predictions:
    """Answer for every row of a table with a fitted run, and write CSV or Parquet when `out` is given.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote.
        rows (TABLE): Rows to predict.
        out (--out FILE): CSV or Parquet file to write.
    """
    model = open_model(run)
    if out is not None:
        check_file(out)
    answers = model.predict(rows, callback=callback or quiet)
    if out is not None:
        answers.write(out)
    return answers


def evaluate(run: str | Path | Model, rows: Any, *, callback: Callback | None = None) -> dict[str, Any]:
    """Score a fitted run on a table: overall, given each subset of modalities, and each modality trained alone.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote.
        rows (TABLE): CSV, TSV, JSONL, Parquet or Arrow file, or a folder of class-named folders.
    """
    return open_model(run).evaluate(rows, callback=callback or quiet)
