"""Tiny tables of real files, and tiny networks, that several tests learn from. Knows no test."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image

from plait.core.contract import Batch, Modality
from plait.kinds.tabular.prep import TabularPrep
from plait.models.rows import Prepared
from plait.models.views import View

RATE = 8000  # Hz of the sounds
SENTENCES = ("a cold grey morning by the sea", "bright sunshine over dry hills")


def write_table(folder: Path, num: int = 48, seed: int = 0) -> Path:
    """Write num rows with a picture, a sound, a sentence, a number and a category, two classes; return the CSV.

    Pictures are 8 × 8, the left half bright in class "yes"; sounds last 0.1 s, at 400 Hz or 1200 Hz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    rows = []
    for row in range(num):
        yes = row % 2
        pixels = generator.integers(0, 60, (8, 8)).astype(np.uint8)
        pixels[:, :4] += np.uint8(150 * yes)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        wave = np.sin(2 * np.pi * (400 + 800 * yes) * np.arange(800) / RATE) / 2
        soundfile.write(folder / f"{row}.wav", wave + 0.05 * generator.standard_normal(800), RATE)
        rows.append(
            {
                "photo": f"{row}.png",
                "sound": f"{row}.wav",
                "note": f"{SENTENCES[yes]}, day {row}",
                "age": 20 + 30 * yes + row % 7,
                "colour": ("red", "blue", "green")[row % 3],
                "label": ("no", "yes")[yes],
            }
        )
    return write_csv(folder / "table.csv", rows)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers_table(num: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return a table of numbers alone, quick to learn from: the class is "high" where `a` is above 0."""
    a = np.random.default_rng(seed).standard_normal(num)
    return {
        "a": a.round(3).tolist(),
        "b": [float(n % 5) for n in range(num)],
        "y": ["high" if x > 0 else "low" for x in a],
    }


def prepared_numbers() -> Prepared:
    """Thirty-two rows of two numbers and two categories; row 3 is absent, and its values are NaN."""
    generator = np.random.default_rng(0)
    values = generator.standard_normal((32, 6)).astype(np.float32)
    values[:, 2:] = 0
    cells = np.ones((32, 1), bool)
    cells[3], values[3] = False, np.nan
    strand = View(Modality("tabular", "tabular", ("a", "b")), TabularPrep(), "tabular")
    return Prepared([strand], {"tabular": values}, {"tabular": cells}, [{} for _ in range(32)])


# networks

DIM = 8
LAYOUTS: dict[str, dict[str, Any]] = {
    "image": {"kind": "image", "channels": 1, "height": 8, "width": 8},
    "audio": {"kind": "audio", "mels": 8, "frames": 12},
    "text": {"kind": "text", "features": 4, "tokens": 5, "vocabulary": 9},
    "tabular": {"kind": "tabular", "numbers": 2, "categories": [3, 4]},
    "vectors": {"kind": "vectors", "tokens": 2, "width": 6},
    "series": {"kind": "series", "channels": 2, "length": 12, "holes": True, "seed": 0, "biases": [[0.0, 0.5]] * 84},
    "video": {"kind": "video", "frames": 3, "channels": 1, "height": 8, "width": 8},
}
# photo and scan share an encoder, and scan has two columns
STRANDS: dict[str, dict[str, Any]] = {
    "photo": {"name": "photo", "kind": "image", "group": "image", "columns": 1},
    "scan": {"name": "scan", "kind": "image", "group": "image", "columns": 2},
    "sound": {"name": "sound", "kind": "audio", "group": "audio", "columns": 1},
    "text": {"name": "text", "kind": "text", "group": "text", "columns": 1},
    "tabular": {"name": "tabular", "kind": "tabular", "group": "tabular", "columns": 1},
    "known": {"name": "known", "kind": "vectors", "group": "known", "columns": 1},  # by a pretrained encoder
    "motion": {"name": "motion", "kind": "series", "group": "motion", "columns": 1},
    "clip": {"name": "clip", "kind": "video", "group": "clip", "columns": 1},
}


def draw_inputs(kind: str, num: int, generator: torch.Generator) -> torch.Tensor:
    """Return (batch, …) as preparation gives it for the layouts above, in floats, so that holes can be NaN."""
    if kind == "image":
        return torch.rand(num, 1, 8, 8, generator=generator)
    if kind == "audio":
        return torch.randn(num, 8, 12, generator=generator)
    if kind == "vectors":
        return torch.randn(num, 2, 6, generator=generator)
    if kind == "series":
        flags = torch.rand(num, 2, 12, generator=generator) < 0.2
        return torch.cat([torch.randn(num, 2, 12, generator=generator), flags.float()], 1)
    if kind == "video":
        return torch.rand(num, 3, 1, 8, 8, generator=generator)
    if kind == "text":
        ids = torch.randint(0, 9, (num, 5), generator=generator).float()
        return torch.cat([torch.randn(num, 4, generator=generator) / 2, ids], 1)
    codes = torch.stack([torch.randint(0, size, (num,), generator=generator) for size in (3, 4)], 1).float()
    return torch.cat([torch.randn(num, 2, generator=generator), torch.zeros(num, 2), codes], 1)


def make_batch(names: Sequence[str], presence: Sequence[Sequence[bool]], fill: float = 0.0, seed: int = 1) -> Batch:
    """Return a batch. presence: a row of booleans for each row, one for each cell, a strand with two columns has two.

    What is absent holds `fill`.
    """
    generator = torch.Generator().manual_seed(seed)
    flags = torch.tensor([list(row) for row in presence], dtype=torch.bool).reshape(len(presence), -1)
    batch, place = Batch({}, {}), 0
    for name in names:
        strand = STRANDS[name]
        width = strand["columns"]
        there = flags[:, place : place + width]
        place += width
        x = torch.stack([draw_inputs(strand["kind"], len(flags), generator) for _ in range(width)], 1)
        x[~there] = fill
        batch.inputs[name] = x if width > 1 else x[:, 0]
        batch.present[name] = there.any(1)
        if width > 1:
            batch.cells[name] = there
    return batch


def take_rows(batch: Batch, rows: Sequence[int]) -> Batch:
    chosen = list(rows)
    return Batch(
        {name: x[chosen] for name, x in batch.inputs.items()},
        {name: x[chosen] for name, x in batch.present.items()},
        None,
        {name: x[chosen] for name, x in batch.cells.items()},
    )


def make_spec(
    plan: str | None, names: Sequence[str], *, late: bool = False, regression: bool = False, several: bool = False
) -> dict[str, Any]:
    strands = [STRANDS[name] for name in names]
    return {
        "strands": strands,
        "layouts": {s["group"]: LAYOUTS[s["kind"]] for s in strands},
        "plan": plan,
        "dim": DIM,
        "outputs": 1 if regression else 3,
        "regression": regression,
        "late": late,
        "several": several,
    }
