"""What a sound looks like in a drawn row: wave and log-mel, and the seconds that mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count
from plait.data.sound import is_cancelled, loudest
from plait.draw.bars import TALL, bar_look, lay_heat
from plait.draw.page import (
    BLUE,
    GAP,
    HALF,
    INK,
    LABEL,
    LINE,
    MARGIN,
    ORANGE,
    SOFT,
    Page,
    cut_text,
    frame_axes,
    plain_axes,
)
from plait.kinds.audio.prep import mel_of
from plait.kinds.audio.read import OPENER

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def row_height(part: Mapping[str, Any]) -> float:
    return 2.75


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    steps = list(part.get("steps") or [("as it came", *part["before"])])
    waves = [steps[0]] if len(steps) == 1 else [steps[0], steps[-1]]
    each = (height - 0.75 - 0.3 * (len(waves) - 1)) / len(waves)
    seconds = max(len(samples) / rate for _name, samples, rate in waves)
    for k, (name, samples, rate) in enumerate(waves):
        axes = page.axes(MARGIN + LABEL, y + 0.22 + k * (each + 0.3), HALF, each)
        draw_wave(axes, np.asarray(samples), rate, BLUE if k else SOFT)
        axes.set_xlim(0, seconds)
        axes.tick_params(labelbottom=k == len(waves) - 1)
        channels = 1 if np.ndim(samples) == 1 else np.shape(samples)[1]
        caption = name if not k else " → ".join(str(step[0]) for step in steps[1:])
        facts = f"{count(rate)} Hz" + (f", {channels} channels" if channels > 1 else "")
        page.write(MARGIN + LABEL, y + 0.15 + k * (each + 0.3), cut_text(f"{caption}, {facts}", 66), size=9)
    page.write(MARGIN + LABEL + HALF / 2, y + height - 0.18, "seconds", size=8.5, color=SOFT, ha="center")

    x, mel = MARGIN + LABEL + HALF + GAP, np.asarray(part["after"])
    axes = page.axes(x, y + 0.22, HALF, height - 0.75)
    low, high = np.percentile(mel, (1, 99.5)) if mel.size else (0.0, 1.0)
    look: dict[str, Any] = {"vmin": low, "vmax": max(high, low + 1e-3), "interpolation": "nearest", "aspect": "auto"}
    axes.imshow(mel, origin="lower", cmap="magma", **look)
    _frame(axes, ORANGE, 1.6)
    page.write(x, y + 0.15, f"log-mel spectrogram, {mel.shape[0]} mels × {mel.shape[1]} frames", size=9)
    page.write(x + HALF / 2, y + height - 0.18, "frames", size=8.5, color=SOFT, ha="center")


def _frame(axes: Axes, color: str = LINE, width: float = 0.8) -> None:
    plain_axes(axes)
    frame_axes(axes, color, width)


def draw_wave(axes: Axes, samples: np.ndarray, rate: int, color: str) -> None:
    """Draw the lowest and highest sample of each of 800 slices, so that no peak is lost."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    mono = samples[:, loudest(samples)] if is_cancelled(samples) else mono
    edges = np.unique(np.linspace(0, len(mono), min(801, len(mono) + 1)).astype(int))[:-1]
    if len(edges):
        low, high = np.minimum.reduceat(mono, edges), np.maximum.reduceat(mono, edges)
        axes.fill_between(edges / rate, low, high, color=color, linewidth=0.7)
    top = max(1e-4, float(np.abs(mono).max(initial=0)))
    axes.set_ylim(-1.08 * top, 1.08 * top)
    axes.set_yticks([-top, 0, top], [f"{-top:.2g}", "0", f"{top:.2g}"])
    _frame(axes)


def share_height(part: Mapping[str, Any]) -> float:
    return TALL + 0.45


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    samples, rate = part["before"]
    seconds = len(samples) / rate
    left, flat = MARGIN + LABEL, part.get("flat")
    wave = page.axes(left, y, HALF - 0.2, TALL if flat else 0.42 * TALL)
    draw_wave(wave, np.asarray(samples), rate, SOFT)
    wave.set(xlim=(0, seconds), yticks=[])
    said = "what each piece of the sound adds, over its seconds"
    said = "wave over seconds: no piece changes the answer much" if flat else said
    page.write(left, y + TALL + 0.36, said, size=9, color=SOFT)
    if not flat:
        wave.tick_params(labelbottom=False)
        _draw_weights(page.axes(left, y + 0.48 * TALL, HALF - 0.2, 0.52 * TALL), part, seconds)

    x = left + HALF + GAP
    axes = page.axes(x, y, HALF, TALL)
    mel = np.asarray(part["after"], float)
    low, high = np.percentile(mel, (5, 99.8)) if mel.size else (0.0, 1.0)
    begin, lowest, end, highest = part["box"]
    extent = (begin, end, lowest, highest)
    axes.imshow(
        mel, origin="lower", cmap="gray_r", vmin=low, vmax=high + 0.9 * (high - low) + 1e-3, extent=extent,
        interpolation="nearest", aspect="auto",
    )  # fmt: skip
    if not flat:
        lay_heat(axes, part["heat"], extent, origin="lower")
    hertz = [f for f in (100, 300, 1000, 3000, 8000) if lowest <= mel_of(f) <= highest]
    axes.set_yticks([mel_of(f) for f in hertz], [f"{f:,}" for f in hertz])
    axes.set(xlim=(begin, min(end, max(seconds, begin + 1e-3))), ylim=(lowest, highest))
    _frame(axes)
    weighed = "no place changes the answer much" if flat else "how much each place weighs"
    page.write(x, y + TALL + 0.36, f"spectrogram, Hz over seconds: {weighed}", size=9, color=SOFT)


def _draw_weights(axes: Any, part: Mapping[str, Any], seconds: float) -> None:
    """Draw what each piece of a sound adds, as bars over time."""
    for piece in part["parts"]:
        wide = piece["end"] - piece["start"]
        axes.bar(piece["start"], piece["weight"], wide, align="edge", **bar_look(piece["weight"]))
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlim(0, seconds)
    if part.get("ends") and any(part["ends"]):  # one scale for all bars of the row
        axes.set_ylim(1.05 * part["ends"][0], 1.05 * part["ends"][1])
    _frame(axes)


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row."""
    return OPENER.row_part(table, columns, prep, lambda sound: prep.steps(*sound))
