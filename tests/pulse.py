"""A tiny kind of data of a test's own: pulses, four whole numbers between blanks, "0 3 0 1". plait knows none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from plait.draw.page import LABEL, MARGIN, Page
from plait.kinds import KINDS
from plait.kinds.facts import Facts, Guess
from plait.kinds.kind import Kind
from plait.kinds.part import Part
from plait.kinds.worsening import Worsening

FORM = re.compile(r"\d+( \d+){3}")


def claim(facts: Facts, folder: Any) -> Guess | None:
    whole = facts.form == "text" and all(FORM.fullmatch(cell) or cell == "broken" for cell in facts.sample)
    return Guess("pulse", "four whole numbers between blanks", 0.9) if whole else None


@dataclass(frozen=True)
class PulsePrep:
    """Pulses divided by the highest number of the training rows."""

    top: float = 0.0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> PulsePrep:
        return cls(**options)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PulsePrep:
        return cls(**data)

    def __call__(self, cell: str) -> np.ndarray:
        return np.array([float(n) for n in cell.split()], np.float32) / self.top


def fit(prep: PulsePrep, part: Part, rows: np.ndarray, generator: Any, learns: bool = True) -> PulsePrep:
    cells = [cell for name in part.columns for cell in part.table.cells(name, rows) if cell and FORM.fullmatch(cell)]
    return PulsePrep(max(float(n) for cell in cells for n in cell.split()))


def prepare(prep: PulsePrep, part: Part, layout: Any, values: np.ndarray, pool: Any) -> tuple[np.ndarray, list[Any]]:
    (cells,) = part.cells().values()
    present, reasons = np.zeros((len(cells), 1), bool), []
    for row, cell in enumerate(cells):
        right = cell is not None and FORM.fullmatch(cell) is not None
        present[row] = right
        reasons.append(None if right else "blank" if cell is None else f"{cell!r} is no pulse")
        if right:
            values[row] = prep(cell)
    return present, reasons


class PulseEncoder(nn.Module):
    def __init__(self, ticks: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(ticks, dim), nn.GELU(), nn.Linear(dim, dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layers(x)[:, None]
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool)


def draw(layout: Any, num: int, generator: np.random.Generator) -> np.ndarray:
    return generator.random((num, layout["ticks"]))


def split(part: Part, prep: PulsePrep) -> tuple[Any, list[dict[str, Any]], list[int], Any]:
    ((column, (cell,)),) = part.cells().items()
    ticks = cell.split()

    def leave(kept: np.ndarray) -> dict[str, Any]:
        return {column: " ".join(n if stays else "0" for n, stays in zip(ticks, kept, strict=True))}

    return cell, [{"tick": n} for n in range(len(ticks))], list(range(len(ticks))), leave


def flatten_tops(cell: str, level: float, generator: np.random.Generator) -> str:
    return " ".join(str(round(int(n) * (1 - level))) for n in cell.split())


def row_part(table: Any, columns: Sequence[str], prep: PulsePrep) -> dict[str, Any]:
    cell = table.cells(columns[0])[0]
    return {"reason": "blank"} if cell is None else {"before": cell, "after": prep(cell)}


def write_pulse(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    page.write(MARGIN + LABEL, y + 0.2, f"pulse {part['before']}")


PULSE = Kind(
    "pulse",
    noun="pulse",
    columns=("pulse",),
    abilities={
        "recognise": SimpleNamespace(claim=claim),
        "read": SimpleNamespace(DTYPE=np.float32, fit=fit, prepare=prepare),
        "prep": SimpleNamespace(
            PREP=PulsePrep,
            layout=lambda prep, encoder: {"ticks": 4},
            shape=lambda layout: (layout["ticks"],),
        ),
        "network": SimpleNamespace(
            ENCODER=PulseEncoder,
            PORT="float32",
            IN_GRAPH=False,
            draw=draw,
        ),
        "features": SimpleNamespace(features=lambda x, layout: x),
        "augment": SimpleNamespace(
            augment=lambda prep, layout, x, generator: x + 0.01 * torch.randn(x.shape, generator=generator)
        ),
        "worsen": SimpleNamespace(WAYS=(Worsening("flatter", "share", (0.0, 0.5, 1.0), "cell", flatten_tops),)),
        "row": SimpleNamespace(
            row_part=row_part,
            row_height=lambda part: 0.5,
            draw_row=write_pulse,
            share_height=lambda part: 0.5,
            draw_share=write_pulse,
        ),
        "inside": SimpleNamespace(
            PARTS="ticks",
            SHOWN=2,
            split=split,
            say=lambda part: f"tick {part['tick']}",
            report=lambda detail: {
                "form": "columns",
                "columns": [
                    {"name": f"tick {p['tick']}", "value": n, "weight": p["weight"]}
                    for p, n in zip(detail.parts, detail.before.split(), strict=True)
                ],
            },
        ),
    },
)


@contextmanager
def known_pulses() -> Iterator[Kind]:
    """A time in which plait knows pulses: one line, as a kind of plait's own has one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, PULSE.name, PULSE)
        yield PULSE
