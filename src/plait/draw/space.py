"""The report of a space: what was compared, what each direction finds, and a map of rows in two directions.

Takes all as one dict; knows no model and no vectors.

title       of the page; lines: sentences on the rows
candidates  [{"name", "val", "chosen"}] on validation; measure: what val is
directions  [sentence]; sentence: on all of them
points      {modality: [[x, y], …]} places on the map, of any scale
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from plait.core.files import write_bytes
from plait.core.words import jsonable
from plait.draw.report import BROKEN, environment

SIDE, EDGE = 420, 12  # of the map, in pixels


def write_space(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the page, whole or not at all. content: as the docstring of this file says."""
    write_bytes(Path(path), render_space(content).encode())


def render_space(content: Mapping[str, Any]) -> str:
    """Return the page as HTML that refers to nothing outside itself."""
    from markupsafe import Markup

    style = Markup((files("plait.draw") / "templates" / "report.css").read_text("utf-8"))
    clean = jsonable({**content, "points": place_points(content["points"])})
    page = environment().get_template("space.html.j2")
    return BROKEN.sub("\ufffd", str(page.render(style=style, side=SIDE, **clean))) + "\n"


def place_points(points: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, list[list[float]]]:
    """Return places in pixels, to a tenth, the same scale for both directions.

    >>> place_points({"a": [[0.0, 0.0], [1.0, 2.0]]})
    {'a': [[12.0, 408.0], [210.0, 12.0]]}
    """
    every = [place for places in points.values() for place in places]
    low = [min((place[axis] for place in every), default=0.0) for axis in (0, 1)]
    high = [max((place[axis] for place in every), default=1.0) for axis in (0, 1)]
    scale = (SIDE - 2 * EDGE) / (max(high[0] - low[0], high[1] - low[1]) or 1.0)
    return {
        name: [[round(EDGE + (x - low[0]) * scale, 1), round(SIDE - EDGE - (y - low[1]) * scale, 1)] for x, y in places]
        for name, places in points.items()
    }
