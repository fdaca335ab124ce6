"""What is said of learning targets together: a test of each, corrected for how many, and one sentence."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from joint import joint_run
from plait.proof.paired import Yardstick, holm
from plait.proof.verdict import Side
from plait.study.sharing_gain import compare_sharing

ROWS = 100
TRUTH = np.array([f"class {row % 2}" for row in range(ROWS)], object)


def answers(wrong: int) -> np.ndarray:
    """Return answers (rows, class), of which the first so many are wrong."""
    codes = np.arange(ROWS) % 2
    codes[:wrong] = 1 - codes[:wrong]
    return np.eye(2)[codes]


def search(name: str, together: int | None, apart: int | None, chosen: bool = True, rows: int = ROWS) -> Any:
    """Return what is asked of a search whose candidates get so many rows wrong, and its winner."""
    shared = SimpleNamespace(name="both", is_shared=True, wrong=together)
    own = None if apart is None else SimpleNamespace(name="own", is_shared=False, wrong=apart)
    present = np.ones(rows, bool)
    study = SimpleNamespace(
        test=np.arange(rows), seed=0, options=SimpleNamespace(margin=2.0), leave_device=lambda: None
    )
    found = SimpleNamespace(
        labels=SimpleNamespace(name=name, metric="accuracy", prior=np.array([0.5, 0.5])),
        study=study,
        apart=own,
        together=lambda winner: None if together is None else shared,
        yardstick=Yardstick("accuracy", TRUTH[:rows], ["class 0", "class 1"]),
        side=lambda candidate: Side(candidate.name, answers(candidate.wrong)[:rows], present),
    )
    return found, shared if chosen and together is not None else own


def test_a_gain_is_told_with_its_interval_and_corrected_p() -> None:
    told = compare_sharing([search("y", 0, 20), search("z", 10, 10)])
    first, second = told["targets"].values()
    assert first["difference"]["value"] == pytest.approx(0.2)
    assert (first["code"], second["code"]) == ("helps", "cannot_tell")
    raw = [1.9e-06 / 2, 1.0]
    assert [first["p"], second["p"]] == pytest.approx(holm(raw), abs=1e-6)
    assert first["corrected_for"] == second["corrected_for"] == 2
    assert first["together"] == "both"
    assert first["apart"] == "own"
    assert told["sentence"].startswith(
        "Learning the 2 targets together is better for 1 of them: y is better than learned apart (+20.0 points, "
    )
    assert told["sentence"].endswith("p = 1.00, corrected for 2 tests).")
    assert first["sentence"].startswith("Learned together with 1 other target, y is better than learned apart (+20")


def test_holm_takes_back_what_one_test_alone_would_show() -> None:
    alone = compare_sharing([search("y", 0, 5)])["targets"]["y"]
    among = compare_sharing([search("y", 0, 5), search("z", 10, 10), search("w", 10, 10)])["targets"]["y"]
    assert (alone["code"], among["code"]) == ("helps", "cannot_tell")
    assert alone["difference"]["low"] > 0 >= among["difference"]["low"]


def test_a_loss_is_told_too() -> None:
    told = compare_sharing([search("y", 20, 0), search("z", 0, 0)])
    assert told["targets"]["y"]["code"] == "hurts"
    assert told["sentence"].startswith("Learning the 2 targets together is worse for 1 of them: y is worse than learn")


def test_what_validation_did_not_choose_changes_nothing() -> None:
    told = compare_sharing([search("y", 20, 0, chosen=False), search("z", 9, 9, chosen=False)])
    assert told["sentence"].startswith(
        "Learning the 2 targets together changes none of them: y is as learned apart, since validation chose nothing "
        "shared; what is shared is worse (−20.0 points, "
    )
    assert told["targets"]["y"]["chosen"] is False


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (search("y", None, 3), "no network was shared"),
        (search("y", 3, None), "there is no candidate that learned it by itself"),
        (search("y", 3, 3, rows=0), "there are no test rows"),
        (search("y", 3, 3, rows=20), "there are 20 test rows with a label, and it takes 30"),
    ],
)
def test_what_cannot_be_tested_says_why(given: Any, reason: str) -> None:
    told = compare_sharing([given])
    assert told["targets"]["y"]["p"] is None
    assert told["sentence"] == (f"Not tested whether learning the 1 targets together helps: {reason}.")
    assert told["targets"]["y"]["sentence"].endswith(f" learned with it: {reason}.")


def test_the_sentence_is_in_the_study_and_the_summary_of_each_target() -> None:
    for name, model in joint_run().models.items():
        told = model.facts.study["sharing"]["sentence"]
        assert told.startswith(f"Learned together with 1 other target, {name} is ")
        assert told in model.summary()
        assert told in str(model.study)
