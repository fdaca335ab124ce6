"""Tables of text in other forms than the terminal's: Markdown and LaTeX, every cell escaped. Knows no table of data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from plait.core.terminal import harmless, text_table

PLAIN = "text"  # as the terminal shows a table
FORMS = (PLAIN, "markdown", "latex", "json")
# what steers LaTeX, and what a paper cannot set without a package
LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "−": "$-$", "–": "--", "—": "---", "²": "$^2$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "#$%&_"},
}  # fmt: skip


def markdown_text(text: object) -> str:
    """Return text that Markdown and the HTML in it show as it is, on one line.

    >>> markdown_text("a|b <script> *c*")
    'a\\\\|b &lt;script&gt; \\\\*c\\\\*'
    """
    line = " ".join(harmless(str(text)).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = re.sub(r"([\\`*_{}\[\]#|!~$])", r"\\\1", line)
    return re.sub(r"(?i)\b(https?|ftp|mailto):", r"\1&#58;", line)  # else an address of a stranger becomes a link


def latex_text(text: object) -> str:
    """Return text that LaTeX sets as it is.

    >>> latex_text("f1_macro 95 %")
    'f1\\\\_macro 95 \\\\%'
    """
    return "".join(LATEX.get(sign, sign) for sign in " ".join(harmless(str(text)).split()))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under a header as a table of Markdown."""
    lines = [[markdown_text(cell) for cell in row] for row in (header, *rows)]
    lines.insert(1, ["---"] * len(header))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def latex_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under a header as a tabular of LaTeX, with no more than standard LaTeX has."""
    first, *rest = (" & ".join(map(latex_text, row)) + r" \\" for row in (header, *rows))
    top = r"\begin{tabular}{" + "l" * len(header) + "}"
    return "\n".join([top, r"\hline", first, r"\hline", *rest, r"\hline", r"\end{tabular}"])


def make_table(form: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under a header in one of FORMS but json."""
    return {PLAIN: text_table, "markdown": markdown_table, "latex": latex_table}[form](header, rows)
