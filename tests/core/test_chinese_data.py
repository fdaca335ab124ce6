"""What show and check say of a table, in Chinese: every way to mend has a twin, and names stay as they are."""

import ast
import re
from pathlib import Path

import pytest

import plait
from plait.core.chinese_data import CELLS, DATA
from plait.core.language import retell, speaking
from plait.core.words import plural_verb

SOURCE = Path(plait.__file__).parent
CHECKS = sorted([*(SOURCE / "checks").glob("*.py"), *(SOURCE / "kinds").glob("*/checks.py")])


def strings(path: Path) -> list[str]:
    """Return the strings of a file that stand by themselves: no docstring, no part of another."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
    ]


def test_each_way_to_mend_and_each_fault_of_a_cell_has_a_twin() -> None:
    said = [text for path in CHECKS for text in strings(path)]
    faults = {t for t in said if re.match(r"(holds|names|has|says) \w+ ", t) and "{" not in t and not t.endswith(" ")}
    mends = {text for text in said if re.match(r"[A-Z].* .*\.$", text) and text.count(" ") > 2}
    assert len(faults) > 30 and len(mends) > 60
    assert sorted(faults - CELLS.keys()) == []
    with speaking("zh"):
        assert sorted(text for text in mends if retell(text) == text) == []


def test_one_cell_and_several_read_alike() -> None:
    for does in CELLS:
        verb, space, rest = does.partition(" ")
        several = f"{{num}} cells {verb if verb == 'cannot' else plural_verb(verb)}{space}{rest}"
        assert DATA[several] == DATA[f"{{num}} cell {does}"]


@pytest.mark.parametrize(
    ("said", "twin"),
    [
        (
            "1 cell names a file that is not there; the first: file not found: m/gone.png",
            "1 个单元格指向不存在的文件；第一个：找不到文件：m/gone.png",
        ),
        (
            "See whether the cells were lost on the way; if not, it may be left out: --ignore when",
            "看是否中途丢失；如果不是，可以去掉这一列：--ignore when",
        ),
        ("the target as asked; 2 different values in 60 rows: classes", "按要求作为目标；60 行有 2 种值：类别"),
        ("whole numbers, such as 3 and 1,200", "整数，例如 3 和 1,200"),
    ],
)
def test_a_sentence_is_told_again_and_names_stay(said: str, twin: str) -> None:
    with speaking("zh"):
        assert retell(said) == twin
