"""Bars on both sides of a line, and heat over a picture.
Readable in black and white: what speaks for an answer is filled, what speaks against it is hatched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.draw.page import BLUE, CONTENT, INK, LABEL, MARGIN, ORANGE, SOFT, Page, cut_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR, TALL = 0.3, 2.3  # inches
FOR, AGAINST = "speaks for the answer", "speaks against it"


def bar_look(value: float) -> dict[str, Any]:
    """Return how a bar looks: filled for the answer, hatched against it."""
    if value >= 0:
        return {"facecolor": BLUE, "edgecolor": BLUE, "linewidth": 0.9}
    return {"facecolor": "white", "edgecolor": ORANGE, "linewidth": 0.9, "hatch": "/////"}


def draw_key(page: Page, y: float, against: bool) -> None:
    from matplotlib.patches import Rectangle

    x = MARGIN + LABEL
    for value, text in ((1.0, FOR), (-1.0, AGAINST))[: 1 + against]:
        corner = (x, page.height - y - 0.12)
        transform = page.figure.dpi_scale_trans
        page.figure.add_artist(Rectangle(corner, 0.26, 0.14, transform=transform, **bar_look(value)))
        page.write(x + 0.34, y + 0.1, text, size=8.5, color=SOFT)
        x += 2.2


def draw_bars(page: Page, y: float, bars: Sequence[tuple[str, float, str, str]]) -> None:
    """Draw (name, value, what stands at its end, remark) as bars on both sides of one line."""
    if not bars:
        return
    left, wide = MARGIN + LABEL, CONTENT - 1.6
    lay_bars(page, (left, y, wide), [(value, said) for _name, value, said, _remark in bars])
    for place, (name, _value, _said, remark) in enumerate(bars):
        level = y + BAR * (place + 0.62)
        page.write(left - 0.12, level, cut_text(name, 22), size=10, ha="right")
        page.write(left + wide + 0.1, level, cut_text(remark, 24), size=9, color=SOFT)


def lay_bars(
    page: Page, place: tuple[float, float, float], bars: Sequence[tuple[float, str]], thick: float = 0.62,
    ends: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Lay (value, what stands at its end) as bars on both sides of one line. place: left, top and width in inches.
    ends: the lowest and the highest value of all bars that share a scale, where these are not all."""
    left, top, wide = place
    axes = page.axes(left, top, wide, BAR * len(bars))
    values = [*(value for value, _said in bars), *(ends or ())]
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    axes.set_xlim(low - 0.12 * span * (low < 0), high + 0.12 * span)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    for row, (value, said) in enumerate(bars):
        axes.barh(row, value, thick, **bar_look(value))
        axes.annotate(
            said, (value, row), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center", fontsize=9,
            ha="right" if value < 0 else "left", color=INK,
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_axis_off()


def lay_heat(axes: Axes, heat: np.ndarray, extent: tuple[float, float, float, float], origin: Any) -> None:
    """Lay a heat map over a picture: blue for the answer, orange against it, as thick as it weighs.
    Smoothed a little: the gradient of one pixel says little. Round the strongest places runs a line, solid for, dashed
    against."""
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
