"""Swap noise: a value of another row of the same column, now and then."""

import pytest
import torch

from plait.kinds.tabular.augment import augment, swap_cells

ROWS, COLUMNS = 400, 5


def table() -> torch.Tensor:
    """Return a table in which every value tells its row and its column: 100 · row + column."""
    return 100.0 * torch.arange(ROWS)[:, None] + torch.arange(COLUMNS)


def test_a_tenth_of_the_cells_comes_from_another_row_of_its_column() -> None:
    x = table()
    swapped = augment(None, {}, x, torch.Generator().manual_seed(0))
    assert torch.equal(swapped % 100, x % 100)  # each column keeps to itself
    assert 0.07 < float((swapped != x).float().mean()) < 0.13
    rows = (swapped // 100)[swapped != x]
    assert len(rows.unique()) > 100  # from all over the batch
    assert torch.equal(x, table())


def test_cells_of_a_row_are_swapped_each_by_itself() -> None:
    swapped = augment(None, {}, table(), torch.Generator().manual_seed(0), share=0.5)
    changed = (swapped != table()).sum(1)
    assert set(changed.tolist()) == {0, 1, 2, 3, 4, 5}


def test_no_share_leaves_all_and_one_row_has_no_other() -> None:
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(augment(None, {}, table(), generator, share=0.0), table())
    assert torch.equal(augment(None, {}, table()[:1], generator, share=0.99), table()[:1])
    assert torch.equal(augment(None, {}, table()[:2, :2], generator), table()[:2, :2])  # a tenth of 4 cells is none
    assert augment(None, {}, table()[:0], generator).shape == (0, COLUMNS)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_that_is_swapped_is_the_share_that_is_asked_for(share: float) -> None:
    swapped = swap_cells(table(), torch.Generator().manual_seed(2), share)
    assert float((swapped != table()).float().mean()) == pytest.approx(share, abs=0.03)
    assert torch.equal(swapped % 100, table() % 100)


def test_a_batch_of_tokens_keeps_its_shape_and_its_places() -> None:
    x = table()[:, :, None] + torch.tensor([0.0, 0.5])  # (batch, token, width)
    swapped = swap_cells(x, torch.Generator().manual_seed(0), 0.3)
    assert swapped.shape == x.shape
    assert torch.equal(swapped % 100, x % 100)
    assert not torch.equal(swapped, x)


def test_the_same_generator_gives_the_same_table() -> None:
    one, two = (augment(None, {}, table(), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, augment(None, {}, table(), torch.Generator().manual_seed(4)))
