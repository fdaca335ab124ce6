"""The network of texts: a token of the TF-IDF vector, and tokens of words that attention pools."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.text.network import TextEncoder


def plain_words(tokens: int = 3) -> TextEncoder:
    """Return a network of words whose attention is even and whose projection changes nothing."""
    encoder = TextEncoder(0, tokens, vocabulary=5, dim=2, queries=1, width=2).eval()
    for part in (encoder.look[0], encoder.look[2]):
        torch.nn.init.zeros_(part.weight)
        torch.nn.init.zeros_(part.bias)
    torch.nn.init.eye_(encoder.project.weight)
    torch.nn.init.zeros_(encoder.project.bias)
    with torch.no_grad():
        encoder.embed.weight[2:] = torch.tensor([[1.0, 0.0], [0.0, 4.0], [8.0, 8.0]])
    return encoder


def test_the_vector_is_brought_to_about_one_each() -> None:
    encoder = TextEncoder(4, 0, vocabulary=0, dim=4).eval()
    torch.nn.init.eye_(encoder.vector.weight)
    torch.nn.init.zeros_(encoder.vector.bias)
    tokens, present = encoder(torch.tensor([[0.5, 0.5, 0.5, -0.5]]))
    assert tokens.tolist() == [[[1, 1, 1, -1]]]
    assert present.tolist() == [[True]]


def test_under_even_attention_the_words_are_averaged_without_the_empty_places() -> None:
    tokens, _ = plain_words()(torch.tensor([[2.0, 3.0, 0.0], [4.0, 0.0, 0.0]]))
    assert tokens[:, 0].tolist() == [pytest.approx([0.5, 2.0]), pytest.approx([8.0, 8.0])]


def test_the_word_looked_at_outweighs_the_others() -> None:
    encoder = plain_words()
    with torch.no_grad():
        encoder.look[0].weight[0, 0] = 1.0
        encoder.look[2].weight[0, 0] = 50.0
    tokens, _ = encoder(torch.tensor([[2.0, 3.0, 0.0]]))
    assert tokens[0, 0].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_a_place_that_was_learned_tells_the_order() -> None:
    encoder, forward, back = plain_words(), torch.tensor([[2.0, 3.0, 0.0]]), torch.tensor([[3.0, 2.0, 0.0]])
    assert torch.allclose(encoder(forward)[0], encoder(back)[0])
    with torch.no_grad():
        encoder.look[0].weight[0, 0] = 1.0
        encoder.look[2].weight[0, 0] = 1.0
        encoder.place[0] = 3.0
    assert not torch.allclose(encoder(forward)[0], encoder(back)[0], atol=1e-2)


def test_vector_and_words_give_tokens_of_their_own() -> None:
    encoder = TextEncoder(4, 3, vocabulary=5, dim=6, queries=2).eval()
    x = torch.tensor([[0.1, 0.2, 0.3, 0.4, 2.0, 3.0, 0.0]])
    before, present = encoder(x)
    assert before.shape == (1, 3, 6)
    assert present.all()
    x[0, 0] = 0.9
    after = encoder(x)[0]
    assert not torch.allclose(after[0, 0], before[0, 0])
    assert torch.equal(after[0, 1:], before[0, 1:])


def test_an_empty_place_has_a_vector_of_zeros_that_is_never_learned() -> None:
    encoder = TextEncoder(0, 3, vocabulary=5, dim=6)
    assert not encoder.embed.weight[0].any()
    encoder.eval()(torch.tensor([[2.0, 0.0, 0.0]]))[0].square().sum().backward()
    assert encoder.embed.weight.grad.abs().sum(1).nonzero().flatten().tolist() == [2]


def test_a_text_without_its_words_is_told() -> None:
    with pytest.raises(RequestError, match=r"text: got an array of shape \(1, 4\); expected \(batch, 7\)"):
        TextEncoder(4, 3, vocabulary=5, dim=6)(torch.zeros(1, 4))
