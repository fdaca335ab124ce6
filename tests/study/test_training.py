"""What every study shares: seeds, when to stop, the reasons for no verdict."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from plait.models.classic import MajorityPredictor
from plait.models.train import Outcome, Recipe
from plait.study import training
from plait.study.budget import Budget
from plait.study.candidate import Candidate
from plait.study.training import Stage, Training
from searches import draw_blocks, make_search, split_of


def training_of(test: int = 10, **options: object) -> Training:
    return make_search(draw_blocks(40 + test), split_of(30, 10, test), **options).study  # type: ignore[arg-type]


def candidate(name: str, *looks_at: str) -> Candidate:
    predictor = MajorityPredictor(np.array([0.5, 0.5]), looks_at)
    return Candidate(name, "classic", None, "classic", predictor, np.zeros((10, 2)), np.zeros(10))


def test_seeds_differ_between_stages_and_between_runs() -> None:
    study, other = training_of(), training_of(seed=1)
    seeds = {study.seed_of("a"), study.seed_of("b"), other.seed_of("a"), other.seed_of("b")}
    assert len(seeds) == 4
    assert study.seed_of("a") == training_of().seed_of("a")


def test_a_time_limit_leaves_one_candidate_that_looks_at_a_row() -> None:
    study = training_of(budget=Budget(0.0))
    assert not study.is_over
    study.candidates.append(candidate("majority class"))
    assert not study.is_over
    study.candidates.append(candidate("first", "a"))
    assert study.is_over


@pytest.mark.parametrize(
    ("single", "fused", "options", "reason"),
    [
        ("a", None, {}, "no candidate of several modalities was asked for"),
        (None, "a + b", {}, "no candidate of one modality was asked for"),
        ("a", None, {"budget": Budget(0.0)}, "the time limit left no fused candidate"),
    ],
)
def test_without_two_candidates_and_test_rows_there_is_no_verdict(
    single: str | None, fused: str | None, options: dict[str, object], reason: str
) -> None:
    alone = {} if single is None else {single: candidate(single)}
    both = None if fused is None else candidate(fused)
    training = training_of(**options)  # type: ignore[arg-type]
    verdict = training.verdict_on(alone, both, both or alone["a"], lambda *given: pytest.fail("it was judged"))
    assert reason in verdict.to_json()["sentence"]


@pytest.mark.parametrize(
    ("network", "tokens", "threads"),
    [
        (SimpleNamespace(threads=1), None, 1),
        (SimpleNamespace(threads=None), None, 3),
        (SimpleNamespace(threads=None), {"train": []}, 1),  # its encoders stay as they are
        (SimpleNamespace(), None, 3),  # such as a recogniser
    ],
)
def test_what_is_small_learns_on_one_thread(
    network: Any, tokens: Any, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, seen = np.arange(4), list[int]()

    def learn(lesson: Any) -> Outcome:
        seen.append(torch.get_num_threads())
        return Outcome(stopped="interrupt")

    monkeypatch.setattr(training, "train", learn)
    study, before = training_of(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        study.learn(Stage("one", None, "alone", network, Recipe(1), rows, rows, tokens), lambda: Any, None)  # type: ignore[arg-type,return-value]
        assert (seen, torch.get_num_threads()) == ([threads], 3)
    finally:
        torch.set_num_threads(before)
