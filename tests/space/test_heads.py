import numpy as np
import pytest
import torch

from plait.space.heads import LOSSES, fit_heads, info_nce, vicreg


def test_the_loss_is_low_where_what_belongs_together_is_near() -> None:
    x, sharp = torch.eye(4), torch.tensor(20.0)
    same = torch.eye(4, dtype=torch.bool)
    assert float(info_nce(x, x, same, sharp)) == pytest.approx(0.0, abs=1e-6)
    assert float(info_nce(x, x.flip(0), same, sharp)) == pytest.approx(20.0, abs=1e-3)


def test_vicreg_minds_what_collapses() -> None:
    spread = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]]) / 2**0.5
    assert float(vicreg(spread, spread)) < float(vicreg(spread * 0, spread * 0))


@pytest.mark.parametrize("loss", LOSSES)
def test_heads_are_the_same_for_the_same_seed(loss: str) -> None:
    generator = np.random.default_rng(0)
    features = {name: generator.standard_normal((40, 3)) for name in ("a", "b")}
    features["a"][0] = np.nan
    start = {name: np.eye(3) for name in features}
    positives = {name: np.arange(40) for name in features}
    one, two = (fit_heads(loss, features, positives, start, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one["a"].shape == (3, 3)
    assert np.isfinite(one["a"]).all()
    assert one["a"].tolist() == two["a"].tolist()
