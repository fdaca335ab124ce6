"""The runner of a Ray cluster: the one at RAY_ADDRESS, or one of this machine's cores that ends with the runner.

Ray says where a task is done, and does it again where a process or a node was lost. It ends its processes at once with
the command that asked; so each has one beside it, which does the task and ends what it has begun, and keeps it.
Knows Ray's core: tasks, objects, nodes. Does not know what a task does. The only file that imports ray.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import os
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from plait.core.terminal import Callback, quiet
from plait.core.words import count
from plait.errors import RequestError, need
from plait.tasks.wire import pack
from plait.tasks.work import TRIES, Setup, answered, is_same, look, say_ended
from plait.tasks.worker import Worker

AHEAD = 3  # tasks for each core that are taken before their results are asked for
PATIENCE = 30.0  # seconds without a free core after which the wait is said
LAST = 2.0  # seconds for tasks to end that nobody waits for
JOIN = 10.0  # seconds in which whoever listens at RAY_ADDRESS may start; Ray itself asks for minutes, and says nothing


class Cluster:
    """Does tasks wherever Ray finds a core."""

    engine = "ray"

    def __init__(self, callback: Callback = quiet) -> None:
        need("ray")
        self._callback = callback
        self._tasks = 0
        self._waited = False
        self._setup: Setup | None = None
        self._held: list[Any] = []
        self._ray = _load()
        self._started = not self._ray.is_initialized()
        if self._started:
            _join(self._ray)
        try:
            self._check_nodes()
        except BaseException:
            self.close()
            raise

    def map(
        self, work: str, requests: Iterable[dict[str, Any]], *, setup: Setup | None = None
    ) -> Iterator[dict[str, Any]]:
        """Return the results in the order of the requests."""
        self._wait_for_core()
        held = self._hold(setup)
        key = None if held is None else held[0].hex()
        task = self._ray.remote(num_cpus=1, max_retries=TRIES - 1)(_task)
        results = self._results(work, (task.remote(work, request, key, held) for request in requests))
        next(results)
        return results

    def _results(self, work: str, tasks: Iterator[Any]) -> Iterator[dict[str, Any]]:
        """Yield nothing as soon as the first few are asked for, then the results."""
        ahead: deque[Any] = deque()
        try:
            ahead.extend(islice(tasks, AHEAD * self.room()))
            yield {}
            while ahead:
                yield self._next(work, ahead)
                ahead.extend(islice(tasks, 1))
        finally:
            for one in ahead:
                self._ray.cancel(one)
            if ahead:  # what has begun ends before its process does
                self._ray.wait([*ahead], num_returns=len(ahead), timeout=LAST)

    def _hold(self, setup: Setup | None) -> list[Any] | None:
        """Return where the cluster holds a setup: the same one lies there once, however often it is asked for."""
        if setup is None:
            return None
        if not is_same(setup, self._setup):
            self._setup, self._held = setup, [self._ray.put(setup)]
        return self._held

    def _next(self, work: str, ahead: deque[Any]) -> dict[str, Any]:
        try:
            reply = self._ray.get(ahead[0])
        except self._ray.exceptions.RayError as error:
            raise RequestError(say_ended(work, type(error).__name__)) from None
        ahead.popleft()
        result = answered(reply)
        self._tasks += 1
        return result

    def _wait_for_core(self) -> None:
        """Return when a task has run; say once in a while that none can."""
        if self._waited:
            return
        probe = self._ray.remote(num_cpus=1, max_retries=TRIES - 1)(look).remote(None, {})
        waited = 0.0
        while not self._ray.wait([probe], timeout=PATIENCE)[0]:
            waited += PATIENCE
            cores = int(self._ray.cluster_resources().get("CPU", 0))
            taken = f"all {count(cores)} are taken" if cores else "it has none"
            note = f"the Ray cluster has had no free CPU for {waited:.0f} s ({taken}); waiting for one."
            self._callback({"note": note})
        self._waited = True

    def room(self) -> int:
        """Return how many tasks are done side by side."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def facts(self) -> dict[str, Any]:
        """Return {"engine", "nodes", "tasks", "elsewhere"}."""
        nodes = len(self._nodes())
        return {"engine": self.engine, "nodes": nodes, "tasks": self._tasks, "elsewhere": self._tasks}

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _on_each_node(self, work: Callable[..., Any], *given: Any) -> list[tuple[str, Any]]:
        """Return (name of a node, what work returns there) of each; what failed there instead of a result."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        asked = []
        for node in self._nodes():
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = self._ray.remote(num_cpus=0, max_retries=TRIES - 1, scheduling_strategy=there)(work)
            host, address = node["NodeManagerHostname"], node["NodeManagerAddress"]
            asked.append((f"{host} ({address})", task.remote(*given)))
        results: list[tuple[str, Any]] = []
        for name, one in asked:
            try:
                results.append((name, self._ray.get(one)))
            except self._ray.exceptions.RayError as error:
                results.append((name, error))
        return results

    def _check_nodes(self) -> None:
        mine = look(None, {})["versions"]
        for name, other in self._on_each_node(look, None, {}):
            if isinstance(other, Exception):
                said = str(other).strip().rpartition("\n")[2][:200]
                raise RequestError(
                    f"node {name} of the Ray cluster cannot do a task of plait ({said}); install plait "
                    f"{mine['plait']} there, in the Python that runs Ray."
                )
            for what, here in mine.items():
                if (there := other["versions"][what]) != here:
                    raise RequestError(
                        f"node {name} of the Ray cluster has {what} {there}, this machine has {here}; install the same "
                        "on both."
                    )

    def check_folders(self, *folders: Path) -> None:
        """Raise RequestError where a node does not see a folder as this machine does."""
        signs = [_leave_sign(folder) for folder in folders]
        try:
            results = self._on_each_node(_unseen, [(str(sign.absolute()), own) for sign, own in signs])
        finally:
            for sign, own in signs:
                if own:
                    sign.unlink(missing_ok=True)
        for name, unseen in results:
            if isinstance(unseen, Exception):
                raise RequestError(f"node {name} of the Ray cluster was lost while it looked for a folder.")
            if unseen:
                raise RequestError(
                    f"node {name} of the Ray cluster does not see the folder {folders[unseen[0]]} of this machine; "
                    "share it there under the same path (NFS or the like), or run without --on ray."
                )

    def ready(self, work: str) -> None:
        """Do nothing: a process of a cluster starts when it gets a task."""

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._started:
            self._ray.shutdown()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def _load() -> Any:
    """Return ray, which tells nobody that it is used, and writes nothing of lost nodes on the stdout of a command."""
    settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    settings["RAY_DEDUP_LOGS_SKIP_REGEX"] = "."
    if not os.environ.get("RAY_ADDRESS"):
        settings["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # on Linux too, this has its ports on the loopback alone
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    return importlib.import_module("ray")


def _join(ray: Any) -> None:
    """Join the cluster at RAY_ADDRESS, else start one on this machine. RequestError where it fails."""
    address = os.environ.get("RAY_ADDRESS")
    how = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        if address:
            _reach(address)
        with contextlib.nullcontext() if address else _lean(ray):
            ray.init(**how, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # noqa: BLE001  where a node is slow to start Ray raises no other class
        ray.shutdown()
        said = " ".join(str(getattr(error, "strerror", None) or error).split())
        if "ersion mismatch" in said or "versions" in said:
            raise RequestError(
                f"the Ray cluster at {address} and this process are of other versions ({said[:300]}); install the same "
                "ray and the same Python on both."
            ) from None
        where = f"no Ray cluster answers at RAY_ADDRESS={address}" if address else "Ray does not start here"
        mend = "start one with `ray start --head`, or unset RAY_ADDRESS to start one for this command"
        token = "" if os.environ.get("RAY_AUTH_MODE") else "; where it asks for a token, set RAY_AUTH_MODE=token"
        raise RequestError(f"{where} ({said[:200]}); {mend + token if address else 'try --on local:N'}.") from None


def _reach(address: str) -> None:
    """Return when someone listens at an address of host and port. Raises OSError where in JOIN seconds nobody does."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if not host or not port.isdecimal():
        return  # such as auto, which Ray looks up
    began = time.monotonic()
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError:
            if time.monotonic() - began > JOIN:
                raise
            time.sleep(0.5)
        else:
            return


@contextlib.contextmanager
def _lean(ray: Any) -> Iterator[None]:
    """Let Ray start without the processes that pass logs on, that serve a page, and that ask a cloud for machines, none
    of which anybody asked for: 3 of the 12 CPU s of a start. Where a Ray has no such choice it starts as it does."""
    private = getattr(ray, "_private", None)
    given = getattr(getattr(private, "parameter", None), "RayParams", None)
    node: Any = getattr(getattr(private, "node", None), "Node", None)
    wished = {"include_log_monitor": False, "no_monitor": True}
    if given is None or not wished.keys() <= inspect.signature(given).parameters.keys():
        yield
        return
    begin, serve = given.__init__, getattr(node, "start_api_server", None)
    given.__init__ = lambda self, *args, **named: begin(self, *args, **{**wished, **named})
    if serve is not None:
        node.start_api_server = lambda self, **named: None
    try:
        yield
    finally:
        given.__init__ = begin
        if serve is not None:
            node.start_api_server = serve


def _task(work: str, request: dict[str, Any], key: str | None, held: Sequence[Any] | None) -> dict[str, Any]:
    """Do a task beside a process of the cluster."""
    key, worker = str(key), _beside()
    try:
        setup: Sequence[bytes | memoryview] = ()
        if key != worker.key:
            setup = pack({"key": key, "setup": held and [*importlib.import_module("ray").get(held[0])]})
        reply = worker.set_up(key, setup)
        return worker.do(work, request) if "answer" in reply else reply
    except EOFError:
        os._exit(1)  # and Ray has another process do it
    except KeyboardInterrupt:  # nobody waits for it any more
        worker.close()
        _beside.cache_clear()
        raise


@cache
def _beside() -> Worker:
    """Return the process that does the tasks of this process of the cluster."""
    return Worker.start(apart=True)


def _leave_sign(folder: Path) -> tuple[Path, bool]:
    """Return a file in a folder by which another machine knows it, and whether it was written for that."""
    sign = folder / f".plait-{uuid.uuid4().hex}"
    try:
        sign.touch(exist_ok=False)
    except OSError:  # it may be read only
        first = next(iter(sorted(os.scandir(folder), key=lambda entry: entry.name)), None)
        return (folder if first is None else Path(first.path)), False
    return sign, True


def _unseen(signs: Sequence[tuple[str, bool]]) -> list[int]:
    """Return which files are not there."""
    return [place for place, (sign, _) in enumerate(signs) if not os.path.exists(sign)]
