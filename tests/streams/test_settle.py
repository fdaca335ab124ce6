"""Streams meet on the clock of the reference: zones, units, days; only what is clear."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.errors import RequestError
from plait.streams.clocks import SECOND
from plait.streams.drift import Line
from plait.streams.read import read_stream
from plait.streams.settle import check_overlap, place, settle, settle_reference, tell
from recordings import DATED, columns_of, enter_folder, write_csv, write_sound

here = pytest.fixture(enter_folder)


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
    assert told["why"].endswith("(80 % sure)")


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


def test_rows_are_sorted_and_what_was_odd_is_said() -> None:
    placed = place(read_stream({"t": [3, 1, None, 1]}, "s"), ["as told"])
    assert placed.order.tolist() == [1, 3, 0]
    assert (placed.sorted_begin / SECOND).tolist() == [1, 1, 3]
    assert placed.notes == (
        "as told",
        "not in order of time (1 step back); sorted to join",
        "1 row repeats a time; the later row counts",
        "1 of 4 rows have no time and join nothing",
    )


def test_through_a_line_and_back() -> None:
    line = Line(2.0, 1.5, np.array([2.0]), np.array([1.5]), 0.0, (1, 1), 0.0, 1.0, 0.0)
    placed = place(read_stream({"start": [10, 12], "end": [11, 14]}, "s"), (), line, (10 * SECOND, 100 * SECOND))
    assert (placed.sorted_begin / SECOND).tolist() == [102, 105]  # 100 + 2 + 1.5 × (t − 10)
    assert (placed.sorted_end / SECOND).tolist() == [103.5, 108]
    assert (placed.to_own(placed.sorted_begin) / SECOND).tolist() == [10, 12]


def test_a_time_is_told_as_a_date_or_as_seconds() -> None:
    assert tell(1_500_000_000, False) == "1.5 s"
    assert tell(1714557600 * SECOND, True) == "2024-05-01T10:00:00Z"
    assert tell(1714557600 * SECOND + 250_000_000, True) == "2024-05-01T10:00:00.250Z"


def test_the_zone_of_a_reference_is_found_by_a_stream_that_says_its_own() -> None:
    local = read_stream({"time": [f"2024-05-01T12:0{m}:00" for m in range(5)]}, "r")
    reference, notes = settle_reference(local, [read_stream(DATED, "s")])
    assert (reference.clock.zone, reference.first) == ("+02:00", 1714557600 * SECOND)
    assert notes == ["its dates have no zone: read as +02:00, where they overlap s; as UTC they do not"]
    assert settle_reference(local, [local]) == (local, [])


def test_where_no_zone_alone_makes_them_overlap_none_is_chosen() -> None:
    short = read_stream({"time": ["2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z"]}, "r")
    far = read_stream({"time": ["2024-05-09T12:00:00", "2024-05-09T12:01:00"]}, "s")
    assert settle(short, far, False) == (far, ["its dates have no zone: taken as UTC"])


def test_a_unit_that_is_said_is_not_guessed_again() -> None:
    reference = read_stream({"time_s": [0, 1, 2, 3]}, "r")
    said = read_stream({"time": [0, 1000, 2000, 3000]}, "s", "time@s")
    assert settle(reference, said, False) == (said, [])
    found, notes = settle(reference, read_stream({"time": [0, 1000, 2000, 3000]}, "s"), False)
    assert (found.begin / SECOND).tolist() == [0, 1, 2, 3]
    assert notes == ["its numbers are taken as ms: as seconds they would not fit r"]


def test_times_of_the_day_meet_dates_on_the_day_on_which_they_overlap() -> None:
    dated = read_stream({"time": ["2024-05-01T23:58:00Z", "2024-05-02T00:04:00Z"]}, "r")
    found, (note,) = settle(dated, read_stream({"time": ["23:59:00", "00:03:00"]}, "s"), False)
    assert found.first == dated.first + 60 * SECOND
    assert found.last == dated.last - 60 * SECOND
    assert note == "clock times of s are taken as times of the day 2024-05-01, UTC"
    other, _ = settle(read_stream({"time": ["23:59:00", "00:03:00"]}, "s"), dated, False)
    assert not other.clock.calendar
    assert other.first == (23 * 60 + 58) * 60 * SECOND


def test_streams_that_share_no_time_are_refused_beyond_the_tolerance() -> None:
    reference = read_stream({"time": [0, 10]}, "r")
    later = place(read_stream({"time": [12, 13]}, "s"))
    check_overlap(reference, later, 2 * SECOND)
    with pytest.raises(RequestError, match="s does not overlap r: it runs from 12 s to 13 s, the reference from 0 s"):
        check_overlap(reference, later, 2 * SECOND - 1)
