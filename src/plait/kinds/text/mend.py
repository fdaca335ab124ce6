"""Mend the texts of a column: repair their encoding. Knows no table and no file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from plait.kinds.mending import MendedCells
from plait.kinds.text.clean import repair_mojibake

ENCODING = "encoding repaired"

_BREAKS = re.compile("[\x0b\x0c\x1c-\x1f]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\ufeff]")
_WINDOWS = {chr(b): bytes([b]).decode("cp1252") for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def mend(kind: str, cells: Sequence[Any]) -> MendedCells:
    """Repair the encoding of strings; whatever else a cell holds stays."""
    mended = MendedCells(list(cells))
    for row, cell in enumerate(cells):
        if isinstance(cell, str) and (better := repair_text(cell)) != cell:
            mended.cells[row] = better if better.strip() else None
            mended.done[row] = ENCODING, ENCODING if better.strip() else "left blank (no sign is left)"
    return mended


def repair_text(text: str) -> str:
    """Return a text without mojibake, control characters and byte order marks; case, blanks and markup stay.

    Of the controls U+0080 to U+009F those that Windows-1252 gives a sign become that sign, as HTML reads them.
    """
    if text.isascii() and text.isprintable():
        return text
    for _ in range(8):  # a repair may lay bare another one
        better = repair_mojibake(text)
        better = _CONTROL.sub(lambda sign: _WINDOWS.get(sign[0], ""), _BREAKS.sub(" ", better))
        if better == text:
            break
        text = better
    return text
