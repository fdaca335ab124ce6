"""The network over vectors: each feature brought to one scale, each token by itself."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.vectors.network import VectorEncoder


def plain(tokens: int, width: int) -> VectorEncoder:
    """Return a network whose projection changes nothing, and which drops nothing."""
    encoder = VectorEncoder(tokens, width, width, dropout=0.0)
    torch.nn.init.eye_(encoder.project.weight)
    torch.nn.init.zeros_(encoder.project.bias)
    return encoder


def test_features_are_brought_to_mean_0_and_deviation_1_over_rows_and_tokens() -> None:
    x = torch.tensor([[[10.0, 0.001], [30.0, 0.003]], [[10.0, 0.001], [30.0, 0.003]]])
    tokens, present = plain(2, 2).train()(x)
    assert tokens[..., 0].tolist() == [pytest.approx([-1, 1], abs=1e-4)] * 2
    assert tokens[0, 0, 1].item() == pytest.approx(-0.001 / (1e-6 + 1e-5) ** 0.5, rel=1e-4)
    assert present.tolist() == [[True, True], [True, True]]


def test_a_wild_feature_is_cut_at_8_deviations() -> None:
    encoder = plain(1, 3).eval()  # nothing learned yet: mean 0, deviation 1
    tokens, _ = encoder(torch.tensor([[[1e6, -1e6, 3.0]]]))
    assert tokens[0, 0].tolist() == pytest.approx([8, -8, 3], rel=1e-4)


def test_a_token_knows_nothing_of_the_others() -> None:
    encoder, x = plain(2, 3).eval(), torch.zeros(1, 2, 3)
    before = encoder(x)[0]
    x[0, 1] = 5.0
    after = encoder(x)[0]
    assert torch.equal(after[0, 0], before[0, 0])
    assert not torch.equal(after[0, 1], before[0, 1])


def test_another_number_of_tokens_is_told() -> None:
    with pytest.raises(RequestError, match=r"features: got an array of shape \(1, 3, 2\); expected \(batch, 2, 3\)"):
        VectorEncoder(2, 3, 4)(torch.zeros(1, 3, 2))
