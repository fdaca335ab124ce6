"""How things look in a cell of a notebook: headings, sentences, tables as HTML. Knows no table and no model.

All text is escaped here, and what would steer a terminal is written out: cells, labels and names may hold anything. No
script, nothing from outside; a cell is at most a screen, light or dark as the reader's system is. Colours are those of
the report.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from plait.core.terminal import harmless
from plait.core.words import count, plain

MOST_ROWS, MOST_COLUMNS, MOST_LETTERS, MOST_LINES = 10, 12, 90, 40
MOST_BYTES = 400_000  # of a picture or a sound inside a cell: twelve seconds
LIGHT = (
    "--paper:#fff;--card:#f4f6f8;--ink:#18212a;--soft:#54606c;--line:#d3dae1;--faint:#e6eaee;--for:#1d5f9b;"
    "--for-pale:#a9c6e0;--against:#b3480a;--win:#18212a;--good:#136245;--bad:#a3261d;--neutral:#4a5662;--over:#fff"
)
DARK = (
    "--paper:#11161b;--card:#1a2128;--ink:#e8edf2;--soft:#a7b3bf;--line:#3a4652;--faint:#262f38;--for:#74b3ec;"
    "--for-pale:#35597a;--against:#f2a36b;--win:#fff;--good:#6fd0a2;--bad:#ff9a8d;--neutral:#a7b3bf;--over:#0c1116"
)
# the name is said thrice so that a notebook's own rules for tables do not win
STYLE = (
    f"""\
.plait-cell{{{LIGHT}}}
@media (prefers-color-scheme:dark){{.plait-cell{{{DARK}}}}}
[data-jp-theme-light=true] .plait-cell{{{LIGHT}}}
[data-jp-theme-light=false] .plait-cell{{{DARK}}}
"""
    + """\
.plait-cell{background:var(--paper);color:var(--ink);font:14px/1.5 system-ui,sans-serif;padding:10px 12px;
 border:1px solid var(--line);border-radius:6px;max-width:980px;max-height:640px;overflow:auto;text-align:left}
.plait-cell.plait-cell.plait-cell h4{font:600 15px/1.4 system-ui,sans-serif;margin:0 0 .4em;color:var(--ink);
 overflow-wrap:anywhere}
.plait-cell p{margin:.4em 0;max-width:60em;overflow-wrap:anywhere}
.plait-cell .soft,.plait-cell h4 span{color:var(--soft);font-weight:400}
.plait-cell .told{border-left:4px solid var(--neutral);padding-left:10px}
.plait-cell .helps{border-color:var(--good)}.plait-cell .hurts,.plait-cell .error{border-color:var(--bad)}
.plait-cell.plait-cell.plait-cell pre{margin:.4em 0;white-space:pre-wrap;color:var(--ink);background:none;
 border:0;padding:0;font:12px/1.5 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.plait-cell table{border-collapse:collapse;margin:.5em 0;font-variant-numeric:tabular-nums}
.plait-cell.plait-cell.plait-cell tr{background:none;color:var(--ink)}
.plait-cell.plait-cell.plait-cell :is(td,th){text-align:left;vertical-align:top;padding:3px 12px 3px 0;font-size:13px;
 border:0;border-bottom:1px solid var(--faint);max-width:26em;overflow-wrap:anywhere;white-space:normal}
.plait-cell.plait-cell.plait-cell thead th{color:var(--soft);font-weight:600;border-color:var(--line)}
.plait-cell.plait-cell.plait-cell :is(img,audio){max-height:90px;max-width:240px}
.plait-cell.plait-cell.plait-cell .num{text-align:right;white-space:nowrap}
"""
)


class Markup(str):
    """Text that is HTML already, and stays as it is."""


def cell(*parts: str, style: str = "") -> str:
    """Return parts of HTML as one cell of a notebook. style: further rules that the parts need."""
    return f'<style>{STYLE}{style}</style><div class="plait-cell">{"".join(parts)}</div>'


def clean(value: object, most: int = MOST_LETTERS) -> Markup:
    """Return any text as HTML: escaped, harmless, cut after so many letters.

    >>> clean("<b>\\x1b[31m")
    '&lt;b&gt;\\\\x1b[31m'
    """
    text = str(value)
    return Markup(escape(harmless(text if len(text) <= most else f"{text[: most - 1]}…")))


def head(title: str, note: str = "") -> Markup:
    """Return a heading, and softly what it is about."""
    about = f" <span>{clean(note, 400)}</span>" if note else ""
    return Markup(f"<h4>{clean(title, 200)}{about}</h4>")


def say(sentence: str, look: str = "") -> Markup:
    """Return a paragraph. look: a class of it, such as soft."""
    whole = sentence.replace(" %", "\u00a0%")  # a number and its sign stay in one line
    return Markup(f'<p class="{escape(look)}">{clean(whole, 1000)}</p>')


def lines(text: str) -> Markup:
    """Return plain text as it stands in a terminal, its first lines."""
    first = text.splitlines()
    kept = [*first[:MOST_LINES], *([f"… {count(len(first) - MOST_LINES, 'more line')}"] if first[MOST_LINES:] else [])]
    return Markup(f"<pre>{clean(chr(10).join(kept), 20_000)}</pre>")


def grid(header: Sequence[object], rows: Iterable[Sequence[object]], total: int | None = None, of: str = "row") -> str:
    """Return a table. total: how many rows there are, where these are the first; of: what a row is called."""
    shown = [row[:MOST_COLUMNS] for row in rows]
    titles = header[:MOST_COLUMNS]
    is_num = [bool(shown) and all(_is_number(row[place]) or row[place] is None for row in shown) for place in
              range(len(titles))]  # fmt: skip
    looks = [' class="num"' if num else "" for num in is_num]
    top = "".join(f"<th{look}>{clean(name)}</th>" for name, look in zip(titles, looks, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{look}>{_cell_text(v)}</td>' for v, look in zip(row, looks, strict=True))}</tr>"
        for row in shown
    )
    more = [count(total - len(shown), f"more {of}")] if total is not None and total > len(shown) else []
    more += [count(len(header) - MOST_COLUMNS, "more column")] if len(header) > MOST_COLUMNS else []
    end = say(f"… and {', '.join(more)}", "soft") if more else ""
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{end}"


def seen(text: str, png: bytes | None = None, wav: bytes | None = None, note: str = "") -> Markup:
    """Return a picture or a sound inside the cell, unless a notebook would swell by it, and what it is called."""
    parts, name = [], clean(text)
    if png is not None and len(png) <= MOST_BYTES:
        parts.append(f'<img src="data:image/png;base64,{b64encode(png).decode()}" alt="{name}">')
    if wav is not None and len(wav) <= MOST_BYTES:
        parts.append(f'<audio controls src="data:audio/wav;base64,{b64encode(wav).decode()}"></audio>')
    said = f' <span class="soft">{clean(note)}</span>' if note else ""
    return Markup("<br>".join([*parts, f"{name}{said}"]))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell_text(value: Any) -> str:
    """Return what stands in a cell: text escaped, numbers short, of arrays and bytes what they are."""
    if isinstance(value, Markup):
        return str(value)
    if value is None or isinstance(value, float):
        return '<span class="soft">–</span>' if value is None or value != value else plain(value)
    if isinstance(value, (bytes, bytearray)):
        return count(len(value), "byte")
    if shape := getattr(value, "shape", None):
        return f"array of {' × '.join(map(str, shape))}"
    return clean(value)
