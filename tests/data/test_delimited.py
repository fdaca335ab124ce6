"""CSV and its like: delimiter, header, types and lines are found; what is no table is refused with the line."""

import csv
import io
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data.delimited import not_utf8, read_delimited
from plait.data.read import read
from plait.errors import TableError
from text_files import write


def test_csv_has_types_holes_lines_and_a_folder(tmp_path: Path) -> None:
    table = read(write(tmp_path, "a.csv", 'n,x,code,note\n1,0.5,007,"two\nlines"\n\n2,,010,NA\n3,1e3,011,  \n'))
    assert table.shape == (3, 4)
    assert table.cells("n") == [1, 2, 3]
    assert table.cells("x") == [0.5, None, 1000.0]
    assert table.cells("code") == ["007", "010", "011"]
    assert table.cells("note") == ["two\nlines", "NA", None]
    assert table.lines == [2, 5, 6]
    assert table.folder == tmp_path
    assert table.place("x", 1) == "column 'x', row 1 (line 5)"


def test_words_for_missing_are_absent_among_numbers_only(tmp_path: Path) -> None:
    table = read(write(tmp_path, "a.csv", "age,country\n30,NA\nNA,DE\n n/a ,FR\n"))
    assert table.cells("age") == [30, None, None]
    assert table.cells("country") == ["NA", "DE", "FR"]


def test_one_broken_number_keeps_the_text(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", "n\n1\nabc\n")).cells("n") == ["1", "abc"]


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("excel.csv", "name;größe\r\nA, b;1,5\r\nC;2\r\n", "utf-8-sig"),
        ("said.csv", "sep=;\r\nname;größe\r\nA, b;1,5\r\nC;2\r\n", "utf-8"),
        ("tabs.tsv", 'name\tgröße\n"A, b"\t1.5\nC\t2\n', "utf-8"),
        ("tabs.txt", "name\tgröße\nA, b\t1.5\nC\t2\n", "utf-16"),
        ("bars.csv", "name|größe\nA, b|1.5\nC|2\n", "utf-8"),
    ],
)
def test_delimiters_and_encodings_are_found(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    table = read(write(tmp_path, name, text, encoding))
    assert table.names == ["name", "größe"]
    assert table.cells("name") == ["A, b", "C"]
    assert table.cells("größe") == [1.5, 2.0]


def test_a_column_without_a_name_is_called_as_in_pandas(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", ",b\n7,x\n9,y\n")
    assert read(path).names == ["Unnamed: 0", "b"] == list(pandas.read_csv(path).columns)


def test_a_long_csv_keeps_its_order(tmp_path: Path) -> None:
    table = read(write(tmp_path, "a.csv", "n,t\n" + "".join(f"{i},t{i}\n" for i in range(70_000))))
    assert len(table) == 70_000
    assert table.cells("t", [0, 65_536, 69_999]) == ["t0", "t65536", "t69999"]
    assert table.lines is not None
    assert table.lines[-1] == 70_001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.csv is empty"),
        (" \n\n", "a.csv is empty"),
        ("a,b\n", "column names but no rows"),
        ("a,b\n1,2\n\n3\n", "a.csv, line 4 has 1 cell, the header has 2. Write the delimiter"),
        ('a,b\n1,"x\ny"\n1,2,3\n', "a.csv, line 4 has 3 cells, the header has 2. Put a cell that holds the delimiter"),
        ('a,b\n1,2\n3,"x\n4,5\n', "a.csv, line 3: unexpected end of data. Put a cell that holds quotes"),
        ("a,b,a\n1,2,3\n", "two columns named 'a'. Rename or remove"),
        ("img/1.png,3\nimg/2.png,4\n", r"no header: its first line looks like a row \(img/1.png, 3\)"),
        ("1.5,3\n2.5,4\n", "no header"),
        ("5.1,3.5,red\n4.9,3.0,red\n6.2,2.9,blue\n", "no header"),
        ("39, State,-2\n50, Self,0\n38, State,1\n", "no header"),
        ("\n<table><tr><td>1</td></tr></table>\n", "holds HTML or XML: save its table as CSV"),
        ("% a comment\n@RELATION iris\n@attribute a numeric\n@data\n1\n", "is ARFF, as Weka writes it"),
        ("1 1:0.5 3:2\n-1 2:1\n", "is in the form of LIBSVM"),
        ("a,b\n1,\0\n", "holds zero bytes"),
    ],
)
def test_a_bad_csv_is_refused_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(write(tmp_path, "a.csv", text))


@pytest.mark.parametrize(
    "text", ["400.5,401.5,kind\n1,2,a\n3,4,b\n", "a,b,kind\n1,2,a\n3,4,kind\n", "2019,kind\nx,kind\ny,b\n"]
)
def test_names_that_are_numbers_or_values_alone_are_a_header(tmp_path: Path, text: str) -> None:
    assert read(write(tmp_path, "a.csv", text)).names == text.partition("\n")[0].split(",")


@pytest.mark.parametrize(
    ("encoding", "text"), [("GB18030", "图片,评论\n1,这件衣服很好看\n"), ("CP1252", "a,b\n1,café au lait\n")]
)
def test_other_encodings_are_named(tmp_path: Path, encoding: str, text: str) -> None:
    with pytest.raises(TableError, match=f"not UTF-8 .* it may be {encoding}. Save it as UTF-8 .*iconv -f {encoding}"):
        read(write(tmp_path, "a.csv", text, encoding))


def test_decimal_commas_are_numbers_where_semicolons_cut_the_cells(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", "x;y\n1,5;a\n-2;b\nNA;c\n")).cells("x") == [1.5, -2.0, None]
    assert read(write(tmp_path, "b.csv", 'x,y\n"1,5",a\n"2,5",b\n')).cells("x") == ["1,5", "2,5"]


def test_the_line_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"n,note\n1,good\n2,caf\xe9\n")
    assert "a.csv is not UTF-8 (line 3); it may be CP1252." in not_utf8(tmp_path / "a.csv")


CELLS = st.text(st.sampled_from('ab,;|\t\n"é 1'), max_size=6).map("x".__add__)  # never blank, never a number


@settings(max_examples=50)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_whatever_cells_hold_they_come_back_in_their_order(rows: list[tuple[str, str]], delimiter: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows([("p", "q"), *rows])
    file.seek(0)
    columns, lines, _ = read_delimited(Path("t.csv"), file)
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "p": [p for p, _ in rows],
        "q": [q for _, q in rows],
    }
    breaks = [sum(cell.count("\n") for cell in row) for row in rows]
    assert lines == [2 + row + sum(breaks[:row]) for row in range(len(rows))]


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "x" * 131_100 + ",1\nq,2\n")
    assert [len(cell) for cell in read(tmp_path / "a.csv").cells("a")] == [131_100, 1]


def cells_of(tmp_path: Path, text: str, name: str = "v") -> list[object]:
    (tmp_path / "t.csv").write_text(text)
    return read(tmp_path / "t.csv").cells(name)


def test_words_for_nothing_leave_a_column_numbers(tmp_path: Path) -> None:
    assert cells_of(tmp_path, "v,w\n1.5,a\n#DIV/0!,b\n(null),c\n.,d\n") == [1.5, None, None, None]
    assert cells_of(tmp_path, "v,w\nnone,a\nlow,b\n") == ["none", "low"]


def test_no_whole_number_loses_a_digit(tmp_path: Path) -> None:
    big = 17 * 10**17 + 1
    assert cells_of(tmp_path, f"v,w\n{big},a\n,b\n{big + 1},c\n") == [big, None, big + 1]
    assert cells_of(tmp_path, f"v,w\n{big}0,a\n{big}1,b\n") == [f"{big}0", f"{big}1"]
    assert cells_of(tmp_path, f"v,w\n{big},a\n1.5,b\n") == [str(big), "1.5"]


def test_points_between_thousands_are_told_from_the_file(tmp_path: Path) -> None:
    assert cells_of(tmp_path, "v;w\n1.234;3,5\n939;4,25\n") == [1234, 939]
    assert cells_of(tmp_path, "v;w\n1.234;3\n2.939;4\n") == ["1.234", "2.939"]  # what was learned from decides
    assert cells_of(tmp_path, "v,w\n1.234,3\n0.939,4\n") == [1.234, 0.939]
