"""A table of real files with holes of every sort, and the views fitted on a table. Knows no test."""

from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.kinds.detect import detect
from plait.models.views import View, fit_views
from tiny import read_csv, write_csv, write_table


def write_holes(folder: Path) -> Path:
    """Write twelve rows; row 1 lacks its picture, 2 has words for one, 3 a sound that is not there, 4 nothing at all.

    Row 5 has a word for a number, row 6 no cell of the table. Return the folder, which holds table.csv.
    """
    rows = read_csv(write_table(folder, 12))
    (folder / "words.png").write_text("these are words, no picture")
    rows[1]["photo"] = ""
    rows[2]["photo"] = "words.png"
    rows[3]["sound"] = "gone.wav"
    rows[4] |= dict.fromkeys(("photo", "sound", "note", "age", "colour"), "")
    rows[5]["age"] = "many"
    rows[6] |= {"age": "", "colour": ""}
    write_csv(folder / "table.csv", rows)
    return folder


def views_of(table: Table, rows: Any = None, prep: Any = None, **options: Any) -> list[View]:
    given: dict[str, Any] = {
        "target": "label",
        "kinds": {"age": "number", "note": "text", "photo": "image", "sound": "audio"},
    }
    schema = detect(table, **{**given, **options})
    rows = np.arange(len(table)) if rows is None else np.asarray(rows)
    return fit_views(table, schema, rows, prep or {}, np.random.default_rng(0))
