"""Which columns are series: tables in files, channels of points as text or arrays; what may be a picture is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Column
from plait.data.read import read
from plait.kinds.detect import detect

NOISE = np.random.default_rng(0).standard_normal((6, 3, 20)).round(3)


def judged(cells: Any, name: str = "s") -> Column:
    return detect(read({name: cells, "other": list(range(6))})).column(name)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (NOISE, "arrays of 3 channels of 20 points"),
        (NOISE.transpose(0, 2, 1), "arrays of 3 channels of 20 points"),
        ([row[:, : 10 + k] for k, row in enumerate(NOISE)], "arrays of 3 channels of 10 to 15 points"),
        ([str(row.tolist()) for row in NOISE], "lists in lists, 3 channels of 20 points"),
        ([*[str(row) for row in NOISE[:4]], "[[1, 2], [3]]", None], "lists in lists, 3 channels of 20 points"),
    ],
    ids=["array", "time first", "lengths", "JSON", "as NumPy prints, one ragged, one blank"],
)
def test_channels_of_points_are_series(cells: Any, why: str) -> None:
    column = judged(cells)
    assert (column.kind, column.role, column.why) == ("series", "feature", why)


def test_small_tables_in_files_are_series(tmp_path: Path) -> None:
    for row in range(6):
        (tmp_path / f"{row}.csv").write_text("t,x\n" + "".join(f"{k},{np.sin(k + row):.2f}\n" for k in range(20)))
    (tmp_path / "t.csv").write_text("s,n\n" + "".join(f"{row}.csv,{row}\n" for row in range(6)))
    column = detect(read(tmp_path / "t.csv")).column("s")
    assert (column.kind, column.why) == ("series", "tables in files, 1 channel of 20 points")
    (tmp_path / "u.csv").write_text("s,n\n" + "".join(f"gone{row}.csv,{row}\n" for row in range(6)))
    assert detect(read(tmp_path / "u.csv")).column("s").kind != "series"


def test_pictures_sounds_and_little_arrays_are_none() -> None:
    assert judged(np.zeros((6, 9, 20))).kind == "image"
    assert judged(np.zeros((6, 2, 500))).kind == "audio"
    assert judged(NOISE, "pixels").kind == "image"
    assert judged(np.zeros((6, 4, 3))).kind == "id"
    assert judged([str(np.zeros((9, 9)).tolist()).replace("0.0", f"{k}.5") for k in range(6)]).kind != "series"
