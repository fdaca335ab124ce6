"""What a candidate costs: its own numbers, its members and pretrained encoders once each, and all that came before."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from means import frozen
from plait.core.contract import Modality, Table
from plait.kinds.image.prep import ImagePrep
from plait.models.blend import Average
from plait.models.predictors import Blend, Calibrated
from plait.models.rows import Prepared
from plait.models.views import View
from plait.study.candidate import Candidate, Cost, list_candidates
from plait.study.cost import Costs, chain_of, count_kept, count_learned, count_network, encoded_by

PRIOR = np.array([0.5, 0.5])


class Encoder(nn.Module):
    """Six numbers, and one token of width 1 for each picture."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().mean((1, 2, 3))[:, None, None]


def view(name: str, how: Any = "own", columns: int = 1, weights: str = "w") -> View:
    encoder = frozen(Encoder(), weights=weights)  # type: ignore[arg-type]
    files = tuple(f"{name}{column}" for column in range(columns))
    return View(Modality(name, "image", files), ImagePrep(), "image", {}, "means", how, encoder)


def learner(*names: str, params: int = 100) -> Any:
    return SimpleNamespace(names=list(names), params=params)


def network(*names: str) -> Any:
    """A predictor of a network of 8 numbers, of which 6 learn."""
    linear = nn.Linear(3, 2)
    linear.bias.requires_grad_(False)
    return SimpleNamespace(names=list(names), network=linear)


def candidate(name: str, predictor: Any, seconds: float, **more: Any) -> Candidate:
    return Candidate(name, "late", None, "late", predictor, np.zeros((2, 2)), np.zeros(2), seconds, **more)


def test_a_network_is_all_its_numbers_or_those_that_learned() -> None:
    one = network("photo").network
    assert count_network(one) == (8, 32)
    assert count_network(one, learned=True) == (6, 24)
    assert count_network(one.half()) == (8, 16)


def test_a_frozen_encoder_counts_and_one_that_is_shared_counts_once() -> None:
    views = [view("photo"), view("scan"), view("other", weights="others"), view("spare")]
    assert count_kept(network("photo"), views) == (8 + 6, 4 * 14)
    assert count_kept(learner("photo"), views) == (106, 800 + 24)
    assert count_kept(learner("photo", "scan"), views) == (106, 824)
    assert count_kept(learner("photo", "scan", "other"), views) == (112, 848)
    assert count_kept(learner("age"), views) == (100, 800)
    assert count_learned(network("photo")) == 6
    assert count_learned(learner("photo")) == 100


def test_members_count_once_each_however_deep() -> None:
    shared, alone = network("photo"), learner("scan", params=10)
    inner = Blend([Calibrated(shared, 2.0), alone], Average(), PRIOR)
    whole = Blend([inner, shared, learner("age")], Average(), PRIOR)
    assert count_kept(whole, [view("photo"), view("scan")]) == (8 + 10 + 100 + 6, 32 + 80 + 800 + 24)
    assert count_learned(whole) == 6 + 10 + 100


def test_a_tuned_encoder_is_inside_its_network() -> None:
    tuned = view("photo", "tuned")
    assert encoded_by(SimpleNamespace(names=["photo"], input_names={tuned.name}), [view("photo"), tuned]) == []


def test_training_counts_members_and_those_that_it_started_from_once() -> None:
    alone, other = candidate("a", learner("a"), 10.0), candidate("b", learner("b"), 20.0)
    fused = candidate("fused", learner("a", "b"), 5.0)
    fused.after = [alone, other]
    tuned = candidate("tuned", learner("a", "b"), 2.0)
    tuned.after = [fused, alone]
    vote = candidate("vote", learner("a", "b"), 1.0)
    vote.parts = [tuned, alone]
    assert [one.name for one in chain_of(vote)] == ["vote", "tuned", "a", "fused", "b"]
    cells = {name: np.ones((4, 1), bool) for name in "ab"}
    costs = Costs(Table({}), Prepared([], {}, cells, [{}] * 4), np.arange(4))
    assert costs.of(vote, 0.25) == Cost(100, 800, 0.25, 38.0)
    assert costs.of(fused, 0.25).seconds == 35.0


def test_what_is_encoded_takes_time_for_each_cell_that_is_there() -> None:
    views = [view("photo"), view("pair", columns=2)]
    cells = {"photo": np.array([[1], [0], [1], [1]], bool), "pair": np.array([[1, 1], [1, 0], [0, 0], [1, 0]], bool)}
    costs = Costs(Table({}), Prepared(views, {}, cells, [{}] * 4), np.arange(2), {"photo": 3.0, "pair": 0.5})
    found = costs.of(candidate("a", learner("photo", "pair"), 1.0), 2.0)
    # of two rows that were learned from one photo and three of the pair are there: 3 s and 1.5 s, half of it a row
    assert found == Cost(106, 824, 2.0 + 2250.0, 1.0 + 4.5)
    assert costs.of(candidate("b", learner("age"), 1.0), 2.0) == Cost(100, 800, 2.0, 1.0)


def test_an_encoder_is_timed_on_cells_of_the_table(tmp_path: Any) -> None:
    for row in range(3):
        Image.new("L", (2, 2), 10 * row).save(tmp_path / f"{row}.png")
    table = Table({"photo0": np.array(["0.png", None, "2.png"], object)}, tmp_path)
    cells = {"photo": np.array([[1], [0], [1]], bool)}
    costs = Costs(table, Prepared([view("photo")], {}, cells, [{}] * 3), np.arange(3))
    seconds = costs.time_cell(view("photo"))
    assert 0 < seconds < 1
    assert costs.time_cell(view("photo")) == seconds  # measured once


def test_the_leaderboard_tells_the_cost() -> None:
    one = candidate("a", learner("a"), 9.0, params=7)
    (line,) = list_candidates(
        [one], one, lambda c: (None, None, Cost(1_500_000, 6_000_000, 0.12345, 38.004)), {one: "it"}
    )
    told = {key: line[key] for key in ("params", "memory_mb", "latency_ms", "seconds")}
    assert told == {"params": 1_500_000, "memory_mb": 6.0, "latency_ms": 0.1235, "seconds": 38.0}


@pytest.mark.parametrize("params", [3, 5])
def test_what_learned_less_is_simpler_whatever_its_encoder(params: int) -> None:
    assert candidate("a", learner("a"), 1.0, params=params).cost == (1, params)
