"""One process that does tasks: it answers through pipes, and its end is told."""

from pathlib import Path

import numpy as np
import pytest

from plait.tasks import worker as tasks_worker
from plait.tasks.worker import Worker


def test_what_it_does_unasked_comes_first_and_fails_unheard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch = (
        f"import pathlib, plait.tasks.work as w; w.begin = lambda *given: pathlib.Path({str(tmp_path)!r}, 'x').touch()"
    )
    monkeypatch.setattr(tasks_worker, "START", f"{touch}; {tasks_worker.START}")
    for name, left in (("plait.tasks.work:missing", []), ("plait.tasks.work:begin", ["x"])):
        worker = Worker(name)
        assert worker.do("plait.tasks.work:look", {})["answer"]["process"] == worker.process.pid
        worker.close()
        assert [path.name for path in tmp_path.iterdir()] == left


def test_a_process_answers_until_it_is_closed() -> None:
    worker = Worker()
    told = worker.do("plait.tasks.work:look", {"x": np.ones(2, np.float32)})["answer"]
    assert told["process"] == worker.process.pid
    assert told["request"]["x"].dtype == np.float32
    refused = worker.do("plait.tasks.work:missing", {})
    assert "has no attribute 'missing'" in refused["said"]
    worker.close()
    assert worker.process.poll() is not None
    with pytest.raises(EOFError):
        worker.do("plait.tasks.work:look", {"x": np.zeros(100_000)})
