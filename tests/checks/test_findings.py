"""Findings: the worst first, as text for people and as JSON with every row."""

import json

import pytest

from plait.checks.findings import Findings, show_rows
from plait.core.finding import Finding

MISSING = Finding("error", "file-missing", "photo", (3,), "no file is there", "Put it there.")
FLAT = Finding("warning", "image-one-colour", "photo", tuple(range(10)), "10 pictures are flat", "Look at them.")
SHORT = Finding("warning", "audio-short", "sound", (1, 4), "2 sounds are short", "Listen to them.")
FEW = Finding("note", "rows-few", None, (), "there are few rows", "Find more.")


def test_the_worst_come_first_then_those_of_more_rows() -> None:
    found = Findings.of(20, [FEW, SHORT, FLAT, MISSING])
    assert list(found) == [MISSING, FLAT, SHORT, FEW]
    assert len(found) == 4


def test_what_makes_a_score_untrue_comes_before_odd_cells() -> None:
    leak, wrong = (
        Finding("warning", name, "y", rows, "", "") for name, rows in (("label-leak", ()), ("label-wrong", (1,)))
    )
    constant = Finding("warning", "table-constant", "x", (), "", "")  # of all rows
    assert list(Findings.of(20, [FLAT, constant, wrong, leak])) == [leak, wrong, constant, FLAT]


def test_equals_stand_in_the_order_of_their_checks() -> None:
    one, two = (Finding("note", name, None, (), "", "") for name in ("b", "a"))
    assert list(Findings.of(20, [one, two])) == [two, one]


def test_they_are_counted_by_severity() -> None:
    found = Findings.of(20, [FEW, SHORT, FLAT])
    assert [found.count(severity) for severity in ("error", "warning", "note")] == [0, 2, 1]


def test_the_text_says_where_what_and_how_to_mend_it() -> None:
    assert str(Findings.of(1200, [FEW, SHORT, MISSING])) == (
        "1,200 rows checked: 1 error, 1 warning, 1 note\n"
        "\n"
        "error: file-missing: photo: no file is there (row 3)\n"
        "  Put it there.\n"
        "\n"
        "warning: audio-short: sound: 2 sounds are short (rows 1, 4)\n"
        "  Listen to them.\n"
        "\n"
        "note: rows-few: there are few rows\n"
        "  Find more."
    )
    assert str(Findings.of(2, [])) == "2 rows checked: 0 errors, 0 warnings, 0 notes"


def test_json_has_every_row() -> None:
    told = json.loads(json.dumps(Findings.of(20, [FLAT, FEW]).to_json()))
    assert told["rows"] == 20
    assert told["findings"][0] == {
        "severity": "warning",
        "check": "image-one-colour",
        "column": "photo",
        "rows": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        "message": "10 pictures are flat",
        "mend": "Look at them.",
    }
    assert (told["findings"][1]["column"], told["findings"][1]["rows"]) == (None, [])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([7], "row 7"),
        ([3, 5], "rows 3, 5"),
        (range(8), "rows 0, 1, 2, 3, 4, 5, 6, 7"),
        (range(9), "rows 0, 1, 2, 3, 4, 5, 6, 7 and 1 more"),
    ],
)
def test_only_the_first_rows_are_shown(rows: list[int], said: str) -> None:
    assert show_rows(rows) == said
