"""Columns that tell the label by their values or by their holes: found where they do, left alone where they do not."""

import sys
from typing import Any

import numpy as np
import pytest

from animals import animals, brief, check, look, names


def test_holes_that_depend_on_the_label() -> None:
    codes = animals()
    age = [float(i % 13) for i in range(300)]
    holes = np.random.default_rng(4).random(300)
    fair = [None if holes[i] < 0.3 else age[i] for i in range(300)]
    unfair = [None if holes[i] < (0.5 if codes[i] == 1 else 0.1) else age[i] for i in range(300)]
    assert check(names(codes), {"age": fair}) == []
    (finding,) = check(names(codes), {"age": unfair})
    assert (finding.severity, finding.check, finding.column, finding.rows) == ("warning", "holes-by-label", "age", ())
    assert "of the rows of 'dog' and in" in finding.message


def test_holes_of_pictures_depend_on_the_label() -> None:
    codes = animals()
    photo = look(codes, 2)
    photo[(codes == 2) & (np.arange(300) % 3 > 0)] = np.nan
    assert ("warning", "holes-by-label", "photo") in brief(check(names(codes), photo=photo))


@pytest.mark.parametrize(
    "leak",
    [
        lambda codes: ["meow" if code == 0 else "woof" if code == 1 else "blub" for code in codes],
        lambda codes: (codes * 10 + np.random.default_rng(5).random(len(codes))).tolist(),
        lambda codes: [f"202{code}-03-0{1 + i % 9}" for i, code in enumerate(codes)],
    ],
)
def test_a_column_that_gives_the_label_away(leak: Any) -> None:
    codes = animals()
    found = check(names(codes), {"sound": leak(codes)})
    assert brief(found) == [("warning", "label-leak", "sound")]
    assert "it gives the label away: in rows not learned from, it saves 100 % of the errors" in found[0].message


def test_a_column_that_tells_some_of_the_label_is_no_leak() -> None:
    codes = animals()
    size = (codes + 1.5 * np.random.default_rng(6).standard_normal(300)).tolist()
    assert check(names(codes), {"size": size}) == []


def test_strong_columns_are_worth_a_note_unless_there_are_many() -> None:
    codes = animals()
    near = {f"size{i}": (codes + 0.3 * np.random.default_rng(i).standard_normal(300)).tolist() for i in range(3)}
    found = check(names(codes), {"size0": near["size0"]})
    assert ("note", "label-leak", "size0") in brief(found)
    assert "label-leak" not in [f.check for f in check(names(codes), near)]


def test_a_number_that_is_the_target_in_other_units() -> None:
    metres = np.random.default_rng(7).random(300)
    found = check(metres.tolist(), {"feet": (metres * 3.28).tolist(), "other": metres[::-1].tolist()})
    assert brief(found) == [("warning", "label-leak", "feet")]


def test_no_tree_is_loaded_where_no_number_tells_much(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sklearn", "sklearn.tree", "scipy.stats"):
        monkeypatch.setitem(sys.modules, name, None)  # to import it fails
    random = np.random.default_rng(11)
    labels = [["yes", "no"][code] for code in random.integers(0, 2, 200)]
    assert check(labels, {"a": random.random(200).tolist(), "b": random.integers(0, 9, 200).tolist()}) == []


def test_a_number_that_tells_a_rare_class_by_its_end() -> None:
    numbers = np.random.default_rng(12).random(1000)
    found = check([["no", "yes"][int(number > 0.98)] for number in numbers], {"a": numbers.tolist()})
    assert ("warning", "label-leak", "a") in brief(found)


WORDS = [f"word{i}" for i in range(60)]


def notes(ends: Any, rows: int = 120) -> list[str]:
    """Return texts of eight words that say nothing, and an end that the row chooses."""
    generator = np.random.default_rng(8)
    return [" ".join(generator.choice(WORDS, 8)) + f" {ends(row)}" for row in range(rows)]


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        (lambda row: "went home" if row % 2 else "passed away", "home"),
        (lambda row: f"{'not ' * (row % 2)}well", "not"),
        (lambda row: "出院" if row % 2 else "去世", "出"),
        (lambda row: "good, then bad" if row % 2 else "bad, then good", "bad then"),  # by the order alone
        (lambda row: f"{['good', 'bad', 'fine', 'poor'][row % 2 + 2 * (row % 3 > 0)]}", "poor"),
    ],
)
def test_a_text_that_gives_the_label_away(ends: Any, word: str) -> None:
    found = check([["yes", "no"][row % 2] for row in range(120)], {"notes": notes(ends)})
    (finding,) = (f for f in found if f.check == "label-leak")
    assert (finding.severity, finding.column) == ("warning", "notes")
    assert repr(word) in finding.message.partition(":")[0]
    assert "in rows not learned from, it saves 100 % of the errors" in finding.message


def test_a_text_that_tells_most_of_the_label_is_what_a_text_is_for() -> None:
    ends = notes(lambda row: ["good", "bad"][row % 2] if row % 5 else "so so")
    assert "label-leak" not in [f.check for f in check([["yes", "no"][row % 2] for row in range(120)], {"notes": ends})]


def test_a_price_written_in_a_text() -> None:
    price = (100 * np.random.default_rng(9).random(120)).round(2)
    found = check(price.tolist(), {"notes": notes(lambda row: f"lot {row % 7} sold for ${price[row]}")})
    assert [(f.check, f.column) for f in found] == [("label-leak", "notes")]
    assert "by a number in it" in found[0].message
