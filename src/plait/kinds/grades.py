"""Which classes have an order: numbers, what begins with a number, and words that grade. Knows values alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from plait.data.parse import is_missing
from plait.data.spelling import settle_spellings
from plait.errors import TableError

# the least first; values of a column are some of one of these
SCALES: tuple[tuple[str, ...], ...] = (
    ("none", "very low", "low", "medium", "moderate", "high", "very high", "extreme"),
    ("none", "minimal", "slight", "mild", "moderate", "severe", "very severe", "critical"),
    ("terrible", "awful", "very bad", "bad", "very poor", "poor", "fair", "average", "ok", "good", "very good",
     "excellent", "outstanding"),
    ("never", "rarely", "seldom", "sometimes", "often", "usually", "always"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("very dissatisfied", "dissatisfied", "neutral", "satisfied", "very satisfied"),
    ("very unlikely", "unlikely", "neutral", "likely", "very likely"),
    ("very negative", "negative", "neutral", "positive", "very positive"),
    ("much worse", "worse", "same", "better", "much better"),
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("extra small", "tiny", "small", "medium", "large", "extra large", "huge"),
    ("beginner", "intermediate", "advanced", "expert"),
    ("cold", "cool", "warm", "hot"),
    ("bronze", "silver", "gold", "platinum"),
    ("非常差", "很差", "差", "较差", "一般", "中等", "中", "较好", "好", "很好", "非常好"),
    ("不及格", "差", "及格", "中等", "中", "良", "良好", "优", "优秀"),
    ("无", "极低", "很低", "低", "较低", "中等", "中", "较高", "高", "很高", "极高"),
    ("无", "没有", "轻微", "轻", "轻度", "中", "中度", "重", "重度", "极重", "极重度"),
    ("从不", "很少", "偶尔", "有时", "经常", "总是"),
    ("非常不同意", "不同意", "中立", "同意", "非常同意"),
    ("非常不满意", "不满意", "一般", "满意", "非常满意"),
    ("特小", "小", "中", "大", "特大"),
    ("ungenügend", "mangelhaft", "ausreichend", "befriedigend", "gut", "sehr gut"),
    ("sehr schlecht", "schlecht", "mittel", "mittelmäßig", "gut", "sehr gut", "ausgezeichnet"),
    ("keine", "sehr niedrig", "niedrig", "gering", "mittel", "hoch", "sehr hoch"),
    ("nie", "selten", "manchmal", "oft", "häufig", "meistens", "immer"),
    ("sehr klein", "klein", "mittel", "groß", "sehr groß"),
)  # fmt: skip
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)(?![\d.])")
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
_CHINESE = {"": 0, "两": 2} | {numeral: place for place, numeral in enumerate("零一二三四五六七八九")}
# up to 99, before nothing or what counts grades: 一般 and 十分满意 begin with no number
_NUMERAL = re.compile(
    r"第?(?=.)(?:([一二三四五六七八九]?)十)?([零一二两三四五六七八九]?)(?:分?$|\W|[级級等星档檔度期类類阶階段层層号號])"
)
_GRADED = re.compile(
    r"star|rating|rated|grade|score|level|stage|sever|satisf|quality|rank|stufe|note$|评分|等级", re.IGNORECASE
)
FEW, SOME = 7, 11  # grades that are usual, and where the name says that they are some


def order_classes(name: str, values: Iterable[Any]) -> list[Any]:
    """Return classes in their order. name: of the column, for messages. Raises TableError where they tell none.

    >>> order_classes("size", {"large", "small", "medium"}), order_classes("stars", {10, 9, 8})
    (['small', 'medium', 'large'], [8, 9, 10])
    """
    found = list(values)
    if all(isinstance(value, (int, float)) for value in found):
        return sorted(found)
    if (scale := _scale_of(found)) and len({*map(_plain, found)}) == len(found):
        return sorted(found, key=lambda value: scale.index(_plain(value)))
    numbers = {value: number for value in found if (number := _number_of(str(value))) is not None}
    if len(numbers) == len(found) == len({*numbers.values()}):
        return sorted(found, key=lambda value: numbers[value])
    shown = ", ".join(repr(value) for value in sorted(found, key=str)[:5])
    raise TableError(
        f"column {name!r} cannot be ordered: {shown} do not say which is more. Expected numbers, words that begin with "
        "one, such as '1 low', or words such as low, medium, high."
    )


def settle_grades(cells: Sequence[Any]) -> tuple[list[Any], str, list[str]]:
    """Return graded cells in which texts that differ only in how they are written are alike, and words for nothing are
    None, unless they are of a scale with all others; which the first are, and the second.

    >>> settle_grades(["Good", "good", "good", "bad", "n/a"])
    (['good', 'good', 'good', 'bad', None], "'Good' for 'good'", ['n/a'])
    """
    values = {cell for cell in cells if cell is not None}
    nothing = [] if _scale_of(values) else sorted({cell for cell in values if is_missing(cell)})
    settled, alike = settle_spellings([None if cell in nothing else cell for cell in cells])
    return settled, alike, nothing


def are_grades(name: str, values: Iterable[Any]) -> bool:
    """Whether these classes, of a column of this name, look like grades: words of a scale, or few numbers in a row."""
    found = list(values)
    nothing = settle_grades(found)[2]
    found = [value for value in found if value not in nothing]
    if len(found) < 3:
        return False
    try:
        numbers = sorted(float(value) for value in found)
    except ValueError:
        return bool(_scale_of(found))
    in_a_row = numbers[0] in (0, 1) and numbers == [numbers[0] + step for step in range(len(numbers))]
    return in_a_row and len(numbers) <= (SOME if _GRADED.search(name) else FEW)


def _number_of(value: str) -> float | None:
    """Return the number that a grade begins with (2 stars, 二星), or is or ends with in Roman numerals (Stage II)."""
    if begin := _NUMBER.match(value):
        return float(begin.group(1))
    plain = value.strip()
    if (numeral := _NUMERAL.match(plain)) and numeral.groups() != (None, ""):
        tens, ones = numeral.groups()
        return float(0 if tens is None else 10 * (_CHINESE[tens] or 1)) + _CHINESE[ones]
    return _ROMAN.get(plain.split(" ")[-1])


def _scale_of(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the scale that all these values are of, or none."""
    plain = {_plain(value) for value in values}
    return next((scale for scale in SCALES if plain <= {*scale}), ())


def _plain(value: Any) -> str:
    return " ".join(re.split(r"[\s_-]+", str(value).strip().lower()))
