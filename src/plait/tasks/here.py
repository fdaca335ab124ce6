"""The runner without a process of its own: tasks one after the other, in the process that asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from plait.tasks.work import Desk, Setup, is_same


class Here:
    """Does each task when its result is asked for."""

    engine = "here"

    def __init__(self) -> None:
        self._desk = Desk()
        self._setup: Setup | None = None
        self._setups = 0
        self._tasks = 0

    def map(
        self, work: str, requests: Iterable[dict[str, Any]], *, setup: Setup | None = None
    ) -> Iterator[dict[str, Any]]:
        """Return the results in the order of the requests."""
        if not is_same(setup, self._setup):
            self._setup, self._setups = setup, self._setups + 1
        key = self._setups
        for request in requests:
            self._desk.set_up(key, setup)
            result = self._desk.do(work, request)
            self._tasks += 1
            yield result

    def room(self) -> int:
        """Return how many tasks are done side by side."""
        return 1

    def facts(self) -> dict[str, Any]:
        """Return {"engine", "nodes", "tasks", "elsewhere"}."""
        return {"engine": self.engine, "nodes": 1, "tasks": self._tasks, "elsewhere": 0}

    def check_folders(self, *folders: Path) -> None:
        """Do nothing: this process sees what it sees."""

    def ready(self, work: str) -> None:
        """Do nothing: what this process needs it loads when it needs it."""

    def close(self) -> None:
        """Let go what was set up."""
        self._desk = Desk()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()
