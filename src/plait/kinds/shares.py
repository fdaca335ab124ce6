"""One row explained, as a picture: what each modality added, and the words, regions, seconds and columns behind it.

Knows numbers, arrays, pictures and strings; no predictor. Readable in black and white: what
speaks for the answer is filled, with a solid edge; what speaks against it is hatched, with a dashed edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plait.core import words
from plait.draw.bars import BAR, draw_bars, draw_key
from plait.draw.page import MARGIN, SOFT, WIDTH, Page, cut_text, draw_absent
from plait.kinds.row import band_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 20
ABSENT = 0.6  # inches, of a modality that is not there


def draw_shares(
    bars: Sequence[tuple[str, float, str]],
    title: str,
    note: str = "",
    parts: Sequence[Mapping[str, Any]] = (),
    percent: bool = False,
) -> Figure:
    """Draw bars of (name, value, remark), and under them one band for each part; save it with `figure.savefig(path)`.

    percent: the values are parts of one whole.

    A part is a dict with "modality", "kind", and unless the kind is absent (then "reason"): "share", "by", "parts" (as
    in `plait.proof.inside.Detail`), "before", and for image and audio "column", "after", "heat", "box" and "flat"
    (nothing in it changes the answer much). Raises RequestError for a kind that there is not.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bands = []
    for part in parts:
        kind = part["kind"]
        if kind == "absent":
            bands.append((part, ABSENT, draw_absent))
        else:
            band = band_of(kind)
            bands.append((part, band.share_height(part), band.draw_share))
    shown = sorted(bars, key=lambda bar: -abs(bar[1]))[:MOST_BARS]
    top = 1.0 + BAR * len(shown) + 0.25
    figure = Figure(
        (WIDTH, top + sum(height + 0.45 for _part, height, _draw in bands) + 0.35), dpi=120, facecolor="white"
    )
    FigureCanvasAgg(figure)
    page = Page(figure)
    page.write(MARGIN, 0.42, cut_text(title, 90), size=15, weight="bold")
    page.write(MARGIN, 0.68, cut_text(note, 130), size=9.5, color=SOFT)
    written = [words.percent(value, 0) if percent else words.signed(value) for _name, value, _remark in shown]
    draw_bars(page, 0.85, [(n, value, said, remark) for (n, value, remark), said in zip(shown, written, strict=True)])
    y = top
    for part, height, draw in bands:
        page.rule(y)
        page.write(MARGIN, y + 0.42, cut_text(str(part["modality"]), 14), size=13, weight="bold")
        if "share" in part:
            page.write(MARGIN, y + 0.65, f"share {words.signed(part['share'])}", size=10)
            page.write(MARGIN, y + 0.84, f"{part['kind']}, by {part['by']}", size=8.5, color=SOFT)
            page.write(MARGIN, y + 1.02, cut_text(part.get("column", ""), 22), size=8.5, color=SOFT)
        draw(page, part, y + 0.25, height)
        y += height + 0.45
    if page.unwritten:
        page.write(
            WIDTH - MARGIN, y + 0.22, "□: no font here can write this character", size=8.5, color=SOFT, ha="right"
        )
    if not percent:
        draw_key(page, y + 0.12, against=bool(bands) or any(value < 0 for _name, value, _remark in shown))
    return figure
