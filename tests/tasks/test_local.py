"""Tasks in processes of this machine: the same results in order, whoever dies in between."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.errors import RequestError
from plait.tasks import local as tasks_local
from plait.tasks import worker
from plait.tasks.local import Local

LOOK = "plait.tasks.work:look"


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with Local(2) as runner:
        yield runner


def test_results_come_in_order_from_other_processes(local: Local) -> None:
    before = local.facts()["tasks"]
    told = [*local.map(LOOK, ({"n": n, "x": np.arange(n)} for n in range(9)), setup=("plait.core.words:jsonable", {}))]
    assert [one["request"]["n"] for one in told] == [*range(9)]
    assert told[3]["request"]["x"].tolist() == [0, 1, 2]
    assert os.getpid() not in {one["process"] for one in told}
    assert local.facts() == {"engine": "local", "nodes": 1, "tasks": before + 9, "elsewhere": before + 9}


def test_a_setup_is_packed_once(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, pack = list[Any](), tasks_local._pack
    monkeypatch.setattr(tasks_local, "_pack", lambda setup: packed.append(setup) or pack(setup))  # type: ignore[func-returns-value]
    one, other = (("plait.core.words:jsonable", {"a": number}) for number in range(2))
    for setup in (one, one, other):
        assert next(local.map(LOOK, [{}], setup=setup))["value"] == setup[1]
    assert packed == [one, other]


def test_processes_that_got_ready_do_the_tasks() -> None:
    with Local(2) as runner:
        runner.ready("plait.tasks.work:missing")
        early = [runner._free.get() for _ in range(2)]
        pids = {worker.do(LOOK, {})["answer"]["process"] for worker in early if worker is not None}
        assert len(pids) == 2
        for worker in early:
            runner._free.put(worker)
        assert {one["process"] for one in runner.map(LOOK, [{}] * 6)} <= pids
    with Local(1) as runner:
        runner.close()
        assert [one["request"] for one in runner.map(LOOK, [{}])] == [{}]


def test_of_processes_that_part_each_may_die(local: Local) -> None:
    with Local(3) as runner:
        runner.ready(LOOK)
        alive = [runner._free.get() for _ in range(3)]
        for worker in alive[:2]:
            assert worker is not None
            worker.end()
        for worker in alive:
            runner._free.put(worker)
        assert [one["request"]["n"] for one in runner.map(LOOK, ({"n": n} for n in range(7)))] == [*range(7)]


def test_the_first_tasks_are_begun_before_a_result_is_asked_for(tmp_path: Path, local: Local) -> None:
    results = local.map(LOOK, iter([{"n": 0}]))
    end = time.monotonic() + 20
    while local._free.qsize() < 2 or not local.workers:
        assert time.monotonic() < end
        time.sleep(0.01)
    local.close()
    assert next(results)["request"] == {"n": 0}


def test_few_requests_are_taken_before_they_are_needed(local: Local) -> None:
    taken: list[int] = []
    results = local.map(LOOK, (taken.append(n) or {"n": n} for n in range(100)))
    assert len(taken) == 6
    assert next(results)["request"] == {"n": 0}
    assert len(taken) <= 6
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 6


def test_a_process_that_dies_loses_no_task_and_doubles_none(local: Local) -> None:
    def requests() -> Iterator[dict[str, int]]:
        for n in range(12):
            if n in (4, 7, 8):
                local.workers[n % len(local.workers)].end()
            yield {"n": n}

    assert [one["request"]["n"] for one in local.map(LOOK, requests())] == [*range(12)]


def test_an_error_of_a_task_is_raised_here(local: Local) -> None:
    with pytest.raises(RuntimeError, match="ValueError: work is 'os:getpid'; expected a function of plait"):
        next(local.map("os:getpid", [{}]))


def test_a_task_that_ends_each_process_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "START", "raise SystemExit(3)")
    with (
        Local(1) as runner,
        pytest.raises(RequestError, match=r"ended its process 3 times \(code 3\); is there enough"),
    ):
        next(runner.map(LOOK, [{}]))
