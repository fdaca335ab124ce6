"""Series changed at random: uneven time, another size, noise; time begins and ends where it did, flags stay flags."""

import pytest
import torch

from plait.kinds.series import augment as made
from plait.kinds.series.augment import augment

RAMP = torch.linspace(-1, 1, 50).expand(4, 1, 50)


def test_time_runs_unevenly_between_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "JITTER", 0.0)
    monkeypatch.setattr(made, "SCALE", 0.0)
    warped = augment(None, {"channels": 1}, RAMP, torch.Generator().manual_seed(0))
    assert warped[:, 0, 0].tolist() == pytest.approx([-1.0] * 4)
    assert warped[:, 0, -1].tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert (warped.diff(dim=2) > 0).all()
    assert (warped - RAMP).abs().max() > 0.05


def test_noise_and_size_differ_by_channel_and_flags_stay() -> None:
    x = torch.cat([RAMP, RAMP, (RAMP > 0.5).float()], dim=1)
    changed = augment(None, {"channels": 2}, x, torch.Generator().manual_seed(0))
    assert not torch.equal(changed[:, 0], changed[:, 1])
    assert {*changed[:, 2].unique().tolist()} == {0.0, 1.0}


def test_a_series_of_one_point_stays_one() -> None:
    assert augment(None, {"channels": 1}, torch.zeros(2, 1, 1), torch.Generator().manual_seed(0)).shape == (2, 1, 1)
