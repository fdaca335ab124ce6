"""The time a fit may take, and what stopped it. Knows the clock; no candidate and no row."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Budget:
    """Time until a deadline, by time.monotonic, and what has come to an early end. All that trains asks it.

    limited: whether the time limit ended the training of a candidate. interrupted: whether the user has seen enough.
    """

    deadline: float = math.inf
    limited: bool = False
    interrupted: bool = False

    @classmethod
    def of(cls, seconds: float | None, since: float | None = None) -> Budget:
        """Return a budget of seconds, or of all the time in the world, that counts from now or from an earlier time."""
        return cls((time.monotonic() if since is None else since) + seconds if seconds else math.inf)

    @property
    def is_spent(self) -> bool:
        return time.monotonic() >= self.deadline

    @property
    def stopped(self) -> str:
        """What ended the fit early: "interrupt", "time", or nothing."""
        if self.interrupted:
            return "interrupt"
        return "time" if self.limited or self.is_spent else ""

    def note(self, stopped: str) -> None:
        """Remember what ended a training early: "time", "interrupt", or nothing."""
        self.limited = self.limited or stopped == "time"
        self.interrupted = self.interrupted or stopped == "interrupt"

    def through(self, step: Callable[[], T]) -> T:
        """Return what a step gives that a finished run needs; an interrupt in it is remembered, and it is done anew."""
        try:
            return step()
        except KeyboardInterrupt:
            self.interrupted = True
            return step()

    def share(self, part: float, waiting: int = 1) -> float:
        """Return when a stage has to end: it gets this part of the time left, shared with others that wait."""
        now = time.monotonic()
        # a stage that comes too late still gets a moment, in which the first candidate learns one epoch
        return now + max(0.05, self.deadline - now) * part / max(1, waiting)


def tell_end(left: float) -> float | None:
    """Return when so many seconds are over, as other processes tell the time; None of all the time in the world."""
    return None if math.isinf(left) else time.time() + left


def until_then(until: float | None, left: float | None = None) -> Budget:
    """Return a budget up to a time that `tell_end` gave, and of so many seconds at most."""
    seconds = [x for x in (left, None if until is None else until - time.time()) if x is not None]
    return Budget.of(max(min(seconds), 0.001) if seconds else None)
