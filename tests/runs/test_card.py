"""The model card: what it says, and that names of strangers stay text in it."""

import json
from typing import Any

import pytest

from plait.runs.card import front_matter, make_card
from plait.runs.facts import RunFacts


def facts_of(target: str = "sick", **others: Any) -> RunFacts:
    score = {"value": 0.91234, "low": 0.85, "high": 0.95}
    line = {
        "name": target + " learner", "winner": True, "val": score, "test": score, "seconds": 1.0, "params": 950,
        "latency_ms": 0.5,
    }  # fmt: skip
    known: dict[str, Any] = {
        "task": "classification",
        "target": target,
        "classes": ["no", target],
        "rows": 100,
        "splits": {"train": 60, "val": 20, "test": 20},
        "schema": {"columns": [], "modalities": [{"name": "note", "kind": "text", "columns": [target, "b"]}]},
        "holes": {"note": {"blank": 5, "broken": 5, "example": ""}},
        "winner": target,
        "test": {
            "rows": 20,
            "metrics": {
                "accuracy": score,
                "per_class": {target: {"precision": score, "recall": score, "f1": score, "support": 7}},
            },
            "by_modalities": {},
            "alone": {},
        },
        "study": {
            "metric": "accuracy", "verdict": {"sentence": f"Not tested: {target}."}, "candidates": [line],
            "caveats": [{"sentence": f"Beware of {target}."}],
        },
    }  # fmt: skip
    return RunFacts(**{**known, **others})


def test_it_says_what_it_is_with_scores_and_their_intervals() -> None:
    card = make_card(facts_of())
    assert card.startswith('---\nlibrary_name: "plait"\ntags: ["plait", "multimodal", "classification"]\n')
    for line in (
        "# sick",
        "This model predicts one of 2 classes of **sick** of a row from note (text).",
        "| accuracy | 0.912 (0.850 to 0.950) |",
        "| sick | 7 | 0.912 (0.850 to 0.950) | 0.912 (0.850 to 0.950) | 0.912 (0.850 to 0.950) |",
        "100 rows: 60 train, 20 val, 20 test.",
        "| note | text | sick, b | 10.0 % |",
        "| sick learner (chosen) | 0.912 (0.850 to 0.950) | 0.912 (0.850 to 0.950) | 1.0 s | 950 | 0.5 ms |",
        "- Beware of sick.",
        'model = plait.load("RUN")',
    ):
        assert line in card


def test_the_front_matter_has_the_form_of_the_hub() -> None:
    lines = dict(line.split(": ", 1) for line in front_matter(facts_of()).splitlines())
    assert json.loads(lines["pipeline_tag"]) == "text-classification"
    (model,) = json.loads(lines["model-index"])
    assert model["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.9123}]


def test_without_test_rows_there_is_no_score() -> None:
    card = make_card(facts_of(test=None))
    assert "There were no test rows: the score on rows never seen is not known." in card
    assert "model-index" not in card


@pytest.mark.parametrize("hostile", ["---\n# Owned\n---", "<img src=x onerror=y>", "[l](javascript:1) |a|", "`rm` $x$"])
def test_names_of_strangers_stay_text(hostile: str) -> None:
    card = make_card(facts_of(hostile))
    usual = make_card(facts_of("sick"))
    assert [line for line in card.splitlines() if line.startswith(("---", "## ", "# "))].count("---") == 2
    assert len(card.splitlines()) == len(usual.splitlines())
    assert "<img" not in card.partition("\n---\n")[2] and "](j" not in card.partition("\n---\n")[2].replace("\\]", "")
    assert front_matter(facts_of(hostile)).isascii()
