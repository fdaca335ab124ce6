"""One process that does tasks: it answers through pipes, and its end is told."""

import numpy as np
import pytest

from plait.tasks.worker import Worker


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
