"""Small tables and files that want mending, and what became of them, that several tests look at. Knows no test."""

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plait.checks.mend.mend import Mended, mend_table
from plait.data.read import read
from plait.kinds.detect import detect

GREY = np.arange(0, 192, 4, dtype=np.uint8).reshape(6, 8)


RED = np.zeros((6, 8, 3), np.uint8) + np.array([200, 30, 30], np.uint8)


TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.float32)


def write_rows(path: Path, rows: list[list[str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def mend(path: Any, out: Path, kinds: dict[str, str] | None = None, **options: Any) -> Mended:
    table = read(path)
    return mend_table(table, detect(table, kinds=kinds, **options), out)


def mend_column(folder: Path, name: str, kind: str, cells: list[str]) -> tuple[Mended, list[Any], list[Any]]:
    """Mend a table of one column (and one that counts the rows); return the answer, the new cells and the notes."""
    path = write_rows(folder / "t.csv", [[name, "n"], *([cell, str(i)] for i, cell in enumerate(cells))])
    mended = mend(path, folder / "out", {name: kind, "n": "number"})
    table = read(mended.table)
    return mended, table.cells(name), table.cells("mended")


def digests(folder: Path) -> dict[str, tuple[str, int]]:
    """Return {path: (SHA-256, time of the last change)} of all files in a folder."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, str]:
    return {name: digest for name, (digest, _time) in digests(folder).items()}


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "a camera"
    return tags


def png(values: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG", **options)
    return out.getvalue()
