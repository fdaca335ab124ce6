"""A network of a run is made again, with its own weights and no others, or what does not fit is told."""

from typing import Any

import numpy as np
import pytest
import torch

from plait.errors import RunError
from plait.models.network import Network, NetworkPredictor
from plait.models.predictors import restore_predictors, store_predictors
from plait.models.remade import Unmade, remake_network
from tiny import make_batch, make_spec

PART = {"is": "network", "spec": make_spec("parallel(photo, text)", ["photo", "text"]), "center": 0.0, "spread": 1.0}


@pytest.fixture(scope="module")
def network() -> NetworkPredictor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return NetworkPredictor(Network(PART["spec"], torch.tensor([0.5, 0.3, 0.2])))


def weights(network: NetworkPredictor) -> dict[str, np.ndarray]:
    return {name: x.numpy() for name, x in network.network.state_dict().items()}


def test_a_network_answers_the_same_once_it_is_made_again(network: NetworkPredictor) -> None:
    again, batch = (
        remake_network(PART, weights(network), None, ()),
        make_batch(["photo", "text"], [[True, True], [False, True]]),
    )
    assert np.array_equal(again(batch), network(batch))


def test_what_is_unmade_has_a_shape_and_no_memory() -> None:
    with Unmade():
        layer = torch.nn.Linear(1 << 20, 1 << 20)  # 4 TB
    assert (layer.weight.device.type, tuple(layer.weight.shape)) == ("meta", (1 << 20, 1 << 20))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (None, "are not there; expected float32 of"),
        (np.zeros(2, np.float64), r"are float64 of \(2,\); expected float32 of"),
    ],
)
def test_weights_that_do_not_fit_are_told(network: NetworkPredictor, changed: Any, said: str) -> None:
    own = weights(network)
    name = next(iter(own))
    own = {key: x for key, x in own.items() if key != name} | ({} if changed is None else {name: changed})
    with pytest.raises(ValueError, match=f"the weights '{name}' {said}"):
        remake_network(PART, own, None, ())


def test_a_plan_that_cannot_be_rebuilt_is_told(network: NetworkPredictor) -> None:
    stored = store_predictors({"winner": network})
    stored.parts[0]["spec"] = {**stored.parts[0]["spec"], "plan": "parallel(photo, text, by=MyFusion)"}
    with pytest.raises(RunError, match=r"the plan parallel\(photo, text, by=MyFusion\) cannot be rebuilt"):
        restore_predictors(stored)
