"""Which signals streams share, and a stream placed by the line between them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import plait
from plait.errors import RequestError
from plait.streams.read import Stream, read_stream
from plait.streams.signals import find_signals
from recordings import enter_folder, write_csv, write_sound

here = pytest.fixture(enter_folder)


def test_offset_and_drift_of_numbers(here: Path) -> None:
    random = np.random.default_rng(0)
    fine = np.convolve(random.standard_normal(12_021), np.hanning(21), "valid")  # 20 Hz, ten minutes
    own = np.arange(9000) / 20
    write_csv("r.csv", time=np.arange(12_001) / 20, motion=fine)
    write_csv(
        "s.csv", time=own, motion=np.interp(31.7 + (1 + 150e-6) * own, np.arange(12_001) / 20, fine), n=range(9000)
    )
    aligned = plait.align("r.csv", "s.csv", estimate=True, signal={"s": "motion"}, join={"s": "linear"})
    told = aligned.report["streams"]["s"]
    for value, truth in ((told["offset"], 31.7), (told["drift_ppm"], 150)):
        assert value["low"] <= truth <= value["high"]
    assert told["offset"]["value"] == pytest.approx(31.7, abs=0.005)
    assert told["residual"] < 0.02
    found = np.array([np.nan if v is None else v for v in aligned.table.cells("s.motion")])
    there = np.isfinite(found)
    assert 0.7 < there.mean() < 0.8
    assert np.corrcoef(found[there], fine[there])[0, 1] > 0.999


def test_an_unclear_peak_is_refused(here: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("a.wav", "b.wav"):
        soundfile.write(name, 0.1 * random.standard_normal(80_000), 8000)
    with pytest.raises(plait.RequestError, match=r"the clock of b\.wav cannot be estimated from a\.wav: no clear peak"):
        plait.align("a.wav", "b.wav", rate=1, estimate=True)


def table(name: str, **columns: Any) -> Stream:
    return read_stream({"time": [0, 1], **columns}, name)


def test_the_one_column_of_numbers_is_the_signal() -> None:
    streams = [table("r", a=[1, 2], w=["x", "y"]), table("s", b=[1, 2]), table("t", c=[1, 2], d=[1, 2])]
    assert find_signals(streams, {}, True) == {"r": "a", "s": "b"}  # of t it is not clear which
    assert find_signals(streams, {"t": "d"}, True) == {"r": "a", "s": "b", "t": "d"}
    assert find_signals(streams, {}, False) == {}


def test_beside_a_sound_a_column_counts_only_when_it_is_named(here: Path) -> None:
    sound = read_stream(write_sound("s.wav", 1), "s")
    loud = table("t", loudness=[1, 2])
    assert find_signals([sound, loud], {"t": "loudness"}, True) == {"s": "", "t": "loudness"}
    with pytest.raises(RequestError, match=r"a signal that a stream shares with s\.wav: a sound, or --signal t=COLUMN"):
        find_signals([sound, loud], {}, True)
    with pytest.raises(RequestError, match=r"--signal s\.wav=x: a sound is a signal itself; leave it out"):
        find_signals([sound, loud], {"s": "x"}, True)


@pytest.mark.parametrize(
    ("asked", "estimate", "said"),
    [
        ({"r": "w"}, True, "--signal r=w: column 'w' is not of numbers"),
        ({"r": "q"}, True, "--signal r=q: no column 'q'"),
        ({"r": "a"}, False, "give --estimate as well"),
        ({}, True, "--estimate needs a signal in the reference: --signal r=COLUMN, or a sound"),
    ],
)
def test_signals_that_are_none_are_refused(asked: dict[str, str], estimate: bool, said: str) -> None:
    streams = [table("r", a=[1, 2], b=[1, 2], w=["x", "y"]), table("s", c=[1, 2])]
    with pytest.raises(RequestError, match=said):
        find_signals(streams, asked, estimate)


def test_a_column_of_few_numbers_is_refused(here: Path) -> None:
    write_csv("r.csv", time=range(63), a=range(63))
    write_csv("s.csv", time=range(63), b=range(63))
    with pytest.raises(RequestError, match="column 'a' has 63 numbers with a time; expected at least 64"):
        plait.align("r.csv", "s.csv", estimate=True)


def test_a_column_whose_times_run_wild_is_refused(here: Path) -> None:
    times = [*(n / 1000 for n in range(100)), 20_000]
    write_csv("r.csv", time=times, a=range(101))
    write_csv("s.csv", time=times, b=range(101))
    with pytest.raises(RequestError, match=r"20,000,001 steps of 0\.001 s from first to last; expected at most 16,777"):
        plait.align("r.csv", "s.csv", estimate=True)
