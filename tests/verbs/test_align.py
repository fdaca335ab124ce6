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
from recordings import REFERENCE, columns_of, enter_folder, write, write_csv, write_sound

here = pytest.fixture(enter_folder)


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


@pytest.mark.heavy
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
    model = plait.fit("o/rows.csv", target="pitch", ignore=["t"], candidates="alone", epochs=1)
    assert set(model.predict("o/rows.parquet").status) == {"ok"}
