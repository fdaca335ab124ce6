"""Tables as Markdown and LaTeX: what is in a cell stays text."""

import doctest

from plait.core import tables
from plait.core.tables import latex_table, make_table, markdown_table


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(tables).failed == 0


def test_markdown_is_escaped_and_stays_in_its_cell() -> None:
    told = markdown_table(["a"], [["x|y\n<b>[l](http://e.vil) $z_1$ `c`"]]).splitlines()
    assert told == ["| a |", "| --- |", r"| x\|y &lt;b&gt;\[l\](http&#58;//e.vil) \$z\_1\$ \`c\` |"]


def test_latex_is_escaped() -> None:
    told = latex_table(["f1_macro", "R²"], [["50 % & more {x} \\y ~^", "−1 < 2"]]).splitlines()
    assert told[0] == r"\begin{tabular}{ll}"
    assert told[2] == r"f1\_macro & R$^2$ \\"
    assert told[4] == (
        r"50 \% \& more \{x\} \textbackslash{}y \textasciitilde{}\textasciicircum{} & $-$1 \textless{} 2 \\"
    )


def test_a_form_by_its_name() -> None:
    assert make_table("text", ["a", "b"], [[1, 2]]) == "a  b\n1  2"
    assert make_table("markdown", ["a", "b"], [[1, 2]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
