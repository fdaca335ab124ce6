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
        "1,200 rows, 1,190 scored, 10 with nothing present",
        "",
        "metric    value  95 % interval",
        "accuracy  0.900  0.850 to 0.940",
        "AUROC     -",
        "",
        "this model, given only  rows   accuracy  AUROC",
        "audio+image             1,190  0.900     -",
    ]


def test_rows_are_counted_once_and_the_largest_sets_stand_first_by_their_score() -> None:
    def gives(rmse: float) -> dict[str, object]:
        return {"rows": 90, "metrics": {"rmse": {"value": rmse, "low": 0.1, "high": 9.0}}}

    sets = {"a": gives(3.0), "a+b": gives(1.0), "b": gives(2.0)}
    said = str(Evaluation(rows=90, scored=90, failed=0, metrics=sets["a+b"]["metrics"], by_modalities=sets))
    assert said.splitlines()[0] == "90 rows scored"
    assert [line.split()[0] for line in said.splitlines()[-3:]] == ["a+b", "b", "a"]
    some = Evaluation(rows=90, scored=70, failed=5, metrics={}, by_modalities={})
    assert str(some).splitlines()[0] == "90 rows, 70 scored, 15 without a target, 5 with nothing present"


def test_in_a_line_and_as_json_they_are_what_they_were() -> None:
    assert repr(SCORES) == "Evaluation(accuracy 0.900 (0.850 to 0.940))"
    assert json.loads(json.dumps(SCORES))["metrics"]["accuracy"]["value"] == 0.9
    assert dict(SCORES) == SCORES


def test_of_several_targets_each_has_its_tables() -> None:
    both = Evaluation(targets={"a": SCORES, "b": SCORES})
    assert str(both) == f"target a\n\n{SCORES}\n\n\ntarget b\n\n{SCORES}"
    assert repr(both) == "Evaluation(a, b)"
    assert "accuracy 0.900 (0.850 to 0.940)" in both._repr_html_()
