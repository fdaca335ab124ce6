"""The verbs predict and evaluate: what a fitted run says of a table. Light, since a prediction waits for it.

Knows no training: what fit needs beyond this is not loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.threads import number_threads
from plait.errors import RequestError
from plait.models.rows import Callback, quiet
from plait.runs.load import load
from plait.runs.model import Model
from plait.runs.predictions import Predictions


def predict(
    run: str | Path | Model, rows: Any, *, out: str | Path | None = None, callback: Callback | None = None
) -> Predictions:
    """Return an answer for every row of a table by a fitted run, and write the answers where asked.

    Args:
        run: the folder that `plait.fit` wrote, the .onnx file that `plait.export` wrote, or a model.
        rows: anything that `plait.read` takes; a column that is not there is absent in every row.
        out: .csv or .parquet file to write.
        callback: called with a dict for progress.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: none of the model's columns is there, or `out` has another ending.

    Example:
        >>> answers = plait.predict("run", {"note": ["fever and cough", None], "age": [60, None]}, out="answers.csv")
        >>> answers.labels, answers.status
        (['yes', None], ['ok', 'failed'])
    """
    model = run if isinstance(run, Model) else load(run)
    number_threads()
    if out is not None and Path(out).suffix.lower() not in (".csv", ".parquet"):
        raise RequestError(
            f"the answers cannot be written to {Path(out).name!r}; expected a name that ends in .csv or .parquet."
        )
    answers = model.predict(rows, callback=callback or quiet)
    if out is not None:
        answers.write(out)
    return answers


def evaluate(run: str | Path | Model, rows: Any, *, callback: Callback | None = None) -> dict[str, Any]:
    """Score a fitted run on a table: overall, given each subset of modalities, and each modality alone.

    Args:
        run: the folder that `plait.fit` wrote, the .onnx file that `plait.export` wrote, or a model.
        rows: anything that `plait.read` takes, with the target as a column.
        callback: called with a dict for progress and notes.

    Returns:
        rows, scored, failed, metrics ({name: {"value", "low", "high"}}, 95 % intervals), by_modalities ({"image": …,
        "audio+image": …}: only these present) and alone ({modality: …}: trained on that one).

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: the table lacks the target or the model's columns, or no row has a label.

    Example:
        >>> scores = plait.evaluate("run", "people.csv")
        >>> scores["scored"], sorted(scores["by_modalities"])
        (40, ['tabular', 'tabular+text', 'text'])
    """
    model = run if isinstance(run, Model) else load(run)
    number_threads()
    return model.evaluate(rows, callback=callback or quiet)
