"""Networks whose weights are all drawn, rows with holes for them, and an encoder of pictures. Knows no test."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from plait.core.contract import Batch
from plait.models.network import Network, NetworkPredictor
from tiny import make_batch, make_spec

PRIOR = np.array([0.5, 0.3, 0.2])


def network(plan: str | None, names: Sequence[str], seed: int = 0, **options: Any) -> NetworkPredictor:
    """Return a network whose weights are all drawn, those that start at 0 too, in a unit of its own for numbers."""
    numbers = options.get("regression", False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = Network(make_spec(plan, names, **options), torch.tensor([0.1] if numbers else PRIOR))
        with torch.no_grad():
            for weight in made.parameters():
                weight += 0.1 * torch.randn(weight.shape)
    return NetworkPredictor(made, 70.0, 12.0) if numbers else NetworkPredictor(made)


def batch_of(names: Sequence[str], num: int = 5, seed: int = 0) -> Batch:
    """Return rows as prepared: pictures uint8; row 0 has all, the last nothing, others some; absent is NaN or noise."""
    cells = sum(2 if name == "scan" else 1 for name in names)
    presence = np.random.default_rng(seed).random((num, cells)) < 0.6
    presence[0] = True
    if num > 1:
        presence[-1] = False
    batch = make_batch(names, presence.tolist(), float("nan"))
    for name in {"photo", "scan"} & set(names):
        batch.inputs[name] = (batch.inputs[name].nan_to_num(0.7) * 255).to(torch.uint8)
    return batch


class Bright(nn.Module):
    """A tiny encoder of one's own: how bright each quarter of a picture is."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(x).flatten(1)
