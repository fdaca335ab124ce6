"""A sheet of a workbook is read as the same sheet saved as CSV; what is wrong with one is said."""

import importlib.util
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from books import OFFICE, write_book, write_compound, write_ods, write_xls, write_xlsb
from plait.data.read import read
from plait.errors import MissingExtra, TableError

pytest.importorskip("python_calamine")
PEOPLE = [
    ["id", "age", "day", "note", "ok", "dose"],
    ["007", 34, ("date", 45000), "two\nlines, and; more", True, 1.234],
    [None] * 6,
    ["008", 51.5, ("date", 45001.5), None, False, 2.345],
]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "people.xlsx", {"Empty": [], "People": PEOPLE, "Old ones": [["a"], [1], [2]]})


@pytest.mark.parametrize(
    ("name", "write"), [("a.xlsx", write_book), ("a.ods", write_ods), ("a.xlsb", write_xlsb), ("a.xls", write_xls)]
)
def test_a_sheet_is_a_table_with_the_numbers_of_its_rows(tmp_path: Path, name: str, write: Any) -> None:
    book = write(tmp_path / name, {"Empty": [], "People": PEOPLE, "Old ones": [["a"], [1], [2]]})
    table = read(f"{book}#People")
    assert {name: table.cells(name) for name in table.names} == {
        "id": ["007", "008"],
        "age": [34.0, 51.5],
        "day": ["2023-03-15", "2023-03-16 12:00:00"],
        "note": ["two\nlines, and; more", None],
        "ok": ["TRUE", "FALSE"],
        "dose": [1.234, 2.345],  # points are none between thousands
    }
    assert (table.source, table.folder) == (f"{book}#People", book.parent)
    assert table.place("age", 1) == "column 'age', row 1 (line 4)"  # a blank row is none
    assert read(f"{book}#Old ones").cells("a") == [1, 2]
    book.write_bytes(book.read_bytes()[: book.stat().st_size // 2])
    with pytest.raises(TableError, match=r"cannot be opened as a workbook \(.+\)\. Is it damaged\?"):
        read(book)


def test_a_locked_workbook_is_said_to_be_locked(tmp_path: Path) -> None:
    excel = write_compound(tmp_path / "a.xlsx", "EncryptedPackage", b"\x91" * 5000)
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", b"\x91\x02" * 500)
        told = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
        names = f'xmlns:manifest="{OFFICE}:manifest:1.0"'
        book.writestr("META-INF/manifest.xml", f"<manifest:manifest {names}>{told}</manifest:manifest>")
    for path in (excel, tmp_path / "a.ods"):
        with pytest.raises(TableError, match=rf"{path.name} is locked by a password; save it without one, or save the"):
            read(path)


def test_the_first_sheet_with_cells_is_read_and_the_others_are_named(book: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"has 2 sheets: 'People' is read; another as people\.xlsx#NAME \('Old ones'\)"
    ):
        assert len(read(book)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(f"{book}#Old ones").cells("a") == [1, 2]


def test_a_workbook_is_known_by_what_is_inside(book: Path) -> None:
    assert read(f"{book.rename(book.with_suffix('.xls'))}#Old ones").cells("a") == [1, 2]


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("Peple", r"people\.xlsx has no sheet 'Peple'\. Did you mean 'People'\?"),
        ("Empty", r"sheet 'Empty' of .*people\.xlsx is empty"),
    ],
)
def test_a_sheet_that_is_not_there(book: Path, sheet: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(f"{book}#{sheet}")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"PK\x03\x04" + bytes(99), r"cannot be opened as a workbook \(.+\)\. Is it damaged"),
        (
            "a.xls",
            b"\xd0\xcf\x11\xe0" + bytes(999),
            r"cannot be opened as a workbook \(.+\)\. Is it damaged",
        ),
        ("a.csv", b"PK\x03\x04" + bytes(99), "a zip archive, and no workbook"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=said):
        read(tmp_path / name)


def test_without_the_package_the_line_that_installs_it_is_said(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def lack(name: str, *more: Any) -> Any:
        return None if name == "python_calamine" else find(name, *more)

    monkeypatch.setattr("importlib.util.find_spec", lack)
    with pytest.raises(
        MissingExtra, match=r'people\.xlsx is a workbook: .*pip install "plait\[excel\]"; or save the sheet'
    ):
        read(book)
