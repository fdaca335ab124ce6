"""What a summary says of scores, rows and refit: the words."""

from typing import Any

from plait.core.contract import Column, Schema
from plait.runs.facts import RunFacts
from plait.runs.summary import say_refit, say_scores, say_splits


def facts_of(**given: Any) -> RunFacts:
    schema = Schema([Column("y", "category", "target", "2 different values", 1.0)], [])
    usual: dict[str, Any] = {
        "task": "classification",
        "target": "y",
        "seed": 0,
        "schema": schema.to_json(),
        "options": {},
    }
    usual |= {"rows": 1200, "splits": {"train": 800, "val": 200, "test": 200}, "sample_rates": {}, "conversions": []}
    return RunFacts(**{**usual, "holes": {}, **given})


def test_without_test_rows_the_score_is_not_known() -> None:
    said = "There are no test rows, so the score on rows never seen is not known; score another table with evaluate."
    assert say_scores(facts_of(), "accuracy") == ["\n" + said]


def test_a_metric_is_named_in_words() -> None:
    folds = {"rows": 90, "folds": 5, "repeats": 2, "metrics": {"f1_rows": {"value": 0.5, "low": 0.4, "high": 0.6}}}
    (line,) = say_scores(facts_of(folds=folds), "f1_rows")
    said = "On 90 rows, each left out twice in 5 folds, F1 per row is 0.500 (0.400 to 0.600), by what won without them."
    assert line == "\n" + said


def test_what_was_learned_from_at_last() -> None:
    assert say_refit(facts_of()) == []
    (line,) = say_refit(facts_of(refit={"how": "all", "rows": 1200, "kept": ["image"]}))
    assert line == (
        "The model that answers from here on has learned anew from all labelled rows (1,200; image as before); what is "
        "said of test rows is of the model before."
    )


def test_rows_and_holes() -> None:
    holes = {"photo": {"blank": 3, "broken": 1, "example": "a.png", "filled": 2}, "note": {"blank": 0, "broken": 0}}
    lines = say_splits(facts_of(holes=holes, unlabelled=7), "y", "a label", ["two columns left out"])
    assert lines[0] == "\n1,200 rows: 800 train, 200 validation, 200 test, 7 without a label or split."
    assert lines[2:] == [
        "two columns left out",
        "photo: missing in 4 rows (3 blank, 1 broken, such as a.png).",
        "photo: 2 missing cells were filled by conversion.",
    ]
