"""What a picture looks like in a drawn row: each step of its preparation, and the regions that mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import signed
from plait.draw.bars import TALL, lay_heat
from plait.draw.page import BLUE, CONTENT, GAP, HALF, INK, LABEL, LINE, MARGIN, ORANGE, SOFT, Page, cut_text, frame_axes
from plait.kinds.image.prep import backdrop_of, levelled, shows_on
from plait.kinds.image.read import OPENER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS = 5


def _panels(part: Mapping[str, Any]) -> tuple[list[tuple[str, np.ndarray]], list[tuple[float, float]]]:
    """Return (name, pixels) for each picture to draw, the last as the model sees it, and (width, height) in inches."""
    steps = list(part.get("steps") or [("as it came", part["before"])])
    seen = as_pixels(np.moveaxis(np.asarray(part["after"]), 0, -1))
    panels = [(str(name), as_pixels(picture)) for name, picture in (steps[:-1] or steps)]
    if len(panels) > MOST_STEPS - 1:
        panels = [panels[0], *panels[2 - MOST_STEPS :]]
    same = seen.shape == panels[-1][1].shape
    panels.append((str(steps[-1][0]) if len(steps) > 1 else "unchanged" if same else "prepared", seen))
    space = min(CONTENT / len(panels) - 0.45, 3.8)
    scales = [min(1.9 / pixels.shape[0], space / pixels.shape[1]) for _name, pixels in panels]
    return panels, [(p.shape[1] * scale, p.shape[0] * scale) for (_name, p), scale in zip(panels, scales, strict=True)]


def row_height(part: Mapping[str, Any]) -> float:
    return 0.45 + max(tall for _wide, tall in _panels(part)[1])


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    panels, sizes = _panels(part)
    step = (CONTENT - sizes[-1][0]) / (len(panels) - 1)  # so that the last one ends at the right margin
    for k, ((name, pixels), (wide, tall)) in enumerate(zip(panels, sizes, strict=True)):
        final = k == len(panels) - 1
        x, top = MARGIN + LABEL + k * step, y + height - 0.45 - tall
        axes = page.axes(x, top, wide, tall)
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest", aspect="auto")
        axes.set(xticks=[], yticks=[])
        frame_axes(axes, ORANGE if final else LINE, 1.6 if final else 0.8)
        colour = "grey" if pixels.ndim == 2 else "colour"
        page.write(x, y + height - 0.25, cut_text(name, max(8, int(wide * 13))), size=9.5)
        page.write(x, y + height - 0.07, f"{pixels.shape[1]} × {pixels.shape[0]} px, {colour}", size=8.5, color=SOFT)
        if not final:
            page.write(x + (wide + step) / 2, y + (height - 0.45) / 2 + 0.06, "→", size=14, color=SOFT, ha="center")


def as_pixels(picture: Any) -> np.ndarray:
    """Return a picture as (height, width) or (height, width, 3), 0 to 255; deep ones are brought to that range."""
    if hasattr(picture, "mode"):
        picture = levelled(picture)
    mode = getattr(picture, "mode", "")
    if mode in ("1", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        picture = picture.convert({"1": "L", "P": "RGBA", "PA": "RGBA"}.get(mode, "RGB"))
    x = np.asarray(picture)
    if x.ndim == 3 and x.shape[2] == 1:
        x = x[..., 0]
    if x.ndim == 3 and x.shape[2] in (2, 4):  # with transparency: on what it shows on
        alpha = x[..., -1:].astype(float) / 255
        behind = backdrop_of([shows_on(picture)]) if hasattr(picture, "mode") else 255
        x = x[..., :-1] * alpha + behind * (1 - alpha)
        x = x[..., 0] if x.shape[2] == 1 else x
    if x.dtype != np.uint8:
        x = np.nan_to_num(x.astype(float))
        top = float(x.max(initial=0))
        x = x * (255 if top <= 1 else 1 if top <= 255 else 255 / top)
    return np.clip(x, 0, 255).astype(np.uint8)


def share_height(part: Mapping[str, Any]) -> float:
    return TALL + 0.35


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    pixels, flat = as_pixels(part["before"]), part.get("flat")
    tall, wide = pixels.shape[:2]
    size = min(TALL / tall, HALF / wide)
    grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    weights = ",  ".join(f"{k}: {signed(region['weight'])}" for k, region in enumerate(part["parts"], 1))
    pale = 160 + grey * (95 / 255)
    weighed = "no place changes the answer much" if flat else "how much each place weighs"
    came = "as it came" if flat else f"what the strongest regions add    {weights}"
    for k, (picture, caption) in enumerate([(pixels, came), (pale, f"{weighed}, against a plain picture")]):
        x = MARGIN + LABEL + k * (HALF + GAP)
        axes = page.axes(x, y, wide * size, tall * size)
        look: dict[str, Any] = {"extent": (0, wide, tall, 0), "interpolation": "nearest", "aspect": "auto"}
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, **look)
        if not flat and k == 0:
            for number, region in enumerate(part["parts"], 1):
                _mark_region(axes, number, region)
        elif not flat:
            left, top, right, bottom = part["box"]
            lay_heat(axes, part["heat"], (left, right, bottom, top), origin="upper")
        axes.set(xlim=(0, wide), ylim=(tall, 0), xticks=[], yticks=[])
        frame_axes(axes, LINE, 0.8)
        page.write(x, y + tall * size + 0.2, caption, size=9, color=SOFT)


def _mark_region(axes: Axes, number: int, region: Mapping[str, Any]) -> None:
    """Draw a box round a region, with its number: a solid edge where it speaks for the answer, else a dashed one."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    left, top, right, bottom = (region[side] for side in ("left", "top", "right", "bottom"))
    style, colour = ("-", BLUE) if region["weight"] >= 0 else ((0, (3, 2)), ORANGE)
    line: dict[str, Any] = {"edgecolor": colour, "linestyle": style, "linewidth": 2}
    line["path_effects"] = [withStroke(linewidth=4, foreground="white")]
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, facecolor="none", **line))
    axes.text(
        (left + right) / 2, (top + bottom) / 2, str(number), fontsize=9, color=INK, ha="center", va="center",
        path_effects=[withStroke(linewidth=3, foreground="white")],
    )  # fmt: skip


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row."""
    return OPENER.row_part(table, columns, prep, prep.steps)
