"""Workbooks written by hand: the least that a reader of Excel and of OpenDocument takes for one."""

import datetime as dt
import struct
import zipfile
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STYLES = f'<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
Rows = Sequence[Sequence[Any]]


def write_book(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write sheets as .xlsx: text, numbers, booleans, and dates as ("date", days since 1899-12-30). Return the path."""
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", TYPES)
        listed = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(sheets, 1))
        book.writestr("xl/workbook.xml", f'<workbook {MAIN} xmlns:r="{LINKS}"><sheets>{listed}</sheets></workbook>')
        targets = "".join(
            f'<Relationship Id="r{i}" Type="{LINKS}/worksheet" Target="worksheets/s{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        start = f'<Relationship Id="r1" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{relations}">{start}</Relationships>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{relations}">{targets}</Relationships>')
        book.writestr("xl/styles.xml", STYLES)
        for i, rows in enumerate(sheets.values(), 1):
            lines = "".join(
                f'<row r="{r}">{"".join(cell(value, r, c) for c, value in enumerate(row))}</row>'
                for r, row in enumerate(rows, 1)
            )
            book.writestr(f"xl/worksheets/s{i}.xml", f"<worksheet {MAIN}><sheetData>{lines}</sheetData></worksheet>")
    return path


def cell(value: Any, row: int, column: int) -> str:
    place = f'r="{chr(65 + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, tuple):
        return f'<c {place} s="1"><v>{value[1]}</v></c>'
    if isinstance(value, (int, float)):
        return f"<c {place}><v>{value!r}</v></c>"
    return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'


OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
SPACES = " ".join(f'xmlns:{n}="{OFFICE}:{n}:1.0"' for n in ("office", "table", "text"))


def write_ods(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write sheets as .ods, as LibreOffice does: a run of equal empty cells is one, dates are written out."""
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(ods_row, rows))}</table:table>' for name, rows in sheets.items()
    )
    content = (
        f"<office:document-content {SPACES}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", content)
        book.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{OFFICE}:manifest:1.0"/>')
    return path


def ods_row(row: Sequence[Any]) -> str:
    cells = "".join(
        f'<table:table-cell table:number-columns-repeated="{len(list(same))}"/>' if empty
        else "".join(map(ods_cell, same))
        for empty, same in groupby(row, lambda value: value is None)
    )  # fmt: skip
    return f"<table:table-row>{cells}</table:table-row>"


def ods_cell(value: Any) -> str:
    kind, told = "string", ""
    if isinstance(value, bool):
        kind, told = "boolean", f' office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, (int, float)):
        kind, told = "float", f' office:value="{value!r}"'
    elif isinstance(value, tuple):
        day = dt.datetime(1899, 12, 30) + dt.timedelta(value[1])
        kind, told = "date", f' office:date-value="{day.isoformat() if value[1] % 1 else day.date()}"'
    shown = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell office:value-type="{kind}"{told}>{shown}</table:table-cell>'


def write_xlsb(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write sheets as .xlsb, the binary form of .xlsx: records of a number, a length and their bytes."""
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    listed = b"".join(
        record(156, bytes(4) + i.to_bytes(4, "little") + wide(f"r{i}") + wide(name)) for i, name in enumerate(sheets, 1)
    )
    targets = "".join(
        f'<Relationship Id="r{i}" Type="{LINKS}/worksheet" Target="worksheets/s{i}.bin"/>'
        for i in range(1, len(sheets) + 1)
    )
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", TYPES)
        book.writestr("xl/workbook.bin", record(131) + record(143) + listed + record(144) + record(132))
        book.writestr("xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{relations}">{targets}</Relationships>')
        book.writestr("xl/styles.bin", record(617, struct.pack("<I", 2)) + b"".join(
            record(47, struct.pack("<HH", 0, form) + bytes(12)) for form in (0, 14)  # the second is that of dates
        ))  # fmt: skip
        for i, rows in enumerate(sheets.values(), 1):
            width = max(map(len, rows), default=1)
            size = struct.pack("<4I", 0, max(len(rows), 1) - 1, 0, width - 1)
            book.writestr(f"xl/worksheets/s{i}.bin", record(129) + record(148, size) + record(145) + b"".join(
                record(0, struct.pack("<I", r) + bytes(13)) + b"".join(map(xlsb_cell, range(len(row)), row))
                for r, row in enumerate(rows)
            ) + record(146) + record(130))  # fmt: skip
    return path


def record(kind: int, content: bytes = b"") -> bytes:
    """Return a record of .xlsb: seven bits to a byte, the eighth says that more follow."""
    number = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size, left = b"", len(content)
    while True:
        size += bytes([left & 127 | (128 if left > 127 else 0)])
        left >>= 7
        if not left:
            return number + size + content


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb_cell(column: int, value: Any) -> bytes:
    place = struct.pack("<II", column, isinstance(value, tuple))
    if value is None:
        return record(1, place)
    if isinstance(value, bool):
        return record(4, place + bytes([value]))
    if isinstance(value, tuple):
        value = value[1]
    if isinstance(value, (int, float)):
        return record(5, place + struct.pack("<d", value))
    return record(6, place + wide(value))


def write_xls(path: Path, sheets: Mapping[str, Rows]) -> Path:
    """Write sheets as .xls, of Excel 97: records in a stream that is called Workbook."""

    def old(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def begin(what: int) -> bytes:
        return old(0x809, struct.pack("<HHHHII", 0x600, what, 0, 0, 0, 0))

    styles = b"".join(old(0xE0, struct.pack("<HH", 0, form) + bytes(16)) for form in (0, 14))
    written = [begin(16) + b"".join(
        old(kind, struct.pack("<HHH", r, c, isinstance(value, tuple)) + content)
        for r, row in enumerate(rows) for c, value in enumerate(row) if value is not None
        for kind, content in [xls_cell(value)]
    ) + old(10) for rows in sheets.values()]  # fmt: skip
    names = [struct.pack("<BB", len(name), 1) + name.encode("utf-16-le") for name in sheets]
    place = len(begin(5) + styles + old(10)) + sum(10 + len(name) for name in names)
    listed = b""
    for name, sheet in zip(names, written, strict=True):
        listed += old(0x85, struct.pack("<IH", place, 0) + name)
        place += len(sheet)
    return write_compound(path, "Workbook", begin(5) + styles + listed + old(10) + b"".join(written))


def xls_cell(value: Any) -> tuple[int, bytes]:
    if isinstance(value, bool):
        return 0x205, bytes([value, 0])
    if isinstance(value, (int, float, tuple)):
        return 0x203, struct.pack("<d", value[1] if isinstance(value, tuple) else value)
    return 0x204, struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")


def write_compound(path: Path, name: str, content: bytes) -> Path:
    """Write one stream as the compound file that old Office and locked workbooks are: sectors of 512 bytes, listed."""
    content = content.ljust(4096, b"\0")  # a shorter one would lie among the small ones
    num, none, end, table = -(-len(content) // 512), 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    chain = [table, end, *range(3, num + 2), end]
    root = entry("Root Entry", 5, child=1, start=end, size=0)
    stream = entry(name, 2, child=none, start=2, size=len(content))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[none] * 108)
    sectors = [struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff"), (root + stream).ljust(512, b"\0"), content]
    path.write_bytes(head + b"".join(sectors).ljust(512 * (num + 2), b"\0"))
    return path


def entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text, none = (name + "\0").encode("utf-16-le"), 0xFFFFFFFF
    about = struct.pack("<HBB3I", len(text), kind, 1, none, none, child) + bytes(36)
    return text.ljust(64, b"\0") + about + struct.pack("<IQ", start, size)
