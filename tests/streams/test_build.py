"""The rows of the output, and what each stream puts into them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import plait
from plait.errors import RequestError
from plait.streams.build import Joined, choose_join, default_tolerance, make_rows, name_columns
from plait.streams.clocks import SECOND
from plait.streams.read import read_stream
from plait.streams.settle import Placed, place
from recordings import REFERENCE, columns_of, enter_folder, write, write_csv, write_sound

here = pytest.fixture(enter_folder)


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


def test_windows_of_many_rows_are_kept_as_series(here: Path) -> None:
    reference = write_csv("r.csv", start=[0, 1, 2], end=[1, 2, 3])
    rate, points = 10, 20
    x, y = list(range(points)), [0.5 * k for k in range(points)]
    stream = write_csv("s.csv", time=[k / rate for k in range(points)], x=x, y=y, w=["p"] * points)
    aligned = plait.align(reference, stream, join={"s": "window"}, out="a.csv")
    first, second, third = columns_of(aligned)["s.series"]
    assert first == [x[:10], y[:10]] and second == [x[10:], y[10:]] and third is None
    assert "as a series x, y" in str(aligned.report)
    found = {column.name: column.kind for column in plait.show("a.csv").schema.columns}
    assert found["s.series"] == "series"
    few = plait.align(reference, write_csv("f.csv", time=[0, 1.1], x=[1, 2]), join={"f": "window"})
    assert "f.series" not in columns_of(few)


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


def placed(name: str = "s", **columns: Any) -> Placed:
    return place(read_stream(columns, name))


def seconds(times: np.ndarray) -> list[float]:
    return (times / SECOND).tolist()


def test_a_row_lasts_to_the_next_time_in_any_order() -> None:
    rows = make_rows(placed(t=[4, 0, None, 1, 1]), None, None)
    assert rows.present.tolist() == [True, True, False, True, True]
    assert seconds(rows.begin) == [4, 0, 0, 1, 1]
    kept = rows.end[rows.present]
    assert seconds(kept) == [6, 1, 4, 4]  # the last lasts the usual step: the middle one of 1 and 3
    assert rows.step == 2 * SECOND


def test_a_tolerance_cuts_a_long_row_short() -> None:
    rows = make_rows(placed(t=[0, 1, 9]), None, 2 * SECOND)
    assert seconds(rows.end) == [1, 3, 11]


def test_a_rate_makes_even_rows_from_the_first_time_to_the_last() -> None:
    rows = make_rows(placed(t=[10, 11.1]), 4.0, None)
    assert seconds(rows.begin) == [10, 10.25, 10.5, 10.75]
    assert seconds(rows.end) == [10.25, 10.5, 10.75, 11]
    assert len(make_rows(placed(t=[10]), 4.0, None).begin) == 1


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(RequestError, match=r"--rate 1e\+09 makes 1,000,000,000 rows; expected at most 100,000,000"):
        make_rows(placed(t=[0, 1]), 1e9, None)


def test_a_way_that_does_not_suit_a_stream_is_refused(here: Path) -> None:
    sound, words = place(read_stream(write_sound("s.wav", 1), "s")), placed(t=[0, 1], w=["a", "b"])
    assert [choose_join(one, None) for one in (sound, words)] == ["overlap", "nearest"]
    assert choose_join(placed(start=[0, 1], end=[1, 2]), None) == "overlap"
    with pytest.raises(RequestError, match=r"--join s\.wav=nearest: a sound is cut at the rows' times"):
        choose_join(sound, "nearest")
    with pytest.raises(RequestError, match="--join s=linear: it has no column of numbers"):
        choose_join(words, "linear")


def test_what_is_farther_than_one_and_a_half_steps_lies_beyond_a_gap() -> None:
    rows = make_rows(placed(t=[0, 3]), None, None)
    assert default_tolerance(rows, placed(t=[0, 2, 4])) == 3 * SECOND
    assert default_tolerance(rows, placed(t=[7])) == 4.5 * SECOND  # one time has no step: that of the rows


def test_names_that_come_twice_get_the_name_of_their_stream() -> None:
    cells = pa.chunked_array([[1]])
    first, second = (
        Joined(dict.fromkeys(names, cells), np.ones(1, bool), "") for names in (["x", "y"], ["x", "count"])
    )
    found = name_columns(["t", "b.x"], [("a", first), ("b", second)])
    assert found == [{"x": "a.x", "y": "y"}, {"x": "b.x_2", "count": "b.count"}]
