"""A file or a table as a stream: which column holds its times, its cues, its length."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import plait
from plait.errors import RequestError, TableError
from plait.streams.clocks import SECOND
from plait.streams.read import Stream, TimeSpec, number_columns, numbers_of, parse_spec, read_stream
from recordings import columns_of, enter_folder, write, write_csv, write_sound

here = pytest.fixture(enter_folder)


def test_webvtt_and_a_cue_that_cannot_be_read(here: Path) -> None:
    vtt = (
        "WEBVTT\n\nNOTE no cue\n\nid\n00:01.000 --> 00:02.000 align:start\n<v Ann>hello\n\n00:0x --> 00:03.000\nlost\n"
    )
    aligned = plait.align(write_csv("r.csv", t=[0, 1.5, 2.5], n=[1, 2, 3]), write("w.vtt", vtt))
    assert columns_of(aligned)["text"] == ["hello", "hello", None]  # a row lasts to the next one
    assert "1 row has no time that can be read" in aligned.report["streams"]["w"]["note"]


def stream_of(said: str | None = None, **columns: Any) -> Stream:
    return read_stream(columns, "s", said)


def begins(stream: Stream) -> list[float | None]:
    times = zip(stream.begin.tolist(), stream.present, strict=True)
    return [time / SECOND if there else None for time, there in times]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (("x", "time", "start"), "time"),
        (("x", "Time [s]"), "Time [s]"),
        (("x", "recorded_at", "onset"), "onset"),
        (("x", "recorded_at"), "recorded_at"),
        (("x", "时间戳"), "时间戳"),
    ],
)
def test_a_time_column_is_told_by_its_name(columns: tuple[str, ...], found: str) -> None:
    stream = stream_of(**{name: [1, 2, 4] for name in columns})
    assert stream.time_columns == (found,)
    assert stream.values == [name for name in columns if name != found]
    assert f"column {found!r}" in stream.clock.why and "found by its name and cells" in stream.clock.why


def test_or_by_cells_that_are_dates() -> None:
    stream = stream_of(x=[1, 2], said_on=["2024-05-01", "2024-05-02"])
    assert stream.time_columns == ("said_on",)
    assert begins(stream) == [1714521600, 1714608000]  # midnight UTC
    assert stream_of(x=[1, 2], born=[date(2024, 5, 1), date(2024, 5, 2)]).time_columns == ("born",)


def test_what_has_the_name_but_no_times_is_told() -> None:
    with pytest.raises(TableError, match=r"s: column 'time' has the name of a time column, but its cells .* 'soon'"):
        stream_of(time=["soon", "later"], x=[1, 2])
    with pytest.raises(TableError, match=r"but all its cells are blank"):
        stream_of(time=[None, None], x=[1, 2])
    with pytest.raises(TableError, match=r"s has no time column that can be told: .* among x, w\. Name it: --time"):
        stream_of(x=[1, 2], w=["a", "b"])


def test_frames_need_their_rate() -> None:
    assert begins(stream_of("frame@25", frame=[0, 50], x=[1, 2])) == [0, 2]
    assert begins(stream_of("frame@30000/1001", frame=[0, 30000], x=[1, 2])) == [0, 1001]
    with pytest.raises(RequestError, match="numbers of frames, and their rate is not known"):
        stream_of(frame=[0, 50], x=[1, 2])


def test_an_end_is_found_beside_its_start() -> None:
    stream = stream_of(start_ms=[0, 1500], end_ms=[1000, 2500], x=[1, 2])
    assert stream.time_columns == ("start_ms", "end_ms")
    assert stream.end is not None
    assert (stream.end / SECOND).tolist() == [1, 2.5]
    assert (stream.first, stream.last) == (0, 2_500_000_000)


def test_a_length_is_counted_from_its_start() -> None:
    stream = stream_of(onset=[1, 2], duration=[0.5, 3], x=[1, 2])
    assert stream.end is not None
    assert (stream.end / SECOND).tolist() == [1.5, 5]


def test_a_row_that_ends_before_it_begins_is_a_point_and_counted() -> None:
    stream = stream_of(start=[0, 5, 6], end=[1, 4, None], x=[1, 2, 3])
    assert stream.end is not None
    assert (stream.end / SECOND).tolist() == [1, 5, 6]
    assert stream.clock.notes[-1] == "2 rows have no end, or one before their start; they count as points in time"


def test_the_usual_step_is_the_middle_one() -> None:
    assert stream_of(t=[5, 0, 1, 2, 2]).step == SECOND  # between 0, 1, 2 and 5
    assert stream_of(t=[5]).step == 0


def test_a_sound_is_one_row_as_long_as_it_sounds(here: Path) -> None:
    stream = read_stream(write_sound("s.wav", 2.5), "s")
    assert (stream.kind, stream.rate, stream.given) == ("sound", 8000, "s.wav")
    assert (stream.first, stream.last) == (0, 2_500_000_000)
    soundfile.write("none.wav", np.zeros(0), 8000)
    with pytest.raises(TableError, match=r"none\.wav is empty: it has 0 samples"):
        read_stream("none.wav", "none")


def test_a_zero_is_put_where_the_user_says(here: Path) -> None:
    stream = read_stream(write_sound("s.wav", 1), "s", "2024-05-01T12:00:00+02:00")
    assert stream.first == 1714557600 * SECOND
    assert stream.clock.calendar
    assert stream.clock.why.endswith("its zero is 2024-05-01T12:00:00+02:00 as said")
    with pytest.raises(RequestError, match="s: its times are dates already, so they take no start"):
        stream_of("time@2024-05-01", time=["2024-05-01T10:00:00Z"], x=[1])


def test_cues_of_a_subtitle_file(here: Path) -> None:
    lines = "1\n00:00:01,500 --> 00:00:02,000\n<i>Tom &amp; Ann</i>\nsay hello\n\n2\n01:00:00,000 --> 01:00:01,000\n\n"
    stream = read_stream(write("w.srt", lines), "w")
    assert stream.kind == "cues"
    assert stream.table.cells("text") == ["Tom & Ann say hello", None]
    assert stream.table.cells("start") == [1.5, 3600]
    assert stream.table.cells("end") == [2, 3601]
    assert stream.values == ["text"]
    with pytest.raises(TableError, match=r"n\.srt holds no cues\. Expected lines such as 00:00:01,000 -->"):
        read_stream(write("n.srt", "hello\n"), "n")


@pytest.mark.parametrize(
    ("text", "names", "spec"),
    [
        ("clock", ["clock"], TimeSpec(("clock",))),
        ("start,end@ms", ["start", "end"], TimeSpec(("start", "end"), unit="ms")),
        ("frame@29.97", ["frame"], TimeSpec(("frame",), rate=29.97)),
        ("t@Europe/Berlin@2024-05-01", ["t"], TimeSpec(("t",), zone="Europe/Berlin", start="2024-05-01")),
        ("a@b,c", ["a@b,c"], TimeSpec(("a@b,c",))),
        ("2024-05-01", [], TimeSpec((), start="2024-05-01")),
    ],
)
def test_what_is_said_of_a_time_is_taken_apart(text: str, names: list[str], spec: TimeSpec) -> None:
    assert parse_spec(text, names) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tim", r"there is no column 'tim'\. Did you mean 'time'\?"),
        ("time,end,x", "expected one column, or two for start and end"),
        ("time@0", "a rate must be above 0"),
        ("time@Europe/Berlim", "no time zone 'Europe/Berlim'"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        parse_spec(text, ["time", "end", "x"])


def test_columns_of_arrays_are_refused() -> None:
    with pytest.raises(TableError, match="column 'x' of s holds arrays"):
        stream_of(t=[0, 1], x=np.zeros((2, 3)))


def test_numbers_of_a_column_have_nan_where_it_is_blank() -> None:
    table = stream_of(t=[0, 1], x=[1, None], w=["a", "b"]).table
    assert number_columns(table, ["w", "x"]) == ["x"]
    assert np.array_equal(numbers_of(table, "x"), [1, np.nan], equal_nan=True)


DAYS, CLOCKS = ["2025-04-07", "2025-04-07", "2025-04-08"], ["08:30:05", "08:30:06", "08:30:05"]
MOMENTS = [1744014605, 1744014606, 1744101005]


@pytest.mark.parametrize(
    "columns",
    [
        {"DATE": DAYS, "TIME": CLOCKS},
        {"time": CLOCKS, "day": [date.fromisoformat(day) for day in DAYS]},
        {"Datum": ["07.04.2025", "07.04.2025", "08.04.2025"], "n": [1, 2, 3], "Uhrzeit": CLOCKS},
        {"date": [20250407, 20250407, 20250408], "time": [f"{clock} AM" for clock in CLOCKS]},
        {"birth_date": ["1990-01-02"] * 3, "visit_date": DAYS, "visit_time": CLOCKS},
    ],
)
def test_a_date_and_a_time_beside_it_are_one_moment(columns: dict[str, Any]) -> None:
    stream = stream_of(**columns)
    assert (stream.begin // SECOND).tolist() == MOMENTS
    assert len(stream.time_columns) == 2 and stream.clock.calendar


def test_an_end_has_the_day_too_and_may_lie_after_midnight() -> None:
    stream = stream_of(date=DAYS, start_time=CLOCKS, end_time=["08:31:05", "08:30:07", "00:30:05"])
    assert stream.end is not None
    assert ((stream.end - stream.begin) // SECOND).tolist() == [60, 1, 16 * 3600]


def test_a_date_that_cannot_be_told_is_said() -> None:
    notes = stream_of(born=["1990-01-02"] * 3, seen=DAYS, n=[1, 2, 3], time=CLOCKS).clock.notes
    assert "which of born, seen holds the days of 'time' cannot be told; say so: DATE,time" in notes
    assert (stream_of("seen,time", born=DAYS, seen=DAYS, time=CLOCKS).begin // SECOND).tolist() == MOMENTS


def test_the_parts_of_a_date_are_one_moment() -> None:
    stream = stream_of(year=[2025] * 3, month=[4] * 3, day=[7, 7, 8], hour=[8, None, 8], x=[1, 2, 3])
    assert (stream.begin[stream.present] // SECOND).tolist() == [1744012800, 1744099200]
    assert stream.values == ["x"]


def test_numbers_as_people_write_them_are_numbers() -> None:
    table = stream_of(t=[0, 1, 2], price=["1.234,50 €", "2,00 €", ""], w=["a", "b", "c"]).table
    assert number_columns(table, table.names) == ["t", "price"]
    assert np.array_equal(numbers_of(table, "price"), [1234.5, 2, np.nan], equal_nan=True)
