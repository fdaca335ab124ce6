"""The Chinese twins: one for each sentence of the page and of the summary, with the same names in braces."""

import ast
import re
from pathlib import Path

import plait
from plait.core.chinese import SENTENCES as OF_RUNS
from plait.core.chinese_data import DATA

SOURCE = Path(plait.__file__).parent
PAGE = ("report.html.j2", "macros.html.j2")
SENTENCES = OF_RUNS | DATA
SAME = {"F1"}  # read alike in both


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def said_by_code() -> set[str]:
    """Return the sentences that code says, written out in it."""
    said = set()
    texts = (path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    for text in (text for text in texts if "say(" in text):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say" and node.args:
                first = node.args[0]
                parts = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                said |= {part.value for part in parts if isinstance(part, ast.Constant)}
    return said


def said_by_page() -> set[str]:
    found = set()
    for name in PAGE:
        text = (SOURCE / "draw" / "templates" / name).read_text("utf-8")
        found |= {one.replace('\\"', '"') for one in re.findall(r'(?<!\w)_\("((?:[^"\\]|\\.)*)"', text)}
        assert re.findall(r'(?<!\w)_\((?!")', text) == []  # `_` makes markup of what it is given: sentences alone
    return found


def test_no_sentence_has_two_twins() -> None:
    assert OF_RUNS.keys() & DATA.keys() == set()


def test_each_sentence_has_a_twin() -> None:
    assert len(said_by_page()) > 100 and len(said_by_code()) > 60
    assert sorted((said_by_page() | said_by_code()) - SENTENCES.keys() - SAME) == []


def test_a_twin_names_what_the_sentence_names() -> None:
    assert [text for text, twin in SENTENCES.items() if names_in(text) != names_in(twin)] == []
    tags = [re.findall(r"</?\w+", text) for text in SENTENCES]
    assert [text for text, own in zip(SENTENCES, tags, strict=True)
            if sorted(own) != sorted(re.findall(r"</?\w+", SENTENCES[text]))] == []  # fmt: skip
