"""One thread that answers, and the requests that wait for it: those that come together are answered together.

Knows rows, a model and threads; no HTTP. As many requests wait as have a place: who has none is sent away.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from plait.errors import PlaitError

COMPANY = 0.002  # seconds that a row waits for others, where they were just there
PLACES = 32  # requests that are read, or wait


class Full(Exception):
    """There is no place for another request."""


@dataclass
class Job:
    """Rows to answer. does: what is made of them instead; they are then not answered together with others."""

    rows: Sequence[Any]
    does: Callable[[Sequence[Any]], Any] | None = None
    future: Future[Any] = field(default_factory=Future)


class Engine:
    """answer(rows) → one answer for each row. around: holds all that the worker does. say: is told, in a sentence, of a
    worker that died and goes on. hand_over: calls what gives the answers of a lot to those who wait; by default the
    worker does. An event loop that does sends them all before it reads what is asked next, by all of them."""

    def __init__(
        self,
        answer: Callable[[Sequence[Any]], Sequence[Any]],
        *,
        batch: int = 16,
        places: int = PLACES,
        around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        say: Callable[[str], None] = print,
    ) -> None:
        self.answer, self.batch, self.places, self.around, self.say = answer, batch, places, around, say
        self.jobs: deque[Job] = deque()
        self.inside = 0  # requests that have a place
        self.crowd = 0  # the most of these of late: as many may come again
        self.hand_over: Callable[[Callable[[], None]], Any] = lambda give: give()
        self.ended = False
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the worker, unless it runs."""
        with self.changed:
            if self.thread is None or not self.thread.is_alive():
                self.ended, self.thread = False, threading.Thread(target=self._run, name="plait answers", daemon=True)
                self.thread.start()

    def close(self) -> None:
        """Answer what waits, and end."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        if self.thread is not None:
            self.thread.join()

    @property
    def is_full(self) -> bool:
        """Whether no place is left."""
        return self.inside >= self.places

    @contextlib.contextmanager
    def place(self) -> Iterator[Callable[[Job], Future[Any]]]:
        """Hold a place; gives what puts a job there, once. Raises Full."""
        with self.changed:
            if self.is_full or self.ended:
                raise Full
            self.inside += 1
            self.crowd = max(self.crowd, self.inside)

        def ask(job: Job) -> Future[Any]:
            with self.changed:
                self.jobs.append(job)
                if len(self.jobs) == 1 or self._is_lot:  # between these the worker sleeps
                    self.changed.notify_all()
            self.start()
            return job.future

        try:
            yield ask
        finally:
            with self.changed:
                self.inside -= 1

    def _run(self) -> None:
        """Answer until the end; what kills the worker is said, and it goes on."""
        while jobs := self._take():
            done: list[Callable[[], None]] = []
            try:
                with self.around():
                    self._do(jobs, done)
            except BaseException as error:  # noqa: BLE001  whatever it is, others wait
                died = RuntimeError(f"the worker died ({type(error).__name__})")
                done += [partial(job.future.set_exception, died) for job in jobs[len(done) :]]
                self.say(f"the worker died of {type(error).__name__}: {str(error)[:200]}; it is started again")
            self.hand_over(partial(_give, done))

    def _take(self) -> list[Job]:
        """Return the next job, with those that go together with it; none at the end."""
        with self.changed:
            while not self.jobs:
                if self.ended:
                    return []
                self.changed.wait()
            until = time.monotonic() + COMPANY
            while not (self._is_lot or self.ended):
                if (left := until - time.monotonic()) <= 0:
                    self.crowd = self.inside  # the others do not come again, or later: they are waited for once
                    break
                self.changed.wait(left)
            jobs = [self.jobs.popleft()]
            rows = len(jobs[0].rows)
            while jobs[0].does is None and self.jobs and self.jobs[0].does is None:
                rows += len(self.jobs[0].rows)
                if rows > self.batch:
                    break
                jobs.append(self.jobs.popleft())
            return jobs

    @property
    def _is_lot(self) -> bool:
        """Whether those that wait need no more company: as many as were there, as go together, or not to be joined."""
        alone = any(job.does is not None for job in self.jobs)
        return alone or len(self.jobs) >= self.crowd or sum(len(job.rows) for job in self.jobs) >= self.batch

    def _do(self, jobs: Sequence[Job], done: list[Callable[[], None]]) -> None:
        """Answer some jobs; where that fails, each by itself, so that none fails by another.

        done: gets what gives each its answer, in their order.
        """
        try:
            if jobs[0].does is not None:
                done.append(partial(jobs[0].future.set_result, jobs[0].does(jobs[0].rows)))
                return
            answers = self.answer([row for job in jobs for row in job.rows])
        except (PlaitError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, MemoryError) as error:
            if len(jobs) == 1:
                done.append(partial(jobs[0].future.set_exception, error))
                return
            for job in jobs:
                self._do([job], done)
            return
        start = 0
        for job in jobs:
            done.append(partial(job.future.set_result, answers[start : start + len(job.rows)]))
            start += len(job.rows)


def _give(done: Sequence[Callable[[], None]]) -> None:
    for give in done:
        give()
