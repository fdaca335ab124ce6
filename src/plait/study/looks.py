"""The ledger of looks: which fits have looked at the same test rows, kept between commands in the user's cache folder.

A look is a small file, written before the test rows are scored. One that is damaged counts as not there. Knows no
candidate's answers and no score.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.files import read_json, seal, write_json
from plait.core.options import FitOptions
from plait.data.fact_cache import cache_folder
from plait.errors import RunError
from plait.study.job import Fit
from plait.study.labels import hash_cells

SAME = (
    "overwrite",
    "report",
    "report_rows",
    "lang",
    "refit",
    "learning_curve",
    "device",
    "test",
)  # options that change nothing of what is looked at
DEMO = "plait demo"  # who made a table that may be looked at as often as one likes, as its made.json says


def note_look(job: Fit, rows: np.ndarray, names: Sequence[str], metric: str) -> int:
    """Write down that these rows are about to be looked at; return how many fits with different options did, with this.

    names: of the candidates that may see them. 0 for the demo, without rows, and where nothing can be kept.
    """
    if not len(rows) or _is_demo(job.table.folder):
        return 0
    digest = hash_cells(job.given.take(rows)).hexdigest()
    facts = {"candidates": list(names), "metric": metric, "margin": job.options.margin, "rows": digest}
    options = fingerprint_options(job.options)
    if job.labels is not None and job.labels.counts is not None:
        options += hashlib.sha256(job.labels.counts.tobytes()).hexdigest()
    name = hashlib.sha256(f"{options} {' '.join(job.asked[1])}".encode()).hexdigest()[:16]
    try:
        folder = cache_folder() / "looks" / digest[:16]
        write_json(folder / f"{name}.json", {**facts, "seal": seal(facts)})
        return sum(_is_whole(path, digest) for path in folder.glob("*.json"))
    except (OSError, RuntimeError):  # a folder that is full or closed, or none
        return 0


def fingerprint_options(options: FitOptions) -> str:
    """Return a text that is the same for options that ask for the same; an object stands in it by what it prints."""
    given = {name: value for name, value in asdict(options).items() if name not in SAME}
    given["fusion"] = None if options.fusion is None else str(options.fusion)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", json.dumps(given, sort_keys=True, default=str))


def _is_whole(path: Path, digest: str) -> bool:
    """Tell whether a look is as it was written, and of these rows."""
    with contextlib.suppress(RunError, AttributeError):
        facts: Any = read_json(path)
        return facts.get("rows") == digest and facts.get("seal") == seal(facts)
    return False


def _is_demo(folder: Path | None) -> bool:
    if folder is None:
        return False
    with contextlib.suppress(RunError, AttributeError):
        return bool(read_json(folder / "made.json").get("by") == DEMO)
    return False
