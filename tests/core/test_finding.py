"""A finding as JSON, and the words that findings share."""

from plait.core.finding import Finding, quoted, say_cells


def test_a_finding_becomes_json() -> None:
    finding = Finding("warning", "audio-silent", "call", (3, 5), "2 cells hold silence", "Record them again.")
    assert finding.to_json() == {
        "severity": "warning",
        "check": "audio-silent",
        "column": "call",
        "rows": [3, 5],
        "message": "2 cells hold silence",
        "mend": "Record them again.",
    }


def test_one_cell_does_and_several_do() -> None:
    assert say_cells(1, "is an address") == "1 cell is an address"
    assert say_cells(1200, "is an address") == "1,200 cells are an address"
    assert say_cells(2, "holds") == "2 cells hold"
    assert say_cells(3, "has holes") == "3 cells have holes"


def test_a_name_with_a_blank_is_quoted() -> None:
    assert quoted("age") == "age"
    assert quoted("the age") == "'the age'"
