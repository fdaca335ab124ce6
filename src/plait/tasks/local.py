"""The runner of processes of this machine: each does one task at a time, and one that died is replaced.

Knows no task.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from queue import LifoQueue
from threading import Thread
from typing import Any

from plait.errors import RequestError
from plait.tasks.wire import pack
from plait.tasks.work import TRIES, Setup, answered, is_same, say_ended
from plait.tasks.worker import PARTS, Worker

AHEAD = 3  # tasks for each process that are taken before their results are asked for: none waits, memory stays flat


class Local:
    """Does tasks in so many processes, which start when there is something to do."""

    engine = "local"

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.workers: list[Worker] = []
        self._free: LifoQueue[Worker | None] = LifoQueue()  # the one that was busy last is warm
        self._tasks = 0
        self._closed = True
        self._ready = ""
        self._setup: Setup | None = None
        self._packed = _pack(None)

    def map(
        self, work: str, requests: Iterable[dict[str, Any]], *, setup: Setup | None = None
    ) -> Iterator[dict[str, Any]]:
        """Return the results in the order of the requests."""
        self._open()
        results = self._results(work, iter(requests), *self._pack(setup))
        next(results)
        return results

    def _results(
        self, work: str, requests: Iterator[dict[str, Any]], key: str, setup: Sequence[bytes | memoryview]
    ) -> Iterator[dict[str, Any]]:
        """Yield nothing as soon as the first few are asked for, then the results."""
        ahead: deque[Future[dict[str, Any]]] = deque()
        with ThreadPoolExecutor(self.processes) as pool:

            def ask(most: int) -> None:
                ahead.extend(pool.submit(self._do, work, one, key, setup) for one in islice(requests, most))

            try:
                ask(AHEAD * self.processes)
                yield {}
                while ahead:
                    yield self._next(ahead)
                    ask(1)
            except BaseException as error:
                for future in ahead:
                    future.cancel()
                if not isinstance(error, GeneratorExit):
                    self.close()  # nobody waits for what the others do
                raise

    def _pack(self, setup: Setup | None) -> tuple[str, list[bytes | memoryview]]:
        """Return a setup as it travels; the same one is packed once, however often it is asked for."""
        if not is_same(setup, self._setup):
            self._setup, self._packed = setup, _pack(setup)
        return self._packed

    def _next(self, ahead: deque[Future[dict[str, Any]]]) -> dict[str, Any]:
        result = answered(ahead[0].result())
        ahead.popleft()
        self._tasks += 1
        return result

    def _do(self, work: str, request: dict[str, Any], key: str, setup: Sequence[bytes | memoryview]) -> dict[str, Any]:
        """Return the reply of the first process that lives to answer."""
        code: int | None = None
        for _ in range(TRIES):
            worker = self._free.get()
            try:
                if self._closed:
                    break
                if worker is None:
                    worker = self._start()
                reply = worker.set_up(key, setup)
                return worker.do(work, request) if "answer" in reply else reply
            except EOFError:
                assert worker is not None
                code = worker.close()
                with contextlib.suppress(ValueError):
                    self.workers.remove(worker)
                worker = None
            finally:
                self._free.put(worker)
        raise RequestError(say_ended(work, f"code {code}" if code is None or code >= 0 else f"signal {-code}"))

    def room(self) -> int:
        """Return how many tasks are done side by side."""
        return self.processes

    def facts(self) -> dict[str, Any]:
        """Return {"engine", "nodes", "tasks", "elsewhere"}."""
        return {"engine": self.engine, "nodes": 1, "tasks": self._tasks, "elsewhere": self._tasks}

    def check_folders(self, *folders: Path) -> None:
        """Do nothing: the processes see what this one sees."""

    def ready(self, work: str) -> None:
        """Start the processes, which do this before their first task: one does it, and the others part from it."""
        self._ready = work
        self._open(start=True)

    def _open(self, start: bool = False) -> None:
        if not self._closed:
            return
        self._closed, self._free = False, LifoQueue()
        if start and PARTS:
            Thread(target=self._part, args=(self._start(self.processes - 1), self._free), daemon=True).start()
            return
        for _ in range(self.processes):
            self._free.put(self._start() if start else None)

    def _start(self, twins: int = 0) -> Worker:
        self.workers.append(worker := Worker.start(self._ready, twins=twins))
        return worker

    def _part(self, first: Worker, free: LifoQueue[Worker | None]) -> None:
        """Let a process be free as soon as it is ready, and those that part from it; what lacks starts when it must."""
        twins: list[Worker] = []
        with contextlib.suppress(EOFError, ValueError):  # it ended, or was closed
            twins = first.part()
        self.workers += twins
        for worker in [*[None] * (self.processes - 1 - len(twins)), *twins, first]:
            if worker is not None and self._closed:
                worker.close()
            free.put(worker)

    def close(self) -> None:
        """End the processes."""
        self._closed, self._ready = True, ""
        self._setup, self._packed = None, _pack(None)
        for worker in [*self.workers]:
            worker.close()
        self.workers.clear()

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _pack(setup: Setup | None) -> tuple[str, list[bytes | memoryview]]:
    """Return a key of what is set up, and the message that has a process do so."""
    if setup is None:
        return "none", pack({"key": "none", "setup": None})
    content = hashlib.sha256()
    for part in pack([*setup]):
        content.update(part)
    return content.hexdigest(), pack({"key": content.hexdigest(), "setup": [*setup]})
