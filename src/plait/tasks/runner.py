"""Where tasks run, as a user writes it: here, local:N, ray. One face for the three, which give the same results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, Self

from plait.core.terminal import Callback, quiet
from plait.errors import RequestError
from plait.tasks.here import Here
from plait.tasks.work import Setup

EXPECTED = "expected 'here', 'local:N' (N processes of this machine) or 'ray'"


class Runner(Protocol):
    """Does tasks: functions of plait by name, each with a request of JSON values, arrays and bytes.

    A task is idempotent, for one that was lost with its process is done again. It computes on one thread, wherever it
    runs, so that its result is the same to the last bit.
    """

    engine: str  # "here", "local" or "ray"

    def map(
        self, work: str, requests: Iterable[dict[str, Any]], *, setup: Setup | None = None
    ) -> Iterator[dict[str, Any]]:
        """Return work(value, request) of each request, in their order; few are taken before they are needed.

        Elsewhere these few are begun at once, and done while this process does something else.

        work: "plait.module:function". setup: another, and its request; called once in each process that works, its
        result is the value; None without one.
        """
        ...

    def room(self) -> int:
        """Return how many tasks are done side by side."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return {"engine", "nodes", "tasks", "elsewhere"}: tasks done so far, and how many in another process."""
        ...

    def check_folders(self, *folders: Path) -> None:
        """Raise RequestError, which names both, where a machine does not see a folder of this one."""
        ...

    def ready(self, work: str) -> None:
        """Let processes of this machine start, and do this task unasked, while this one prepares what they shall do."""
        ...

    def close(self) -> None:
        """End what was started for it."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *details: object) -> None: ...


def open_runner(on: str | None, callback: Callback = quiet) -> Runner:
    """Return the runner that `--on` names; None is "here". callback: told what a wait is for.

    Raises RequestError for another name, MissingExtra where Ray is asked for and is not installed.
    """
    if on is None or on == "here":
        return Here()
    if on == "ray":
        from plait.tasks.cluster import Cluster

        return Cluster(callback)
    engine, _, processes = on.partition(":")
    if engine == "local" and processes.isdecimal() and int(processes):
        from plait.tasks.local import Local

        return Local(int(processes))
    raise RequestError(f"on is {on!r}; {EXPECTED}.")
