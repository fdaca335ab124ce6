"""The voice encoder: what the package itself computes, own frames alone, holes of a batch."""

import numpy as np
import pytest
import torch

from plait.errors import RequestError
from plait.pretrained.frozen import Frozen
from plait.pretrained.resemblyzer import HIDDEN, RATE, make_resemblyzer

TIME = np.arange(RATE) / RATE
RISING = (0.3 * np.sin(2 * np.pi * (200 * TIME + 150 * TIME**2)) * (1 + np.sin(6 * np.pi * TIME)) / 2).astype(
    np.float32
)


@pytest.fixture(scope="module")
def encoder() -> Frozen:
    from plait.pretrained.catalogue import is_installed

    if not is_installed("resemblyzer"):
        pytest.skip("the weights of resemblyzer are not here: pip install --no-deps resemblyzer")
    return make_resemblyzer({"seconds": 2})


def test_states_are_those_of_the_package(encoder: Frozen) -> None:
    """As librosa 0.11, which the package calls, and its LSTM gave them: mean and deviation over 101 frames."""
    (found,) = encoder.encode(encoder.prep(RISING, RATE)[None])[:, 0]
    assert found[:4] == pytest.approx([0.117625900, 0.042180169, 0.142932341, 0.028408999], abs=1e-6)
    assert found[HIDDEN : HIDDEN + 4] == pytest.approx([0.055659905, 0.054389395, 0.069434024, 0.022243476], abs=1e-6)


def test_a_sound_is_heard_alone(encoder: Frozen) -> None:
    sounds = [RISING, RISING[:3000], 0.2 * RISING[5000:9000]]
    together = encoder.encode(np.stack([encoder.prep(x, RATE) for x in sounds]))
    for sound, found in zip(sounds, together, strict=True):
        assert encoder.encode(encoder.prep(sound, RATE)[None])[0] == pytest.approx(found, abs=1e-5)


def test_softer_speech_is_raised_and_the_shortest_and_silence_are_finite(encoder: Frozen) -> None:
    soft, softer = (encoder.encode(encoder.prep(x * RISING, RATE)[None]) for x in (0.01, 0.001))
    assert soft == pytest.approx(softer, abs=1e-4)
    for wave in (np.zeros(500, np.float32), np.full(1, 0.5, np.float32)):
        assert np.isfinite(encoder.encode(encoder.prep(wave, RATE)[None])).all()


def test_what_it_is_given_and_whose_it_is(encoder: Frozen) -> None:
    assert (encoder.shape, encoder.width, encoder.licence) == ((2 * RATE,), 512, "Apache-2.0")
    assert not any(p.requires_grad for p in encoder.network.parameters())
    with pytest.raises(RequestError, match=r"audio\.sample_rate is set by the encoder resemblyzer"):
        make_resemblyzer({"sample_rate": 8000})


def test_it_can_be_tuned(encoder: Frozen) -> None:
    network = encoder.new_network()
    network(torch.from_numpy(encoder.prep(RISING, RATE)[None])).sum().backward()
    assert all(p.grad is not None for part in network.blocks for p in part.parameters())
