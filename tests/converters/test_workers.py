"""A process that converts sounds says what the converter itself would, and its end is told."""

import numpy as np
import pytest

from plait.converters.graph import Route
from plait.converters.render import Render
from plait.converters.workers import Worker
from plait.errors import CellError, RequestError


def test_a_worker_answers_like_the_converter_itself() -> None:
    pytest.importorskip("pocketsphinx")
    from plait.converters.sphinx import Sphinx

    rng = np.random.default_rng(0)
    sounds = [(rng.normal(0, 0.1, 4000).astype(np.float32), 8000), (np.zeros(0, np.float32), 8000)]
    sphinx = Sphinx(words="yes,no")
    with Worker(Route((sphinx,))) as worker:
        made, sure = worker(sounds)
        assert (made, sure) == sphinx(sounds)
        assert made[1] == "" and sure[1] == 0.0
        assert worker(sounds)[0] == made
    with Worker(Route((Sphinx(),))) as worker:  # without a list of words too
        assert worker(sounds[1:]) == ([""], [0.0])


def test_a_sound_that_cannot_be_converted_comes_back_with_its_fault() -> None:
    pytest.importorskip("pocketsphinx")
    from plait.converters.sphinx import Sphinx

    broken = np.full(1600, np.nan, np.float32)
    with Worker(Sphinx(words="yes,no")) as worker:
        (value,), (sure,) = worker([(broken, 16000)])
    assert isinstance(value, CellError)
    assert str(value) == "the sound has samples that are not finite"
    assert (value.fault, sure) == ("not-finite", 0.0)


def test_what_the_converter_refuses_is_refused_and_the_process_goes_on() -> None:
    pytest.importorskip("pocketsphinx")
    from plait.converters.sphinx import Sphinx

    swelling = np.linspace(0, 0.1, 16000) * np.random.default_rng(0).normal(size=16000)
    with Worker(Sphinx(grammar="#JSGF V1.0; grammar g; public <a> = ( yes | no ;")) as worker:
        for _ in range(2):
            with pytest.raises(RequestError, match="is not a JSGF grammar"):
                worker([(swelling, 16000)])


def test_a_process_that_ended_is_told_and_can_be_closed() -> None:
    with Worker(Render()) as worker:
        worker._process.kill()
        worker._process.wait()
        with pytest.raises(RequestError, match="a process that converts sounds ended too soon; is there enough memory"):
            worker([(np.zeros(100_000, np.float32), 8000)])
    assert worker._process.returncode is not None


def test_a_closed_worker_leaves_no_process() -> None:
    with Worker(Render()) as worker:
        assert worker._process.poll() is None
    assert worker._process.poll() is not None
    with pytest.raises(RequestError, match="ended too soon"):
        worker([(np.zeros(10, np.float32), 8000)])
