"""A table is found below what instruments write above it; nothing is left out without a word, and no row is lost."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from plait.data.read import read
from plait.errors import TableError
from plait.streams.read import read_stream

TABLE = {"time": [0, 1, 2], "x": [1.5, 2.5, 3.5]}
ROWS = "0,1.5\n1,2.5\n2,3.5\n"
BARE = {  # nothing is left out, so that nothing is said
    "plain": "time,x\n" + ROWS,
    "trailing commas": "time,x,\n" + ROWS.replace("\n", ",\n"),
    "behind the rows": "time,x\n" + ROWS.replace("\n", ",\n"),
    "behind the header": "time,x,\n" + ROWS,
    "blank lines": "\n\ntime,x\n\n" + ROWS,
    "header as a comment": "# time,x\n" + ROWS,
    "drawn": "+----+---+\n|time| x |\n+----+---+\n"
    + "".join(f"| {row} |\n" for row in ROWS.replace(",", " | ").split("\n")[:-1]),
    "blanks": "time   x\n" + ROWS.replace(",", "  "),
    "blanks in front": "  time   x\n" + ROWS.replace("\n", "\n  ").replace(",", "  "),
}
LEFT_OUT = {  # text → the lines that are left out
    "comments": ("# made by X\n# in May\ntime,x\n" + ROWS, "2 lines that are no rows are left out: '# made by X'"),
    "percent": ("% made by X\n%time,x\n" + ROWS, "1 line that is no row is left out: '% made by X'"),
    "within": ("time,x\n" + ROWS.replace("1,2", "# restart\n1,2"), "1 line that is no row is left out: '# restart'"),
    "device": ("Device: X200\n\ntime,x\n" + ROWS, "1 line that is no row is left out: 'Device: X200'"),
    "padded": (
        "X200,,\nS/N 7,,\ntime,x,z\n" + ROWS.replace("\n", ",7\n"), "2 lines that are no rows are left out: 'X2"
    ),
    "commas above": (
        "Device: X, Y, Z\nStart: 1, 2\ntime;x\n" + ROWS.replace(",", ";"),
        "2 lines that are no rows are left out: 'Device: X"
    ),
    "units": ("time,x\ns,m/s²\n" + ROWS, "1 line that is no row is left out: 's,m/s²'"),
    "units in brackets": ("time,x\n[s],(°C)\n" + ROWS, "1 line that is no row is left out: '[s],(°C)'"),
    "all": ("Log 1\ntime,x\ns,V\n" + ROWS, "2 lines that are no rows are left out: 'Log 1'"),
}  # fmt: skip
AS_THEY_ARE = {  # what looks a little like it, and is not
    "a name of #": ("#,name\n1,ann\n2,bob\n", {"#": [1, 2], "name": ["ann", "bob"]}),
    "a name after #": ("#id,x\n1,2\n", {"#id": [1], "x": [2]}),
    "words of one row": (
        "name,age\nann,old\nbob,3\ncid,4\n",
        {"name": ["ann", "bob", "cid"], "age": ["old", "3", "4"]},
    ),
    "categories like units": ("grp,size\nm,s\nf,m\nm,l\n", {"grp": ["m", "f", "m"], "size": ["s", "m", "l"]}),
    "one column of two words": ("first name\njohn 5\nmary 7\n", {"first name": ["john 5", "mary 7"]}),
    "an empty column with a name": ("a,b\n1,\n2,\n", {"a": [1, 2], "b": [None, None]}),
}


def cells(tmp_path: Path, text: str) -> dict[str, list[Any]]:
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    table = read(tmp_path / "log.csv")
    return {name: table.cells(name) for name in table.names}


def test_an_empty_cell_at_the_end_of_a_drawn_row_stays(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(" a | b \n---+---\n   | 1 \n 2 |   \n(2 rows)\n")
    table = read(tmp_path / "t.txt")
    assert (table.cells("a"), table.cells("b"), table.lines) == ([None, 2], [1, None], [3, 4])


@pytest.mark.parametrize("form", BARE)
def test_blanks_and_delimiters_at_the_end_are_nothing(tmp_path: Path, form: str) -> None:
    assert cells(tmp_path, BARE[form]) == TABLE


@pytest.mark.parametrize("form", LEFT_OUT)
def test_lines_that_are_no_rows_are_left_out_and_said(tmp_path: Path, form: str) -> None:
    text, said = LEFT_OUT[form]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cells(tmp_path, text)
    assert {name: found[name] for name in TABLE} == TABLE
    assert [said in str(one.message) for one in caught] == [True]


@pytest.mark.parametrize("form", AS_THEY_ARE)
def test_rows_that_look_like_it_stay(tmp_path: Path, form: str) -> None:
    text, wanted = AS_THEY_ARE[form]
    assert cells(tmp_path, text) == wanted


@pytest.mark.parametrize("text", ["a,b\n1,2\n1,2,3\n", "a,b\nx,y,1\nz,w,2\nq,r,3\n", "note\nhello, world\nfoo, bar\n"])
def test_a_row_with_too_many_cells_is_an_error_as_before(tmp_path: Path, text: str) -> None:
    with pytest.raises(TableError, match=r"log\.csv, line \d has \d cells, the header has"):
        cells(tmp_path, text)


def test_lines_are_counted_from_the_top(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("Log 1\n\ntime,x\ns,V\n" + ROWS)
    with pytest.warns(UserWarning, match="2 lines"):
        table = read(tmp_path / "log.csv")
    assert (table.lines, table.units) == ([5, 6, 7], {"time": "s", "x": "V"})


def test_a_unit_below_the_header_counts_in_align(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("time,x\nms,V\n0,1\n100,2\n200,3\n")
    with pytest.warns(UserWarning, match="'ms,V'"):
        stream = read_stream(tmp_path / "log.csv", "log")
    assert (stream.clock.unit, stream.step) == ("ms", 100_000_000)
