"""Whole alignments: files in, one table on one clock out, and what is said of it."""

import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import plait
from plait import cli


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def write_csv(name: str, **columns: Any) -> str:
    rows = (",".join("" if cell is None else str(cell) for cell in row) for row in zip(*columns.values(), strict=True))
    lines = [",".join(columns), *rows]
    return write(name, "\n".join(lines) + "\n")


def write_sound(name: str, seconds: float, rate: int = 8000, tone: float = 440.0) -> str:
    times = np.arange(int(seconds * rate)) / rate
    soundfile.write(name, 0.5 * np.sin(2 * np.pi * tone * times), rate)
    return name


def columns_of(aligned: Any) -> dict[str, list[Any]]:
    return {name: aligned.table.cells(name) for name in aligned.table.names}


REFERENCE = {"t": [0, 1, 2, 3], "label": ["a", "b", "c", "d"]}


@pytest.mark.parametrize(
    ("how", "tolerance", "columns"),
    [
        ("nearest", 0.3, {"x": [10, 11, None, 13], "w": ["p", "q", None, "r"]}),
        ("previous", 0.9, {"x": [10, None, 11, None], "w": ["p", None, "q", None]}),
        ("previous", 3.0, {"x": [10, 10, 11, 11], "w": ["p", "p", "q", "q"]}),
        ("linear", 1.5, {"x": [10, pytest.approx(10.909, abs=1e-3), None, None], "w": ["p", "q", "q", "r"]}),
        ("linear", 3.0, {"x": [10, *(pytest.approx(v, abs=1e-3) for v in (10.909, 11.857, 12.810))]}),
        ("window", None, {"x_mean": [10, 11, None, 13], "w_last": ["p", "q", None, "r"], "s.count": [1, 1, 0, 1]}),
    ],
)
def test_joins(here: Path, how: str, tolerance: float | None, columns: dict[str, list[Any]]) -> None:
    reference = write_csv("r.csv", **REFERENCE)
    stream = write_csv("s.csv", time=[0, 1.1, 3.2], x=[10, 11, 13], w=["p", "q", "r"])
    aligned = plait.align(reference, stream, join={"s": how}, tolerance=tolerance)
    found = columns_of(aligned)
    assert found["t"] == [0, 1, 2, 3] and found["label"] == ["a", "b", "c", "d"]
    assert {name: found[name] for name in columns} == columns


def test_rows_keep_the_order_of_the_reference(here: Path) -> None:
    reference = write_csv("r.csv", t=[3, 1, None, 2, 1], label=["d", "b", "?", "c", "b"])
    stream = write_csv("s.csv", t=[2, 3, 1, 2, "later"], x=[20, 30, 10, 21, 99])
    aligned = plait.align(reference, stream, tolerance=0.1)
    assert columns_of(aligned) == {
        "t": [3, 1, None, 2, 1],
        "label": ["d", "b", "?", "c", "b"],
        "x": [30, 10, None, 21, 10],
    }
    told = aligned.report["streams"]
    assert told["r"]["coverage"] == 0.8 and told["s"]["coverage"] == 0.8
    assert "1 of 5 rows have no time and join nothing" in told["r"]["note"]
    assert "1 row has no time that can be read (row 4 'later')" in told["s"]["note"]
    assert "not in order of time (1 step back); sorted to join" in told["s"]["note"]
    assert "1 row repeats a time; the later row counts" in told["s"]["note"]


def test_the_report_has_the_form_that_scripts_depend_on(here: Path) -> None:
    aligned = plait.align(write_csv("r.csv", **REFERENCE), write_csv("s.csv", time_ms=[0, 1000, 3000], x=[1, 2, 3]))
    report = json.loads(json.dumps(aligned.to_json(), allow_nan=False))
    assert list(report) == ["rows", "streams"] and report["rows"] == 4
    assert list(report["streams"]) == ["r", "s"]
    told = report["streams"]["s"]
    assert list(told) == [
        "unit", "zone", "why", "coverage", "largest_gap", "offset", "drift_ppm", "residual", "note",
    ]  # fmt: skip
    assert (told["unit"], told["zone"], told["coverage"], told["largest_gap"]) == ("ms", None, 1.0, 2.0)
    assert (told["offset"], told["drift_ppm"], told["residual"]) == (None, None, None)
    assert "4 rows" in str(aligned) and "by the name 'time_ms'" in str(aligned)


def test_a_sound_is_cut_at_the_rows(here: Path) -> None:
    write_sound("s.wav", 2.5)
    aligned = plait.align(write_csv("r.csv", start=[0, 1, 2, 3], end=[0.5, 2, 3, 4]), "s.wav")
    assert columns_of(aligned)["s"] == ["s.wav#t=0,0.5", "s.wav#t=1,2", "s.wav#t=2,2.5", None]
    assert aligned.report["streams"]["s"]["coverage"] == 0.75


def test_a_rate_makes_rows_of_a_sound(here: Path) -> None:
    write_sound("s.wav", 2.0)
    words = write(
        "w.srt", "1\n00:00:00,400 --> 00:00:01,100\n<i>one</i>\n\n2\n00:00:01,100 --> 00:00:01,400\ntwo &amp; a\n"
    )
    aligned = plait.align("s.wav", words, rate=2, out="deep/out.parquet")
    assert columns_of(aligned) == {
        "time": [0, 0.5, 1, 1.5],
        "s": ["../s.wav#t=0,0.5", "../s.wav#t=0.5,1", "../s.wav#t=1,1.5", "../s.wav#t=1.5,2"],
        "text": ["one", "one", "one two & a", None],
    }
    assert plait.read("deep/out.parquet").cells("text") == ["one", "one", "one two & a", None]
    whole = plait.align("s.wav", words, join={"w": "overlap"})
    assert columns_of(whole) == {"s": ["s.wav#t=0,2"], "text": ["one two & a"]}
    assert "one row for the whole sound; --rate HZ makes so many a second" in whole.report["streams"]["s"]["note"]


def test_webvtt_and_a_cue_that_cannot_be_read(here: Path) -> None:
    vtt = (
        "WEBVTT\n\nNOTE no cue\n\nid\n00:01.000 --> 00:02.000 align:start\n<v Ann>hello\n\n00:0x --> 00:03.000\nlost\n"
    )
    aligned = plait.align(write_csv("r.csv", t=[0, 1.5, 2.5], n=[1, 2, 3]), write("w.vtt", vtt))
    assert columns_of(aligned)["text"] == ["hello", "hello", None]  # a row lasts to the next one
    assert "1 row has no time that can be read" in aligned.report["streams"]["w"]["note"]


def test_words_overlap_frames(here: Path) -> None:
    frames = write_csv("v.csv", frame=[0, 25, 50, 75], seen=["a", "b", "a", "b"])
    words = write_csv("w.csv", word=["so", "be", "it"], start=[0.2, 0.7, 2.2], end=[0.6, 1.3, 2.4], loud=[1, 2, 3])
    aligned = plait.align(frames, words, time={"v": "frame@25"})
    assert columns_of(aligned)["word"] == ["so be", "be", "it", None]
    assert columns_of(aligned)["loud"] == [1, 2, 3, None]
    with pytest.raises(plait.RequestError, match=r"numbers of frames, and their rate is not known.*v\.csv=frame@25"):
        plait.align(frames, words)


def test_names_are_prefixed_only_where_they_collide(here: Path) -> None:
    Path("a").mkdir()
    write_csv("a/s.csv", t=[0, 1], x=[1, 2], y=[5, 6])
    write_csv("s.csv", t=[0, 1], x=[3, 4], z=[7, 8])
    aligned = plait.align(write_csv("r.csv", t=[0, 1], label=["p", "q"]), "s.csv", "a/s.csv")
    assert aligned.table.names == ["t", "label", "s.x", "z", "s_2.x", "y"]
    assert "another stream is called s too, so a/s.csv is called s_2" in aligned.report["streams"]["s_2"]["note"]
    with pytest.raises(plait.RequestError, match=r"there is no stream 'q'\. There are: r, s, s_2"):
        plait.align("r.csv", "s.csv", "a/s.csv", join={"q": "nearest"})
    assert plait.align("r.csv", "s.csv", "a/s.csv", join={"a/s.csv": "linear"}).table.cells("s_2.x") == [1, 2]


def test_media_paths_begin_at_the_new_table(here: Path) -> None:
    Path("clips").mkdir()
    Path("out").mkdir()
    write_sound("clips/1.wav", 0.1)
    write_csv("clips/clips.csv", time=[0, 1], clip=["1.wav", "1.wav"])
    plait.align(write_csv("r.csv", t=[0, 1], label=["a", "b"]), "clips/clips.csv", out="out/o.csv")
    assert plait.read("out/o.csv").cells("clip") == ["../clips/1.wav", "../clips/1.wav"]


DATED = {"time": [f"2024-05-01T10:0{m}:00+00:00" for m in range(5)], "n": [0, 1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("stream", "zone"),
    [
        ([f"2024-05-01T12:0{m}:00" for m in range(5)], "+02:00"),  # no zone: only two hours off does it overlap
        ([f"2024-05-01T10:0{m}:00" for m in range(5)], "UTC"),
        ([1714557600 + 60 * m for m in range(5)], "UTC"),
        ([1714557600000 + 60000 * m for m in range(5)], "UTC"),
        ([f"10:0{m}:00" for m in range(5)], "UTC"),
    ],
)
def test_clocks_that_tell_one_time_differently_meet(here: Path, stream: list[Any], zone: str) -> None:
    aligned = plait.align(write_csv("r.csv", **DATED), write_csv("s.csv", time=stream, x=[10, 11, 12, 13, 14]))
    assert columns_of(aligned)["x"] == [10, 11, 12, 13, 14]
    assert aligned.report["streams"]["s"]["zone"] == zone


def test_a_zone_that_was_assumed_is_said(here: Path) -> None:
    local = write_csv("s.csv", time=[f"2024-05-01T12:0{m}:00" for m in range(5)], x=[0, 1, 2, 3, 4])
    told = plait.align(write_csv("r.csv", **DATED), local).report["streams"]["s"]
    assert "its dates have no zone: read as +02:00, where they overlap r; as UTC they do not" in told["note"]
    assert told["why"].endswith("(80% sure)")


def test_a_stream_across_a_change_of_clocks(here: Path) -> None:
    utc = write_csv("r.csv", time=["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"], n=[1, 2])
    local = write_csv("s.csv", time=["2024-10-27T02:30:00", "2024-10-27T02:29:59"], x=[1, 2])
    aligned = plait.align(utc, local, time={"s": "time@Europe/Berlin"}, tolerance=1)
    assert columns_of(aligned)["x"] == [1, 2]


def test_milliseconds_are_told_by_how_long_they_last(here: Path) -> None:
    stream = write_csv("s.csv", time=[0, 1000, 2000, 3000], x=[1, 2, 3, 4])
    aligned = plait.align(write_csv("r.csv", time_s=[0, 1, 2, 3], n=[1, 2, 3, 4]), stream)
    assert columns_of(aligned)["x"] == [1, 2, 3, 4]
    assert aligned.report["streams"]["s"]["unit"] == "ms"


def test_a_sound_needs_a_start_beside_dates(here: Path) -> None:
    write_sound("s.wav", 120)
    reference = write_csv("r.csv", **DATED)
    with pytest.raises(plait.RequestError, match=r"r\.csv has dates .*, but s\.wav counts from a zero of its own"):
        plait.align(reference, "s.wav")
    aligned = plait.align(reference, "s.wav", time={"s.wav": "2024-05-01T12:01:30+02:00"})
    assert columns_of(aligned)["s"] == [None, "s.wav#t=0,30", "s.wav#t=30,90", "s.wav#t=90,120", None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"time": {"s": "tim"}}, r"--time: there is no column 'tim'\. Did you mean 'time'\?"),
        ({"join": {"s": "nearst"}}, r"there is no such way\. Did you mean 'nearest'\?"),
        ({"join": {"r": "nearest"}}, "--join of the reference needs --rate"),
        ({"signal": {"s": "x"}}, "give --estimate as well"),
        ({"signal": {"s": "w", "r": "n"}, "estimate": True}, "column 'w' is not of numbers"),
        ({"tolerance": -1}, "--tolerance -1: expected 0 or more seconds"),
        ({"rate": 0}, "--rate 0: expected more than 0 rows a second"),
        ({"out": "o.xlsx"}, r"'o\.xlsx'; expected a name that ends in \.csv or \.parquet"),
        ({"out": "s.csv"}, "is one of the streams"),
    ],
)
def test_wrong_requests(here: Path, options: dict[str, Any], said: str) -> None:
    write_csv("r.csv", t=[0, 1], n=[1, 2])
    write_csv("s.csv", time=[0, 1], x=[1, 2], w=["a", "b"])
    with pytest.raises(plait.RequestError, match=said):
        plait.align("r.csv", "s.csv", **options)


def test_streams_that_cannot_be_joined(here: Path) -> None:
    reference = write_csv("r.csv", t=[0, 1], n=[1, 2])
    with pytest.raises(plait.RequestError, match=r"s\.csv does not overlap r\.csv: it runs from 500 s to 501 s"):
        plait.align(reference, write_csv("s.csv", t=[500, 501], x=[1, 2]))
    with pytest.raises(
        plait.TableError, match=r"s\.csv has no time column that can be told: looked for .* among x, w\. Name"
    ):
        plait.align(reference, write_csv("s.csv", x=[1, 2], w=["a", "b"]))
    with pytest.raises(plait.TableError, match=r"e\.csv is empty"):
        plait.align(reference, write("e.csv", ""))
    with pytest.raises(plait.TableError, match=r"no such file: gone\.csv"):
        plait.align(reference, "gone.csv")


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


def test_a_million_rows(here: Path) -> None:
    random = np.random.default_rng(0)
    rows = 1_000_000
    times = random.permutation(rows) / 100
    reference = plait.read({"time_s": np.arange(rows) / 100 + 0.001, "label": np.arange(rows) % 2})
    stream = plait.read({"time_s": times, "x": np.rint(times * 100).astype(np.int64)})
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    aligned = plait.align(reference, stream)
    assert np.array_equal(aligned.table.data["x"].to_numpy(), np.arange(rows))
    assert time.process_time() - began < 20  # about two
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000  # kilobytes


def test_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sound("s.wav", 4)
    write_csv("r.csv", **REFERENCE)
    words = ["align", "r.csv", "s.wav", "--out", "o/rows.csv", "--time", "r.csv=t", "--tolerance", "2", "--json"]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert not end.value.code
    said = capsys.readouterr()
    assert json.loads(said.out)["streams"]["s"]["unit"] == "sample"
    assert sorted(path.name for path in Path("o").iterdir()) == ["rows-timeline.png", "rows.csv"]
    with pytest.raises(SystemExit):
        cli.main([word for word in words if word != "--json"])
    assert "open o/rows-timeline.png" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        cli.main([*words[:4], "o/rows.txt"])
    assert end.value.code == 2
    assert capsys.readouterr().err.startswith("error: the table cannot be written to 'rows.txt'")


def test_fit_takes_the_table_as_it_is(here: Path) -> None:
    rate, rows = 8000, 60
    times = np.arange(rows * rate // 4) / rate
    high = (times * 4).astype(int) % 2  # a quarter of a second low, a quarter high
    soundfile.write("tone.wav", 0.5 * np.sin(2 * np.pi * np.where(high, 1500, 300) * times), rate)
    write_csv("r.csv", t=np.arange(rows) / 4, pitch=["low" if row % 2 == 0 else "high" for row in range(rows)])
    for name in ("o/rows.csv", "o/rows.parquet"):
        plait.align("r.csv", "tone.wav", out=name)
        kinds = {column.name: column.kind for column in plait.show(name, target="pitch").schema.columns}
        assert kinds["tone"] == "audio"
    model = plait.fit("o/rows.csv", target="pitch", ignore=["t"], epochs=1)
    assert set(model.predict("o/rows.parquet").status) == {"ok"}
