"""What is found in a column of series: other forms, holes, sensors that are off, and what cannot be read."""

import numpy as np
import pytest

import plait
from plait.kinds.series.checks import SeriesFacts, check_facts, look, quick

WAVE = np.sin(np.arange(30) / 3)


def found(*cells: object) -> dict[str, tuple[tuple[int, ...], str]]:
    facts = [None if cell is None else look(cell, None) for cell in cells]
    return {finding.check: (finding.rows, finding.message) for finding in check_facts("s", facts)}


def test_other_forms_holes_and_still_channels_are_found() -> None:
    still, holed = np.stack([WAVE, np.ones(30)]), np.stack([WAVE, WAVE])
    holed[0, :20] = np.nan
    whole = np.stack([WAVE, WAVE])
    seen = found(whole, whole, still, holed, WAVE, np.tile(whole, 4), None)
    assert {check: rows for check, (rows, _) in seen.items()} == {
        "series-constant": (2,),
        "series-holes": (3,),
        "series-channels": (4,),
        "series-length": (5,),
    }
    assert seen["series-channels"][1].endswith("than the usual 2; the first: 1 channel")
    assert seen["series-length"][1].endswith("than the usual 30 points; the first: 120 points")
    assert seen["series-holes"][1].endswith("the first: 33%")


def test_time_may_be_the_first_axis() -> None:
    assert found(np.stack([WAVE, WAVE]).T, np.stack([WAVE[:20], WAVE[:20]]).T).keys() == set()


def test_equal_numbers_are_one_content_however_written() -> None:
    one, other = look(np.array([0.5, 0.25]), None), look("[0.5, 0.25]", None)
    assert one.decoded == other.decoded
    assert SeriesFacts.from_json("series", one.to_json()) == one
    assert look(np.ones((2, 9)), None).bare
    assert not look(np.stack([np.ones(30), WAVE]), None).bare


def test_quick_numbers_are_scaled() -> None:
    values, present = quick({"s": [look(WAVE, None), look(WAVE + 2, None), None]}, {})
    assert values.shape == (3, 96)
    assert present.tolist() == [True, True, False]
    assert values[0, :16] == pytest.approx(-1, abs=1e-3)
    assert values[1, :16] == pytest.approx(1, abs=1e-3)


def test_check_names_what_fit_takes_as_absent() -> None:
    cells = [(WAVE + k).tolist() for k in range(8)]
    cells[1], cells[2], cells[3] = [[1.0, 2.0], [3.0]], [], [None] * 5
    cells[4], cells[5] = "gone.csv", "word"
    seen = plait.check({"s": cells, "y": [0, 1] * 4}, target="y", kinds={"s": "series"})
    assert {(f.check, f.rows) for f in seen if f.column == "s"} == {
        ("series-ragged", (1,)),
        ("series-empty", (2,)),
        ("series-not-finite", (3,)),
        ("file-missing", (4, 5)),
    }
