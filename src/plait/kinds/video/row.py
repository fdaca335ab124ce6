"""What a video looks like in a drawn row: a strip of its frames, and the seconds that mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import BLANK, Table
from plait.core.words import plain
from plait.draw.bars import TALL, bar_look
from plait.draw.page import CONTENT, INK, LABEL, LINE, MARGIN, ORANGE, SOFT, Page, frame_axes, plain_axes
from plait.errors import CellError
from plait.kinds.video.prep import VideoPrep
from plait.kinds.video.read import read

MOST_SHOWN = 8  # frames of a strip
SPACE = 0.06  # inches between two
TALLEST = 1.1  # inches


def row_part(table: Table, columns: Sequence[str], prep: VideoPrep) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row."""
    cell = table.cells(columns[0])[0]
    if cell is None:
        return {"reason": BLANK}
    try:
        clip = read(cell, table.folder, None, prep)
        return {"before": clip, "after": prep(clip)}
    except CellError as error:
        return {"reason": str(error)}


def _size(num: int, width: float, height: float) -> tuple[float, float]:
    """Return width and height in inches of one of so many frames."""
    wide = min((CONTENT - SPACE * (num - 1)) / num, TALLEST * width / height)
    return wide, wide * height / width


def _frame_places(num: int) -> list[int]:
    return np.linspace(0, num - 1, min(num, MOST_SHOWN)).round().astype(int).tolist()


def row_height(part: Mapping[str, Any]) -> float:
    clip, after = part["before"], np.asarray(part["after"])
    num = len(_frame_places(len(after)))
    return _size(num, *clip.pictures[0].size)[1] + _size(num, after.shape[3], after.shape[2])[1] + 0.75


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    clip, after = part["before"], np.asarray(part["after"])
    shown = _frame_places(len(after))
    pictures = [np.asarray(clip.pictures[place]) for place in shown]
    said = f"{clip.width} × {clip.height} px, {plain(clip.start, digits=2)}–{plain(clip.end, digits=2)} s"
    below = y + 0.2 + _draw_strip(page, pictures, [clip.seconds[place] for place in shown], y + 0.2, LINE)
    page.write(MARGIN + LABEL, y + 0.13, said, size=9)
    seen = [np.moveaxis(frame, 0, -1) if len(frame) == 3 else frame[0] for frame in after[shown]]
    _draw_strip(page, seen, [], below + 0.45, ORANGE)
    colour = "grey" if after.shape[1] == 1 else "colour"
    facts = f"{len(after)} frames, {after.shape[3]} × {after.shape[2]} px, {colour}"
    page.write(MARGIN + LABEL, below + 0.38, facts, size=9)


def _draw_strip(page: Page, pictures: Sequence[np.ndarray], seconds: Sequence[float], y: float, color: str) -> float:
    """Draw frames side by side, with the second of each below; return how tall they are, in inches."""
    wide, tall = _size(len(pictures), pictures[0].shape[1], pictures[0].shape[0])
    for place, pixels in enumerate(pictures):
        x = MARGIN + LABEL + place * (wide + SPACE)
        axes = page.axes(x, y, wide, tall)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
        axes.set(xticks=[], yticks=[])
        frame_axes(axes, color, 1.2 if color == ORANGE else 0.8)
        if seconds:
            page.write(x, y + tall + 0.14, f"{seconds[place]:.3g} s", size=8.5, color=SOFT)
    return tall


def share_height(part: Mapping[str, Any]) -> float:
    clip = next(iter(part["before"].values()))
    strip = _size(len(_frame_places(len(clip.pictures))), *clip.pictures[0].size)[1]
    return strip + 0.6 if part.get("flat") else TALL + 0.2


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    column, clip = next(iter(part["before"].items()))
    parts = [piece for piece in part["parts"] if piece["column"] == column]
    shown = _frame_places(len(clip.pictures))
    pictures = [np.asarray(clip.pictures[place]) for place in shown]
    tall = _draw_strip(page, pictures, [clip.seconds[place] for place in shown], y, LINE)
    if part.get("flat"):
        said = "no stretch of the video changes the answer much"
        page.write(MARGIN + LABEL, y + tall + 0.4, said, size=9, color=SOFT)
        return
    wide = len(shown) * (_size(len(shown), *clip.pictures[0].size)[0] + SPACE) - SPACE
    axes = page.axes(MARGIN + LABEL, y + tall + 0.25, wide, max(0.3, TALL - tall - 0.4))
    for piece in parts:
        step = piece["end"] - piece["start"]
        axes.bar(piece["start"], piece["weight"], step, align="edge", **bar_look(piece["weight"]))
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(xlim=(clip.start, clip.end), xticks=[])
    if part.get("ends") and any(part["ends"]):  # one scale for all bars of the row
        axes.set_ylim(1.05 * part["ends"][0], 1.05 * part["ends"][1])
    plain_axes(axes)
    frame_axes(axes, LINE, 0.8)
    page.write(MARGIN + LABEL, y + TALL + 0.08, "what each stretch of the video adds", size=9, color=SOFT)
