"""Small files with times, that several tests put onto one clock. Knows no test."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

REFERENCE = {"t": [0, 1, 2, 3], "label": ["a", "b", "c", "d"]}
DATED = {"time": [f"2024-05-01T10:0{m}:00+00:00" for m in range(5)], "n": [0, 1, 2, 3, 4]}


def enter_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that files are called as a user would; a fixture is made of this."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def write_csv(name: str, **columns: Any) -> str:
    rows = (",".join("" if cell is None else str(cell) for cell in row) for row in zip(*columns.values(), strict=True))
    lines = [",".join(columns), *rows]
    return write(name, "\n".join(lines) + "\n")


def write_sound(name: str, seconds: float, rate: int = 8000, tone: float = 440.0) -> str:
    times = np.arange(int(seconds * rate)) / rate
    soundfile.write(name, 0.5 * np.sin(2 * np.pi * tone * times), rate)
    return name


def columns_of(aligned: Any) -> dict[str, list[Any]]:
    return {name: aligned.table.cells(name) for name in aligned.table.names}
