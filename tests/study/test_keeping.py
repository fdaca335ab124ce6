"""What a run keeps beside what ships: the ten best and each modality alone, as far as there is room."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from plait.study import keeping
from plait.study.candidate import Candidate


def made(name: str, loss: float, leaf: Any, recipe: str = "classic") -> Candidate:
    predictor = SimpleNamespace(names=["a"], params=leaf)
    return Candidate(name, "classic", None, recipe, predictor, np.zeros((1, 2)), np.array([loss]))


def test_what_does_not_fit_is_left_out_and_a_smaller_one_after_it_stays() -> None:
    one, large, small = made("one", 0.1, 10), made("large", 0.2, 100), made("small", 0.3, 2)
    assert keeping.take_fitting([one, large, small], 8 * 12) == [one, small]
    shared = made("shared", 0.4, 0)
    shared.predictor = one.predictor  # what two share counts once
    assert keeping.take_fitting([one, shared, small], 8 * 12) == [one, shared, small]


def test_what_a_modality_is_called_means_the_best_alone() -> None:
    network, tuned, plain = made("text", 0.1, 1, "alone"), made("text", 0.2, 1, "tuned"), made("SVM", 0.3, 1)
    again = made("SVM", 0.3, 1)
    assert keeping.name_kept([plain, network, tuned, again], {"text"}) == {
        plain: "SVM",
        network: "text (alone)",
        tuned: "text (tuned)",
        again: "SVM (classic)",
    }


def test_the_ten_best_and_each_modality_alone_are_kept() -> None:
    listed = [made(f"c{n:02}", n / 10, 1) for n in range(15)]
    winner, alone, folded = listed[3], listed[14], listed[5]
    search: Any = SimpleNamespace(
        study=SimpleNamespace(candidates=listed[::-1], prepared=SimpleNamespace(names=["a"])),
        alone={"a": alone},
        learn_kept=lambda candidates: None,
        can_keep=lambda candidate: candidate is not folded,
    )
    kept = keeping.choose_kept(search, winner)
    assert sorted(kept.values()) == ["c00", "c01", "c02", "c03", "c04", "c06", "c07", "c08", "c09", "c14"]
    assert next(iter(kept)) is winner
