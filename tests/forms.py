"""Every form in which data was tried, what it has to be read as, and the page that says so.

    python tests/forms.py        (make forms) writes docs/what-plait-reads.md; tests/test_forms.py holds it against this

To add a form, add a line below: Form(group, what people have, what makes it, what it is read as, the reader). The maker
is given an empty folder and returns what the reader takes; `answer` is what that must give, or REFUSED. A form that is
read as anything else is a misreading, and fails the test; notes, and the words of a refusal, come from plait itself.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import plait
from books import write_book
from plait.data.media import read_image, read_sound
from plait.data.parse import read_dates, read_numbers
from plait.kinds import KINDS
from plait.kinds.detect import detect
from plait.streams.read import read_stream

PAGE = Path(__file__).parents[1] / "docs" / "what-plait-reads.md"
REFUSED = "refused"
TABLE = {"time": [0, 1, 2], "x": [1.5, 2.5, 3.5]}
ROWS = "0,1.5\n1,2.5\n2,3.5\n"
CSV = "time,x\n" + ROWS
VECTORS = [[0.5, -2.0, 0.25], [1.5, 2.0, -4.0], [-1.0, 0.5, 3.0]]
NOTE = {"x": [1, 2], "note": ["größer", "kühl"]}


# -- readers: what a maker returned → what is compared ------------------------------------------------------------


def cells(source: Any) -> dict[str, list[Any]]:
    """Read a table: {column: cells}."""
    table = plait.read(source)
    return {name: table.cells(name) for name in table.names}


def column(written: list[Any]) -> tuple[str, list[Any]]:
    """Read one column of a table: (kind, its numbers or days, or the cells)."""
    table = plait.read({"x": written, "other": list(range(len(written)))})
    kind = detect(table).columns[0].kind
    if kind == "number":
        return kind, [None if value != value else value for value in read_numbers(table.cells("x"))]
    if kind == "date":
        days = read_dates(table.cells("x"))
        return kind, [None if day is None else day.isoformat(" ").removesuffix(" 00:00:00") for day in days]
    return kind, table.cells("x")


def picture(cell: Any) -> tuple[int, int]:
    """Decode a picture: (width, height)."""
    return read_image(cell, None).size


def sound(cell: Any) -> tuple[int, int]:
    """Decode a sound: (samples, Hz)."""
    samples, rate = read_sound(cell, None)
    return len(samples), rate


def vectors(source: Any, kind: str = "vectors") -> list[Any]:
    """Read the column v as vectors: the numbers of each cell, None where one is absent."""
    table = plait.read(source)
    (found,) = (one for one in detect(table).columns if one.name == "v")
    if found.kind != kind:
        raise plait.TableError(found.why)
    found_cells: list[Any] = []
    for cell in table.cells("v"):
        try:
            value = None if cell is None else KINDS[kind].read.read(cell, table.folder)
            found_cells.append(None if value is None else value.astype(np.float64).round(3).tolist())
        except plait.CellError as error:
            warnings.warn(str(error), stacklevel=1)
            found_cells.append(None)
    return found_cells


def series(source: Any) -> list[Any]:
    """Read the column v as series: the channels of each cell, None where one is absent."""
    return vectors(source, "series")


def cues(source: Any) -> list[tuple[float, float, str | None]]:
    """Read subtitles: (start, end, words) of each cue."""
    stream = read_stream(source, "cues")
    for note in stream.clock.notes:
        warnings.warn(note, stacklevel=1)
    end = stream.begin if stream.end is None else stream.end
    return list(zip((stream.begin / 1e9).tolist(), (end / 1e9).tolist(), stream.table.cells("text"), strict=True))


# -- makers -------------------------------------------------------------------------------------------------------


def file(name: str, content: str | bytes, code: str = "utf-8") -> Callable[[Path], Path]:
    """A file with this content."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode(code))
        return folder / name

    return make


def given(value: Any) -> Callable[[Path], Any]:
    """What needs no file."""
    return lambda folder: value


def pandas_frame(folder: Path) -> Any:
    import pandas

    return pandas.DataFrame(TABLE)


def polars_frame(folder: Path) -> Any:
    import polars

    return polars.DataFrame(TABLE)


def arrow_file(kind: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import pyarrow as pa
        from pyarrow import feather, parquet

        table, path = pa.table(TABLE), folder / f"t.{kind}"
        if kind == "parquet":
            parquet.write_table(table, path)
        elif kind == "feather":
            feather.write_feather(table, path)
        else:
            with (pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream)(path, table.schema) as writer:
                writer.write_table(table)
        return path

    return make


def listed(kind: str, cells: list[Any]) -> Callable[[Path], Path]:
    """A Parquet file with a column of lists of this type of Arrow."""

    def make(folder: Path) -> Path:
        import pyarrow as pa
        from pyarrow import parquet

        types = {
            "list": pa.list_(pa.float32()),
            "nested": pa.list_(pa.list_(pa.float64())),
            "fixed": pa.list_(pa.float32(), 3),
        }
        parquet.write_table(pa.table({"v": pa.array(cells, types[kind])}), folder / "t.parquet")
        return folder / "t.parquet"

    return make


def array_files(folder: Path) -> Path:
    for row, vector in enumerate(VECTORS):
        np.save(folder / f"{row}.npy", np.array(vector))
    (folder / "t.csv").write_text("v,x\n0.npy,0\n1.npy,1\n2.npy,2\n")
    return folder / "t.csv"


def curve_files(folder: Path) -> Path:
    for row in range(3):
        points = np.round(np.sin(np.arange(20) / 3 + row), 2).tolist()
        (folder / f"{row}.csv").write_text("t,x\n" + "".join(f"{k},{point}\n" for k, point in enumerate(points)))
    (folder / "t.csv").write_text("v,x\n0.csv,0\n1.csv,1\n2.csv,2\n")
    return folder / "t.csv"


def drawn(form: str, **options: Any) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(out, form, **options)
        return out.getvalue()

    return make


def recorded(form: str, subtype: str | None = None) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        import soundfile

        out = io.BytesIO()
        soundfile.write(out, np.sin(np.arange(8000) / 9).astype(np.float32), 8000, format=form, subtype=subtype)
        return out.getvalue()

    return make


def classes(folder: Path, nested: str = "") -> Path:
    for name in ("cat", "dog"):
        place = folder / "root" / nested / name
        place.mkdir(parents=True)
        (place / "1.png").write_bytes(drawn("PNG")(folder))
    return folder / "root"


def linked(inside: bool) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        root, store = classes(folder), folder / ("root/.store" if inside else "store")
        store.mkdir()
        (root / "cat" / "1.png").rename(store / "1.png")
        (root / "cat" / "1.png").symlink_to(store / "1.png")
        return root

    return make


def cut(make: Callable[[Path], bytes], length: int) -> Callable[[Path], bytes]:
    return lambda folder: make(folder)[:length]


# -- the forms ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """One line of the page."""

    group: str
    name: str
    make: Callable[[Path], Any]
    answer: Any
    read: Callable[[Any], Any] = cells


def _tables() -> Iterator[Form]:
    group, records = "Tables of text", [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]
    rule = "+------+-----+\n"
    for name, ending, text in (
        ("commas", "csv", CSV),
        ("semicolons", "csv", CSV.replace(",", ";")),
        ("semicolons, with decimal commas", "csv", CSV.replace(",", ";").replace(".", ",")),
        ("tabs", "tsv", CSV.replace(",", "\t")),
        ("bars", "csv", CSV.replace(",", "|")),
        ("blanks between columns", "txt", CSV.replace(",", "   ")),
        ("`sep=;` in the first line, as Excel writes", "csv", "sep=;\n" + CSV.replace(",", ";")),
        ("a delimiter at the end of each line", "csv", CSV.replace("\n", ",\n")),
        ("blank lines", "csv", CSV.replace("\n", "\n\n")),
        ("line ends of Windows", "csv", CSV.replace("\n", "\r\n")),
        ("`#` before the header", "csv", "# " + CSV),
        ("comments above the header", "csv", "# made by X\n# in May\n" + CSV),
        ("a comment between rows", "csv", CSV.replace("1,2", "# restart\n1,2")),
        ("lines about the device above the header", "csv", "Device: X200\nSerial: 7\n\n" + CSV),
        ("a row of units below the header", "csv", CSV.replace("x\n", "x\ns,m/s²\n")),
        ("drawn by psql", "txt", " time | x \n------+-----\n    0 | 1.5\n    1 | 2.5\n    2 | 3.5\n(3 rows)\n\n"),
        ("drawn by MySQL", "txt",
         f"{rule}| time | x   |\n{rule}|    0 | 1.5 |\n|    1 | 2.5 |\n|    2 | 3.5 |\n{rule}"),
        ("a table of Markdown", "md", "| time | x |\n|---:|:---|\n| 0 | 1.5 |\n| 1 | 2.5 |\n| 2 | 3.5 |\n"),
        ("one object a line", "jsonl", "".join(f"{json.dumps(record)}\n" for record in records)),
        ("a list of objects", "json", json.dumps(records)),
    ):  # fmt: skip
        yield Form(group, name, file(f"t.{ending}", text), TABLE)
    quoted = {"a": [1, 2], "b": ["x, y", "two\nlines"]}
    yield Form(
        group, "quoted cells with delimiters and line breaks", file("t.csv", 'a,b\n1,"x, y"\n2,"two\nlines"\n'), quoted
    )
    yield Form(group, "no header", file("t.csv", ROWS), REFUSED)
    yield Form(group, "a row with more cells than the header", file("t.csv", CSV + "4,5,6\n"), REFUSED)
    yield Form(group, "two columns of one name", file("t.csv", CSV.replace("time", "x")), REFUSED)
    yield Form(group, "nothing in it", file("t.csv", ""), REFUSED)
    book = {"Sheet1": [line.split(",") for line in CSV.splitlines()]}
    yield Form(group, "an Excel workbook (`plait[excel]`)", lambda there: write_book(there / "t.xlsx", book), TABLE)
    yield Form(group, "a zip archive", file("t.zip", b"PK\x03\x04" + bytes(99)), REFUSED)
    yield Form(group, "packed with gzip", file("t.csv.gz", b"\x1f\x8b" + bytes(99)), REFUSED)


def _encodings() -> Iterator[Form]:
    group, text = "Encodings", "x,note\n1,größer\n2,kühl\n"
    for name, code in (
        ("UTF-8", "utf-8"), ("UTF-8 with a mark", "utf-8-sig"), ("UTF-16 with a mark", "utf-16"),
        ("UTF-16 without a mark", "utf-16-le"), ("UTF-32", "utf-32"),
    ):  # fmt: skip
        yield Form(group, name, file("t.csv", text, code), NOTE)
    russian, chinese = "x,note\n1,Пациент жалуется на кашель\n", "x,note\n1,患者说咳嗽很厉害，已经有好几天了\n"
    yield Form(group, "CP1252 (German, French, Spanish …)", file("t.csv", text, "cp1252"), REFUSED)
    yield Form(group, "CP1251 (Russian)", file("t.csv", russian, "cp1251"), REFUSED)
    yield Form(group, "KOI8-R (Russian)", file("t.csv", russian, "koi8-r"), REFUSED)
    yield Form(group, "GB18030 (Chinese)", file("t.csv", chinese, "gb18030"), REFUSED)
    japanese = file("t.csv", "x,note\n1,患者は数日前からひどい咳を訴えています\n", "cp932")
    yield Form(group, "Shift-JIS (Japanese)", japanese, REFUSED)
    yield Form(group, "CP1250 (Polish)", file("t.csv", "x,note\n1,Zażółć gęślą jaźń\n", "cp1250"), REFUSED)
    yield Form(group, "one bad byte in UTF-8", file("t.csv", text.encode() + b"3,caf\xe9\n"), REFUSED)


def _frames() -> Iterator[Form]:
    group = "Frames and files of columns"
    yield Form(group, "pandas", pandas_frame, TABLE)
    yield Form(group, "Polars", polars_frame, TABLE)
    yield Form(group, "a dict of lists", given(TABLE), TABLE)
    yield Form(group, "a dict of arrays", given({name: np.array(values) for name, values in TABLE.items()}), TABLE)
    for name, kind in (
        ("Parquet", "parquet"),
        ("Arrow", "arrow"),
        ("an Arrow stream", "arrows"),
        ("Feather", "feather"),
    ):
        yield Form(group, name, arrow_file(kind), TABLE)
    yield Form(group, "columns of different lengths", given({"a": [1], "b": [1, 2]}), REFUSED)


def _columns() -> Iterator[Form]:
    group = "Numbers, dates and words for missing"
    for written, kind, values in (
        (["1", "2.5", "-3e2"], "number", [1, 2.5, -300]),
        (["1.234,50", "2,75", "3.000,00"], "number", [1234.5, 2.75, 3000]),
        (["1,234.50", "2.75", "3,000.00"], "number", [1234.5, 2.75, 3000]),
        (["1 234,5", "2,75", "3"], "number", [1234.5, 2.75, 3]),
        (["€12.34", "€1.50", "€7"], "number", [12.34, 1.5, 7]),
        (["2.5万", "0.8万元", "1亿"], "number", [25000, 8000, 1e8]),
        (['="12"', '="7"', '="30.5"'], "number", [12, 7, 30.5]),
        (["(12.5)", "3.5", "7.25"], "number", [-12.5, 3.5, 7.25]),
        (["3", "NA", "4.5"], "number", [3, None, 4.5]),
        (["1/2", "1 3/4", "2"], "number", [0.5, 1.75, 2]),
        (["57.05N", "12.5S", "0.25N"], "number", [57.05, -12.5, 0.25]),
        (["PT15M33S", "PT1H", "PT5S"], "number", [933, 3600, 5]),
        (["2021Q3", "2021Q4", "2022Q1"], "date", ["2021-07-01", "2021-10-01", "2022-01-01"]),
        (["2024-05-01", "2024-05-02", "2024-06-03"], "date", ["2024-05-01", "2024-05-02", "2024-06-03"]),
        (["02-Mrz-2021", "17-Okt-2021", "31-Dez-2021"], "date", ["2021-03-02", "2021-10-17", "2021-12-31"]),
        (["28.1.2011", "1.2.2011", "30.3.2011"], "date", ["2011-01-28", "2011-02-01", "2011-03-30"]),
    ):  # fmt: skip
        yield Form(group, " ".join(f"`{cell}`" for cell in written), given(written), (kind, values), column)


def _vectors() -> Iterator[Form]:
    group, short = "Vectors, such as embeddings", [*VECTORS, [1.0, 2.0, 0.5], None]
    holes = [*VECTORS, [1.0, 2.0, 0.5], []]
    table = "v;x\n" + "".join(f"{vector};{row}\n" for row, vector in enumerate(VECTORS))
    for name, make, answer in (
        ("a dict with an array (row, feature)", given({"v": np.array(VECTORS)}), VECTORS),
        ("a dict with lists, of which one is empty", given({"v": holes}), short),
        ("lists in Parquet, of which one is null", listed("list", short), short),
        ("lists of a fixed size in Parquet", listed("fixed", VECTORS), VECTORS),
        ("`[0.5, -2.0, 0.25]` in a CSV", file("t.csv", table), VECTORS),
        ("`[0.5 -2. 0.25]` in a CSV, as NumPy prints them", file("t.csv", table.replace(",", "")), VECTORS),
        ("paths of `.npy` files", array_files, VECTORS),
        ("a number that is NaN", given({"v": [*VECTORS, [1.0, float("nan"), 2.0]]}), [*VECTORS, None]),
        ("a list with a word in it", given({"v": [*VECTORS, [1.0, "a", 2.0]]}), [*VECTORS, None]),
    ):
        yield Form(group, name, make, answer, vectors)


def _series() -> Iterator[Form]:
    group, waves = "Series, such as those of sensors", np.sin(np.arange(20) / 3 + np.arange(3)[:, None]).round(2)
    whole = [[wave] for wave in waves.tolist()]
    pairs = np.stack([waves, waves + 1], axis=1).round(2)
    table = "v;x\n" + "".join(f"{pair.tolist()};{row}\n" for row, pair in enumerate(pairs))
    lengths = [[0.5, 1.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]]
    for name, make, answer in (
        ("a dict with an array (row, time) whose neighbours resemble each other", given({"v": waves}), whole),
        ("a dict with an array (row, channel, time)", given({"v": pairs}), pairs.tolist()),
        ("lists of different lengths", given({"v": lengths}), [[one] for one in lengths]),
        (
            "lists of lists in Parquet, of which one is null",
            listed("nested", [*pairs.tolist(), None]),
            [*pairs.tolist(), None],
        ),
        ("`[[0.0, 0.33], [1.0, 1.33]]` in a CSV", file("t.csv", table), pairs.tolist()),
        ("paths of CSV files, a row for each point in time", curve_files, whole),
        (
            "a list of lists of different lengths",
            given({"v": [*pairs.tolist(), [[1.0], [2.0, 3.0]]]}),
            [*pairs.tolist(), None],
        ),
    ):
        yield Form(group, name, make, answer, series)


def _streams() -> Iterator[Form]:
    group, wanted = "Subtitles and transcripts", [(1.0, 2.5, "one"), (3.0, 4.0, "two")]
    srt = "1\n00:00:01,000 --> 00:00:02,500\none\n\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n"
    events = "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    events += "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,{\\b1}one\nDialogue: 0,0:00:03.00,0:00:04.00,Default,,two\n"
    grid = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n1\n4\n<exists>\n1\n"IntervalTier"\n"words"\n1\n4\n2\n'
    )
    spoken = json.dumps({"segments": [{"start": a, "end": b, "text": t} for a, b, t in wanted]})
    for name, ending, text in (
        ("SubRip", "srt", srt),
        ("SubRip without blank lines", "srt", srt.replace("\n\n", "\n")),
        ("SubRip without numbers", "srt", srt.replace("1\n00", "00").replace("2\n00", "00")),
        ("SubRip with points for commas", "srt", srt.replace(",", ".")),
        ("SubRip without hours", "srt", srt.replace("00:00:", "00:")),
        ("SubRip with mixed line ends", "srt", srt.replace("one\n", "one\r\n").replace("two\n", "two\r")),
        ("SubRip with tags", "srt", srt.replace("one", r"{\an8}<i>one</i>")),
        ("SubRip with positions", "srt", srt.replace("500\n", "500 X1:40 X2:90\n")),
        ("SubRip in a `.txt`", "txt", srt),
        ("WebVTT", "vtt", "WEBVTT\n\n" + srt.replace(",", ".")),
        ("WebVTT with notes, styles and settings", "vtt", "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nNOTE a remark\n\n"
         + srt.replace(",", ".").replace("000\n", "000 align:start\n")),
        ("YouTube's SBV", "sbv", "0:00:01.000,0:00:02.500\none\n\n0:00:03.000,0:00:04.000\ntwo\n"),
        ("Advanced SubStation Alpha", "ass", events),
        ("Praat's TextGrid", "TextGrid", grid + '1\n2.5\n"one"\n3\n4\n"two"\n'),
        ("the JSON of Whisper", "json", spoken),
        ("a table of start, end and text", "csv", "start,end,text\n1,2.5,one\n3,4,two\n"),
    ):  # fmt: skip
        yield Form(group, name, file(f"c.{ending}", text), wanted, cues)
    lines = [(0.0, 2.1, "the quick brown fox jumps over"), (2.1, 4.0, "a lazy dog in the sun")]
    tsv = "".join(f"{1000 * a:.0f}\t{1000 * b:.0f}\t{t}\n" for a, b, t in lines)
    yield Form(group, "Whisper's TSV, in milliseconds", file("c.tsv", "start\tend\ttext\n" + tsv), lines, cues)
    lyrics = [(1.0, 3.0, "one"), (3.0, 3.0, "two")]
    yield Form(group, "lyrics (LRC)", file("c.lrc", "[ti:Song]\n[00:01.00]one\n[00:03.00]two\n"), lyrics, cues)
    yield Form(group, "text without times", file("c.srt", "one\ntwo\n"), REFUSED, cues)


def _media() -> Iterator[Form]:
    for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "ICO"):
        yield Form("Pictures", form, drawn(form, **({"sizes": [(8, 6)]} if form == "ICO" else {})), (8, 6), picture)
    yield Form("Pictures", "an array (height, width)", given(np.zeros((6, 8), np.uint8)), (8, 6), picture)
    yield Form("Pictures", "a picture that is cut off", cut(drawn("PNG"), 48), REFUSED, picture)
    yield Form("Pictures", "DICOM", given(bytes(128) + b"DICM" + bytes(60)), REFUSED, picture)
    yield Form("Pictures", "a web address", given("https://example.org/a.png"), REFUSED, picture)
    yield Form("Pictures", "a sound", recorded("WAV"), REFUSED, picture)
    for form, subtype in (("WAV", None), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("FLAC", None), ("OGG", None),
                          ("AIFF", None), ("AU", None), ("CAF", None), ("W64", None)):  # fmt: skip
        yield Form("Sounds", f"{form}{f', {subtype}' if subtype else ''}", recorded(form, subtype), (8000, 8000), sound)
    yield Form("Sounds", "an array (time,)", given(np.zeros(100, np.float32)), (100, 22050), sound)
    yield Form("Sounds", "a sound that is cut off", cut(recorded("WAV"), 900), REFUSED, sound)
    yield Form("Sounds", "a picture", drawn("PNG"), REFUSED, sound)


def _folders() -> Iterator[Form]:
    group, wanted = "Folders", {"image": ["cat/1.png", "dog/1.png"], "label": ["cat", "dog"]}
    split = {"image": ["train/cat/1.png", "train/dog/1.png"], "label": ["cat", "dog"], "split": ["train", "train"]}
    yield Form(group, "`ROOT/CLASS/FILE`", classes, wanted)
    yield Form(group, "`ROOT/train/CLASS/FILE`", lambda folder: classes(folder, "train"), split)
    yield Form(group, "links to files inside the folder", linked(inside=True), wanted)
    yield Form(group, "links that lead out", linked(inside=False), {name: cells[1:] for name, cells in wanted.items()})
    yield Form(group, "no class-named folders", lambda folder: folder, REFUSED)


FORMS = [
    *_tables(),
    *_encodings(),
    *_frames(),
    *_columns(),
    *_vectors(),
    *_series(),
    *_streams(),
    *_media(),
    *_folders(),
]


# -- what plait does with each, and the page ----------------------------------------------------------------------


def try_form(form: Form, folder: Path) -> str:
    """Return what plait does with a form: "read", "read; said: …" or "refused: …". Raises AssertionError otherwise."""
    source = form.make(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = form.read(source)
        except plait.PlaitError as error:
            assert form.answer is REFUSED, f"{form.name}: refused: {error}"
            return f"refused: {_shown(error, folder)}"
    assert form.answer is not REFUSED, f"{form.name}: expected to be refused, read as {found}"
    assert found == form.answer, f"{form.name}: {found}; expected {form.answer}"
    said = "; ".join(_shown(one.message, folder) for one in caught)
    return f"read; said: {said}" if said else "read" if form.read is not column else f"{found[0]}: {_values(found[1])}"


def _values(values: list[Any]) -> str:
    return ", ".join("missing" if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in values)


def _shown(said: object, folder: Path) -> str:
    text = str(said).replace(f"{folder}{os.sep}", "").replace(str(folder), "FOLDER")
    return re.sub(r"b'.*?'", "…", " ".join(text.split()))[:300]


def write_page() -> str:
    """Return the page, from what plait does now."""
    lines = ["# What plait reads", ""]
    lines += [
        "Every form that was tried, and what comes of it: *read* (value for value as meant), *read* with what is said,"
    ]
    lines += [
        "or *refused* with the words that are said. A test reads them all and makes this page (`make forms`).",
        "",
    ]
    group = ""
    for form in FORMS:
        if form.group != group:
            group = form.group
            lines += ["" if lines[-1] else None, f"## {group}", "", "| what you have | what plait does |", "|---|---|"]  # type: ignore[list-item]
        with tempfile.TemporaryDirectory() as folder:
            answer = try_form(form, Path(folder).resolve())
        lines.append(f"| {_cell(form.name)} | {_cell(answer)} |")
    return "\n".join(line for line in lines if line is not None) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", r"\<") if "`" not in text else text.replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}: {len(FORMS)} forms\n")
