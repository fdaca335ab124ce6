"""Tasks on a Ray cluster: what is said where one cannot be used; and, where Ray is installed, a real one (heavy)."""

import importlib.util
import io
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plait.errors import MissingExtra, RequestError
from plait.tasks import cluster
from plait.tasks.cluster import Cluster
from plait.tasks.runner import open_runner
from plait.tasks.wire import unpack
from plait.tasks.work import Desk
from plait.tasks.worker import Worker, _reply

LOOK = "plait.tasks.work:look"


class Lost(Exception):
    """What Ray raises of a process that was lost."""


class FakeRay:
    """As much of Ray as is asked for: tasks are done when they are asked for, each on a node of its name."""

    def __init__(self, nodes: int = 2) -> None:
        self.names = [f"n{number}" for number in range(nodes)]
        self.on: dict[str, Callable[[Any], Any]] = {}  # what becomes of the answers of a node
        self.free = [True]
        self.started: dict[str, Any] = {}
        self.exceptions = SimpleNamespace(RayError=Lost)
        self.ended = False

    def is_initialized(self) -> bool:
        return False

    def init(self, **how: Any) -> None:
        self.started = how

    def shutdown(self) -> None:
        self.ended = True

    def nodes(self) -> list[dict[str, Any]]:
        keys = ("NodeID", "NodeManagerHostname", "NodeManagerAddress")
        return [{"Alive": True, **dict.fromkeys(keys, name)} for name in self.names]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0}

    def put(self, value: Any) -> Any:
        return SimpleNamespace(hex=lambda: str(id(value)), value=value)

    def remote(self, scheduling_strategy: Any = None, **options: Any) -> Any:
        change = self.on.get(getattr(scheduling_strategy, "node", ""), lambda value: value)
        return lambda work: SimpleNamespace(remote=lambda *given: lambda: change(work(*given)))

    def get(self, one: Any) -> Any:
        return one.value if hasattr(one, "value") else one()

    def wait(self, asked: list[Any], timeout: float, num_returns: int = 1) -> tuple[list[Any], list[Any]]:
        return (asked, []) if not self.free or self.free.pop(0) else ([], asked)

    def cancel(self, one: Any) -> None: ...


class Beside(Worker):
    """A process that does tasks, without a process. dies: what becomes of it where it is asked for a task."""

    def __init__(self) -> None:
        self.key, self.desk, self.closed = None, Desk(), False
        self.dies: type[BaseException] | None = None

    @classmethod
    def start(cls, ready: str = "", apart: bool = False, twins: int = 0) -> "Beside":
        assert apart
        return cls()

    def _ask(self, message: Any) -> Any:
        if self.dies is not None:
            raise self.dies
        asked = unpack(io.BufferedReader(io.BytesIO(b"".join(message))))
        return unpack(io.BufferedReader(io.BytesIO(b"".join(_reply(self.desk, asked)))))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    fake = FakeRay()
    monkeypatch.setattr(cluster, "need", lambda module: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: SimpleNamespace(node=node))
    places = {"ray": fake, "ray.util": SimpleNamespace(), "ray.util.scheduling_strategies": strategies}
    for name, module in places.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(cluster, "Worker", Beside)
    cluster._beside.cache_clear()
    yield fake
    cluster._beside.cache_clear()


def fail(value: Any) -> Any:
    raise Lost("worker died\nModuleNotFoundError: No module named 'plait'")


def test_results_come_in_order_with_one_setup_a_process(fake: FakeRay) -> None:
    with Cluster() as runner:
        given = ("plait.core.words:jsonable", {"a": 1})
        told = [*runner.map(LOOK, ({"n": n} for n in range(20)), setup=given)]
        setups = id(cluster._beside().desk.value)  # type: ignore[attr-defined]
        assert [one["request"]["n"] for one in told] == [*range(20)]
        told += runner.map(LOOK, [{"n": 20}], setup=given)
        assert [one["value"] for one in told] == [{"a": 1}] * 21
        assert id(cluster._beside().desk.value) == setups  # type: ignore[attr-defined]
        assert runner.facts() == {"engine": "ray", "nodes": 2, "tasks": 21, "elsewhere": 21}
    assert fake.ended
    assert fake.started["address"] == "local"
    assert fake.started["include_dashboard"] is False


class Params:
    """How Ray is told to start a node."""

    def __init__(self, num_cpus: int = 1, include_log_monitor: bool = True, no_monitor: bool = False) -> None:
        self.told = num_cpus, include_log_monitor, no_monitor


class Node:
    """What serves a page."""

    def start_api_server(self, *, include_dashboard: bool) -> str:
        return "served"


@pytest.mark.parametrize(
    ("address", "told", "page"), [("", (2, False, True), None), ("auto", (2, True, False), "served")]
)
@pytest.mark.parametrize("node", [Node, None])
def test_a_cluster_that_starts_here_reads_no_logs_serves_no_page_and_asks_no_cloud(
    fake: FakeRay, address: str, told: tuple[int, bool, bool], page: str, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def init(**how: Any) -> None:
        seen.append((Params(num_cpus=2).told, Node().start_api_server(include_dashboard=False) if node else page))

    seen: list[Any] = []
    places = SimpleNamespace(parameter=SimpleNamespace(RayParams=Params), node=SimpleNamespace(Node=node))
    monkeypatch.setattr(fake, "_private", places, raising=False)
    monkeypatch.setattr(fake, "init", init)
    monkeypatch.setenv("RAY_ADDRESS", address)
    Cluster()
    assert seen == [(told, page)]
    assert Params().told == (1, True, False)
    assert Node().start_api_server(include_dashboard=False) == "served"


def test_an_error_of_a_task_is_raised_here(fake: FakeRay) -> None:
    with Cluster() as runner, pytest.raises(RuntimeError, match="has no attribute 'missing'"):
        next(runner.map("plait.tasks.work:missing", [{}]))


def test_a_task_that_nobody_waits_for_ends_with_the_process_beside(fake: FakeRay) -> None:
    first: Any = cluster._beside()
    first.dies = KeyboardInterrupt
    with Cluster() as runner, pytest.raises(KeyboardInterrupt):
        next(runner.map(LOOK, [{}]))
    assert first.closed
    assert cluster._beside() is not first


def test_where_the_process_beside_was_lost_ray_has_another_do_the_task(
    fake: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(code: int) -> None:
        raise Lost(code)

    monkeypatch.setattr(os, "_exit", end)
    beside: Any = cluster._beside()
    beside.dies = EOFError
    with (
        Cluster() as runner,
        pytest.raises(RequestError, match=r"a task \(tasks.work\) ended its process 3 times \(Lost"),
    ):
        next(runner.map(LOOK, [{}]))


def test_a_cluster_without_a_free_core_is_waited_for_and_that_is_said(fake: FakeRay) -> None:
    fake.free = [False, False, True]
    notes: list[str] = []
    with Cluster(lambda event: notes.append(event["note"])) as runner:
        assert len([*runner.map(LOOK, [{}])]) == 1
    said = "the Ray cluster has had no free CPU for {} s (all 2 are taken); waiting for one."
    assert notes == [said.format(30), said.format(60)]


def test_a_node_of_another_version_is_named(fake: FakeRay) -> None:
    fake.on["n1"] = lambda told: {**told, "versions": {"plait": "0.0.1", "Python": "3.9"}}
    with pytest.raises(RequestError, match=r"node n1 \(n1\) of the Ray cluster has plait 0\.0\.1, this machine has"):
        Cluster()
    assert fake.ended


def test_a_node_without_plait_is_named(fake: FakeRay) -> None:
    fake.on["n0"] = fail
    said = r"node n0 \(n0\) of the Ray cluster cannot do a task of plait \(ModuleNotFoundError: No module named"
    with pytest.raises(RequestError, match=said):
        Cluster()


def test_a_node_that_does_not_see_a_folder_is_named_and_nothing_is_left_there(fake: FakeRay, tmp_path: Path) -> None:
    with Cluster() as runner:
        runner.check_folders(tmp_path, tmp_path)
        fake.on["n1"] = lambda unseen: [1]
        said = rf"node n1 \(n1\) of the Ray cluster does not see the folder {tmp_path / 'b'} of this machine; share it"
        (tmp_path / "b").mkdir()
        with pytest.raises(RequestError, match=said):
            runner.check_folders(tmp_path, tmp_path / "b")
    assert [path.name for path in tmp_path.rglob("*")] == ["b"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("no one there"), r"no Ray cluster answers at RAY_ADDRESS=auto \(no one there\)"),
        (RuntimeError("Version mismatch: Ray: 2.9"), r"at auto and this process are of other versions"),
    ],
)
def test_a_cluster_that_cannot_be_joined(
    fake: FakeRay, error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**how: Any) -> None:
        raise error

    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.setattr(fake, "init", refuse)
    with pytest.raises(RequestError, match=said):
        Cluster()


def test_where_nobody_listens_that_is_said_before_ray_asks(fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "JOIN", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("RAY_ADDRESS", f"ray://{address}")
        Cluster()
    monkeypatch.setenv("RAY_ADDRESS", address)
    fake.started = {}
    said = rf"no Ray cluster answers at RAY_ADDRESS={address} \(Connection refused\); start one with"
    with pytest.raises(RequestError, match=said):
        Cluster()
    assert not fake.started


def test_a_cluster_that_may_ask_for_a_token_is_hinted_at(fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**how: Any) -> None:
        raise ConnectionError("no one there")

    monkeypatch.setattr(fake, "init", refuse)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(RequestError, match="; where it asks for a token, set RAY_AUTH_MODE=token"):
        Cluster()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(RequestError, match=r"to start one for this command\.$"):
        Cluster()


def test_without_ray_the_pip_line_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=r'the package \'ray\', which is not installed; run: pip install "plait\[cl'):
        open_runner("ray")


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore")
def test_a_real_cluster_does_tasks_in_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with open_runner("ray") as runner:
        runner.check_folders(tmp_path)
        told = [*runner.map(LOOK, ({"n": n} for n in range(5)), setup=("plait.core.words:jsonable", {"a": 1}))]
        assert [(one["request"]["n"], one["value"]) for one in told] == [(n, {"a": 1}) for n in range(5)]
        assert runner.facts()["nodes"] == 1
    assert not [*tmp_path.iterdir()]
