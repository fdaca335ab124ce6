"""The quick learning curve: rising where rows are scarce, level where they are not, nothing without a target."""

from typing import Any

import numpy as np

import plait


def sentences(rows: int, words: int) -> dict[str, Any]:
    """Return texts that each hold one of many words of their class: each word has to be seen to be known."""
    generator = np.random.default_rng(0)
    kinds = np.arange(rows) % 2
    texts = [f"we saw a {'ab'[k]}{generator.integers(words)} today, it was calm there" for k in kinds]
    return {"text": texts, "kind": [("cat", "dog")[k] for k in kinds]}


def curve_of(table: dict[str, Any], **options: Any) -> Any:
    found = plait.check(table, cache=False, learning_curve=True, **options)
    (finding,) = (f for f in found if f.check == "learning-curve")
    return finding


def test_it_rises_where_each_row_brings_new_words() -> None:
    finding = curve_of(sentences(480, words=120), target="kind")
    assert (finding.severity, finding.column, finding.rows) == ("note", "kind", ())
    assert finding.message.startswith("quick guesses of 'kind' for rows not learned from are right in ")
    assert " with 60, " in finding.message
    assert finding.message.endswith(" with 480 rows; the curve still rises")
    assert finding.mend == "More rows are likely to help."


def test_it_is_level_where_a_few_rows_tell_all() -> None:
    finding = curve_of(sentences(480, words=2), target="kind")
    assert finding.message.endswith("100 % with 480 rows; the curve is level")


def test_without_a_target_or_with_few_rows_it_says_so() -> None:
    assert curve_of(sentences(80, words=2)).message.startswith("there is no learning curve: it needs a target")
    assert curve_of(sentences(20, words=2), target="kind").message.startswith("there is no learning curve")


def test_it_is_there_only_when_asked() -> None:
    found = plait.check(sentences(80, words=2), target="kind", cache=False)
    assert "learning-curve" not in {f.check for f in found}
