"""The network of pictures: residual blocks, and few tokens whatever the size."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.image.network import ConvEncoder, Residual


@pytest.mark.parametrize(
    ("height", "width", "grid", "cells"),
    [
        (1, 1, (1, 1), (1, 1)),
        (8, 8, (4, 4), (4, 4)),
        (28, 28, (4, 4), (7, 7)),  # about a thousand cells already: halved twice
        (5, 300, (1, 4), (1, 38)),
        (240, 320, (4, 4), (4, 5)),  # the stem halves it four times
    ],
)
def test_tokens_are_the_cells_of_the_last_stage_at_most_four_a_side(
    height: int, width: int, grid: tuple[int, int], cells: tuple[int, int]
) -> None:
    encoder = ConvEncoder(1, height, width, 6, base=4).eval()
    x = torch.zeros(2, 1, height, width)
    assert encoder.stages(encoder.stem(x)).shape[2:] == cells
    tokens, present = encoder(x)
    assert tokens.shape == (2, grid[0] * grid[1], 6)
    assert present.all()


def test_tokens_run_along_the_rows_of_the_picture() -> None:
    encoder = ConvEncoder(1, 240, 320, 6, base=4).eval()
    encoder.stages = torch.nn.Identity()
    encoder.stem = torch.nn.Identity()
    encoder.project = torch.nn.Identity()
    x = torch.zeros(1, 1, 240, 320)
    x[0, 0, :60, 80:160] = 1.0  # the second place of the first row
    x[0, 0, 180:, :80] = 2.0  # the first place of the last
    assert encoder(x)[0][0, :, 0].tolist() == [0, 1, *[0] * 10, 2, 0, 0, 0]


def test_a_block_that_learned_nothing_lets_its_input_through() -> None:
    block = Residual(2, 2, 1).eval()
    torch.nn.init.zeros_(block.conv1.weight)
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.tensor([[1.5, -2.0], [0.0, 3.0]]).expand(1, 2, 2, 2)
    assert block(x)[0, 1].tolist() == [[1.5, 0.0], [0.0, 3.0]]


def test_a_block_that_halves_the_sides_projects_its_input() -> None:
    block = Residual(2, 4, 2).eval()
    assert block(torch.zeros(1, 2, 5, 8)).shape == (1, 4, 3, 4)
    assert isinstance(Residual(2, 4, 1).short, torch.nn.Sequential)
    assert isinstance(Residual(4, 4, 1).short, torch.nn.Identity)


def test_a_larger_picture_costs_no_weights_but_those_of_the_stem() -> None:
    small, large = (
        sum(p.numel() for p in ConvEncoder(1, side, side, 6, base=4).stages.parameters()) for side in (28, 224)
    )
    assert small == large


def test_a_picture_of_another_size_is_told() -> None:
    with pytest.raises(
        RequestError, match=r"picture: got an array of shape \(1, 1, 9, 8\); expected \(batch, 1, 8, 9\)"
    ):
        ConvEncoder(1, 8, 9, 6, base=4)(torch.zeros(1, 1, 9, 8))


def test_answers_are_those_of_the_layers_that_learned_and_of_their_last_weights() -> None:
    encoder, x = ConvEncoder(3, 20, 24, 6, base=4, dropout=0.0), torch.rand(5, 3, 20, 24)
    for _ in range(2):
        encoder.train()(10 * torch.rand(8, 3, 20, 24))  # moves the statistics
        slow, _ = encoder.eval()(x)
        with torch.inference_mode():
            assert torch.allclose(encoder(x)[0], slow, rtol=0, atol=1e-6)
    names = [*encoder.state_dict()]
    other = ConvEncoder(3, 20, 24, 6, base=4).eval()
    with torch.inference_mode():
        assert not torch.allclose(other(x)[0], slow, atol=1e-3)
        other.load_state_dict(encoder.state_dict())
        assert torch.allclose(other(x)[0], slow, rtol=0, atol=1e-6)
    assert [*encoder.state_dict()] == names
    assert not any("_quick" in name for name in names)
