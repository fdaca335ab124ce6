"""A study over several splits: the verdict of the median p, and how often each code came up."""

import pytest

import plait
from plait.errors import RequestError
from searches import draw_blocks, modalities_of, take_quick_learners


def test_several_splits_give_the_verdict_of_the_median_p(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    columns, told = draw_blocks(320), []
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    asked = {"kinds": dict.fromkeys(names, "number"), "modalities": modalities_of(names)}
    model = plait.fit(columns, target="y", candidates=["classic"], repeats=3, callback=told.append, **asked)
    assert model.study.verdict["splits"] == {"helps": 2, "cannot_tell": 1}
    counted = "Of 3 splits, combining helps in 2, the rows cannot tell in 1; in that of the median p, "
    assert counted in model.study.verdict["sentence"]
    first = "The scores and files of this run are of the first split."
    assert model.study.verdict["warnings"] in ([], [first])
    assert model.study.verdict["splits"][model.study.verdict["code"]] >= 1
    assert [event["done"] for event in told if event.get("stage") == "splits"] == [2, 3]
    assert any(event.get("note", "").startswith("2 more splits: about ") for event in told)
    columns["part"] = ["train"] * 250 + ["test"] * 70
    with pytest.raises(RequestError, match="repeats draw the test rows, so no split column can be given with them"):
        plait.fit(columns, target="y", split="part", repeats=2, **asked)


def test_further_splits_leave_the_model_that_ships_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    monkeypatch.setattr("plait.study.trials.SCALED", ("ridge regression",))
    columns = draw_blocks(120)
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    columns["y"] = [2 ** (1.5 * (one + other)) for one, other in zip(columns["a0"], columns["b0"], strict=True)]
    asked = {"kinds": dict.fromkeys(names, "number"), "modalities": modalities_of(names), "candidates": ["classic"]}
    one, two = (plait.fit(columns, target="y", metric="mae", repeats=times, **asked) for times in (1, 2))
    assert two.predict(columns).labels == one.predict(columns).labels
    assert two.study.verdict["shipped"] == one.study.winner
