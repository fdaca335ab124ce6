"""The network of videos sees the order of frames, as a mean over frames would not."""

import torch
from torch.nn import functional as F

from plait.kinds.video.network import VideoEncoder, centre, to_float


def clips(num: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return squares that go right or left (video, frame, 1, 12, 12) uint8, and which way."""
    x, ways = torch.zeros(num, 4, 1, 12, 12, dtype=torch.uint8), torch.arange(num) % 2
    tops = torch.randint(0, 9, (num,), generator=generator)
    for video, way, top in zip(x, ways.tolist(), tops.tolist(), strict=True):
        for place in range(4):
            left = 3 * (place if way else 3 - place)
            video[place, 0, top : top + 3, left : left + 3] = 255
    return x, ways


def test_the_way_things_move_is_learned() -> None:
    torch.manual_seed(0)
    x, ways = clips(16, torch.Generator().manual_seed(0))
    encoder, head = VideoEncoder(4, 1, 12, 12, dim=8), torch.nn.Linear(8, 2)
    parts = [*encoder.parameters(), *head.parameters()]
    for _step in range(10):
        loss = F.cross_entropy(head(encoder(centre(to_float(x)))[0].mean(1)), ways)
        with torch.no_grad():
            for weights, slope in zip(parts, torch.autograd.grad(loss, parts), strict=True):
                weights -= 0.01 * slope / (slope.square().mean().sqrt() + 1e-6)
    encoder.eval()
    new, right = clips(40, torch.Generator().manual_seed(9))
    said = head(encoder(centre(to_float(new)))[0].mean(1)).argmax(1)
    assert (said == right).float().mean() >= 0.95
    back = head(encoder(centre(to_float(new.flip(1))))[0].mean(1)).argmax(1)
    assert (back == 1 - right).float().mean() >= 0.95


def test_a_token_for_each_frame() -> None:
    tokens, present = VideoEncoder(3, 3, 16, 24, dim=8).eval()(torch.zeros(2, 3, 3, 16, 24))
    assert tokens.shape == (2, 3, 8)
    assert present.all()
