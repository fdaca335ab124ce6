"""Inside a picture: which regions moved an answer. Knows a heat map over the prepared picture, not where it is from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from plait.data.media import read_image
from plait.kinds.image.row import as_pixels
from plait.kinds.pixels import png_of
from plait.kinds.weights import grid_sums

SMALL = 240  # pixels a side of a picture on a page of hits
GRID = 8  # cells on a side: of the regions that are named
FINE = 4 * GRID  # of the heat in a report
TOP = 3  # regions that are named
PARTS, SHOWN = "regions", TOP
COVER = (GRID, GRID)  # patches of a picture that a pretrained encoder sees
Box = tuple[float, float, float, float]


def blank(x: Tensor) -> Tensor:
    """Return what stands for nothing to see: the mean colour of each picture (…, channel, height, width)."""
    return x.mean((-2, -1), keepdim=True).expand_as(x).clone()


def locate(
    heat: np.ndarray, image: Any, prep: Any, given: np.ndarray, frozen: Any = None
) -> tuple[np.ndarray, np.ndarray, Any, Box, list[dict[str, Any]]]:
    """Return heat, prepared picture, the picture that boxes lie on, the box of the heat, and the strongest regions.

    Regions are in pixels of the picture upright, rotated and cropped as it is prepared. frozen: the preparation of the
    pretrained encoder, where one sees the picture.
    """
    prep = prep if frozen is None else frozen
    steps = prep.steps(image)
    before = steps[-2][1] if steps[-1][0] == "resize" else steps[-1][1]
    box = prep.box(before.size)
    sums = grid_sums(heat, GRID, GRID)
    left, top, right, bottom = box
    height, width = heat.shape
    across = left + (right - left) * np.linspace(0, width, sums.shape[1] + 1).astype(int) / width
    down = top + (bottom - top) * np.linspace(0, height, sums.shape[0] + 1).astype(int) / height
    across, down = np.clip(across, 0, before.width).round(), np.clip(down, 0, before.height).round()
    parts: list[dict[str, Any]] = []
    for place in np.argsort(-np.abs(sums), axis=None, kind="stable"):
        row, column = divmod(int(place), sums.shape[1])
        sides = [int(s) for s in (across[column], down[row], across[column + 1], down[row + 1])]
        if sides[2] > sides[0] and sides[3] > sides[1]:  # a bar is no part of the picture
            part = dict(zip(("left", "top", "right", "bottom"), sides, strict=True))
            parts.append({**part, "weight": float(sums[row, column])})
        if len(parts) == TOP:
            break
    return heat, given, before, box, parts


def say(part: dict[str, Any]) -> str:
    """Return how a region is named in a line of text."""
    return f"x {part['left']}–{part['right']}, y {part['top']}–{part['bottom']} px"


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: the picture as prepared, and its heat map."""
    heat = np.asarray(detail.heat)  # of 224 × 224 numbers the report would have megabytes, and shows as much with less
    shown = grid_sums(heat, FINE, FINE) / grid_sums(np.ones_like(heat), FINE, FINE)
    return {"form": "picture", "png": png_of(np.asarray(detail.after)), "heat": shown.tolist()}


def media(cell: Any, folder: Path | None, rate: int | None = None) -> dict[str, bytes]:
    """Return a cell as a small PNG. Raises CellError where it is no picture."""
    pixels = as_pixels(read_image(cell, folder, draft=(SMALL, SMALL)))
    step = max(1, -(-max(pixels.shape[:2]) // SMALL))
    pixels = pixels[::step, ::step]
    return {"png": png_of(pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0))}
