"""One process that does tasks: it answers through pipes, and its end is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from plait.tasks import worker as tasks_worker
from plait.tasks.worker import Worker

LOOK = "plait.tasks.work:look"


def test_what_it_does_unasked_comes_first_and_fails_unheard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = (
        f"import pathlib, plait.tasks.work as w; w.begin = lambda *given: pathlib.Path({str(tmp_path)!r}, 'x').touch()"
    )
    monkeypatch.setattr(tasks_worker, "START", f"{touch}; {tasks_worker.START}")
    for name, left in (("plait.tasks.work:missing", []), ("plait.tasks.work:begin", ["x"])):
        worker = Worker(name)
        assert worker.do(LOOK, {})["answer"]["process"] == worker.process.pid
        worker.close()
        assert [path.name for path in tmp_path.iterdir()] == left


def test_a_process_answers_until_it_is_closed() -> None:
    worker = Worker()
    told = worker.do(LOOK, {"x": np.ones(2, np.float32)})["answer"]
    assert told["process"] == worker.process.pid
    assert told["request"]["x"].dtype == np.float32
    refused = worker.do("plait.tasks.work:missing", {})
    assert "has no attribute 'missing'" in refused["said"]
    worker.close()
    assert worker.process.poll() is not None
    with pytest.raises(EOFError):
        worker.do(LOOK, {"x": np.zeros(100_000)})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that go on by themselves are made by fork")
def test_a_process_apart_ends_its_task_though_the_other_is_killed_and_then_itself(tmp_path: Path) -> None:
    slow = (
        f"import os, pathlib, time, plait.tasks.work as w; place = pathlib.Path({str(tmp_path)!r}); "
        "w.look = lambda *given: (place.joinpath('begun').touch(), time.sleep(0.3), "
        "place.joinpath(str(os.getpid())).touch()); "
    )
    asks = f"import plait.tasks.worker as w; w.START = {slow!r} + w.START; w.Worker(apart=True).do({LOOK!r}, {{}})"
    with subprocess.Popen([sys.executable, "-c", asks]) as asking:
        wait_for(lambda: (tmp_path / "begun").exists())
        asking.send_signal(signal.SIGKILL)
    wait_for(lambda: len([*tmp_path.iterdir()]) == 2)
    pid = next(path.name for path in tmp_path.iterdir() if path.name != "begun")
    wait_for(lambda: has_ended(pid))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that go on by themselves are made by fork")
def test_a_process_apart_is_closed_too(tmp_path: Path) -> None:
    worker = Worker(apart=True)
    pid = worker.do(LOOK, {})["answer"]["process"]
    assert pid != worker.process.pid
    worker.close()
    wait_for(lambda: has_ended(pid))


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
