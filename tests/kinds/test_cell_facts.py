"""The facts of opened cells: kept and read back, compared, and a column of them that is not alike."""

import pytest

from plait.kinds.audio.checks import SoundFacts
from plait.kinds.cell_facts import CellFacts, check_mixed, contents, kept_keys, rows_where
from plait.kinds.image.checks import PictureFacts


def test_facts_of_another_form_are_not_believed() -> None:
    assert PictureFacts.from_json("image", {"kind": "image", "width": "30"}) is None
    assert PictureFacts.from_json("image", {"kind": "image", "rate": 1}) is None
    assert PictureFacts.from_json("image", {"kind": "video"}) is None
    assert PictureFacts.from_json("image", {"kind": "image", "thumb": "%"}) is None
    assert PictureFacts.from_json("image", None) is None
    assert PictureFacts.from_json("image", {"kind": "image", "width": 30}) == PictureFacts("image", width=30)


@pytest.mark.parametrize(
    "facts",
    [
        PictureFacts("image", digest="ab", format="PNG", thumb=b"\0\1", width=3, one_colour=True),
        SoundFacts("audio", "truncated", "cut off", decoded="cd", seconds=0.5),
    ],
)
def test_facts_are_read_back_as_they_were(facts: CellFacts) -> None:
    assert facts.from_json(facts.kind, facts.to_json()) == facts


def test_places_are_not_kept() -> None:
    assert PictureFacts("image", path="/a.png", outside=True, width=3).to_json() == {"kind": "image", "width": 3}


def test_a_row_is_compared_by_what_can_be_read() -> None:
    cells = [CellFacts("x", digest="a"), CellFacts("x", "missing"), None, CellFacts("x", digest="f", decoded="b")]
    assert contents({"p": cells}) == [("a",), None, None, ("b",)]
    assert contents({"p": cells[:2], "q": cells[2:]}) == [("a", None), (None, "b")]


def test_features_are_kept_of_one_column_alone() -> None:
    cells = [CellFacts("x", cell="0a"), None]
    assert kept_keys({"p": cells}) == [b"\n"]
    assert kept_keys({"p": cells, "q": cells}) == []


def test_a_column_of_several_forms_is_a_finding() -> None:
    cells = [CellFacts("x", format=form) for form in ("PNG", "PNG", "GIF")] + [CellFacts("x", "missing"), None]
    (finding,) = check_mixed("p", cells, "x-mixed", lambda cell: cell.format, "several formats", "Nothing is needed.")
    assert finding.message == "several formats: 2 PNG, 1 GIF; row 2 is GIF"
    assert check_mixed("p", cells[:2], "x-mixed", lambda cell: cell.format, "several formats", "") == []
    assert rows_where(cells, lambda cell: cell.format != "PNG") == (2,)
    assert rows_where(cells, lambda cell: cell.format != "PNG", readable=False) == (2, 3)
