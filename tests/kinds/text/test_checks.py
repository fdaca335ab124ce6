"""Checks of texts: each finds its fault, and keeps still where there is none."""

import pytest

from cell_findings import PROSE, brief, check, only, swapped
from plait.kinds.text.checks import script_of


def test_good_prose_has_no_finding() -> None:
    assert check({"note": PROSE}) == []


@pytest.mark.parametrize(
    ("cell", "severity", "name"),
    [
        ("we had a cafÃ© au lait in the morning", "warning", "text-mojibake"),
        ("we had a caf\ufffd au lait in the morning", "warning", "text-encoding"),
        ("we had a caf\x92 au lait in the morning", "warning", "text-encoding"),
        ("we had a <b>strong</b> coffee &amp; a cake", "note", "text-markup"),
        ("<br> &nbsp; <br>", "warning", "text-empty"),
        ("she paid with раypal in the morning", "warning", "text-mixed-scripts"),
    ],
)
def test_one_odd_text_is_found_and_named(cell: str, severity: str, name: str) -> None:
    finding = only(check({"note": swapped({4: cell})}), name)
    assert (finding.severity, finding.column, finding.rows) == (severity, "note", (4,))


@pytest.mark.parametrize(
    "cell",
    [
        "a café au lait, naïve – “so” 5 €",
        "x < y and z > w, 3 & 4",
        "Ω is 5 µm wide and Δt small",
        "3D-модель и SMS-ка для Боба",
    ],
)
def test_good_text_beyond_ascii_is_left_alone(cell: str) -> None:
    found = check({"note": [cell + f" {i}" for i in range(30)]})
    assert found == []


def test_a_category_can_be_mojibake_too() -> None:
    found = check({"town": ["ZÃ¼rich", "Bern", "Basel"] * 10})
    assert brief(found) == [("warning", "text-mojibake", "town", tuple(range(0, 30, 3)))]
    assert "'ZÃ¼rich' for 'Zürich'" in found[0].message


def test_a_few_cells_of_another_script() -> None:
    found = check({"note": swapped({7: "это совсем другой язык, и его тут мало"})})
    assert brief(found) == [("note", "text-other-script", "note", (7,))]


def test_two_languages_side_by_side_are_no_finding() -> None:
    assert check({"note": swapped(dict.fromkeys(range(0, 30, 2), "это совсем другой язык, но не редкий"))}) == []


@pytest.mark.parametrize(("text", "script"), [("hello", "Latin"), ("你好", "Chinese or Japanese"), ("12 !", None)])
def test_script_of_a_text(text: str, script: str | None) -> None:
    assert script_of(text) == script


def test_a_text_in_two_splits() -> None:
    split = ["train"] * 20 + ["val"] * 5 + ["test"] * 5
    found = check({"note": swapped({22: PROSE[3].upper(), 28: PROSE[3], 29: PROSE[21]}), "split": split})
    assert brief(found) == [("warning", "text-duplicate-splits", "note", (22, 28, 29))]
    assert "1 of train in test, 1 of train in val, 1 of val in test" in found[0].message


def test_short_or_recurring_texts_may_be_in_two_splits() -> None:
    split = ["train", "test"] * 15
    assert check({"note": swapped({2: "yes of course", 3: "yes of course"}), "split": split}) == []
    templates = ["which one of the two is larger", "take the second from the first"] * 15
    assert check({"text": templates, "split": split}) == []


def test_the_label_inside_the_text() -> None:
    kinds = ["cat", "dog", "fish"] * 20
    texts = [f"my {kind} likes to sleep by day {i} for long" for i, kind in enumerate(kinds)]
    finding = only(check({"note": texts, "kind": kinds}, target="kind"), "text-label-inside")
    assert (finding.severity, finding.rows) == ("warning", tuple(range(60)))
    assert "60 of 60 texts hold the label of their own row as a word, such as 'cat'" in finding.message


def test_texts_that_name_any_label_are_no_leak() -> None:
    kinds = ["cat", "dog", "fish"] * 20
    texts = [f"cat, dog and fish like to sleep by day {i}" for i in range(60)]
    assert check({"note": texts, "kind": kinds}, target="kind") == []
