"""Prepared texts changed at random for training: words made unknown, coordinates dropped."""

import pytest
import torch

from plait.kinds.text.augment import augment, drop_words


def test_drop_words_makes_words_unknown_and_leaves_empty_places():
    ids = torch.tensor([[2, 3, 4, 0]] * 500)
    out = drop_words(ids, torch.Generator().manual_seed(0), share=0.2)
    assert (out[:, 3] == 0).all() and set(out.unique().tolist()) == {0, 1, 2, 3, 4}
    assert 0.15 < (out[:, :3] == 1).float().mean() < 0.25
    assert torch.equal(out, drop_words(ids, torch.Generator().manual_seed(0), share=0.2))


def test_coordinates_are_dropped_and_the_others_raised_so_that_the_mean_stays():
    x = torch.cat([torch.full((500, 4), 0.7), torch.tensor([[2.0, 3.0, 0.0]] * 500)], 1)
    out = augment(None, {"features": 4}, x, torch.Generator().manual_seed(0))
    assert out.shape == x.shape
    assert sorted(set(out[:, :4].flatten().tolist())) == pytest.approx([0.0, 1.0])  # 0.7 / (1 - 0.3)
    assert float(out[:, :4].mean()) == pytest.approx(0.7, abs=0.03)
    assert float((out[:, :4] == 0).float().mean()) == pytest.approx(0.3, abs=0.03)


def test_the_words_beside_the_coordinates_become_unknown_and_empty_places_stay():
    x = torch.cat([torch.zeros(500, 2), torch.tensor([[2.0, 3.0, 0.0]] * 500)], 1)
    out = augment(None, {"features": 2}, x, torch.Generator().manual_seed(0))
    assert set(out[:, 2].tolist()) == {1.0, 2.0}
    assert set(out[:, 3].tolist()) == {1.0, 3.0}
    assert set(out[:, 4].tolist()) == {0.0}
    assert 0.05 < float((out[:, 2:4] == 1).float().mean()) < 0.15


def test_either_part_of_a_text_may_be_empty():
    words, vector = torch.tensor([[2.0, 3.0]]), torch.tensor([[0.5, 0.5]])
    generator = torch.Generator().manual_seed(0)
    assert augment(None, {"features": 0}, words, generator).shape == (1, 2)
    assert augment(None, {"features": 2}, vector, generator).shape == (1, 2)


def test_the_same_generator_gives_the_same_text():
    x = torch.cat([torch.rand(9, 4, generator=torch.Generator().manual_seed(1)), torch.full((9, 3), 4.0)], 1)
    one, two = (augment(None, {"features": 4}, x, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, augment(None, {"features": 4}, x, torch.Generator().manual_seed(2)))
