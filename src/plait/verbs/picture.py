"""What one row looks like before and after preprocessing, in parts that `prep/draw.py` draws. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.core.contract import MEDIA_KINDS, Table
from plait.data.media import read_image, read_sound
from plait.errors import CellError
from plait.kinds.text.clean import join, show_token
from plait.models.views import Strand


def row_parts(table: Table, strands: Sequence[Strand], row: int) -> list[dict[str, Any]]:
    """Return one part for each modality (for each column of media) of a row, absent ones with their reason."""
    one = table.take([row])
    parts: list[dict[str, Any]] = []
    for strand in strands:
        if strand.kind in MEDIA_KINDS:
            parts += [_media_part(one, strand, column) for column in strand.modality.columns]
        elif strand.kind == "text":
            parts.append(_text_part(one, strand))
        else:
            parts.append(_tabular_part(one, strand))
    return parts


def _media_part(table: Table, strand: Strand, column: str) -> dict[str, Any]:
    several = len(strand.modality.columns) > 1
    part: dict[str, Any] = {"modality": f"{strand.name}: {column}" if several else strand.name, "kind": strand.kind}
    cell, prep = table.cells(column)[0], strand.prep
    if cell is None:
        return {**part, "reason": "blank"}
    try:
        if strand.kind == "image":
            image = read_image(cell, table.folder)
            return {**part, "before": image, "after": prep(image), "steps": prep.steps(image)}
        sound = read_sound(cell, table.folder, sample_rate=table.sample_rates.get(column))
        return {**part, "before": sound, "after": prep(*sound), "steps": prep.steps(*sound)}
    except CellError as error:
        return {**part, "reason": str(error)}


def _text_part(table: Table, strand: Strand) -> dict[str, Any]:
    part: dict[str, Any] = {"modality": strand.name, "kind": "text"}
    text = join({column: table.cells(column)[0] for column in strand.modality.columns})
    if text is None:
        return {**part, "reason": "blank"}
    tokens = strand.prep.tokenise(text)
    shown = [(show_token(token), known) for token, known in zip(tokens, strand.prep.known(tokens), strict=True)]
    return {**part, "before": text, "after": shown, "steps": strand.prep.steps(text)}


def _tabular_part(table: Table, strand: Strand) -> dict[str, Any]:
    part: dict[str, Any] = {"modality": strand.name, "kind": "tabular"}
    columns = {column: table.cells(column) for column in strand.modality.columns}
    if all(cells[0] is None for cells in columns.values()):
        return {**part, "reason": "blank"}
    broken = strand.prep.broken(columns).get(0)
    before = {name: cells[0] for name, cells in columns.items()}
    after = strand.prep.describe(strand.prep(columns)[0])
    return {**part, "before": before, "after": after, **({"reason": broken} if broken else {})}
