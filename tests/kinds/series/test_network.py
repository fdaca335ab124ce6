"""The network over series: what it is given, and that holes are 0 to it, whatever bridges them."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.series.network import SeriesEncoder


@pytest.mark.parametrize(("length", "tokens"), [(9, 4), (150, 4), (512, 4)])
def test_time_becomes_at_most_four_tokens(length: int, tokens: int) -> None:
    out, present = SeriesEncoder(2, length, 8, base=4).eval()(torch.zeros(3, 2, length))
    assert (tuple(out.shape), present.all().item()) == ((3, tokens, 8), True)


def test_what_bridges_a_hole_is_not_seen() -> None:
    encoder, x = SeriesEncoder(1, 20, 8, holes=True, base=4).eval(), torch.randn(1, 2, 20)
    x[:, 1] = 0.0
    x[:, 1, 5:9] = 1.0
    other = x.clone()
    other[:, 0, 5:9] = 7.0
    assert torch.equal(encoder(x)[0], encoder(other)[0])
    other[:, 0, 10] = 7.0
    assert not torch.equal(encoder(x)[0], encoder(other)[0])


def test_another_form_is_refused() -> None:
    with pytest.raises(RequestError, match=r"series: got an array of shape \(1, 1, 8\); expected \(batch, 1, 9\)"):
        SeriesEncoder(1, 9, 8)(torch.zeros(1, 1, 8))
