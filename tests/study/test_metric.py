"""Which metric decides, by whose wish, and that it decides choice, headline and verdict."""

import numpy as np
import pytest

import plait
from plait.core.options import FitOptions
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect
from plait.study.labels import Labels
from searches import draw_blocks, make_search, modalities_of, split_of, take_quick_learners


def labels_of(cells: list, kind: str) -> Labels:
    table = read({"y": cells, "x": [1.0] * len(cells)})
    return Labels.find(table, detect(table, target="y", kinds={"y": kind, "x": "number"}))


def test_accuracy_and_r2_are_usual() -> None:
    assert labels_of(["a", "b"] * 5, "category").metric == "accuracy"
    assert labels_of([1.0, 2.5] * 5, "number").metric == "r2"


def test_where_one_class_is_common_log_loss_decides_and_it_is_said() -> None:
    labels = labels_of(["no"] * 81 + ["yes"] * 19, "category")
    labels.settle_metric(None)
    assert (labels.metric, labels.beside) == ("log_loss", "auroc")
    assert labels.why == "81 % of the rows are 'no', so log loss decides: accuracy would hardly move."
    three = labels_of(["no"] * 81 + ["yes"] * 10 + ["so"] * 9, "category")
    three.settle_metric(None)
    assert three.beside == "balanced_accuracy"
    even = labels_of(["no"] * 80 + ["yes"] * 20, "category")
    even.settle_metric(None)
    assert (even.metric, even.beside, even.why) == ("accuracy", None, "")


def test_where_three_rows_make_most_of_the_squared_error_mae_decides() -> None:
    labels = labels_of([float(n % 7) for n in range(40)] + [900.0, 950.0, 1000.0], "number")
    labels.settle_metric(None)
    assert (labels.metric, labels.beside) == ("mae", "r2")
    assert labels.why == "three rows make most of the squared error, so the mean absolute error decides."


def test_a_metric_that_does_not_fit_the_task_is_refused() -> None:
    with pytest.raises(RequestError, match="the metric r2 does not fit column 'y', which holds classes; expected one"):
        labels_of(["a", "b"] * 5, "category").settle_metric("r2")
    with pytest.raises(RequestError, match=r"there is no metric 'auc'\. Did you mean 'auroc'"):
        FitOptions(metric="auc")
    with pytest.raises(RequestError, match="margin is -1; expected 0 points or more"):
        FitOptions(margin=-1)
    with pytest.raises(RequestError, match="refit is 'some'; expected one of: all, train\\+val, none"):
        FitOptions(refit="some")


def test_the_metric_that_was_asked_for_chooses_the_winner(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(150), split_of(90, 40, 20), ("classic",))
    search.labels.settle_metric("f1_macro")
    search.run()
    yardstick = search.labels.yardstick(search.study.val)
    for candidate in search.study.candidates[1:]:
        # the pseudo-values of the jackknife have the metric as their mean, but for its small bias
        assert 1 - candidate.loss == pytest.approx(yardstick.score(candidate.answers), abs=0.01)
    accuracy = search.labels.yardstick(search.study.val)
    assert accuracy.metric == "f1_macro"


def test_headline_verdict_and_summary_speak_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    columns = draw_blocks(320)
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    model = plait.fit(
        columns,
        target="y",
        metric="balanced_accuracy",
        kinds=dict.fromkeys(names, "number"),
        modalities=modalities_of(names),
        candidates=["classic"],
    )
    assert model.facts.study["metric"] == model.study.verdict["metric"] == "balanced_accuracy"
    summary = model.summary()
    assert "balanced accuracy, validation" in summary
    assert "On the test rows balanced accuracy is " in summary
    assert "a balanced accuracy of" in model.study.verdict["sentence"]
    test = model.facts.test["metrics"]["balanced_accuracy"]["value"]  # type: ignore[index]
    assert np.isclose(test, next(c for c in model.leaderboard if c["winner"])["test"]["value"])


def test_several_splits_give_the_verdict_of_the_median_p(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    columns, told = draw_blocks(320), []
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    asked = {"kinds": dict.fromkeys(names, "number"), "modalities": modalities_of(names)}
    model = plait.fit(columns, target="y", candidates=["classic"], repeats=3, callback=told.append, **asked)
    assert "Of 3 splits, " in model.study.verdict["sentence"]
    assert model.study.verdict["warnings"][0].endswith("; this is the one of the median p.")
    assert [event["done"] for event in told if event.get("stage") == "splits"] == [2, 3]
    assert any(event.get("note", "").startswith("2 more splits: about ") for event in told)
    columns["part"] = ["train"] * 250 + ["test"] * 70
    with pytest.raises(RequestError, match="repeats draw the test rows, so no split column can be given with them"):
        plait.fit(columns, target="y", split="part", repeats=2, **asked)
