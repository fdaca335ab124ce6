"""One row before and after preprocessing, as a picture, so that a person sees what the model sees.

Knows arrays, pictures and strings; no table file, no network. Drawn with matplotlib's objects: no display, no global
figure, nobody's settings changed. A character that no installed font can write is drawn as □.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plait.draw.page import LABEL, MARGIN, ORANGE, SOFT, WIDTH, Page, cut_text, draw_absent, wrap_text
from plait.errors import RequestError
from plait.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_row(parts: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Draw the modalities of one row, one under the other; save it with `figure.savefig(path)`.

    Each part is a dict with "modality" (its name), "kind", and what is there of:

    - "before": image: a picture (PIL, or (height, width[, channel])); audio: (samples (time[, channel]), Hz); text: a
      string; tabular: {column: cell}
    - "after": image: uint8 (channel, height, width); audio: (mel, time); text: tokens, or (token, known) pairs;
      tabular: {column: what the model is given}
    - "steps": image: (name, picture) …; audio: (name, samples, Hz) …; text: (name, text) …, the first one as it came
    - "reason": why the modality is absent, or what was wrong with it

    A part without "after" is drawn as absent. Raises RequestError for a kind that there is not.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bands = []
    for part in parts:
        kind = part["kind"]
        band = band_of(kind)
        whole = part.get("after") is not None
        bands.append((part, *((band.row_height, band.draw_row) if whole else (_absent_height, draw_absent))))
    heights = [measure(part) for part, measure, _draw in bands]
    top = 0.95 if title else 0.6
    figure = Figure((WIDTH, top + sum(heights) + 0.5 * len(bands)), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    page = Page(figure)
    if title:
        page.write(MARGIN, 0.42, title, size=15, weight="bold")
    page.write(MARGIN + LABEL, top - 0.12, "as it came", size=9.5, color=SOFT)
    page.write(WIDTH - MARGIN, top - 0.12, "what the model sees", size=9.5, color=ORANGE, ha="right")
    y = top
    for (part, _measure, draw), height in zip(bands, heights, strict=True):
        page.rule(y)
        page.write(MARGIN, y + 0.42, cut_text(str(part["modality"]), 14), size=13, weight="bold")
        if part["kind"] != part["modality"]:
            page.write(MARGIN, y + 0.65, str(part["kind"]), size=10, color=SOFT)
        if part.get("reason") and part.get("after") is not None:
            below = y + (0.9 if part["kind"] != part["modality"] else 0.67)
            for k, line in enumerate(wrap_text(str(part["reason"]), 22)[:6]):
                page.write(MARGIN, below + 0.17 * k, line, size=8.5, color=ORANGE)
        draw(page, part, y + 0.25, height)
        y += height + 0.5
    if page.unwritten:
        page.write(MARGIN, y - 0.1, "□ stands for a character that no font here can write", size=8.5, color=SOFT)
    return figure


def _absent_height(part: Mapping[str, Any]) -> float:
    return 0.75


def band_of(kind: str) -> Any:
    """Return what draws a part of this kind. Raises RequestError for a kind that there is not, or that none draws."""
    if kind not in KINDS or KINDS[kind].row is None:
        drawn = [name for name, able in KINDS.items() if able.row is not None]
        raise RequestError(f"cannot draw a part of kind {kind!r}; expected one of: {', '.join(drawn)}.")
    return KINDS[kind].row
