"""One row as a picture: before and after preprocessing, or explained by what each modality added.

Knows arrays, pictures and strings; no table file, no network, no predictor. Drawn with matplotlib's objects: no
display, no global figure, nobody's settings changed. Readable in black and white: what speaks for the answer is filled,
with a solid edge; what speaks against it is hatched, with a dashed edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plait.core import words
from plait.draw.bars import BAR, draw_bars, draw_key
from plait.draw.page import LABEL, MARGIN, ORANGE, SOFT, WIDTH, Page, cut_text, draw_absent, wrap_text
from plait.errors import RequestError
from plait.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 20


def draw_row(parts: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Draw the modalities of one row, one under the other; save it with `figure.savefig(path)`.

    Each part is a dict with "modality" (its name), "kind", "reason" (why it is absent, or what was wrong with it), and
    - "before": image: a picture (PIL, or (height, width[, channel])); audio: (samples (time[, channel]), Hz); text: a
      string; tabular: {column: cell}
    - "after": image: uint8 (channel, height, width); audio: (mel, time); text: tokens, or (token, known) pairs;
      tabular: {column: what the model is given}
    - "steps": image: (name, picture) …; audio: (name, samples, Hz) …; text: (name, text) …, the first one as it came

    A part without "after" is drawn as absent. Raises RequestError for a kind that there is not.
    """
    bands = []
    for part in parts:
        band, whole = _band_of(part["kind"]), part.get("after") is not None
        bands.append((part, band.row_height(part), band.draw_row) if whole else (part, 0.75, draw_absent))
    y = 0.95 if title else 0.6
    page = _open_page(y + sum(height + 0.5 for _part, height, _draw in bands))
    if title:
        page.write(MARGIN, 0.42, title, size=15, weight="bold")
    page.write(MARGIN + LABEL, y - 0.12, "as it came", size=9.5, color=SOFT)
    page.write(WIDTH - MARGIN, y - 0.12, "what the model sees", size=9.5, color=ORANGE, ha="right")
    for part, height, draw in bands:
        _begin_band(page, part, y)
        below = y + 0.67
        if part["kind"] != part["modality"]:
            page.write(MARGIN, y + 0.65, str(part["kind"]), size=10, color=SOFT)
            below = y + 0.9
        if part.get("reason") and part.get("after") is not None:
            for k, line in enumerate(wrap_text(str(part["reason"]), 22)[:6]):
                page.write(MARGIN, below + 0.17 * k, line, size=8.5, color=ORANGE)
        draw(page, part, y + 0.25, height)
        y += height + 0.5
    if page.unwritten:
        page.write(MARGIN, y - 0.1, "□ stands for a character that no font here can write", size=8.5, color=SOFT)
    return page.figure


def draw_shares(
    bars: Sequence[tuple[str, float, str]],
    title: str,
    note: str = "",
    parts: Sequence[Mapping[str, Any]] = (),
) -> Figure:
    """Draw bars of (name, value, remark), and under them one band for each part; save it with `figure.savefig(path)`.

    A part is a dict with "modality", "kind", and unless the kind is absent (then "reason"): "share", "by", "parts" (as
    in `plait.proof.inside.Detail`), "ends" (the lowest and the highest weight of all parts, which share one scale),
    "before", "flat" (nothing in it changes the answer much), and for image and audio "column", "after", "heat" and
    "box". Raises RequestError for a kind that there is not.
    """
    bands = []
    for part in parts:
        band = None if part["kind"] == "absent" else _band_of(part["kind"])
        bands.append((part, band.share_height(part), band.draw_share) if band else (part, 0.6, draw_absent))
    shown = _strongest(bars)
    y = 1.0 + BAR * len(shown) + 0.25
    page = _open_page(y + sum(height + 0.45 for _part, height, _draw in bands) + 0.35)
    _draw_block(page, 0.0, [(name, value, words.signed(value), remark) for name, value, remark in shown], title, note)
    for part, height, draw in bands:
        _begin_band(page, part, y)
        if "share" in part:
            page.write(MARGIN, y + 0.65, f"share {words.signed(part['share'])}", size=10)
            page.write(MARGIN, y + 0.84, f"{part['kind']}, by {part['by']}", size=8.5, color=SOFT)
            page.write(MARGIN, y + 1.02, cut_text(part.get("column", ""), 22), size=8.5, color=SOFT)
        draw(page, part, y + 0.25, height)
        y += height + 0.45
    _say_unwritten(page, y + 0.22)
    draw_key(page, y + 0.12, against=bool(bands) or any(value < 0 for _name, value, _remark in shown))
    return page.figure


def draw_blocks(blocks: Sequence[tuple[str, str, Sequence[tuple[str, float, str, str]]]]) -> Figure:
    """Draw blocks of bars, one under the other: title, note, and bars of (name, value, what stands at its end, remark).

    Each block has a scale of its own; save it with `figure.savefig(path)`.
    """
    shown = [(title, note, _strongest(bars)) for title, note, bars in blocks]
    heights = [1.25 + BAR * len(bars) for _title, _note, bars in shown]
    page, y = _open_page(sum(heights) + 0.1), 0.0
    for height, (title, note, bars) in zip(heights, shown, strict=True):
        _draw_block(page, y, bars, title, note)
        y += height
    _say_unwritten(page, y)
    return page.figure


def _strongest(bars: Sequence[Any]) -> list[Any]:
    return sorted(bars, key=lambda bar: -abs(bar[1]))[:MOST_BARS]


def _draw_block(page: Page, y: float, bars: Sequence[tuple[str, float, str, str]], title: str, note: str) -> None:
    page.write(MARGIN, y + 0.42, cut_text(title, 90), size=15, weight="bold")
    page.write(MARGIN, y + 0.68, cut_text(note, 130), size=9.5, color=SOFT)
    draw_bars(page, y + 0.85, bars)


def _say_unwritten(page: Page, y: float) -> None:
    if page.unwritten:
        missing = "□: no font here can write this character"
        page.write(WIDTH - MARGIN, y, missing, size=8.5, color=SOFT, ha="right")


def _open_page(height: float) -> Page:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((WIDTH, height), dpi=120, facecolor="white")
    FigureCanvasAgg(figure)
    return Page(figure)


def _begin_band(page: Page, part: Mapping[str, Any], y: float) -> None:
    page.rule(y)
    page.write(MARGIN, y + 0.42, cut_text(str(part["modality"]), 14), size=13, weight="bold")


def _band_of(kind: str) -> Any:
    """Return what draws a part of this kind. Raises RequestError for a kind that there is not, or that none draws."""
    if kind not in KINDS or KINDS[kind].row is None:
        drawn = [name for name, able in KINDS.items() if able.row is not None]
        raise RequestError(f"cannot draw a part of kind {kind!r}; expected one of: {', '.join(drawn)}.")
    return KINDS[kind].row
