"""An explained row as a part of a cell of a notebook: its steps to the answer, and what counted in each modality.

The same pieces and the same style as in the report, of which only the rules that the piece uses come along. Takes what
`explained.explain_row` takes; knows no explanation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from plait.core.words import jsonable
from plait.draw.explained import explain_row
from plait.draw.report import BROKEN, environment

MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}")  # rules for print, narrow screens, and the colours
RULE = re.compile(r"(?<![^{}])([^{}]+)\{([^{}]*)\}")
CLASS = re.compile(r'class="([^"]*)"')
TAGS = {"mark", "audio", "figure", "figcaption"}
# the report's hatching is drawn once a page; what counted stands side by side, so that it is one screen
FLAT = """.plait-cell .chart .against{fill:var(--against)}
.plait-cell .parts{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}"""


def explained_html(facts: Mapping[str, Any], regression: bool) -> tuple[str, str]:
    """Return the HTML of an explained row, and the rules that it needs inside of .plait-cell."""
    clean = jsonable(facts, lambda value: value if isinstance(value, bytes) else str(value))
    page = environment().get_template("cell.html.j2").render(e=explain_row(clean, regression))
    markup = BROKEN.sub("\ufffd", str(page))
    used = {name for names in CLASS.findall(markup) for name in names.split()}
    return markup, "\n".join([*(rule for names, rule in _rules() if names <= used), FLAT])


@lru_cache(maxsize=1)
def _rules() -> list[tuple[frozenset[str], str]]:
    """Return the classes that each rule of the report for a piece of a page names, and the rule, for .plait-cell."""
    style = (files("plait.draw") / "templates" / "report.css").read_text("utf-8")
    rules = []
    for selectors, body in RULE.findall(MEDIA.sub("", style)):
        for selector in selectors.split(","):
            names = frozenset(re.findall(r"\.([\w-]+)", selector))
            if names or selector.strip() in TAGS:
                rules.append((names, f".plait-cell {selector.strip()}{{{body.strip()}}}"))
    return rules
