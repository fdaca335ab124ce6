"""The encoder of sound effects: what the package itself computes, own frames alone, nothing run from its file."""

import numpy as np
import pytest
import torch

from plait.pretrained.aisfx import RATE, EffectsNetwork, make_aisfx
from plait.pretrained.catalogue import is_installed
from plait.pretrained.frozen import Frozen

TIME = np.arange(2 * RATE) / RATE
RISING = (0.3 * np.sin(2 * np.pi * (200 * TIME + 150 * TIME**2)) * (1 + np.sin(6 * np.pi * TIME)) / 2).astype(
    np.float32
)


@pytest.fixture(scope="module")
def encoder() -> Frozen:
    if not is_installed("aisfx"):
        pytest.skip("the weights of aisfx are not here: pip install --no-deps aisfx")
    return make_aisfx({"seconds": 2.5})


@pytest.fixture(scope="module")
def network(encoder: Frozen) -> EffectsNetwork:
    assert isinstance(encoder.network, EffectsNetwork)
    return encoder.network


@torch.inference_mode()
def test_mels_and_the_answer_are_those_of_the_package(network: EffectsNetwork) -> None:
    """As librosa 0.11 (which the package calls) and the package's own network gave them, of the first 80 frames."""
    mels = network.mels(torch.from_numpy(RISING)[None])
    assert mels.shape == (1, 87, 96)
    assert mels[0, 10, [5, 10, 20]].numpy() == pytest.approx([0.27185258, 0.31813496, 0.00034494], abs=1e-4)
    assert float(mels.mean()) == pytest.approx(0.060816, abs=1e-5)
    most = network.moments(mels[:, :80]).amax(dim=1)[0]
    assert most[:6].numpy() == pytest.approx([3.07993, 1.57058, 0.56594, 0.25216, 0.42226, 2.19917], abs=1e-3)


@torch.inference_mode()
def test_a_sound_is_heard_alone_and_after_it_is_silence(encoder: Frozen) -> None:
    sounds = [RISING[:20000], RISING[30000:42000], RISING[:300]]
    together = encoder.encode(np.stack([encoder.prep(x, RATE) for x in sounds]))
    for sound, found in zip(sounds, together, strict=True):
        assert encoder.encode(encoder.prep(sound, RATE)[None])[0] == pytest.approx(found, abs=1e-4)


def test_the_level_does_not_matter_and_silence_is_finite(encoder: Frozen) -> None:
    loud, soft = (encoder.encode(encoder.prep(x * RISING[:9000], RATE)[None]) for x in (1.0, 0.01))
    assert loud == pytest.approx(soft, abs=1e-3)
    assert np.isfinite(encoder.encode(encoder.prep(np.zeros(500, np.float32), RATE)[None])).all()


def test_a_long_sound_is_the_mean_of_two_seconds_at_a_time(network, monkeypatch) -> None:
    heard = torch.arange(18.0)[None, :, None].expand(1, 18, 512)  # moments that get louder: maxima 11 and 17
    monkeypatch.setattr(network, "moments", lambda mels: heard)
    found = network(torch.ones(1, 1024 * 18 * 8 - 1))[0, 0]
    assert (float(found[0]), float(found[-1])) == (14.0, 8.5)


def test_whose_it_is(encoder: Frozen) -> None:
    assert (encoder.shape, encoder.width, encoder.licence) == ((110250,), 1024, "CC-BY-4.0")
    assert encoder.origin.startswith("aisfx ")
