"""Which classes have an order, and which."""

import pytest

from plait.errors import TableError
from plait.kinds.grades import are_grades, order_classes, settle_grades


@pytest.mark.parametrize(
    ("values", "ordered"),
    [
        ({10, 9, 2}, [2, 9, 10]),
        ({"High", "low", "Very High"}, ["low", "High", "Very High"]),
        ({"10 best", "2 middling", "1 worst"}, ["1 worst", "2 middling", "10 best"]),
        ({"3", "12"}, ["3", "12"]),
        ({"好", "差", "中"}, ["差", "中", "好"]),
        ({"优", "差", "良", "中"}, ["差", "中", "良", "优"]),
        ({"重度", "无", "轻度", "中度"}, ["无", "轻度", "中度", "重度"]),
        ({"重度", "没有", "轻度", "中度"}, ["没有", "轻度", "中度", "重度"]),
        ({"三星", "一星", "十星"}, ["一星", "三星", "十星"]),
        ({"三级", "十二级", "二十级", "二十一级"}, ["三级", "十二级", "二十级", "二十一级"]),
        ({"第二期", "第一期", "第十期"}, ["第一期", "第二期", "第十期"]),
        ({"两星", "一星", "三星"}, ["一星", "两星", "三星"]),
        ({"二 好", "一 差", "三 很好"}, ["一 差", "二 好", "三 很好"]),
        ({"十分", "零分", "五分"}, ["零分", "五分", "十分"]),
        ({"IV", "I", "V"}, ["I", "IV", "V"]),
        ({"Stage II", "Stage I", "Stage III"}, ["Stage I", "Stage II", "Stage III"]),
        ({"gut", "Sehr gut", "mangelhaft"}, ["mangelhaft", "gut", "Sehr gut"]),
        ({"sehr hoch", "mittel", "niedrig"}, ["niedrig", "mittel", "sehr hoch"]),
        ({"strongly_agree", "agree", "disagree"}, ["disagree", "agree", "strongly_agree"]),
    ],
)
def test_classes_come_in_their_order(values: set[object], ordered: list[object]) -> None:
    assert order_classes("y", values) == ordered


@pytest.mark.parametrize(
    "values", [{"cat", "dog"}, {"1 a", "1 b"}, {"low", "Low"}, {"low", "cat"}, {"一般", "十分差"}, {"二三", "一"}]
)
def test_what_has_no_order_is_told(values: set[object]) -> None:
    with pytest.raises(
        TableError, match=r"column 'y' cannot be ordered: '.*' do not say which is more. Expected numbers"
    ):
        order_classes("y", values)


@pytest.mark.parametrize(
    ("name", "values", "graded"),
    [
        ("y", [1, 2, 3, 4, 5], True),
        ("y", ["0", "1", "2"], True),
        ("y", ["差", "中", "好"], True),
        ("y", [1, 2, 4], False),
        ("y", [3, 4, 5], False),
        ("y", [0, 1], False),
        ("digit", [*range(10)], False),
        ("rating", [*range(1, 11)], True),
        ("size", ["small", "large", "medium"], True),
        ("review", ["Good", "good", "bad"], True),
        ("animal", ["cat", "dog", "cow"], False),
        ("grade", ["sehr gut", "gut", "befriedigend", "ausreichend", "mangelhaft", "ungenügend"], True),
        ("y", ["1", "2", "3", "nan"], True),
        ("y", ["low", "n/a", "medium", "high"], True),
        ("pain", ["none", "mild", "severe"], True),
    ],
)
def test_what_looks_like_grades(name: str, values: list[object], graded: bool) -> None:
    assert are_grades(name, values) == graded


def test_a_word_for_nothing_is_no_grade_unless_its_scale_has_it() -> None:
    assert settle_grades(["low", None, "nan", "high", "N/A"]) == (["low", None, None, "high", None], "", ["N/A", "nan"])
    assert settle_grades(["none", "Low", "low", "low"]) == (["none", "low", "low", "low"], "'Low' for 'low'", [])
    assert settle_grades([3, 1, None]) == ([3, 1, None], "", [])
