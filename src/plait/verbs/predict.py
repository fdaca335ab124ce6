"""The verbs predict and evaluate: what a fitted run says of a table. Light, since a prediction waits for it.

Knows no training: what fit needs beyond this is not loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.core.options import checked
from plait.models.rows import Callback, quiet
from plait.runs.blocks import predict_blocks
from plait.runs.load import open_model
from plait.runs.model import Model
from plait.runs.predictions import Predictions, TargetPredictions, check_file
from plait.runs.targets import Targets
from plait.tasks.runner import open_runner


@checked
def predict(
    run: str | Path | Model | Targets,
    rows: Any,
    *,
    out: str | Path | None = None,
    keep: Sequence[str] = (),
    candidate: str | None = None,
    folder: str | Path | None = None,
    on: str | None = None,
    callback: Callback | None = None,
) -> Predictions | TargetPredictions:
    """Return an answer for every row of a table by a fitted run, and write the answers where asked.

    A run of several targets gives an answer of each: prediction_<target>, probability_<target>_<class>; its folder
    holds a run of each target, which can be asked by itself.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote. In Python a model too.
        rows (TABLE): Rows to predict. In Python anything that `plait.read` takes; a lacking column is missing.
        out (--out FILE): CSV or Parquet file to write.
        keep (--keep COLUMN): Column to carry along beside the answers. Columns that training took for ids always are.
        candidate (--candidate NAME): Another predictor of the run: a candidate that it keeps, as it was scored (plait
            study RUN lists them), a modality alone, or proof, the winner as it was when the test rows were looked at.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        on (--on WHERE): Where rows are answered: local:N in N processes of this machine, ray on a Ray cluster
            (docs/guide/cluster.md). The answers are the same.
        callback: Called with a dict for progress.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: none of the model's columns is there, `out` has another ending, or `on` cannot be used.

    Example:
        >>> answers = plait.predict("run", {"note": ["fever and cough", None], "age": [60, None]}, out="answers.csv")
        >>> answers.labels, answers.status
        (['yes', None], ['ok', 'failed'])
    """
    model, callback = open_model(run, candidate), callback or quiet
    if out is not None:
        check_file(out)
    with open_runner(on, callback) as runner:
        return predict_blocks(run, model, rows, runner, out=out, keep=keep, folder=folder, callback=callback)


@checked
def evaluate(
    run: str | Path | Model | Targets,
    rows: Any,
    *,
    candidate: str | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> dict[str, Any]:
    """Score a fitted run on a table: overall, given each subset of modalities, and each modality alone.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote. In Python a model too.
        rows (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders. In Python what
            `plait.read` takes.
        candidate (--candidate NAME): Another predictor of the run: a candidate that it keeps, as it was scored (plait
            study RUN lists them), a modality alone, or proof, the winner as it was when the test rows were looked at.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        callback: Called with a dict for progress and notes.

    Returns:
        rows, scored, failed, metrics ({name: {"value", "low", "high"}}, 95 % intervals), by_modalities ({"image": …,
        "audio+image": …}: only these present) and alone ({modality: …}: trained on that one); notes, where there is
        something to say: rows that were learned from, labels and values that training never had. Of a run of several
        targets {"targets": {target: these}}.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: the table lacks the target or the model's columns, or no row has a label.

    Example:
        >>> scores = plait.evaluate("run", "people.csv")
        >>> scores["scored"], sorted(scores["by_modalities"])
        (40, ['tabular', 'tabular+text', 'text'])
    """
    return open_model(run, candidate).evaluate(rows, folder=folder, callback=callback or quiet)
