"""One process that does tasks: it answers through pipes, and its end is told."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plait.tasks import worker as tasks_worker
from plait.tasks.wire import pack
from plait.tasks.worker import PARTS, Worker

LOOK = "plait.tasks.work:look"


def test_what_it_does_unasked_comes_first_and_fails_unheard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = (
        f"import pathlib, plait.tasks.work as w; w.begin = lambda *given: pathlib.Path({str(tmp_path)!r}, 'x').touch()"
    )
    monkeypatch.setattr(tasks_worker, "START", f"{touch}; {tasks_worker.START}")
    for name, left in (("plait.tasks.work:missing", []), ("plait.tasks.work:begin", ["x"])):
        worker = Worker.start(name)
        assert worker.do(LOOK, {})["answer"]["process"] == pid_of(worker)
        worker.close()
        assert [path.name for path in tmp_path.iterdir()] == left


def test_a_process_answers_until_it_is_closed() -> None:
    worker = Worker.start()
    told = worker.do(LOOK, {"x": np.ones(2, np.float32)})["answer"]
    assert told["process"] == pid_of(worker)
    assert told["request"]["x"].dtype == np.float32
    refused = worker.do("plait.tasks.work:missing", {})
    assert "has no attribute 'missing'" in refused["said"]
    worker.close()
    assert worker.process is not None and worker.process.poll() is not None
    with pytest.raises(EOFError):
        worker.do(LOOK, {"x": np.zeros(100_000)})


@pytest.mark.skipif(not PARTS, reason="a process parts on Linux alone")
def test_processes_that_part_go_on_from_what_the_first_has_become() -> None:
    first = Worker.start(LOOK, twins=2)
    twins = first.part()
    pids = [worker.do(LOOK, {})["answer"]["process"] for worker in (first, *twins)]
    assert len({*pids}) == 3
    assert first.part() == []
    first.close()
    assert [twin.do(LOOK, {"n": 1})["answer"]["request"] for twin in twins] == [{"n": 1}] * 2
    assert twins[0].close() is None
    with pytest.raises(EOFError):
        twins[0].do(LOOK, {})
    twins[1].send.close()  # nobody asks any more
    wait_for(lambda: has_ended(pids[2]))
    twins[1].close()


@pytest.mark.skipif(not PARTS, reason="a process parts on Linux alone")
def test_a_process_with_other_threads_does_not_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    monkeypatch.setattr(tasks_worker, "START", f"{begin}; {tasks_worker.START}")
    worker = Worker.start(twins=1)
    assert worker.part() == []
    worker.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that go on by themselves are made by fork")
def test_a_process_apart_ends_its_task_though_the_other_is_killed_and_then_itself(tmp_path: Path) -> None:
    slow = (
        f"import os, pathlib, time, plait.tasks.work as w; place = pathlib.Path({str(tmp_path)!r}); "
        "w.look = lambda *given: (place.joinpath('begun').touch(), time.sleep(0.3), "
        "place.joinpath(str(os.getpid())).touch()); "
    )
    asks = (
        f"import plait.tasks.worker as w; w.START = {slow!r} + w.START; w.Worker.start(apart=True).do({LOOK!r}, {{}})"
    )
    with subprocess.Popen([sys.executable, "-c", asks]) as asking:
        wait_for(lambda: (tmp_path / "begun").exists())
        asking.send_signal(signal.SIGKILL)
    wait_for(lambda: len([*tmp_path.iterdir()]) == 2)
    pid = next(path.name for path in tmp_path.iterdir() if path.name != "begun")
    wait_for(lambda: has_ended(pid))


@pytest.mark.skipif(not hasattr(select, "poll"), reason="a process learns of it by a poll")
def test_a_task_that_takes_long_is_let_go_when_nobody_asks_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = (
        "import time, plait.tasks.work as k, plait.tasks.worker as w; w.GRACE, k.look = 0.05, lambda *_: time.sleep(60)"
    )
    monkeypatch.setattr(tasks_worker, "START", f"{slow}; {tasks_worker.START}")
    worker = Worker.start()
    for part in pack({"work": LOOK, "request": {}}):
        worker.send.write(part)
    worker.send.close()
    assert worker.process is not None and worker.process.wait(20) == 1
    worker.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that go on by themselves are made by fork")
def test_a_process_apart_is_closed_too(tmp_path: Path) -> None:
    worker = Worker.start(apart=True)
    pid = worker.do(LOOK, {})["answer"]["process"]
    assert pid != pid_of(worker)
    worker.close()
    wait_for(lambda: has_ended(pid))


def pid_of(worker: Worker) -> int:
    assert worker.process is not None
    return worker.process.pid


def has_ended(pid: int | str) -> bool:
    """Whether a process is no more, or waits for someone to ask how it ended."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def wait_for(it_is: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not it_is():
        assert time.monotonic() < end
        time.sleep(0.01)
