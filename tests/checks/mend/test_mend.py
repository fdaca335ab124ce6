"""A mended copy: what can be mended is, what cannot be read is blank, and the original is never touched."""

import datetime as dt
import errno
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from mending import GREY, RED, TONE, contents, digests, exif, mend, mend_column, write_rows
from plait.checks.mend import files as mend_files
from plait.checks.mend.mend import Mended, mend_table
from plait.core.contract import Table
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect

# ---- rows


def test_the_same_row_is_dropped_and_another_target_is_named(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    rows = [
        ["photo", "age", "label"],
        ["a.png", "3", "x"],
        ["b.png", "3", "x"],
        ["b.png", "3", "y"],
        ["a.png", "4", "x"],
    ]
    mended = mend(
        write_rows(tmp_path / "t.csv", rows), tmp_path / "out", {"age": "number", "photo": "image"}, target="label"
    )
    table = read(mended.table)
    assert mended.dropped == (1,)
    assert table.cells("photo") == ["photo/a.png", "photo/b.png", "photo/a.png"]
    assert table.cells("label") == ["x", "y", "x"]
    assert mended.notes == ("the same features with different targets, all kept: rows 0 and 2 (of the original)",)


def test_rows_without_their_file_are_never_the_same(tmp_path: Path) -> None:
    rows = [["photo", "age", "label"], ["gone.png", "3", "x"], ["lost.png", "3", "x"], ["", "3", "x"]]
    mended = mend(
        write_rows(tmp_path / "t.csv", rows), tmp_path / "out", {"photo": "image", "age": "number"}, target="label"
    )
    assert mended.dropped == ()
    assert mended.rows == 3


def test_rows_that_mending_makes_the_same_are_dropped(tmp_path: Path) -> None:
    mended, cells, _notes = mend_column(tmp_path, "when", "date", ["3.4.2021", "13.4.2021"])
    assert (mended.rows, cells) == (2, ["2021-04-03", "2021-04-13"])
    rows = [["when", "label"], ["13.4.2021", "x"], ["2021-04-13", "x"]]
    again = mend(write_rows(tmp_path / "u.csv", rows), tmp_path / "out2", {"when": "date"}, target="label")
    assert again.dropped == (1,)


def test_chinese_names_of_columns_files_and_texts(tmp_path: Path) -> None:
    (tmp_path / "图片").mkdir()
    Image.fromarray(GREY).save(tmp_path / "图片" / "一号.png")
    rows = [["照片", "评论"], ["图片/一号.png", "很好，下次再来"], ["图片/二号.png", "ä½ å¥½"]]
    mended = mend(write_rows(tmp_path / "表.csv", rows), tmp_path / "out", {"照片": "image", "评论": "text"})
    table = read(mended.table)
    assert mended.table.name == "表.csv"
    assert table.cells("照片") == ["照片/一号.png", None]
    assert table.cells("评论") == ["很好，下次再来", "你好"]
    assert table.cells("mended") == [None, "照片: left blank (file not found: 图片/二号.png); 评论: encoding repaired"]


def test_a_table_that_has_a_column_of_that_name_keeps_it(tmp_path: Path) -> None:
    rows = [["mended", "n"], ["yes", "1,5"], ["no", "2,5"]]
    mended = mend(write_rows(tmp_path / "t.csv", rows), tmp_path / "out", {"n": "number"})
    assert read(mended.table).names == ["mended", "n", "mended_2"]
    assert mended.column == "mended_2"


# ---- other sources


def test_a_folder_of_classes_becomes_a_csv(tmp_path: Path) -> None:
    for name, values in (("cat", GREY), ("dog", 255 - GREY)):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(values).save(tmp_path / "set" / name / "1.png")
    mended = mend(tmp_path / "set", tmp_path / "out", target="label")
    assert mended.table.name == "set.csv"
    assert read(mended.table).cells("image") == ["image/1.png", "image/1_2.png"]
    with pytest.raises(RequestError, match=r"lies inside .*which is the table; name a new folder outside it"):
        mend(tmp_path / "set", tmp_path / "set" / "out", target="label")


def test_arrays_cannot_be_mended(tmp_path: Path) -> None:
    table = Table({"image": np.zeros((2, 8, 8), np.uint8)})
    with pytest.raises(RequestError, match="column 'image' holds arrays; tables of arrays cannot be mended into files"):
        mend_table(table, detect(table), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# ---- whole or not at all


def small_table(folder: Path) -> Path:
    for i in range(3):
        Image.fromarray(GREY + i).save(folder / f"{i}.png")
    return write_rows(folder / "t.csv", [["photo", "n"], *([f"{i}.png", str(i)] for i in range(3))])


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    path = small_table(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    before = digests(tmp_path)
    with pytest.raises(RequestError, match="out exists and is not empty; name a new folder for the mended copy"):
        mend(path, tmp_path / "out")
    with pytest.raises(RequestError, match="is the folder of the table itself; name a new folder"):
        mend(path, tmp_path)
    with pytest.raises(RequestError, match=r"^mended\.csv is named like a file; .* is a folder: name it mended$"):
        mend(path, tmp_path / "mended.csv")
    assert digests(tmp_path) == before


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert mend(small_table(tmp_path), tmp_path / "out").rows == 3
    assert (tmp_path / "out" / "photo" / "2.png").exists()


def test_the_original_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = small_table(tmp_path / "in")
    Image.fromarray(RED).save(tmp_path / "in" / "1.png")
    before = digests(tmp_path / "in")
    mended = mend(path, tmp_path / "out", {"photo": "image", "n": "number"})
    assert mended.counts == {"colour mode changed": 2}
    assert digests(tmp_path / "in") == before


@pytest.mark.parametrize("place", ["files", "table"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    path = small_table(tmp_path)

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = digests(tmp_path)
    with monkeypatch.context() as patch:
        if place == "files":
            patch.setattr(mend_files.shutil, "copyfile", fail)
        else:
            patch.setattr("plait.checks.mend.table.os.fsync", fail)
        with pytest.raises(RequestError, match=r"cannot be written: No space left on device\. Nothing was left there"):
            mend(path, tmp_path / "out")
    assert digests(tmp_path) == before
    assert not [entry for entry in tmp_path.iterdir() if entry.is_dir()]
    assert mend(path, tmp_path / "out").rows == 3


@pytest.mark.parametrize("done", [3, 6])
def test_a_stop_leaves_nothing_and_a_second_try_works(tmp_path: Path, done: int) -> None:
    path = small_table(tmp_path)
    table = read(path)
    schema = detect(table, kinds={"photo": "image"})

    def stop(event: dict[str, Any]) -> None:
        if event.get("done") == done:
            raise KeyboardInterrupt

    before = digests(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        mend_table(table, schema, tmp_path / "out", callback=stop)
    assert digests(tmp_path) == before
    assert not [entry for entry in tmp_path.iterdir() if entry.is_dir()]
    events: list[dict[str, Any]] = []
    assert mend_table(table, schema, tmp_path / "out", callback=events.append).rows == 3
    assert events == [{"stage": "mend", "done": done, "total": 6} for done in (3, 6)]


def test_what_a_killed_process_left_is_named(tmp_path: Path) -> None:
    path = small_table(tmp_path)
    (tmp_path / ".out.12345678.part").mkdir()
    events: list[dict[str, Any]] = []
    table = read(path)
    mend_table(table, detect(table), tmp_path / "out", callback=events.append)
    left = tmp_path / ".out.12345678.part"
    assert events[0] == {"note": f"an earlier copy was not finished; you can delete {left}"}


# ---- once is enough


def test_a_second_mend_changes_nothing(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif(8))
    Image.fromarray(RED).save(tmp_path / "b.gif")
    Image.fromarray(GREY).save(tmp_path / "c.png", "TIFF")
    for i, rate in enumerate((8000, 8000, 11025)):
        soundfile.write(tmp_path / f"{i}.ogg", TONE * (0.3 + 0.1 * i), rate)
    rows = [["photo", "call", "when", "price", "note"], ["a.jpg", "0.ogg", "13/1/2020", "1.234,5", "CafÃ©"]]
    rows += [
        ["b.gif", "1.ogg", "soon", "2", "fine"],
        ["c.png", "2.ogg", "2020-1-2", "x", "\x80 5"],
        ["", "", "", "", ""],
    ]
    kinds = {"photo": "image", "call": "audio", "when": "date", "price": "number", "note": "text"}
    first = mend(write_rows(tmp_path / "t.csv", rows), tmp_path / "one", kinds)
    second = mend(first.table, tmp_path / "two", kinds)
    assert first.counts["colour mode changed"] == 3
    assert second.counts == {}
    assert second.dropped == ()
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    one.pop("t.csv")
    two.pop("t.csv")
    assert one == two
    a, b = read(first.table), read(second.table)
    assert all(a.cells(name) == b.cells(name) for name in a.names)


DAY = st.dates(dt.date(1900, 1, 1), dt.date(2090, 1, 1)).flatmap(
    lambda day: st.sampled_from(
        [f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", f"{day:%Y-%m-%d}", f"{day:%B %d, %Y}", f"{day:%Y-%m}"]
    )
)
AMOUNT = st.floats(-1e9, 1e9, allow_nan=False).flatmap(
    lambda x: st.sampled_from(
        [f"{x:,.2f}", f"{x:.3f}", f"${x:,.0f}", f"{x:.1f}%", f"{x:g}", f"{x:,.1f}".replace(".", " ")]
    )
)
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
BROKEN = st.sampled_from(["über", "naïve", "你好", "“ok”", "Привет"]).map(lambda text: text.encode().decode("latin-1"))


@settings(deadline=None, max_examples=10)
@given(
    rows=st.lists(
        st.tuples(DAY | WORDS, AMOUNT | WORDS, WORDS | BROKEN, st.sampled_from(["a", "b", "Ã©"])),
        min_size=1,
        max_size=8,
    )
)
@example(rows=[("", "", "0\r", "a")])
@example(rows=[("0", "", "", "a"), ("0", "", "", "a")])
def test_mending_twice_is_mending_once(rows: list[tuple[str, str, str, str]]) -> None:
    kinds = {"when": "date", "price": "number", "note": "text", "label": "category"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = read(pa.table([list(column) for column in zip(*rows, strict=True)], names=list(kinds)))
        first = mend_table(table, detect(table, kinds=kinds, target="label"), folder / "one")
        again = read(first.table)
        second = mend_table(again, detect(again, kinds=kinds, target="label"), folder / "two")
        copy = read(second.table)
        assert first.rows + len(first.dropped) == len(rows)
        assert second.counts == {}
        assert second.dropped == ()
        assert all(again.cells(name) == copy.cells(name) for name in again.names)


# ---- what it says


def test_the_answer_and_its_text(tmp_path: Path) -> None:
    mended, _cells, _notes = mend_column(tmp_path, "price", "number", ["1,5", "x", "2,5"])
    assert str(mended) == (
        f"{tmp_path / 'out' / 't.csv'}: 3 rows\n  2 number made plain\n  1 left blank\n"
        "The column 'mended' says what was done to each row; it is no feature when you fit."
    )
    counts = {"number made plain": 2, "left blank": 1}
    assert mended == Mended(tmp_path / "out" / "t.csv", rows=3, dropped=(), counts=counts, notes=(), column="mended")


def test_the_real_digits_need_no_mending(shared_data: Path, tmp_path: Path) -> None:
    table = read(shared_data / "digits" / "digits.csv").take(range(100))
    mended = mend_table(table, detect(table, target="digit"), tmp_path / "out")
    copy = read(mended.table)
    assert (mended.rows, mended.counts, mended.dropped) == (100, {}, ())
    for column in ("image", "audio"):
        for old, new in zip(table.cells(column), copy.cells(column), strict=True):
            assert (table.folder / old).read_bytes() == (copy.folder / new).read_bytes()
