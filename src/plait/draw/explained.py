"""What the report shows of one explained row: the steps to its answer, and what counted inside each modality.
Takes numbers, texts, and pictures and sounds as bytes; knows no predictor and no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from plait.core.words import plain
from plait.draw import figures, svg

GRID = 8  # cells on a side that a frame is drawn round: the heat of a picture has one for each pixel
MOST_PAIRS = 3
MOST_MEDIA = 1_000_000  # bytes of one picture or sound in the page


def explain_row(facts: Mapping[str, Any], regression: bool) -> dict[str, Any]:
    target, answer = facts["target"], facts["prediction"]
    total = answer if regression else facts["probability"]
    say = plain if regression else str
    inside = [one for part in facts["parts"] for key in ("seconds", "spans", "columns") for one in part.get(key, ())]
    there = [abs(one["weight"]) for one in inside if one.get("start", 0) < one.get("end", 1)]  # of some length
    limit = max([*there, 1e-12])  # one scale for the whole row
    return {
        **{key: facts[key] for key in ("row", "split", "status", "reason")},
        "target": say(target),
        "said": say(answer),
        "off": plain(answer - target, "+") if regression else None,
        "right": None if regression else str(target) == str(answer),
        "probability": None if regression else facts["probability"],
        "chart": figures.waterfall(facts["base"], facts["modalities"], total, not regression),
        "pairs": _pairs(facts.get("pairs", {})),
        "parts": [_part({**part, "limit": limit, "points": not regression}) for part in facts["parts"]],
    }


def _pairs(pairs: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, float, float, str, float]]:
    """Return (pair, together, the better alone, its name, gain), what differs most first."""
    told = []
    for pair, facts in sorted(pairs.items(), key=lambda pair: -abs(pair[1]["value"]))[:MOST_PAIRS]:
        better = max(facts["alone"], key=lambda name: facts["alone"][name])
        told.append((pair.replace("+", " + "), facts["together"], facts["alone"][better], better, facts["value"]))
    return told


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    view = {"name": part["modality"], "note": ""}
    if part.get("reason"):
        return {**view, "form": "absent", "reason": part["reason"]}
    return {**view, "form": part["form"], **FORMS[part["form"]](part)}


def _picture(part: Mapping[str, Any]) -> dict[str, Any]:
    from PIL import Image

    cells, png = np.asarray(part["heat"], float), part["png"]
    # with width and height the page keeps its place
    return {
        "layer": heat_layer(cells),
        "boxes": _strongest(cells),
        "size": Image.open(BytesIO(png)).size,
        **_fitting("png", png),
    }


def _sound(part: Mapping[str, Any]) -> dict[str, Any]:
    seconds = [s for s in part["seconds"] if s["end"] > s["start"]]
    duration = max([float(s["end"]) for s in seconds] + [float(part["duration"])])
    strip = figures.seconds_figure(seconds, duration, part["limit"], part["points"]) if seconds else None
    return {"png": part["spectrogram"], "strip": strip, "duration": duration, **_fitting("wav", part["wav"])}


def _words(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"pieces": _pieces(part["text"], part["spans"], part["limit"])}


def _columns(part: Mapping[str, Any]) -> dict[str, Any]:
    course = figures.course_figure(part["lanes"], part["limit"], part["points"]) if part.get("lanes") else None
    return {"columns": part["columns"], "limit": part["limit"], "course": course}


# the ways in which a page can show what is inside a modality
FORMS = {"picture": _picture, "sound": _sound, "words": _words, "columns": _columns}


def _fitting(name: str, data: bytes) -> dict[str, Any]:
    """Return a picture or sound, or instead a note where it is too large for the page."""
    if len(data) <= MOST_MEDIA:
        return {name: data}
    return {name: None, "note": f"It is too large to keep in this file ({len(data) / 1e6:.1f} MB)."}


def heat_layer(cells: np.ndarray) -> bytes:
    """Return a PNG to lay over a picture, one pixel a cell (height, width): blue for the answer, orange against."""
    from PIL import Image

    layer = np.where(cells[..., None] >= 0, (20, 80, 200, 0), (235, 120, 20, 0))
    layer[..., 3] = np.rint(215 * (np.abs(cells) / max(np.abs(cells).max(), 1e-12)) ** 0.8)
    buffer = BytesIO()
    Image.fromarray(layer.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def _strongest(cells: np.ndarray) -> list[dict[str, str]]:
    """Return where the strongest cells (height, width) for and against the answer lie, in percent of the picture.
    What is against is framed only where it counts: at least a quarter of the strongest cell."""
    rows, columns = (np.linspace(0, n, min(n, GRID) + 1).astype(int) for n in cells.shape)
    sums = np.add.reduceat(np.add.reduceat(cells, rows[:-1], axis=0), columns[:-1], axis=1)
    down, across = 100 * rows / len(cells), 100 * columns / len(cells[0])
    boxes = []
    for look, weight in (("for", sums), ("against", -sums)):
        i, j = np.unravel_index(weight.argmax(), weight.shape)
        if weight[i, j] >= max(np.abs(sums).max() / 4, 1e-12):
            box = {"left": across[j], "top": down[i], "width": np.diff(across)[j], "height": np.diff(down)[i]}
            boxes.append({"look": look, **{key: svg.tidy(value) for key, value in box.items()}})
    return boxes


class Piece(NamedTuple):
    """A piece of a text. level: how strongly it counted, 0 to 4; weight: for the answer, or below 0 against it."""

    text: str
    level: int = 0
    weight: float = 0.0


def _pieces(text: str, spans: Sequence[Mapping[str, Any]], limit: float) -> list[Piece]:
    """Cut a text into pieces. Spans that overlap are left out."""
    pieces: list[Piece] = []
    at = 0
    for s in sorted(spans, key=lambda s: (s["start"], s["end"])):
        begin, stop, weight = s["start"], min(s["end"], len(text)), s["weight"]
        if begin < at or stop <= begin:
            continue
        pieces.append(Piece(text[at:begin]))
        pieces.append(Piece(text[begin:stop], round(4 * abs(weight) / limit), weight))
        at = stop
    return [piece for piece in [*pieces, Piece(text[at:])] if piece.text]
