"""What of the events of a fit is worth a point in a curve, and a logger that gives up alone, not with the fit."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from plait.core.words import first_line


def points_of(event: dict[str, Any], seen: int) -> Iterator[tuple[str, float, int]]:
    """Give (name, value, step) of an event: losses and metrics of an epoch, the best so far, the scores at the end.

    seen: how many best ones came before, which is the step of those.
    """
    if event.get("epoch") is not None:
        named = {"loss": event.get("loss"), event.get("metric_name") or "metric": event.get("metric")}
        for name, value in named.items():
            if value is not None and math.isfinite(value):
                yield f"{event['stage']}/{name}", float(value), int(event["epoch"])
    if (best := event.get("best")) and best["value"] is not None:
        yield f"best/{best['metric']}", float(best["value"]), seen
    for target, end in ends_of(event).items():
        for name, value in end["test"].items():
            if value is not None and math.isfinite(value):
                yield f"test/{target}{name}", float(value), 0


def ends_of(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what is said at the end of each target, by "target/"; of one target by ""."""
    end = event.get("ended")
    if end is None:
        return {}
    return {f"{name}/": own for name, own in end["targets"].items()} if "targets" in end else {"": end}


class Logger(ABC):
    """Hears the events of a fit. One that cannot be written ends the logging with a warning; the fit goes on.

    A part of its own gives `_begin(facts)`, `_point(name, value, step)` and `_end(event)`.
    """

    def __init__(self) -> None:
        self._failed, self._seen, self._begun = False, 0, False

    def __call__(self, event: dict[str, Any]) -> None:
        """Write what an `event` of a fit is worth."""
        if "began" in event:
            self._begin(event["began"])  # what is wrong from the start is said before hours of training
            self._begun = True
        if self._failed or not self._begun:
            return
        try:
            for point in points_of(event, self._seen):
                self._point(*point)
            self._seen += "best" in event
            if "ended" in event:
                self._end(event)
        except Exception as error:  # noqa: BLE001  # of another library, of any kind
            self._failed = True
            warnings.warn(f"{type(self).__name__} gives up: {first_line(error):.200}", stacklevel=2)

    @abstractmethod
    def _begin(self, facts: dict[str, Any]) -> None:
        """Begin a run. facts: {"targets", "rows", "options"}."""

    @abstractmethod
    def _point(self, name: str, value: float, step: int) -> None:
        """Add a point to a curve."""

    @abstractmethod
    def _end(self, event: dict[str, Any]) -> None:
        """Close the run. event: the last one, with "ended"."""
