"""One row before and after preprocessing, as a picture, so that a person sees what the model sees.

Knows arrays, pictures and strings; no table file, no network. Drawn with matplotlib's objects: no display, no global
figure, nobody's settings changed. A character that no installed font can write is drawn as □.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.errors import RequestError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, LINE, PALE, BLUE, ORANGE = "#1f2933", "#66727f", "#d5dae0", "#f1f3f5", "#1f5f99", "#c4560f"
FONTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC",
    "Hiragino Sans GB", "Heiti SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "AR PL UMing CN", "Arial Unicode MS", "Unifont", "Malgun Gothic", "Apple SD Gothic Neo",
    "Noto Sans KR", "Noto Sans Thai", "Noto Sans Devanagari", "Segoe UI", "Tahoma",
)  # fmt: skip
WIDTH, MARGIN, LABEL, GAP = 12.0, 0.45, 1.75, 0.4  # inches
CONTENT = WIDTH - 2 * MARGIN - LABEL
HALF = (CONTENT - GAP) / 2
MOST_TOKENS, MOST_LINES, MOST_CELLS, MOST_STEPS = 80, 12, 30, 5


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
        if kind not in _BANDS:
            raise RequestError(f"cannot draw a part of kind {kind!r}; expected one of: {', '.join(_BANDS)}.")
        bands.append((part, *(_BANDS[kind] if part.get("after") is not None else (_absent_height, draw_absent))))
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


class Page:
    """A figure with places in inches from the top left."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.height = float(figure.get_size_inches()[1])
        self.unwritten = False  # whether some character had to be drawn as □

    def write(self, x: float, y: float, text: str, *, size: float = 10, color: str = INK, **look: Any) -> Any:
        """Write text with its base line at (x, y)."""
        shown = safe_text(text)
        self.unwritten |= shown.count("□") > text.count("□")
        return self.figure.text(
            x / WIDTH, 1 - y / self.height, shown, fontsize=size, color=color, parse_math=False,
            fontfamily=list(_fonts()[0]), **look,
        )  # fmt: skip

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        return self.figure.add_axes((x / WIDTH, 1 - (y + height) / self.height, width / WIDTH, height / self.height))

    def box(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        """Draw a box with round corners; its top left corner is (x, y)."""
        from matplotlib.patches import FancyBboxPatch

        transform = self.figure.dpi_scale_trans
        style = f"round,pad=0,rounding_size={min(0.06, height / 4)}"
        corner = (x, self.height - y - height)
        self.figure.add_artist(FancyBboxPatch(corner, width, height, boxstyle=style, transform=transform, **look))

    def rule(self, y: float, left: float = MARGIN, color: str = LINE) -> None:
        from matplotlib.lines import Line2D

        level = 1 - y / self.height
        self.figure.add_artist(Line2D([left / WIDTH, 1 - MARGIN / WIDTH], [level, level], color=color, linewidth=0.8))

    def measure(self, artist: Any) -> float:
        """Return how many inches wide a text is."""
        return float(artist.get_window_extent().width) / self.figure.dpi


# --- picture


def _panels(part: Mapping[str, Any]) -> tuple[list[tuple[str, np.ndarray]], list[tuple[float, float]]]:
    """Return (name, pixels) for each picture to draw, the last as the model sees it, and (width, height) in inches."""
    steps = list(part.get("steps") or [("as it came", part["before"])])
    seen = as_pixels(np.moveaxis(np.asarray(part["after"]), 0, -1))
    panels = [(str(name), as_pixels(picture)) for name, picture in (steps[:-1] or steps)]
    if len(panels) > MOST_STEPS - 1:
        panels = [panels[0], *panels[2 - MOST_STEPS :]]
    same = seen.shape == panels[-1][1].shape
    panels.append((str(steps[-1][0]) if len(steps) > 1 else "unchanged" if same else "prepared", seen))
    space = CONTENT / len(panels) - 0.45
    shapes = [pixels.shape for _name, pixels in panels]
    sizes = [min(1.9 / shape[0], min(space, 3.8) / shape[1]) for shape in shapes]
    return panels, [(shape[1] * size, shape[0] * size) for shape, size in zip(shapes, sizes, strict=True)]


def _image_height(part: Mapping[str, Any]) -> float:
    return 0.45 + max(tall for _wide, tall in _panels(part)[1])


def _draw_image(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    panels, sizes = _panels(part)
    step = (CONTENT - sizes[-1][0]) / (len(panels) - 1)  # so that the last one ends at the right margin
    for k, ((name, pixels), (wide, tall)) in enumerate(zip(panels, sizes, strict=True)):
        final = k == len(panels) - 1
        x, top = MARGIN + LABEL + k * step, y + height - 0.45 - tall
        axes = page.axes(x, top, wide, tall)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
        axes.set_xticks([])
        axes.set_yticks([])
        frame_axes(axes, ORANGE if final else LINE, 1.6 if final else 0.8)
        colour = "grey" if pixels.ndim == 2 else "colour"
        page.write(x, y + height - 0.25, cut_text(name, max(8, int(wide * 13))), size=9.5)
        page.write(x, y + height - 0.07, f"{pixels.shape[1]} × {pixels.shape[0]} px, {colour}", size=8.5, color=SOFT)
        if not final:
            page.write(x + (wide + step) / 2, y + (height - 0.45) / 2 + 0.06, "→", size=14, color=SOFT, ha="center")


def as_pixels(picture: Any) -> np.ndarray:
    """Return a picture as (height, width) or (height, width, 3), 0 to 255; deep ones are brought to that range."""
    mode = getattr(picture, "mode", "")
    if mode in ("1", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert({"1": "L", "P": "RGBA", "PA": "RGBA"}.get(mode, "RGB"))
    x = np.asarray(picture)
    if x.ndim == 3 and x.shape[2] == 1:
        x = x[..., 0]
    if x.ndim == 3 and x.shape[2] in (2, 4):  # with transparency: on white
        alpha = x[..., -1:].astype(float) / 255
        x = x[..., :-1] * alpha + 255 * (1 - alpha)
        x = x[..., 0] if x.shape[2] == 1 else x
    if x.dtype != np.uint8:
        x = np.nan_to_num(x.astype(float))
        top = float(x.max(initial=0))
        x = x * (255 if top <= 1 else 1 if top <= 255 else 255 / top)
    return np.clip(x, 0, 255).astype(np.uint8)


# --- sound


def _audio_height(part: Mapping[str, Any]) -> float:
    return 2.75


def _draw_audio(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
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
        said = name if not k else " → ".join(str(step[0]) for step in steps[1:])
        facts = f"{rate:,} Hz" + (f", {channels} channels" if channels > 1 else "")
        page.write(MARGIN + LABEL, y + 0.15 + k * (each + 0.3), cut_text(f"{said}, {facts}", 66), size=9)
    page.write(MARGIN + LABEL + HALF / 2, y + height - 0.18, "seconds", size=8.5, color=SOFT, ha="center")

    mel = np.asarray(part["after"])
    axes = page.axes(MARGIN + LABEL + HALF + GAP, y + 0.22, HALF, height - 0.75)
    low, high = np.percentile(mel, (1, 99.5)) if mel.size else (0.0, 1.0)
    look: dict[str, Any] = {"vmin": low, "vmax": max(high, low + 1e-3), "interpolation": "nearest", "aspect": "auto"}
    axes.imshow(mel, origin="lower", cmap="magma", **look)
    plain_axes(axes)
    frame_axes(axes, ORANGE, 1.6)
    x = MARGIN + LABEL + HALF + GAP
    page.write(x, y + 0.15, f"log-mel spectrogram, {mel.shape[0]} mels × {mel.shape[1]} frames", size=9)
    page.write(x + HALF / 2, y + height - 0.18, "frames", size=8.5, color=SOFT, ha="center")


def draw_wave(axes: Axes, samples: np.ndarray, rate: int, color: str) -> None:
    """Draw the lowest and highest sample of each of 800 slices, so that no peak is lost."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    edges = np.unique(np.linspace(0, len(mono), min(801, len(mono) + 1)).astype(int))[:-1]
    if len(edges):
        low, high = np.minimum.reduceat(mono, edges), np.maximum.reduceat(mono, edges)
        axes.fill_between(edges / rate, low, high, color=color, linewidth=0.7)
    top = max(1e-4, float(np.abs(mono).max(initial=0)))
    axes.set_ylim(-1.08 * top, 1.08 * top)
    axes.set_yticks([-top, 0, top], [f"{-top:.2g}", "0", f"{top:.2g}"])
    plain_axes(axes)
    frame_axes(axes, LINE, 0.8)


# --- text


def _text_height(part: Mapping[str, Any]) -> float:
    rows, x = 1, 0.0
    for token, _known in _pairs(part["after"]):
        wide = 0.082 * text_width(cut_text(token, 40)) + 0.18
        rows, x = (rows + 1, wide) if x and x + wide > HALF else (rows, x + wide)
    return max(0.19 * len(_lines(part["before"])) + 0.45, 0.27 * rows + 0.3, 0.6)


def _draw_text(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    lines = _lines(part["before"])
    page.box(MARGIN + LABEL, y, HALF, 0.19 * len(lines) + 0.18, facecolor=PALE, edgecolor="none")
    for k, line in enumerate(lines):
        page.write(MARGIN + LABEL + 0.12, y + 0.22 + 0.19 * k, line, size=9.5)
    done = " → ".join(str(name) for name, _text in list(part.get("steps") or [])[1:])
    if done:
        page.write(MARGIN + LABEL, y + 0.19 * len(lines) + 0.4, cut_text(f"changed by: {done}", 62), size=9, color=SOFT)

    left = x = MARGIN + LABEL + HALF + GAP
    level, all_pairs = y, list(part["after"])
    pairs = _pairs(all_pairs)
    for token, known in pairs:
        text = page.write(0, 0, cut_text(token, 40), size=9.5, color=INK if known else SOFT)
        wide = page.measure(text) + 0.13
        if x > left and x + wide > WIDTH - MARGIN:
            x, level = left, level + 0.27
        look = {"facecolor": "#dfeaf5", "edgecolor": "none"}
        if not known:
            look = {"facecolor": "white", "edgecolor": SOFT, "linestyle": (0, (3, 2)), "linewidth": 0.8}  # type: ignore[dict-item]
        page.box(x, level, wide, 0.22, **look)
        text.set_position(((x + 0.065) / WIDTH, 1 - (level + 0.155) / page.height))
        text.set_zorder(3)
        x += wide + 0.05
    notes = [f"{len(all_pairs):,} tokens" if len(all_pairs) != 1 else "1 token"]
    if len(all_pairs) > len(pairs):
        notes.append(f"the first {len(pairs)} are shown")
    if not all(known for _token, known in pairs):
        notes.append("dashed: not in the vocabulary")
    page.write(left, level + (0.46 if pairs else 0.15), ", ".join(notes), size=9, color=SOFT)


def _lines(text: str) -> list[str]:
    lines = wrap_text(text.replace("\ue000", "[").replace("\ue001", "]"), 58)  # as text.join marks columns
    return [*lines[: MOST_LINES - 1], "…"] if len(lines) > MOST_LINES else lines


def _pairs(tokens: Sequence[Any]) -> list[tuple[str, bool]]:
    chosen = list(tokens)[:MOST_TOKENS]
    return [(token, True) if isinstance(token, str) else (str(token[0]), bool(token[1])) for token in chosen]


# --- table


def _seen(part: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return (column, lines of what the model is given)."""
    rows = list(part["after"].items())[:MOST_CELLS]
    return [
        (str(name), wrap_text(value if isinstance(value, str) else f"{value:+.2f}", 54)[:4]) for name, value in rows
    ]


def _tabular_height(part: Mapping[str, Any]) -> float:
    rows = _seen(part)
    return sum(0.1 + 0.17 * len(lines) for _name, lines in rows) + 0.27 * (len(part["after"]) > len(rows))


def _draw_tabular(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    left, middle, right = MARGIN + LABEL, MARGIN + LABEL + 2.4, MARGIN + LABEL + HALF + GAP
    before, rows = part.get("before") or {}, _seen(part)
    level = y + 0.15
    for name, lines in rows:
        cell = before.get(name)
        look = {"color": ORANGE, "style": "italic"} if cell is None else {"color": INK}
        page.write(left, level, cut_text(name, 28), size=9.5, color=SOFT)
        page.write(middle, level, "absent" if cell is None else cut_text(str(cell), 30), size=9.5, **look)
        for k, line in enumerate(lines):
            page.write(right, level + 0.17 * k, line, size=9.5)
        level += 0.1 + 0.17 * len(lines)
        page.rule(level - 0.18, left, PALE)
    if len(part["after"]) > len(rows):
        page.write(left, level, f"and {len(part['after']) - len(rows)} more columns", size=9, color=SOFT)


# --- absent, and what all share


def _absent_height(part: Mapping[str, Any]) -> float:
    return 0.75


def draw_absent(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    page.box(MARGIN + LABEL, y, CONTENT, height - 0.1, facecolor=PALE, edgecolor=LINE, hatch="///", linewidth=0.8)
    said = "absent" + (f": {part['reason']}" if part.get("reason") else "")
    bbox = {"facecolor": "white", "edgecolor": LINE, "boxstyle": "round,pad=0.45"}
    page.write(
        MARGIN + LABEL + CONTENT / 2,
        y + height / 2 - 0.01,
        cut_text(said, 100),
        size=10.5,
        ha="center",
        color=ORANGE,
        bbox=bbox,
    )


def plain_axes(axes: Axes) -> None:
    axes.tick_params(labelsize=8, colors=SOFT, length=2.5, pad=2)


def frame_axes(axes: Axes, color: str, width: float) -> None:
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=width)


def text_width(text: str) -> int:
    """Return how wide a text is, in narrow characters: a Chinese character counts two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def cut_text(text: str, most: int) -> str:
    """Return one line of at most `most` narrow characters, cut with …"""
    text = " ".join(text.split())
    if text_width(text) <= most:
        return text
    while text_width(text) > most - 1:
        text = text[:-1]
    return text + "…"


def wrap_text(text: str, most: int) -> list[str]:
    """Return lines of at most `most` narrow characters, broken at blanks, and anywhere in Chinese and in long words."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.replace("\t", " ").split(" "):
            joined = f"{line} {word}" if line else word
            if text_width(joined) > most and line and all(unicodedata.east_asian_width(c) not in "WF" for c in word):
                lines.append(line)
                joined = word
            while text_width(joined) > most:
                end = len(joined)
                while text_width(joined[:end]) > most:
                    end = min(end - 1, most) if end > most else end - 1
                lines.append(joined[:end])
                joined = joined[end:]
            line = joined
        lines.append(line)
    return lines


@lru_cache(maxsize=1)
def _fonts() -> tuple[tuple[str, ...], frozenset[int]]:
    """Return the families to draw with, the plain one first, and the characters that they can write."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    installed = {font.name for font in fontManager.ttflist}
    families, known = ["DejaVu Sans"], set[int]()
    for family in ("DejaVu Sans", *(name for name in FONTS if name in installed)):
        try:
            marks = set(get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap())
        except (RuntimeError, ValueError, OSError):  # a colour font, or a broken one
            continue
        if not marks <= known and family not in families:
            families.append(family)
        known |= marks
    return tuple(families), frozenset(known)


def safe_text(text: str) -> str:
    """Return the text with □ for each character that no installed font can write; such marks are dropped."""
    known = _fonts()[1]
    out = []
    for c in " ".join(text.split()) if "\n" in text else text:
        if ord(c) in known and unicodedata.category(c) not in ("Cc", "Cf"):
            out.append(c)
        elif unicodedata.category(c) not in ("Cc", "Cf", "Mn", "Me"):
            out.append("□")
    return "".join(out)


_Measure = Callable[[Mapping[str, Any]], float]  # part → inches
_Draw = Callable[[Page, Mapping[str, Any], float, float], None]  # page, part, top, height
_BANDS: dict[str, tuple[_Measure, _Draw]] = {
    "image": (_image_height, _draw_image),
    "audio": (_audio_height, _draw_audio),
    "text": (_text_height, _draw_text),
    "tabular": (_tabular_height, _draw_tabular),
}
