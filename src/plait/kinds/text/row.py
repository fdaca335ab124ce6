"""What a text looks like in a drawn row: as it came, its tokens, and the words that mattered."""

from __future__ import annotations

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
MOST_LINES = 12


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
    notes = [count(len(all_pairs), "token")]
    if len(all_pairs) > len(pairs):
        notes.append(f"the first {len(pairs)} are shown")
    if not all(known for _token, known in pairs):
        notes.append("dashed: not in the vocabulary")
    page.write(left, level + (0.46 if pairs else 0.15), ", ".join(notes), size=9, color=SOFT)


def _lines(text: str) -> list[str]:
    lines = wrap_text(show_markers(text), 58)
    return [*lines[: MOST_LINES - 1], "…"] if len(lines) > MOST_LINES else lines


def _pairs(tokens: Sequence[Any]) -> list[tuple[str, bool]]:
    chosen = list(tokens)[:MOST_TOKENS]
    return [(token, True) if isinstance(token, str) else (str(token[0]), bool(token[1])) for token in chosen]


LINES_SHOWN = 14


def _text_lines(part: Mapping[str, Any]) -> list[list[tuple[str, float | None]]]:
    """Return lines of (piece of the text as it came, its weight or None); a piece is a word or what is between."""
    weights: dict[tuple[str, int], Mapping[str, Any]] = {(w["column"], w["start"]): w for w in part["parts"]}
    lines: list[list[tuple[str, float | None]]] = []
    for column, text in part["before"].items():
        line: list[tuple[str, float | None]] = []
        room = 0
        if len(part["before"]) > 1:
            line, room = [(f"{column}: ", None)], text_width(column) + 2
        place = 0
        while place < len(text):
            word = weights.get((column, place))
            if word is None:
                end = place + 1
                while end < len(text) and (column, end) not in weights:
                    end += 1
                pieces: list[tuple[str, float | None]] = [(text[place:end], None)]
            else:
                end = max(place + 1, word["end"])
                pieces = [(piece, word["weight"]) for piece in _break(text[place:end])]
            for piece, weight in pieces:
                piece = " ".join(piece.split()) if piece.strip() else " "
                wide = text_width(piece)
                if room + wide > MOST_WIDE and line and piece.strip():
                    lines.append(line)
                    line, room = [], 0
                if line or piece.strip():
                    line.append((piece, weight))
                    room += wide + (0 if weight is None else 1)
            place = end
        lines.append(line)
    return [*lines[: LINES_SHOWN - 1], [("…", None)]] if len(lines) > LINES_SHOWN else lines


MOST_WIDE = 104  # narrow characters in a line of text


def _break(text: str) -> list[str]:
    """Break a run of words into pieces that fit on a line."""
    pieces, piece = [], ""
    for word in text.split(" "):
        joined = f"{piece} {word}" if piece else word
        if piece and text_width(joined) > 30:
            pieces.append(piece)
            joined = word
        piece = joined
    return [cut_text(p, MOST_WIDE) for p in [*pieces, piece]]


def share_height(part: Mapping[str, Any]) -> float:
    return max(0.85, 0.29 * len(_text_lines(part)) + 0.35)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    from matplotlib.colors import to_rgb

    most = max((abs(w["weight"]) for w in part["parts"]), default=0.0) or 1.0
    level = y
    for line in _text_lines(part):
        x = MARGIN + LABEL
        for piece, weight in line:
            if not piece.strip():
                x += 0.07
                continue
            strength = 0.0 if weight is None else abs(weight) / most
            dark = strength > 0.6 and weight is not None and weight > 0
            text = page.write(0, 0, piece, size=10.5, color="white" if dark else INK)
            wide = page.measure(text)
            if weight is not None and strength > 0.06:
                fill = tuple(1 - strength * (1 - c) for c in to_rgb(BLUE if weight > 0 else ORANGE))
                look: dict[str, Any] = {"facecolor": fill, "edgecolor": "none"}
                if weight < 0:
                    pale = tuple(1 - 0.45 * strength * (1 - c) for c in to_rgb(ORANGE))
                    look = {"facecolor": pale, "edgecolor": ORANGE, "linestyle": (0, (3, 2)), "linewidth": 1.0}
                page.box(x, level, wide + 0.08, 0.24, **look)
            text.set_position(((x + 0.04) / WIDTH, 1 - (level + 0.175) / page.height))
            text.set_zorder(3)
            x += wide + (0.02 if weight is None else 0.06)
        level += 0.29
    strongest = sorted(part["parts"], key=lambda word: -abs(word["weight"]))[:6]
    said = ", ".join(f"{cut_text(word['text'], 24)} {signed(word['weight'])}" for word in strongest)
    page.write(MARGIN + LABEL, level + 0.16, cut_text(said, 120), size=9, color=SOFT)


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row: these columns, before and after, or why they are absent."""
    text = join({column: table.cells(column)[0] for column in columns})
    if text is None:
        return {"reason": "blank"}
    tokens = prep.tokenise(text)
    shown = [(show_markers(token), known) for token, known in zip(tokens, prep.known(tokens), strict=True)]
    return {"before": text, "after": shown, "steps": prep.steps(text)}
