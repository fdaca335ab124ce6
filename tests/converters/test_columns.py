"""A column becomes another: row by row, each content once, kept for the next time."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from plait.converters.catalogue import make_converters
from plait.converters.columns import convert_column
from plait.converters.graph import Route, find_route
from plait.converters.render import Gramian
from plait.data.read import read
from plait.errors import CellError, RequestError
from travelling import Travelling

CALLS: list[int] = []


@dataclass(frozen=True)
class Shout:
    mark: str = "!"
    name: str = "shout"
    source: str = "text"
    target: str = "text"
    cost: float = 0.001
    quality: float = 1.0
    threads: bool = field(default=True)

    def __call__(self, values):
        CALLS.append(len(values))
        return [CellError("too odd") if v == "odd" else "" if v == "mute" else v.upper() + self.mark for v in values], [
            0.9
        ] * len(values)


@dataclass(frozen=True)
class Beep:
    name: str = "beep"
    source: str = "text"
    target: str = "audio"
    cost: float = 1.0
    quality: float = 1.0

    def __call__(self, values):
        CALLS.append(len(values))
        return [(np.full(800, len(v) / 100, np.float32), 8000) for v in values], [1.0] * len(values)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache"))
    CALLS.clear()
    return tmp_path / "cache"


def test_rows_stay_and_holes_have_reasons() -> None:
    table = read({"word": ["yes", None, "odd", "yes", "mute"]})
    told = convert_column(table, ["word"], Route((Shout(),)))
    assert told.values == ["YES!", None, None, "YES!", ""]
    assert told.confidence == [0.9, None, None, 0.9, 0.9]
    assert told.status == ["ok", "missing: blank", "missing: too odd", "ok", "missing: no words were found"]
    assert told.reasons == [None, "blank", "too odd", None, "no words were found"]
    assert sum(CALLS) == 3  # yes once


def test_a_second_run_converts_nothing() -> None:
    table = read({"word": [f"word {i}" for i in range(150)]})
    first = convert_column(table, ["word"], Route((Shout(),)))
    assert sum(CALLS) == 150
    again = convert_column(table, ["word"], Route((Shout(),)))
    assert (sum(CALLS), again) == (150, first)
    assert convert_column(table, ["word"], Route((Shout("?"),))).values[3] == "WORD 3?"
    assert sum(CALLS) == 300  # another option is another conversion


def test_a_run_that_was_killed_goes_on() -> None:
    table = read({"word": [f"word {i}" for i in range(150)]})

    def kill(event):
        if event["done"] >= 128:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        convert_column(table, ["word"], Route((Shout(),)), callback=kill)
    convert_column(table, ["word"], Route((Shout(),)))
    assert sum(CALLS) == 150


def test_new_sounds_lie_in_their_folder(tmp_path: Path) -> None:
    table = read({"word": ["a", None, "bcd"]})
    told = convert_column(table, ["word"], Route((Beep(),)), place=tmp_path / "new")
    assert [v and Path(v).name for v in told.values] == ["000000.wav", None, "000002.wav"]
    samples, rate = soundfile.read(tmp_path / "new" / "000002.wav")
    assert (len(samples), rate, round(float(samples[5]), 2)) == (800, 8000, 0.03)
    convert_column(table, ["word"], Route((Beep(),)), place=tmp_path / "other")
    assert sum(CALLS) == 2
    assert (tmp_path / "other" / "000000.wav").read_bytes() == (tmp_path / "new" / "000000.wav").read_bytes()


def test_a_lost_file_of_the_cache_is_made_again(own_cache: Path) -> None:
    table = read({"word": ["a"]})
    convert_column(table, ["word"], Route((Beep(),)))
    for path in own_cache.rglob("*.wav"):
        path.unlink()
    told = convert_column(table, ["word"], Route((Beep(),)))
    assert Path(told.values[0]).is_file() and sum(CALLS) == 2


def test_without_a_cache_the_sounds_come_as_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "file"))
    notes: list[str] = []
    told = convert_column(
        read({"word": ["a", "b"]}), ["word"], Route((Beep(),)), callback=lambda e: notes.append(e.get("note", ""))
    )
    assert [value[:4] for value in told.values] == [b"RIFF", b"RIFF"]
    assert "nothing is kept for the next time" in "".join(notes)


def test_slow_conversions_are_kept_sooner() -> None:
    @dataclass(frozen=True)
    class Slow(Shout):
        cost: float = 0.5

    steps: list[int] = []
    table = read({"word": [f"word {i}" for i in range(25)]})
    convert_column(table, ["word"], Route((Slow(),)), callback=lambda event: steps.append(event["done"]))
    assert steps == [10, 20, 25]


def test_only_the_wanted_rows() -> None:
    told = convert_column(read({"word": ["a", "b"]}), ["word"], Route((Shout(),)), rows=np.array([False, True]))
    assert told.values == [None, "B!"]


def test_an_object_without_a_version_is_not_kept(own_cache: Path) -> None:
    class Mine:
        name, source, target, cost, quality = "mine", "text", "text", 1.0, 1.0

        def __call__(self, values):
            return list(values), [1.0] * len(values)

    convert_column(read({"word": ["a"]}), ["word"], Route((Mine(),)))
    assert not own_cache.exists()


def test_a_converter_that_loses_a_value_is_named() -> None:
    class Loses:
        name, source, target, cost, quality = "loses", "text", "text", 1.0, 1.0

        def __call__(self, values):
            return list(values)[1:], [1.0] * (len(values) - 1)

    with pytest.raises(RequestError, match="converter 'loses' gave 1 values and 1 confidences for 2"):
        convert_column(read({"word": ["a", "b"]}), ["word"], Route((Loses(),)))


def test_a_broken_sound_is_absent_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound at all, but text")

    class Length:
        name, source, target, cost, quality, version = "length", "audio", "text", 1.0, 1.0, "1"

        def __call__(self, values):
            return [f"{len(samples)} at {rate}" for samples, rate in values], [1.0] * len(values)

    soundfile.write(tmp_path / "good.wav", np.zeros((100, 2)), 8000)
    table = read({"call": ["bad.wav", "good.wav", "gone.wav"]}, folder=tmp_path)
    told = convert_column(table, ["call"], Route((Length(),)))
    assert told.values == [None, "100 at 8000", None]
    assert told.status[0] == "missing: not a sound: bad.wav holds text"
    assert told.status[2] == "missing: file not found: gone.wav"


def test_what_a_field_shows_becomes_nothing_further() -> None:
    with pytest.raises(RequestError, match=r"no way from series to text\. series can become: image; text is made of"):
        find_route(make_converters({}), "series", "text")


def test_a_column_of_series_becomes_pictures(tmp_path: Path) -> None:
    table = read({"s": [np.arange(20.0), None, [[1.0, 2.0], [3.0]], "[1, 2, 3]"], "n": [1, 2, 3, 4]})
    told = convert_column(table, ["s"], Route((Gramian(size=8),)), place=tmp_path)
    ragged = "missing: ragged: lists of 1 to 2 points; expected as many in each"
    assert told.status == ["ok", "missing: blank", ragged, "ok"]
    assert [value and Path(value).name for value in told.values] == ["000000.png", None, None, "000003.png"]


@pytest.mark.parametrize("columns", [["word"], ["word", "num"]])
@pytest.mark.parametrize("kept", [True, False])
def test_cells_that_travel_become_what_they_become_here(columns: list[str], kept: bool, tmp_path: Path) -> None:
    table = read({"word": ["yes", None, "no", "yes"] * 20, "num": [1, None, 2, 1] * 20})
    kind = "image" if columns == ["word"] else "text"
    route = find_route(make_converters({}), "text" if kind == "image" else "tabular", kind)
    runner = Travelling()
    there = convert_column(table, columns, route, place=tmp_path / "there", cache=kept, runner=runner)
    assert (runner.tasks, runner.setups) == (2, ["plait.converters.columns:open_desk"])
    again = convert_column(table, columns, route, place=tmp_path / "again", cache=kept, runner=Travelling())
    here = convert_column(table, columns, route, place=tmp_path / "here", cache=False)
    assert there.status == again.status == here.status == ["ok", "missing: blank", "ok", "ok"] * 20
    assert there.confidence == again.confidence == here.confidence
    if kind == "text":
        assert there.values == again.values == here.values
    else:
        made = [[path and Path(path).read_bytes() for path in one.values] for one in (there, again, here)]
        assert made[0] == made[1] == made[2]


def test_sounds_travel_with_what_is_wrong_with_them() -> None:
    pytest.importorskip("pocketsphinx")
    from plait.converters.sphinx import Sphinx

    sounds = np.zeros((2, 1600), np.float32)
    sounds[1] = np.nan
    table = replace(read({"call": sounds}), sample_rates={"call": 16000})
    runner = Travelling()
    there = convert_column(table, ["call"], Route((Sphinx(words="yes,no"),)), runner=runner)
    assert there == convert_column(table, ["call"], Route((Sphinx(words="yes,no"),)), cache=False)
    assert there.status == [
        "missing: no words were found",
        "missing: sound holds values that are not finite: array of shape (1600,)",
    ]
    assert runner.folders == [Path()]
    wrong = Sphinx(grammar="#JSGF V1.0; grammar g; public <a> = ( yes | no ;")
    loud = np.linspace(0, 0.1, 16000) * np.random.default_rng(0).normal(size=(1, 16000))
    table = replace(read({"call": loud.astype("f4")}), sample_rates={"call": 16000})
    with pytest.raises(RequestError, match="is not a JSGF grammar"):
        convert_column(table, ["call"], Route((wrong,)), runner=Travelling())


def test_an_object_of_the_program_does_not_travel() -> None:
    said = (
        r"converter 'shout' is an object of this program, which other processes \(on=local\) do not have; leave out on"
    )
    with pytest.raises(RequestError, match=said):
        convert_column(read({"word": ["a"]}), ["word"], Route((Shout(),)), runner=Travelling())


@pytest.mark.heavy
def test_sounds_for_processes_are_shared_out_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    from plait.converters.sphinx import Sphinx

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    rng = np.random.default_rng(0)
    table = replace(read({"call": rng.normal(0, 0.1, (9, 4000)).astype("f4")}), sample_rates={"call": 8000})
    told = convert_column(table, ["call"], Route((Sphinx(words="yes,no"),)), cache=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert told == convert_column(table, ["call"], Route((Sphinx(words="yes,no"),)), cache=False)
