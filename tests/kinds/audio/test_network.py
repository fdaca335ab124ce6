"""The network of sounds: that of a picture with one channel, over mels and frames."""

import pytest
import torch

from plait.errors import RequestError
from plait.kinds.audio.network import SoundEncoder
from plait.kinds.image.network import ConvEncoder


def test_a_sound_is_looked_at_as_a_picture_of_one_channel() -> None:
    encoder, picture = SoundEncoder(8, 12, 6, base=4).eval(), ConvEncoder(1, 8, 12, 6, base=4).eval()
    picture.load_state_dict(encoder.picture.state_dict())
    x = torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(0))
    tokens, present = encoder(x)
    assert torch.equal(tokens, picture(x[:, None])[0])
    assert present.all()


@pytest.mark.parametrize(("mels", "frames", "tokens"), [(8, 12, 16), (64, 101, 16), (64, 501, 8), (8, 1, 4)])
def test_a_longer_sound_gives_no_more_tokens(mels: int, frames: int, tokens: int) -> None:
    encoder = SoundEncoder(mels, frames, 6, base=4).eval()
    assert encoder(torch.zeros(1, mels, frames))[0].shape == (1, tokens, 6)


def test_a_sound_of_another_length_is_told() -> None:
    with pytest.raises(RequestError, match=r"log-mel: got an array of shape \(1, 12, 8\); expected \(batch, 8, 12\)"):
        SoundEncoder(8, 12, 6, base=4)(torch.zeros(1, 12, 8))
