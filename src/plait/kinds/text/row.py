"""What a text looks like in a drawn row: as it came, its tokens, and the words that mattered."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.contract import Table
from plait.core.words import count, signed
from plait.draw.page import (
    BLUE,
    GAP,
    HALF,
    INK,
    LABEL,
    MARGIN,
    ORANGE,
    PALE,
    SOFT,
    WIDTH,
    Page,
    cut_text,
    text_width,
    wrap_text,
)
from plait.kinds.text.clean import join, show_markers

MOST_TOKENS = 80
MOST_LINES, MOST_SHARE_LINES = 12, 14
MOST_WIDE = 104  # narrow characters in a line of weighed words
DASHED = (0, (3, 2))


def row_height(part: Mapping[str, Any]) -> float:
    rows, x = 1, 0.0
    for token, _known in _pairs(part["after"]):
        wide = 0.082 * text_width(cut_text(token, 40)) + 0.18
        rows, x = (rows + 1, wide) if x and x + wide > HALF else (rows, x + wide)
    return max(0.19 * len(_lines(part["before"])) + 0.45, 0.27 * rows + 0.3, 0.6)


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    lines = _lines(part["before"])
    page.box(MARGIN + LABEL, y, HALF, 0.19 * len(lines) + 0.18, facecolor=PALE, edgecolor="none")
    for k, line in enumerate(lines):
        page.write(MARGIN + LABEL + 0.12, y + 0.22 + 0.19 * k, line, size=9.5)
    done = " → ".join(str(name) for name, _text in list(part.get("steps") or [])[1:])
    if done:
        page.write(MARGIN + LABEL, y + 0.19 * len(lines) + 0.4, cut_text(f"changed by: {done}", 62), size=9, color=SOFT)

    left = x = MARGIN + LABEL + HALF + GAP
    level, pairs = y, _pairs(part["after"])
    for token, known in pairs:
        text = page.write(0, 0, cut_text(token, 40), size=9.5, color=INK if known else SOFT)
        wide = page.measure(text) + 0.13
        if x > left and x + wide > WIDTH - MARGIN:
            x, level = left, level + 0.27
        look: dict[str, Any] = {"facecolor": "#dfeaf5", "edgecolor": "none"}
        if not known:
            look = {"facecolor": "white", "edgecolor": SOFT, "linestyle": DASHED, "linewidth": 0.8}
        page.box(x, level, wide, 0.22, **look)
        _place(page, text, x + 0.065, level + 0.155)
        x += wide + 0.05
    notes = [count(len(part["after"]), "token")]
    notes += [f"the first {len(pairs)} are shown"] * (len(part["after"]) > len(pairs))
    notes += ["dashed: not in the vocabulary"] * (not all(known for _token, known in pairs))
    page.write(left, level + (0.46 if pairs else 0.15), ", ".join(notes), size=9, color=SOFT)


def _place(page: Page, text: Any, x: float, y: float) -> None:
    """Move a text that was measured to its place, over its box."""
    text.set_position((x / WIDTH, 1 - y / page.height))
    text.set_zorder(3)


def _lines(text: str) -> list[str]:
    lines = wrap_text(show_markers(text), 58)
    return [*lines[: MOST_LINES - 1], "…"] if len(lines) > MOST_LINES else lines


def _pairs(tokens: Sequence[Any]) -> list[tuple[str, bool]]:
    chosen = list(tokens)[:MOST_TOKENS]
    return [(token, True) if isinstance(token, str) else (str(token[0]), bool(token[1])) for token in chosen]


def _pieces(text: str, words: Sequence[Mapping[str, Any]]) -> list[tuple[str, float | None]]:
    """Return the pieces of a text as it came: words, broken where long, with their weight, and what is between."""
    pieces: list[tuple[str, float | None]] = []
    place = 0
    for word in sorted(words, key=lambda word: word["start"]):
        run = textwrap.wrap(text[word["start"] : word["end"]], 30, break_long_words=False, break_on_hyphens=False)
        pieces += [
            (text[place : word["start"]], None),
            *((cut_text(piece, MOST_WIDE), word["weight"]) for piece in run),
        ]
        place = word["end"]
    return [(" ".join(piece.split()) or " ", weight) for piece, weight in [*pieces, (text[place:], None)] if piece]


def _share_lines(part: Mapping[str, Any]) -> list[list[tuple[str, float | None]]]:
    """Return lines of (piece, its weight or None)."""
    lines: list[list[tuple[str, float | None]]] = []
    for column, text in part["before"].items():
        line: list[tuple[str, float | None]] = [(f"{column}: ", None)] if len(part["before"]) > 1 else []
        room = sum(text_width(piece) for piece, _weight in line)
        for piece, weight in _pieces(text, [word for word in part["parts"] if word["column"] == column]):
            wide = text_width(piece)
            if room + wide > MOST_WIDE and line and piece != " ":
                lines.append(line)
                line, room = [], 0
            if line or piece != " ":
                line.append((piece, weight))
                room += wide + (weight is not None)
        lines.append(line)
    return [*lines[: MOST_SHARE_LINES - 1], [("…", None)]] if len(lines) > MOST_SHARE_LINES else lines


def share_height(part: Mapping[str, Any]) -> float:
    return max(0.85, 0.29 * len(_share_lines(part)) + 0.35)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    most = max(map(abs, [*(w["weight"] for w in part["parts"]), *part.get("ends", ())]), default=0.0) or 1.0
    level = y
    for line in _share_lines(part):
        x = MARGIN + LABEL
        for piece, weight in line:
            if piece == " ":
                x += 0.07
                continue
            strength = (weight or 0.0) / most
            text = page.write(0, 0, piece, size=10.5, color="white" if strength > 0.6 else INK)
            wide = page.measure(text)
            if abs(strength) > 0.06:
                page.box(x, level, wide + 0.08, 0.24, **_share_look(strength))
            _place(page, text, x + 0.04, level + 0.175)
            x += wide + (0.02 if weight is None else 0.06)
        level += 0.29
    strongest = sorted(part["parts"], key=lambda word: -abs(word["weight"]))[:6]
    words = ", ".join(f"{cut_text(word['text'], 24)} {signed(word['weight'])}" for word in strongest)
    page.write(MARGIN + LABEL, level + 0.16, cut_text(words, 120), size=9, color=SOFT)


def _share_look(strength: float) -> dict[str, Any]:
    """Return how a word looks that weighs so much, −1 to 1: blue for the answer, pale and dashed against it."""
    from matplotlib.colors import to_rgb

    depth = strength if strength > 0 else -0.45 * strength
    fill = tuple(1 - depth * (1 - c) for c in to_rgb(BLUE if strength > 0 else ORANGE))
    if strength > 0:
        return {"facecolor": fill, "edgecolor": "none"}
    return {"facecolor": fill, "edgecolor": ORANGE, "linestyle": DASHED, "linewidth": 1.0}


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row: these columns, before and after, or why they are absent."""
    text = join({column: table.cells(column)[0] for column in columns})
    if text is None:
        return {"reason": "blank"}
    tokens = prep.tokenise(text)
    shown = [(show_markers(token), known) for token, known in zip(tokens, prep.knows(tokens), strict=True)]
    return {"before": text, "after": shown, "steps": prep.steps(text)}
