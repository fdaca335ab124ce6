"""How far a whole fit has come: the share that is done and the time left, told with each event.

It is guessed from what is asked and what has begun, and never goes back. Knows the names of stages; no candidate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plait.core.options import FitOptions
from plait.study.candidate import ALONE

# parts of a fit in their order, and what each weighs; of a fit that has them all, about the share of its time
WEIGHTS = {"prepare": 6.0, "deal": 4.0, "classic": 18.0, "alone": 27.0, "plans": 30.0, "end": 15.0}
STEADY = {"classic learners": "classic", "prepare folds": "deal", "choose": "end", "test rows": "end",
          "robustness": "end", "explain": "end",
          "report": "end", "learning curve": "end"}  # fmt: skip
AGAIN = ("folds", "splits")  # stages of whole studies that are done anew
PLANS = 10  # networks that fuse, about: how many there will be shows as one goes
ENDS = 5  # stages of the end
EARLY = 0.03  # of the way, before which nothing is said of the time left


@dataclass
class Way:
    """A callback that adds to each event of a fit "share" and "left", and passes it on.

    modalities: how many. targets: of several, each goes through all parts. began: of time.monotonic.
    """

    callback: Callable[[dict[str, Any]], None]
    options: FitOptions
    modalities: int = 1
    targets: Sequence[str] = ()
    began: float = field(default_factory=time.monotonic)
    share: float = 0.0
    _of: str = ""  # the target that is learned
    _seen: int = 0  # how many have been
    _stage: str = ""
    _stages: dict[str, int] = field(default_factory=dict)  # how many stages of a part have ended

    def __post_init__(self) -> None:
        families = {*self.options.families}
        weights = dict(WEIGHTS)
        if self.options.fusion is None and families <= {"classic", "late", "text", "ensemble"}:
            weights |= {"alone": 0.0, "plans": 0.0}
        if self.modalities < 2:
            weights["plans"] = 0.0
        if "classic" not in families or self.options.fusion is not None:
            weights |= {"deal": 0.0, "classic": 0.0}
        once = sum(weights.values())
        again = 2 * self.options.folds if self.options.folds else self.options.repeats - 1
        self._weights = {"again": again * once, **weights} if self.options.folds else {**weights, "again": again * once}

    def __call__(self, event: dict[str, Any]) -> None:
        if "stage" in event:
            self._walk(event)
            event = {**event, "share": self.share, "left": self.left()}
        self.callback(event)

    def left(self) -> float | None:
        """Return the seconds left, about; None before that can be told."""
        spent, limit = time.monotonic() - self.began, self.options.time_limit
        guess = spent * (1 - self.share) / self.share if self.share >= EARLY else None
        if limit is None:
            return guess
        return max(0.0, limit - spent if guess is None else min(guess, limit - spent))

    def _walk(self, event: dict[str, Any]) -> None:
        target, sign, stage = str(event["stage"]).rpartition(": ")
        if sign and len(self.targets) > 1 and target != self._of:
            self._of, self._seen, self._stages = target, self._seen + 1, {}
        part = self._part_of(stage, event)
        if event["stage"] != self._stage:
            self._stages[part] = self._stages.get(part, 0) + 1
            self._stage = event["stage"]
        done, total = event.get("done", event.get("epoch")), event.get("total", event.get("epochs"))
        inner = min(1.0, done / total) if done is not None and total else 0.0
        along = max(0, self._stages[part] - 1) + inner
        if part == "plans":
            inner = 1 - (1 - 1 / PLANS) ** along
        elif part == "alone":
            inner = min(1.0, along / self.modalities)
        elif part == "end":
            inner = min(1.0, along / ENDS)
        names = [*self._weights]
        before = sum(self._weights[name] for name in names[: names.index(part)])
        share = (before + self._weights[part] * inner) / sum(self._weights.values())
        if len(self.targets) > 1:
            share = (max(0, self._seen - 1) + share) / (len(self.targets) + 1)
        spent, limit = time.monotonic() - self.began, self.options.time_limit
        share = max(share, spent / limit) if limit else share
        self.share = min(0.99, max(self.share, share))

    def _part_of(self, stage: str, event: dict[str, Any]) -> str:
        """Return the part of a fit that a stage belongs to."""
        if stage in AGAIN:
            return "again"
        if stage in STEADY:
            return STEADY[stage]
        if stage.startswith(f"{ALONE} "):
            return "alone"
        return "plans" if "epochs" in event else "prepare"
