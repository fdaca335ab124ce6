"""One row explained, as a picture: what each modality added, and the words, regions, seconds and columns behind it.

Knows numbers, arrays, pictures and strings; no predictor. Drawn like `draw`, and readable in black and white: what
speaks for the answer is filled, with a solid edge; what speaks against it is hatched, with a dashed edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.draw.row import (
    BLUE,
    CONTENT,
    GAP,
    HALF,
    INK,
    LABEL,
    LINE,
    MARGIN,
    ORANGE,
    PALE,
    SOFT,
    WIDTH,
    Page,
    as_pixels,
    cut_text,
    draw_absent,
    draw_wave,
    frame_axes,
    plain_axes,
    text_width,
)
from plait.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR, TALL = 0.3, 2.3  # inches
MOST_COLUMNS, MOST_LINES, MOST_BARS = 12, 14, 20
FOR, AGAINST = "speaks for the answer", "speaks against it"


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
        if part["kind"] not in _BANDS:
            raise RequestError(f"cannot draw a part of kind {part['kind']!r}; expected one of: {', '.join(_BANDS)}.")
        measure, draw = _BANDS[part["kind"]]
        bands.append((part, measure(part), draw))
    shown = sorted(bars, key=lambda bar: -abs(bar[1]))[:MOST_BARS]
    top = 1.0 + BAR * len(shown) + 0.25
    figure = Figure(
        (WIDTH, top + sum(height + 0.45 for _part, height, _draw in bands) + 0.35), dpi=120, facecolor="white"
    )
    FigureCanvasAgg(figure)
    page = Page(figure)
    page.write(MARGIN, 0.42, cut_text(title, 90), size=15, weight="bold")
    page.write(MARGIN, 0.68, cut_text(note, 130), size=9.5, color=SOFT)
    written = [f"{value:.0%}" if percent else _signed(value) for _name, value, _remark in shown]
    _draw_bars(page, 0.85, [(n, value, said, remark) for (n, value, remark), said in zip(shown, written, strict=True)])
    y = top
    for part, height, draw in bands:
        page.rule(y)
        page.write(MARGIN, y + 0.42, cut_text(str(part["modality"]), 14), size=13, weight="bold")
        if "share" in part:
            page.write(MARGIN, y + 0.65, f"share {_signed(part['share'])}", size=10)
            page.write(MARGIN, y + 0.84, f"{part['kind']}, by {part['by']}", size=8.5, color=SOFT)
            page.write(MARGIN, y + 1.02, cut_text(part.get("column", ""), 22), size=8.5, color=SOFT)
        draw(page, part, y + 0.25, height)
        y += height + 0.45
    if page.unwritten:
        page.write(
            WIDTH - MARGIN, y + 0.22, "□: no font here can write this character", size=8.5, color=SOFT, ha="right"
        )
    if not percent:
        _draw_key(page, y + 0.12, against=bool(bands) or any(value < 0 for _name, value, _remark in shown))
    return figure


def _signed(value: float) -> str:
    """Return a number with its sign, short: +0.213, −1,250."""
    size = abs(value)
    small = f"{size:.3f}" if size >= 0.01 or not size else f"{size:.1g}"
    said = f"{size:,.0f}" if size >= 100 else f"{size:.3g}" if size >= 1 else small
    return f"{'−' if value < 0 else '+'}{said}"


def _look(value: float) -> dict[str, Any]:
    """Return how a bar looks: filled for the answer, hatched against it."""
    if value >= 0:
        return {"facecolor": BLUE, "edgecolor": BLUE, "linewidth": 0.9}
    return {"facecolor": "white", "edgecolor": ORANGE, "linewidth": 0.9, "hatch": "/////"}


def _draw_key(page: Page, y: float, against: bool) -> None:
    from matplotlib.patches import Rectangle

    x = MARGIN + LABEL
    for value, said in ((1.0, FOR), (-1.0, AGAINST))[: 1 + against]:
        corner = (x, page.height - y - 0.12)
        transform = page.figure.dpi_scale_trans
        page.figure.add_artist(Rectangle(corner, 0.26, 0.14, transform=transform, **_look(value)))
        page.write(x + 0.34, y + 0.1, said, size=8.5, color=SOFT)
        x += 2.2


def _draw_bars(page: Page, y: float, bars: Sequence[tuple[str, float, str, str]]) -> None:
    """Draw (name, value, what stands at its end, remark) as bars on both sides of one line."""
    if not bars:
        return
    left, wide = MARGIN + LABEL, CONTENT - 1.6
    axes = page.axes(left, y, wide, BAR * len(bars))
    values = np.array([bar[1] for bar in bars])
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    span = (high - low) or 1.0
    axes.set_xlim(low - 0.12 * span * (low < 0), high + 0.12 * span)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    for place, (name, value, said, remark) in enumerate(bars):
        axes.barh(place, value, 0.62, **_look(value))
        page.write(left - 0.12, y + BAR * (place + 0.62), cut_text(name, 22), size=10, ha="right")
        axes.annotate(
            said, (value, place), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center", fontsize=9,
            ha="right" if value < 0 else "left", color=INK,
        )  # fmt: skip
        page.write(left + wide + 0.1, y + BAR * (place + 0.62), cut_text(remark, 24), size=9, color=SOFT)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_axis_off()


# --- picture


def _image_height(part: Mapping[str, Any]) -> float:
    return TALL + 0.35


def _draw_image(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    pixels = as_pixels(part["before"])
    tall, wide = pixels.shape[:2]
    size = min(TALL / tall, HALF / wide)
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    weights = ",  ".join(f"{k}: {_signed(region['weight'])}" for k, region in enumerate(part["parts"], 1))
    captions = (f"what the strongest regions add    {weights}", "how much each place weighs, against a plain picture")
    if part.get("flat"):
        captions = ("as it came", "no place changes the answer much, against a plain picture")
    for k, said in enumerate(captions):
        x = MARGIN + LABEL + k * (HALF + GAP)
        axes = page.axes(x, y, wide * size, tall * size)
        place: dict[str, Any] = {"extent": (0, wide, tall, 0), "interpolation": "nearest", "aspect": "auto"}
        if k == 0:
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, **place)
            for number, region in enumerate([] if part.get("flat") else part["parts"], 1):
                _mark_region(axes, number, region)
        else:
            axes.imshow(160 + grey * (95 / 255), cmap="gray", vmin=0, vmax=255, **place)
            left, top, right, bottom = part["box"]
            if not part.get("flat"):
                _lay_heat(axes, part["heat"], (left, right, bottom, top), origin="upper")
        axes.set(xlim=(0, wide), ylim=(tall, 0), xticks=[], yticks=[])
        frame_axes(axes, LINE, 0.8)
        page.write(x, y + tall * size + 0.2, said, size=9, color=SOFT)


def _mark_region(axes: Axes, number: int, region: Mapping[str, Any]) -> None:
    """Draw a box round a region, with its number: a solid edge where it speaks for the answer, else a dashed one."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    left, top, right, bottom = (region[side] for side in ("left", "top", "right", "bottom"))
    style, colour = ("-", BLUE) if region["weight"] >= 0 else ((0, (3, 2)), ORANGE)
    box = Rectangle((left, top), right - left, bottom - top, facecolor="none", edgecolor=colour)
    box.set(linewidth=2, linestyle=style)
    box.set_path_effects([withStroke(linewidth=4, foreground="white")])
    axes.add_patch(box)
    axes.text(
        (left + right) / 2, (top + bottom) / 2, str(number), fontsize=9, color=INK, ha="center", va="center",
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )  # fmt: skip


def _lay_heat(axes: Axes, heat: np.ndarray, extent: tuple[float, float, float, float], origin: Any) -> None:
    """Lay a heat map over a picture: blue for the answer, orange against it, as thick as it weighs.

    Smoothed a little: the gradient of one pixel says little. Round the strongest places runs a line, solid for, dashed
    against.
    """
    from matplotlib.colors import to_rgb
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(np.asarray(heat, float), [max(0.6, n / 28) for n in heat.shape], mode="constant")
    top = float(np.percentile(np.abs(smooth), 99.5))
    strength = np.clip(smooth / top, -1, 1) if top > 0 else np.zeros_like(smooth)
    layer = np.empty((*heat.shape, 4))
    layer[..., :3] = np.where((strength >= 0)[..., None], to_rgb(BLUE), to_rgb(ORANGE))
    layer[..., 3] = 0.9 * np.abs(strength)
    axes.imshow(layer, extent=extent, origin=origin, interpolation="bilinear", aspect="auto")
    left, right, bottom, upper = extent
    rows, columns = heat.shape
    across = left + (np.arange(columns) + 0.5) * (right - left) / columns
    first, last = (upper, bottom) if origin == "upper" else (bottom, upper)
    down = first + (np.arange(rows) + 0.5) * (last - first) / rows
    if min(rows, columns) > 1:
        for level, colour, style in ((0.5, BLUE, "solid"), (-0.5, ORANGE, "dashed")):
            if strength.min() < level < strength.max():
                axes.contour(across, down, strength, [level], colors=colour, linewidths=1.1, linestyles=style)


# --- sound


def _audio_height(part: Mapping[str, Any]) -> float:
    return TALL + 0.45


def _draw_audio(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    samples, rate = part["before"]
    seconds = len(samples) / rate
    left = MARGIN + LABEL
    wave = page.axes(left, y, HALF - 0.2, 0.42 * TALL)
    draw_wave(wave, np.asarray(samples), rate, SOFT)
    wave.set(xlim=(0, seconds), yticks=[])
    wave.tick_params(labelbottom=False)
    weights = page.axes(left, y + 0.48 * TALL, HALF - 0.2, 0.52 * TALL)
    for piece in part["parts"]:
        wide = piece["end"] - piece["start"]
        weights.bar(piece["start"], piece["weight"], wide, align="edge", **_look(piece["weight"]))
    weights.axhline(0, color=INK, linewidth=0.8)
    weights.set_xlim(0, seconds)
    plain_axes(weights)
    frame_axes(weights, LINE, 0.8)
    page.write(left, y + TALL + 0.36, "what each piece of the sound adds, over its seconds", size=9, color=SOFT)

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
    if not part.get("flat"):
        _lay_heat(axes, part["heat"], extent, origin="lower")
    hertz = [f for f in (100, 300, 1000, 3000, 8000) if lowest <= _mel(f) <= highest]
    axes.set_yticks([_mel(f) for f in hertz], [f"{f:,}" for f in hertz])
    axes.set(xlim=(begin, min(end, max(seconds, begin + 1e-3))), ylim=(lowest, highest))
    plain_axes(axes)
    frame_axes(axes, LINE, 0.8)
    said = "no place changes the answer much" if part.get("flat") else "how much each place weighs"
    page.write(x, y + TALL + 0.36, f"spectrogram, Hz over seconds: {said}", size=9, color=SOFT)


def _mel(hertz: float) -> float:
    return 2595 * float(np.log10(1 + hertz / 700))


# --- text


def _text_lines(part: Mapping[str, Any]) -> list[list[tuple[str, float | None]]]:
    """Return lines of (piece of the text as it came, its weight or None); a piece is a word or what is between."""
    weights: dict[tuple[str, int], Mapping[str, Any]] = {(w["column"], w["start"]): w for w in part["parts"]}
    lines: list[list[tuple[str, float | None]]] = []
    for column, text in part["before"].items():
        line: list[tuple[str, float | None]] = []
        room = 0
        if len(part["before"]) > 1:
            line, room = [(f"{column}: ", None)], text_width(column) + 2
        place = 0
        while place < len(text):
            word = weights.get((column, place))
            if word is None:
                end = place + 1
                while end < len(text) and (column, end) not in weights:
                    end += 1
                pieces: list[tuple[str, float | None]] = [(text[place:end], None)]
            else:
                end = max(place + 1, word["end"])
                pieces = [(piece, word["weight"]) for piece in _break(text[place:end])]
            for piece, weight in pieces:
                piece = " ".join(piece.split()) if piece.strip() else " "
                wide = text_width(piece)
                if room + wide > MOST_WIDE and line and piece.strip():
                    lines.append(line)
                    line, room = [], 0
                if line or piece.strip():
                    line.append((piece, weight))
                    room += wide + (0 if weight is None else 1)
            place = end
        lines.append(line)
    return [*lines[: MOST_LINES - 1], [("…", None)]] if len(lines) > MOST_LINES else lines


MOST_WIDE = 104  # narrow characters in a line of text


def _break(text: str) -> list[str]:
    """Break a run of words into pieces that fit on a line."""
    pieces, piece = [], ""
    for word in text.split(" "):
        joined = f"{piece} {word}" if piece else word
        if piece and text_width(joined) > 30:
            pieces.append(piece)
            joined = word
        piece = joined
    return [cut_text(p, MOST_WIDE) for p in [*pieces, piece]]


def _text_height(part: Mapping[str, Any]) -> float:
    return max(0.85, 0.29 * len(_text_lines(part)) + 0.35)


def _draw_text(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    from matplotlib.colors import to_rgb

    most = max((abs(w["weight"]) for w in part["parts"]), default=0.0) or 1.0
    level = y
    for line in _text_lines(part):
        x = MARGIN + LABEL
        for piece, weight in line:
            if not piece.strip():
                x += 0.07
                continue
            strength = 0.0 if weight is None else abs(weight) / most
            dark = strength > 0.6 and weight is not None and weight > 0
            text = page.write(0, 0, piece, size=10.5, color="white" if dark else INK)
            wide = page.measure(text)
            if weight is not None and strength > 0.06:
                fill = tuple(1 - strength * (1 - c) for c in to_rgb(BLUE if weight > 0 else ORANGE))
                look: dict[str, Any] = {"facecolor": fill, "edgecolor": "none"}
                if weight < 0:
                    pale = tuple(1 - 0.45 * strength * (1 - c) for c in to_rgb(ORANGE))
                    look = {"facecolor": pale, "edgecolor": ORANGE, "linestyle": (0, (3, 2)), "linewidth": 1.0}
                page.box(x, level, wide + 0.08, 0.24, **look)
            text.set_position(((x + 0.04) / WIDTH, 1 - (level + 0.175) / page.height))
            text.set_zorder(3)
            x += wide + (0.02 if weight is None else 0.06)
        level += 0.29
    strongest = sorted(part["parts"], key=lambda word: -abs(word["weight"]))[:6]
    said = ", ".join(f"{cut_text(word['text'], 24)} {_signed(word['weight'])}" for word in strongest)
    page.write(MARGIN + LABEL, level + 0.16, cut_text(said, 120), size=9, color=SOFT)


# --- table


def _rows(part: Mapping[str, Any]) -> list[tuple[str, float, str, str]]:
    ordered = sorted(part["parts"], key=lambda column: -abs(column["weight"]))[:MOST_COLUMNS]
    cells = part["before"]
    return [(c["column"], c["weight"], _signed(c["weight"]), _cell(cells[c["column"]])) for c in ordered]


def _cell(value: Any) -> str:
    return "absent" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _tabular_height(part: Mapping[str, Any]) -> float:
    rest = len(part["parts"]) > MOST_COLUMNS
    return max(0.85, BAR * len(_rows(part)) + 0.1 + 0.2 * rest)


def _draw_tabular(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    rows = _rows(part)
    inner = 1.3  # the modality's own name stands to the left of the names of its columns
    _draw_columns(page, y, rows, inner)
    if len(part["parts"]) > len(rows):
        left = MARGIN + LABEL + inner
        page.write(
            left, y + BAR * len(rows) + 0.2, f"and {len(part['parts']) - len(rows)} more columns", size=9, color=SOFT
        )


def _draw_columns(page: Page, y: float, rows: Sequence[tuple[str, float, str, str]], inner: float) -> None:
    left, wide = MARGIN + LABEL + 2 * inner, CONTENT - 2 * inner - 0.9
    axes = page.axes(left, y, wide, BAR * len(rows))
    values = np.array([row[1] for row in rows])
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    span = (high - low) or 1.0
    axes.set_xlim(low - 0.14 * span * (low < 0), high + 0.14 * span)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for place, (name, value, said, cell) in enumerate(rows):
        level = y + BAR * (place + 0.62)
        axes.barh(place, value, 0.55, **_look(value))
        axes.annotate(
            said, (value, place), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center", fontsize=8.5,
            ha="right" if value < 0 else "left", color=INK,
        )  # fmt: skip
        page.write(MARGIN + LABEL, level, cut_text(name, 18), size=9.5, color=SOFT)
        page.write(MARGIN + LABEL + inner + 0.1, level, cut_text(cell, 15), size=9.5)
        page.rule(y + BAR * (place + 1), MARGIN + LABEL, PALE)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_axis_off()


def _absent_height(part: Mapping[str, Any]) -> float:
    return 0.6


_Measure = Callable[[Mapping[str, Any]], float]  # part → inches
_Draw = Callable[[Page, Mapping[str, Any], float, float], None]  # page, part, top, height
_BANDS: dict[str, tuple[_Measure, _Draw]] = {
    "image": (_image_height, _draw_image),
    "audio": (_audio_height, _draw_audio),
    "text": (_text_height, _draw_text),
    "tabular": (_tabular_height, _draw_tabular),
    "absent": (_absent_height, draw_absent),
}
