"""What the report shows of one explained row: the steps to its answer, and what counted inside each modality.

Takes numbers, texts, and pictures and sounds as bytes; knows no predictor and no HTML.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from plait.core.words import plain
from plait.draw import figures, svg

MOST_MEDIA = 1_000_000  # bytes of one picture or sound in the page


def explain_row(facts: Mapping[str, Any], regression: bool) -> dict[str, Any]:
    target, answer, probability = facts.get("target"), facts.get("prediction"), facts.get("probability")
    parts = facts.get("modalities") or {}
    total = answer if regression else probability
    chart = None
    if facts.get("base") is not None and isinstance(total, (int, float)) and parts:
        steps = [(str(name), None if share is None else float(share), "not there") for name, share in parts.items()]
        chart = figures.waterfall(float(facts["base"]), steps, float(total), "the answer", not regression)
    say = plain if regression else str
    return {
        **{key: facts.get(key) for key in ("row", "split", "status", "reason")},
        "target": None if target is None else say(target),
        "said": None if answer is None else say(answer),
        "off": plain(answer - target, "+") if regression and target is not None and answer is not None else None,
        "right": None if regression or target is None else str(target) == str(answer),
        "probability": None if regression else probability,
        "chart": chart,
        "synergy": sorted((facts.get("synergy") or {}).items(), key=lambda pair: -abs(pair[1]))[:3],
        "parts": [_part(part) for part in facts.get("parts") or []],
    }


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind, form = str(part.get("kind") or ""), str(part.get("form") or "")
    view: dict[str, Any] = {
        "name": str(part.get("modality") or kind),
        "kind": kind,
        "form": "absent" if part.get("reason") else form,
        "reason": part.get("reason"),
        "note": "",
    }
    return {**view, **FORMS[form](part)} if view["form"] in FORMS else view


def _picture(part: Mapping[str, Any]) -> dict[str, Any]:
    heat, png = part.get("heat"), part.get("png")
    cells = np.nan_to_num(np.array(heat, float)) if heat and not isinstance(heat, bytes) else None
    layer = heat_layer(cells) if cells is not None else heat
    # width and height stand in the head of a PNG; with them the page keeps its place
    size = struct.unpack(">II", png[16:24]) if png and png[:8] == b"\x89PNG\r\n\x1a\n" else (1, 1)
    return {"layer": layer, "boxes": [] if cells is None else _strongest(cells), "size": size, **_fitting("png", png)}


def _sound(part: Mapping[str, Any]) -> dict[str, Any]:
    seconds = [s for s in part.get("seconds") or [] if s["end"] > s["start"] and s["weight"] is not None]
    duration = max([float(s["end"]) for s in seconds] + [float(part.get("duration") or 0.0)])
    strip = figures.seconds_figure(seconds, duration) if seconds else None
    return {"png": part.get("spectrogram"), "strip": strip, "duration": duration, **_fitting("wav", part.get("wav"))}


def _words(part: Mapping[str, Any]) -> dict[str, Any]:
    spans = [s for s in part.get("spans") or [] if s["weight"] is not None]
    return {"pieces": _pieces(str(part.get("text") or ""), spans)}


def _columns(part: Mapping[str, Any]) -> dict[str, Any]:
    columns = [{"value": None, "weight": None, **c} for c in part.get("columns") or []]
    limit = max([abs(c["weight"]) for c in columns if c.get("weight") is not None] + [1e-12])
    return {"columns": columns, "limit": limit}


# the ways in which a page can show what is inside a modality
FORMS = {"picture": _picture, "sound": _sound, "words": _words, "columns": _columns}


def _fitting(name: str, data: bytes | None) -> dict[str, Any]:
    """Return a picture or sound, or instead a note where it is too large for the page."""
    if data is None or len(data) <= MOST_MEDIA:
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

    What is against is framed only where it counts: at least a quarter of the strongest cell.
    """
    tall, wide = 100 / len(cells), 100 / len(cells[0])
    boxes = []
    for look, weight in (("for", cells), ("against", -cells)):
        i, j = np.unravel_index(weight.argmax(), weight.shape)
        if weight[i, j] >= max(np.abs(cells).max() / 4, 1e-12):
            box = {"left": j * wide, "top": i * tall, "width": wide, "height": tall}
            boxes.append({"look": look, **{key: svg.tidy(value) for key, value in box.items()}})
    return boxes


def _pieces(text: str, spans: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cut a text into pieces, each with how strongly it counted, 0 to 4, and for or against. Overlaps are left out."""
    limit = max([abs(float(s["weight"])) for s in spans] + [1e-12])
    pieces: list[dict[str, Any]] = []
    at = 0
    for s in sorted(spans, key=lambda s: (s["start"], s["end"])):
        begin, stop, weight = int(s["start"]), min(int(s["end"]), len(text)), float(s["weight"])
        if begin < at or stop <= begin:
            continue
        pieces.append({"text": text[at:begin], "level": 0, "weight": 0.0})
        pieces.append({"text": text[begin:stop], "level": round(4 * abs(weight) / limit), "weight": weight})
        at = stop
    return [p for p in [*pieces, {"text": text[at:], "level": 0, "weight": 0.0}] if p["text"]]
