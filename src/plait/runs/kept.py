"""The candidates that a run keeps beside what ships, as they were scored, in two files that are read when one is asked.

Knows predictors and views; not which candidates are worth it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from plait.core.files import check_finite, consistent, file_in, pack_tensors, read_json, read_tensors, under
from plait.core.typed import check_type
from plait.models.predictors import Stored, input_names, restore_predictors, store_predictors
from plait.models.views import View
from plait.models.written import require

LISTED, WEIGHTS = KEPT_FILES = ("candidates.json", "candidates.safetensors")


class Listed(TypedDict):
    """What candidates.json says: parts, which of them each candidate is, and views that nothing else of the run has."""

    parts: list[dict[str, Any]]
    candidates: dict[str, int]
    views: list[dict[str, Any]]


@dataclass
class Kept:
    """Candidates by name, and the views that they alone read."""

    predictors: dict[str, Any] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)

    @classmethod
    def of(cls, predictors: Mapping[str, Any], views: Sequence[View], shipped: Sequence[View]) -> Kept:
        """Return these candidates with what they read of the views of a study. shipped: views that the run has."""
        there = {view.name for view in shipped}
        read = {name for predictor in predictors.values() for name in input_names(predictor)} - there
        return cls(dict(predictors), [view for view in views if view.name in read])

    def pack(self) -> dict[str, bytes]:
        """Return the files that hold them; none of none."""
        if not self.predictors:
            return {}
        stored, states = store_predictors(self.predictors), [view.state() for view in self.views]
        tensors = {f"prep.{i}.{key}": value for i, (_, arrays) in enumerate(states) for key, value in arrays.items()}
        tensors |= {f"file.{name}": np.frombuffer(data, np.uint8) for name, data in stored.files.items()}
        listed: Listed = {"parts": stored.parts, "candidates": stored.roles, "views": [state for state, _ in states]}
        text = json.dumps(listed, ensure_ascii=False, allow_nan=False)
        return {LISTED: text.encode(), WEIGHTS: pack_tensors(tensors | stored.tensors)}

    @classmethod
    def read(cls, folder: Path, shipped: Sequence[View], about: Mapping[str, Any]) -> Kept:
        """Return what the two files hold, which are those that were written.

        about: plan, encoders, num_classes and several, as `load` and `restore_predictors` have them.
        """
        path = folder / LISTED
        with consistent(path):
            listed = read_json(file_in(folder, LISTED))
            check_type(listed, Listed, str(path))
            tensors = read_tensors(file_in(folder, WEIGHTS))
            check_finite(tensors, folder / WEIGHTS)
            views = [
                View.from_state(state, under(tensors, f"prep.{place}."), about["encoders"])
                for place, state in enumerate(listed["views"])
            ]
            mains = {view.name for view in shipped if view.is_main}
            require(all(view.of in mains for view in views), "it shows a modality that the run has not")
            files = {name: data.tobytes() for name, data in under(tensors, "file.").items()}
            stored = Stored(listed["parts"], listed["candidates"], tensors, files, path)
            every = [*shipped, *views]
            own = restore_predictors(stored, about["plan"], every, about["num_classes"], about["several"])
        return cls(own, views)


@dataclass
class KeptSource:
    """Gives the candidates that are kept, and opens them when first asked. What it holds can travel to processes."""

    source: Kept | Callable[[], Kept] = Kept

    def __call__(self) -> Kept:
        if not isinstance(self.source, Kept):
            self.source = self.source()
        return self.source
