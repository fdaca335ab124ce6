"""A page of hits: each query with what was found for it, to be seen and heard, in one file that refers to nothing.

Takes all as one dict; knows no index and no model.

space    of which method it is, in words; in: the modality that was looked in, or any
queries  [{"status", "reason", "cells": [shown], "hits": [{"rank", "kind", "row", "score", "above_chance", "shown"}]}]
shown    {"name", "text", "png"*, "wav"*, "note"*}: a cell; those marked * may be absent
more     how many further queries are not drawn
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from plait.core.files import write_bytes
from plait.core.words import jsonable
from plait.draw.report import BROKEN, environment


def write_hits(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the page, whole or not at all. content: as the docstring of this file says."""
    write_bytes(Path(path), render_hits(content).encode())


def render_hits(content: Mapping[str, Any]) -> str:
    """Return the page as HTML."""
    from markupsafe import Markup

    style = Markup((files("plait.draw") / "templates" / "report.css").read_text("utf-8"))
    page = environment().get_template("hits.html.j2")
    clean = jsonable(content, lambda value: value if isinstance(value, bytes) else str(value))
    return BROKEN.sub("\ufffd", str(page.render(style=style, **clean))) + "\n"
