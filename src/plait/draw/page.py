"""A page to draw on in inches, text that fits on it, and the fonts that can write it.
Drawn with matplotlib's objects: no display, no global figure, nobody's settings changed. A character that no
installed font can write is drawn as □."""

from __future__ import annotations

import contextlib
import itertools
import logging
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

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
        look |= {"fontsize": size, "color": color, "fontfamily": list(fonts_for(shown)[0]), "parse_math": False}
        return self.figure.text(x / WIDTH, 1 - y / self.height, shown, **look)

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


def draw_absent(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    page.box(MARGIN + LABEL, y, CONTENT, height - 0.1, facecolor=PALE, edgecolor=LINE, hatch="///", linewidth=0.8)
    reason = cut_text("missing" + (f": {part['reason']}" if part.get("reason") else ""), 100)
    bbox = {"facecolor": "white", "edgecolor": LINE, "boxstyle": "round,pad=0.45"}
    place = MARGIN + LABEL + CONTENT / 2, y + height / 2 - 0.01
    page.write(*place, reason, size=10.5, ha="center", color=ORANGE, bbox=bbox)


def plain_axes(axes: Axes) -> None:
    axes.tick_params(labelsize=8, colors=SOFT, length=2.5, pad=2)


def frame_axes(axes: Axes, color: str, width: float) -> None:
    for spine in axes.spines.values():
        spine.set(color=color, linewidth=width)


def text_width(text: str) -> int:
    """Return how wide a text is, in narrow characters: a Chinese character counts two."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(sign: str) -> int:
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 0 if unicodedata.combining(sign) else 1


def _fitting(text: str, most: int) -> int:
    """Return how many signs from the start are at most so wide; looks no further than that."""
    if text.isascii():
        return min(len(text), most)
    return next((end for end, wide in enumerate(itertools.accumulate(map(_width, text))) if wide > most), len(text))


def cut_text(text: str, most: int) -> str:
    """Return one line of at most `most` narrow characters, cut with …"""
    text = " ".join(text.split())
    return text if _fitting(text, most) == len(text) else text[: _fitting(text, most - 1)] + "…"


def shorten(text: object, most: int) -> str:
    """Return one line of at most `most` narrow characters, cut in the middle.

    >>> shorten("parallel(image, audio, by=gate)", 16)
    'parallel(…=gate)'
    """
    whole = " ".join(str(text).split())
    if text_width(whole) <= most:
        return whole
    head = next(whole[:n] for n in range(most, -1, -1) if text_width(whole[:n]) <= most * 0.6)
    tail = next(whole[n:] for n in range(len(head), len(whole) + 1) if text_width(whole[n:]) < most - text_width(head))
    return f"{head.rstrip()}…{tail.lstrip()}"


def tell_apart(names: Sequence[object], most: int) -> list[str]:
    """Return each name cut to fit, so that those which differ still do: cut elsewhere where the middle told them apart.

    >>> tell_apart(["a study in Berlin, group A of 1999", "a study in Berlin, group B of 1999"], 16)
    ['…group A of 1999', '…group B of 1999']
    """
    whole = [" ".join(str(name).split()) for name in names]
    shown = {name: shorten(name, most) for name in whole}
    alike: dict[str, list[str]] = {}
    for name, text in shown.items():
        alike.setdefault(text, []).append(name)
    for group in [group for group in alike.values() if len(group) > 1]:
        letters = zip(*group, strict=False)
        same = next((place for place, some in enumerate(letters) if len({*some}) > 1), min(map(len, group)))
        blank = group[0].find(" ", max(0, same - most // 2), same)
        begin = blank + 1 if blank >= 0 else max(0, same - most // 3)  # a word or two before they begin to differ
        cuts = [f"…{cut_text(name[begin:], most - 1)}" for name in group]
        if len({*cuts} | {*shown.values()}) < len(cuts) + len({*shown.values()}):
            cuts = [f"{shorten(name, most - 4)} ({place})" for place, name in enumerate(group, 1)]
        shown |= dict(zip(group, cuts, strict=True))
    return [shown[name] for name in whole]


def wrap_text(text: str, most: int) -> list[str]:
    """Return lines of at most `most` narrow characters, broken at blanks, and anywhere in Chinese and in long words."""
    lines = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for word in paragraph.replace("\t", " ").split(" "):
            joined = f"{line} {word}" if line else word
            fits = _fitting(joined, most) == len(joined)
            if not fits and line and all(unicodedata.east_asian_width(c) not in "WF" for c in word):
                lines.append(line)
                joined = word
            start = 0
            while (end := start + max(1, _fitting(joined[start : start + 2 * most], most))) < len(joined):
                lines.append(joined[start:end])
                start = end
            line = joined[start:]
        lines.append(line)
    return lines


def fonts_for(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the installed font families that together write a text, and the marks that none can write."""
    return _fonts("".join(sorted(set(text))))


@lru_cache(maxsize=256)
def _fonts(marks: str) -> tuple[tuple[str, ...], frozenset[str]]:
    families, missing = ["DejaVu Sans"], frozenset(marks) - {"\n"} - _writes("DejaVu Sans")
    logging.getLogger("matplotlib.font_manager").addFilter(_is_news)
    for look in (_families, _new_families):
        installed = look() if missing else frozenset()
        for name in [*(f for f in FONTS if f in installed), *sorted(installed - set(FONTS))]:
            if missing & _writes(name):
                families.append(name)
                missing -= _writes(name)
            if not missing:
                break
    return tuple(families), missing


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log says more than that a font has no bold signs: few that write Chinese have."""
    return not record.getMessage().startswith("findfont: Failed to find font weight")


def _families() -> frozenset[str]:
    """Return the families of upright fonts that matplotlib knows; the Last Resort draws boxes."""
    from matplotlib.font_manager import fontManager

    upright = [f for f in fontManager.ttflist if f.style == f.stretch == "normal" and f.weight in (400, "normal")]
    return frozenset(font.name for font in upright if "Last Resort" not in font.name)


@lru_cache(maxsize=1)
def _new_families() -> frozenset[str]:
    """Return those of fonts that were installed after matplotlib made its list, which it keeps between programs."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known, before = _families(), {font.fname for font in fontManager.ttflist}
    for path in sorted({*findSystemFonts()} - before):
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # a font of pictures, or a broken one
            fontManager.addfont(path)
    return _families() - known


def _writes(family: str) -> frozenset[str]:
    from matplotlib.font_manager import FontProperties, fontManager

    return characters_of(fontManager.findfont(FontProperties(family=[family])))


@lru_cache(maxsize=1024)
def characters_of(path: str) -> frozenset[str]:
    """Return the characters that a font file has a sign for; none where it cannot be read."""
    from matplotlib.font_manager import get_font

    try:
        return frozenset(map(chr, get_font(path).get_charmap()))
    except (RuntimeError, ValueError, OSError):  # a colour font or a broken one: as good as none
        return frozenset()


def safe_text(text: str) -> str:
    """Return the text with □ for each character that no installed font can write; such marks are dropped."""
    unseen = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\n"}
    missing = fonts_for("".join(set(text) - unseen))[1]
    unseen |= {c for c in missing if unicodedata.category(c) in ("Mn", "Me")}
    line = " ".join(text.split()) if "\n" in text else text
    return "".join("□" if c in missing else c for c in line if c not in unseen)
