"""plait: learn from tables of pictures, sounds, text and numbers, and know whether combining them was worth it.

    import plait
    model = plait.fit("patients.csv", target="diagnosis")
    print(model.summary())

Names are loaded when they are first used, so that `import plait` is light.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Before torch is imported. Beside busy programs, threads that spin while they wait make small networks much slower; on
# free cores, threads that sleep at once cost a quarter of the time. So they spin for microseconds, and then sleep.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

_PLACES = {
    "read": "plait.data.read",
    "check": "plait.checkup",
    "cache": "plait.cached",
    "Findings": "plait.quality.findings",
    "show": "plait.workflow",
    "align": "plait.alignment",
    "convert": "plait.conversion",
    "fit": "plait.workflow",
    "load": "plait.loading",
    "predict": "plait.prediction",
    "evaluate": "plait.prediction",
    "explain": "plait.explanation",
    "Explanation": "plait.account",
    "export": "plait.exporting",
    "OnnxModel": "plait.portable",
    "Model": "plait.run",
    "Predictions": "plait.run",
    "Classifier": "plait.estimators",
    "Regressor": "plait.estimators",
    "Table": "plait.contract",
    "Parallel": "plait.plan",
    "Sequential": "plait.plan",
    "Tree": "plait.plan",
    "ImagePrep": "plait.prep.image",
    "AudioPrep": "plait.prep.audio",
    "TextPrep": "plait.prep.text",
    "TabularPrep": "plait.prep.tabular",
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
    "Explanation",
    "Findings",
    "ImagePrep",
    "MissingExtra",
    "Model",
    "OnnxModel",
    "Parallel",
    "PlaitError",
    "Predictions",
    "Regressor",
    "RequestError",
    "RunError",
    "Sequential",
    "Table",
    "TableError",
    "TabularPrep",
    "TextPrep",
    "Tree",
    "__version__",
    "align",
    "cache",
    "check",
    "convert",
    "evaluate",
    "explain",
    "export",
    "fit",
    "load",
    "predict",
    "read",
    "show",
]

if TYPE_CHECKING:
    from plait.account import Explanation
    from plait.alignment import align
    from plait.cached import cache
    from plait.checkup import check
    from plait.contract import Table
    from plait.conversion import convert
    from plait.data.read import read
    from plait.errors import CellError, MissingExtra, PlaitError, RequestError, RunError, TableError
    from plait.estimators import Classifier, Regressor
    from plait.explanation import explain
    from plait.exporting import export
    from plait.loading import load
    from plait.plan import Parallel, Sequential, Tree
    from plait.portable import OnnxModel
    from plait.prediction import evaluate, predict
    from plait.prep.audio import AudioPrep
    from plait.prep.image import ImagePrep
    from plait.prep.tabular import TabularPrep
    from plait.prep.text import TextPrep
    from plait.quality.findings import Findings
    from plait.run import Model, Predictions
    from plait.workflow import fit, show


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'plait' has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))


class _Package(types.ModuleType):
    """Keeps the verb `plait.evaluate` a function after the file of the same name was imported.

    Python sets every imported file as an attribute of its package; here a public name wins. The file itself is reached
    with `from plait.evaluate import …`.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
