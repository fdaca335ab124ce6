"""plait: learn from tables of pictures, sounds, text and numbers, and know whether combining them was worth it.

    import plait
    model = plait.fit("patients.csv", target="diagnosis")
    print(model.summary())

Names are loaded when they are first used, so that `import plait` is light.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from plait.core.garbage import uncollected
from plait.core.version import __version__

# Before torch is imported. Beside busy programs, threads that spin while they wait make small networks much slower; on
# free cores, threads that sleep at once cost a quarter of the time. So they spin for microseconds, and then sleep.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_PLACES = {
    "read": "plait.data.read",
    "check": "plait.verbs.check",
    "cache": "plait.verbs.cache",
    "Findings": "plait.checks.findings",
    "show": "plait.verbs.show",
    "align": "plait.verbs.align",
    "convert": "plait.verbs.convert",
    "fit": "plait.verbs.fit",
    "load": "plait.runs.load",
    "predict": "plait.verbs.predict",
    "evaluate": "plait.verbs.predict",
    "explain": "plait.verbs.explain",
    "Explanation": "plait.proof.explanation",
    "Evaluation": "plait.proof.evaluation",
    "export": "plait.verbs.export",
    "serve": "plait.verbs.serve",
    "embed": "plait.verbs.embed",
    "Embeddings": "plait.runs.embedding",
    "index": "plait.verbs.index",
    "Index": "plait.space.index",
    "load_index": "plait.space.index",
    "search": "plait.verbs.search",
    "Hits": "plait.space.hits",
    "MlflowLogger": "plait.loggers.mlflow",
    "TensorBoardLogger": "plait.loggers.tensorboard",
    "OnnxModel": "plait.runs.onnx",
    "Model": "plait.runs.model",
    "Predictions": "plait.runs.predictions",
    "TargetPredictions": "plait.runs.predictions",
    "Targets": "plait.runs.targets",
    "Classifier": "plait.verbs.estimators",
    "Regressor": "plait.verbs.estimators",
    "Table": "plait.core.contract",
    "Parallel": "plait.models.plan",
    "Sequential": "plait.models.plan",
    "Tree": "plait.models.plan",
    "ImagePrep": "plait.kinds.image.prep",
    "AudioPrep": "plait.kinds.audio.prep",
    "TextPrep": "plait.kinds.text.prep",
    "SeriesPrep": "plait.kinds.series.prep",
    "VectorPrep": "plait.kinds.vectors.prep",
    "VideoPrep": "plait.kinds.video.prep",
    "TabularPrep": "plait.kinds.tabular.prep",
    "PlaitError": "plait.errors",
    "TableError": "plait.errors",
    "RequestError": "plait.errors",
    "CellError": "plait.errors",
    "RunError": "plait.errors",
    "MissingExtra": "plait.errors",
}

__all__ = [
    "AudioPrep",
    "CellError",
    "Classifier",
    "Embeddings",
    "Evaluation",
    "Explanation",
    "Findings",
    "Hits",
    "ImagePrep",
    "Index",
    "MissingExtra",
    "MlflowLogger",
    "Model",
    "OnnxModel",
    "Parallel",
    "PlaitError",
    "Predictions",
    "Regressor",
    "RequestError",
    "RunError",
    "Sequential",
    "SeriesPrep",
    "Table",
    "TableError",
    "TabularPrep",
    "TargetPredictions",
    "Targets",
    "TensorBoardLogger",
    "TextPrep",
    "Tree",
    "VectorPrep",
    "VideoPrep",
    "__version__",
    "align",
    "cache",
    "check",
    "convert",
    "embed",
    "evaluate",
    "explain",
    "export",
    "fit",
    "index",
    "load",
    "load_index",
    "predict",
    "read",
    "search",
    "serve",
    "show",
]

if TYPE_CHECKING:
    from plait.checks.findings import Findings
    from plait.core.contract import Table
    from plait.data.read import read
    from plait.errors import CellError, MissingExtra, PlaitError, RequestError, RunError, TableError
    from plait.kinds.audio.prep import AudioPrep
    from plait.kinds.image.prep import ImagePrep
    from plait.kinds.series.prep import SeriesPrep
    from plait.kinds.tabular.prep import TabularPrep
    from plait.kinds.text.prep import TextPrep
    from plait.kinds.vectors.prep import VectorPrep
    from plait.kinds.video.prep import VideoPrep
    from plait.loggers.mlflow import MlflowLogger
    from plait.loggers.tensorboard import TensorBoardLogger
    from plait.models.plan import Parallel, Sequential, Tree
    from plait.proof.evaluation import Evaluation
    from plait.proof.explanation import Explanation
    from plait.runs.embedding import Embeddings
    from plait.runs.load import load
    from plait.runs.model import Model
    from plait.runs.onnx import OnnxModel
    from plait.runs.predictions import Predictions, TargetPredictions
    from plait.runs.targets import Targets
    from plait.space.hits import Hits
    from plait.space.index import Index, load_index
    from plait.verbs.align import align
    from plait.verbs.cache import cache
    from plait.verbs.check import check
    from plait.verbs.convert import convert
    from plait.verbs.embed import embed
    from plait.verbs.estimators import Classifier, Regressor
    from plait.verbs.explain import explain
    from plait.verbs.export import export
    from plait.verbs.fit import fit
    from plait.verbs.index import index
    from plait.verbs.predict import evaluate, predict
    from plait.verbs.search import search
    from plait.verbs.serve import serve
    from plait.verbs.show import show


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'plait' has no attribute {name!r}")
    with uncollected():
        value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
