"""Headings, sentences and tables in a cell of a notebook: escaped, cut, and in the report's colours."""

import re
from importlib.resources import files

import numpy as np

from plait.core import notebook


def test_a_table_says_what_is_not_shown() -> None:
    table = notebook.grid(["", "name", "pixels"], [[0, "<b>", np.zeros((2, 3))], [1, None, b"abc"]], 40)
    cells = re.findall(r'<t[dh](?: class="num")?>(.*?)</t[dh]>', table)
    none = '<span class="soft">–</span>'
    assert cells == ["", "name", "pixels", "0", "&lt;b&gt;", "array of 2 × 3", "1", none, "3 bytes"]
    assert "… and 38 more rows" in table
    wide = notebook.grid([str(n) for n in range(20)], [list(range(20))])
    assert "… and 8 more columns" in wide
    assert wide.count("<th") == 1 + notebook.MOST_COLUMNS  # thead too


def test_numbers_stand_to_the_right_and_what_is_no_number_is_a_sign() -> None:
    assert notebook.grid(["x"], [[0.5], [float("nan")]]).count('class="num"') == 3
    assert 'class="num"' not in notebook.grid(["x"], [["0.5"]])


def test_all_text_is_escaped_harmless_and_cut() -> None:
    hostile = '<script>"\x1b[31m\u202e'
    safe = r"&lt;script&gt;&quot;\x1b[31m\u202e"
    assert notebook.clean(hostile) == safe
    assert notebook.head(hostile, hostile) == f"<h4>{safe} <span>{safe}</span></h4>"
    assert notebook.say(hostile) == f'<p class="">{safe}</p>'
    assert notebook.lines("\n".join(["a<"] * 50)).endswith("a&lt;\n… 10 more lines</pre>")
    assert notebook.clean("x" * 100) == "x" * 89 + "…"


def test_a_cell_is_light_and_dark_in_the_colours_of_the_report() -> None:
    cell = notebook.cell("in it")
    assert cell.endswith('<div class="plait-cell">in it</div>')
    assert "@media (prefers-color-scheme:dark){.plait-cell{" in cell
    report = (files("plait.draw") / "templates" / "report.css").read_text("utf-8").replace("\n ", "")
    for colours in (notebook.LIGHT, notebook.DARK):
        theme = next(theme for theme in re.findall(r":root\{([^}]*)\}", report) if colours[:20] in theme)
        assert {*colours.split(";")} <= {*theme.split(";")}


def test_a_picture_or_a_sound_inside_unless_it_is_large() -> None:
    assert notebook.seen("<a>.png", png=b"PNG") == (
        '<img src="data:image/png;base64,UE5H" alt="&lt;a&gt;.png"><br>&lt;a&gt;.png'
    )
    assert notebook.seen("a", wav=b"W", note="mute").endswith(
        'base64,Vw=="></audio><br>a <span class="soft">mute</span>'
    )
    assert notebook.seen("a", wav=b"W" * 400_001) == "a"
