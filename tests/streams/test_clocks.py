"""Cells of time columns: what is read into them, and what is left unread."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.errors import RequestError, TableError
from plait.streams.clocks import SECOND, find_zone, read_times

TEN = 1_714_557_600  # 2024-05-01T10:00:00Z, in seconds since 1970


def times_of(cells: list[Any], name: str = "time", **options: Any) -> Any:
    return read_times(pa.chunked_array([pa.array(cells)]), name, **options)


def seconds_of(cells: list[Any], name: str = "time", **options: Any) -> list[float | None]:
    """Return what the cells are read as, in seconds."""
    times = times_of(cells, name, **options)
    return [
        value / SECOND if there else None for value, there in zip(times.values.tolist(), times.present, strict=True)
    ]


def test_ten_is_ten() -> None:
    assert datetime(2024, 5, 1, 10, tzinfo=UTC).timestamp() == TEN


@pytest.mark.parametrize(
    ("cell", "unit", "zone"),
    [
        ("2024-05-01T10:00:00Z", "ISO 8601", "UTC"),
        ("2024-05-01T12:00:00+02:00", "ISO 8601", "+02:00"),
        ("2024-05-01T12:00+0200", "ISO 8601", "+02:00"),
        ("2024-05-01 04:30:00.000-0530", "ISO 8601", "-05:30"),
        ("2024-05-01 10:00:00", "ISO 8601", "UTC"),
        ("2024-05-01 10:00:00,000 UTC", "ISO 8601", "UTC"),
        ("01.05.2024 10:00:00", "ISO 8601", "UTC"),
        ("1 May 2024 10:00:00 Z", "ISO 8601", "UTC"),
        (TEN, "s", "UTC"),
        (float(TEN), "s", "UTC"),
        (TEN * 10**3, "ms", "UTC"),
        (TEN * 10**6, "µs", "UTC"),
        (TEN * 10**9, "ns", "UTC"),
        (str(TEN * 10**9), "ns", "UTC"),
        (datetime(2024, 5, 1, 10), "timestamp", "UTC"),
        (datetime(2024, 5, 1, 10, tzinfo=UTC), "timestamp", "UTC"),
    ],
)
def test_one_moment_in_many_forms(cell: Any, unit: str, zone: str) -> None:
    times = times_of([cell, None, cell])
    assert times.values[times.present].tolist() == [TEN * SECOND, TEN * SECOND]
    assert (times.unit, times.zone, times.calendar) == (unit, zone, True)
    assert times.present.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("cells", "name", "unit", "seconds"),
    [
        ([0, 1, 2], "t", "s", [0, 1, 2]),
        ([0.25, 0.5], "time", "s", [0.25, 0.5]),
        ([250, 500], "time_ms", "ms", [0.25, 0.5]),
        ([250, 500], "time [us]", "µs", [0.00025, 0.0005]),
        (["00:00:01.500", "01:00:00,25"], "t", "HH:MM:SS", [1.5, 3600.25]),
        (["10:04", "10:05"], "t", "HH:MM:SS", [36240, 36300]),
        (["01:02.5", "02:00.0"], "t", "HH:MM:SS", [62.5, 120]),
    ],
)
def test_times_from_a_zero_of_their_own(cells: list[Any], name: str, unit: str, seconds: list[float]) -> None:
    times = times_of(cells, name)
    assert (times.unit, times.zone, times.calendar) == (unit, None, False)
    assert seconds_of(cells, name) == seconds


def test_nanoseconds_keep_their_last_digit() -> None:
    assert times_of([TEN * SECOND + 1]).values.tolist() == [TEN * SECOND + 1]
    assert times_of(["2024-05-01T10:00:00.000000001Z"]).values.tolist() == [TEN * SECOND + 1]
    assert times_of(["01.05.2024 10:00:00.250"]).values.tolist() == [TEN * SECOND + 250_000_000]


def test_frame_numbers_need_a_rate() -> None:
    assert seconds_of([0, 30, 45], "frame", rate=30.0) == [0, 1, 1.5]
    assert times_of([0, 30], "frame", rate=30.0).unit == "frame"


def test_what_is_said_goes_before_what_is_found() -> None:
    assert seconds_of([5, 10], "time", unit="ms") == [0.005, 0.01]
    assert seconds_of(["2024-05-01T12:00:00"], zone="Europe/Berlin") == [TEN]
    assert seconds_of(["2024-05-01T12:00:00"], zone="+02:00") == [TEN]
    assert seconds_of(["2024-05-01T10:00:00Z"], zone="Europe/Berlin") == [TEN]  # it says its own


def test_mixed_zones_are_one_moment() -> None:
    cells = ["2024-05-01T10:00:00Z", "2024-05-01T12:00:00+02:00", "2024-05-01T05:00:00-05:00"]
    assert seconds_of(cells) == [TEN, TEN, TEN]
    assert times_of(cells).zone == "+02:00, -05:00, UTC"


def test_dates_without_a_zone_are_taken_as_utc_and_it_is_said() -> None:
    times = times_of(["2024-05-01T10:00:00"])
    assert times.naive and times.sure < 1
    assert times.why == "dates without a zone, taken as UTC"
    mixed = times_of(["2024-05-01T10:00:00", "2024-05-01T12:00:00+02:00"])
    assert mixed.notes == ("1 row has no zone, taken as UTC; the others say theirs",)


def test_a_cell_that_is_no_time_is_absent_with_a_reason() -> None:
    cells = ["2024-05-01T10:00:00Z", "soon", "2024-02-30T00:00:00Z", None, "2024-05-01T10:00:01Z"]
    assert seconds_of(cells) == [TEN, None, None, None, TEN + 1]
    said = "2 rows have no time that can be read (row 1 'soon', row 2 '2024-02-30T00:00:00Z')"
    assert times_of(cells).notes == (said,)


def test_numbers_with_a_word_among_them() -> None:
    assert seconds_of(["1", "2.5", "later", ""]) == [1, 2.5, None, None]
    assert times_of(["1", "2", "later"]).notes == ("1 row has no time that can be read (row 2 'later')",)


def test_a_column_without_times_is_refused() -> None:
    with pytest.raises(TableError, match="no cell of column 'time' can be read as a time: 1 row has no time"):
        times_of(["soon"])


def test_a_column_of_hours_that_never_come_is_refused() -> None:
    with pytest.raises(TableError, match="1 row lies in the hour that clocks skip"):
        times_of(["2024-03-31T02:30:00"], zone="Europe/Berlin")


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no time zone 'Europe/Berlim'\. Did you mean 'Europe/Berlin'\?"):
        find_zone("Europe/Berlim")


def test_clocks_that_pass_midnight_count_on() -> None:
    assert seconds_of(["23:59:59", "00:00:01"]) == [86_399, 86_401]
    assert seconds_of(["00:00:02", "00:00:01"]) == [2, 1]  # a step back of a second is no midnight


def test_the_hour_that_comes_twice_is_told_by_the_order() -> None:
    # Berlin, 2024-10-27: at 03:00 +02:00 clocks go back to 02:00 +01:00, which is 01:00 UTC
    local = ["2024-10-27T01:30:00", "2024-10-27T02:30:00", "2024-10-27T02:00:00", "2024-10-27T03:00:00"]
    one = datetime(2024, 10, 27, 1, tzinfo=UTC).timestamp()
    assert seconds_of(local, zone="Europe/Berlin") == [one - 5400, one - 1800, one, one + 3600]
    (note,) = times_of(local, zone="Europe/Berlin").notes
    assert note == "2 rows lie in the hour that comes twice; their order tells which"


def test_the_hour_that_comes_twice_is_absent_where_the_order_does_not_tell() -> None:
    local = ["2024-10-27T01:30:00", "2024-10-27T02:30:00", "2024-10-27T03:00:00"]
    one = datetime(2024, 10, 27, 1, tzinfo=UTC).timestamp()
    assert seconds_of(local, zone="Europe/Berlin") == [one - 5400, None, one + 3600]
    assert "their order does not tell which" in times_of(local, zone="Europe/Berlin").notes[0]


def test_the_hour_that_never_comes_is_absent() -> None:
    local = ["2024-03-31T01:59:59", "2024-03-31T02:30:00", "2024-03-31T03:00:00"]
    one = datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp()
    assert seconds_of(local, zone="Europe/Berlin") == [one - 1, None, one]
    assert times_of(local, zone="Europe/Berlin").notes == (
        "1 row lies in the hour that clocks skip; they have no time",
    )


def test_many_cells_are_read_at_once() -> None:
    stamps = np.datetime64("2024-05-01T10:00:00", "ms") + np.arange(300_000)
    cells = pa.chunked_array([pa.array(np.datetime_as_string(stamps)).cast(pa.string())])
    times = read_times(cells, "time")
    assert times.present.all()
    assert np.array_equal(times.values, TEN * SECOND + np.arange(300_000) * 1_000_000)
