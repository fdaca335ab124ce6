"""The network of tables: an embedding for each number and each category, and nothing shared between them."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.tabular.network import TabularEncoder


def encoder_of(numbers: int, categories: list[int]) -> TabularEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return TabularEncoder(numbers, categories, 6).eval()


@pytest.mark.parametrize(("size", "width"), [(1, 2), (3, 3), (25, 8), (100, 16), (5000, 16)])
def test_a_category_of_more_values_has_a_longer_vector(size: int, width: int) -> None:
    (embedding,) = encoder_of(0, [size]).embed
    assert embedding.weight.shape == (size, width)


def test_a_category_moves_only_the_vectors_of_its_own_codes() -> None:
    encoder = encoder_of(0, [4, 3])
    tokens, _ = encoder(torch.tensor([[1.0, 0.0], [3.0, 0.0]]))
    (tokens * torch.arange(6.0)).sum().backward()
    touched = [layer.weight.grad.abs().sum(1).nonzero().flatten().tolist() for layer in encoder.embed]
    assert touched == [[1, 3], [0]]


def test_each_number_has_an_embedding_of_its_own() -> None:
    encoder = encoder_of(2, [])
    torch.nn.init.ones_(encoder.bias)  # so that no unit is off
    torch.nn.init.ones_(encoder.weight)
    tokens, _ = encoder(torch.tensor([[0.0, 0.5, 0.0, 0.0]]))
    (tokens * torch.arange(6.0)).sum().backward()
    assert not encoder.weight.grad[0].any()  # the slope of a number that is 0
    assert encoder.weight.grad[1].all()


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_every_number_flag_and_code_reaches_the_token(place: int) -> None:
    encoder, x = encoder_of(2, [3]), torch.tensor([[0.3, -0.2, 0.0, 0.0, 1.0]])
    before, present = encoder(x)
    x[0, place] += 1
    assert not torch.allclose(encoder(x)[0], before)
    assert (before.shape, present.tolist()) == ((1, 1, 6), [[True]])


def test_a_table_without_the_flags_is_told() -> None:
    with pytest.raises(RequestError, match=r"table: got an array of shape \(1, 3\); expected \(batch, 5\)"):
        encoder_of(2, [3])(torch.zeros(1, 3))
