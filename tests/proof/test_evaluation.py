"""Scores as people read them: as text, in a line, and in a cell of a notebook."""

import json

from plait.proof.evaluation import Evaluation

METRICS = {"accuracy": {"value": 0.9, "low": 0.85, "high": 0.94}, "auroc": {"value": None}, "per_class": {}}
SCORES = Evaluation(
    rows=1200,
    scored=1190,
    failed=10,
    metrics=METRICS,
    by_modalities={"audio+image": {"rows": 1190, "metrics": METRICS}},
    alone={},
)


def test_scores_are_told_as_tables() -> None:
    assert str(SCORES).splitlines() == [
        "1,200 rows, 1,190 scored, 10 failed",
        "",
        "metric    value  95 % interval",
        "accuracy  0.900  0.850 to 0.940",
        "AUROC     -",
        "",
        "this model, given only  rows   accuracy  AUROC",
        "audio+image             1,190  0.900     -",
    ]


def test_in_a_line_and_as_json_they_are_what_they_were() -> None:
    assert repr(SCORES) == "Evaluation(accuracy 0.900 (0.850 to 0.940))"
    assert json.loads(json.dumps(SCORES))["metrics"]["accuracy"]["value"] == 0.9
    assert dict(SCORES) == SCORES


def test_of_several_targets_each_has_its_tables() -> None:
    both = Evaluation(targets={"a": SCORES, "b": SCORES})
    assert str(both) == f"target a\n\n{SCORES}\n\n\ntarget b\n\n{SCORES}"
    assert repr(both) == "Evaluation(a, b)"
    assert "accuracy 0.900 (0.850 to 0.940)" in both._repr_html_()
