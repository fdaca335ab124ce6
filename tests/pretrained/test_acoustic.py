"""The numbers by hand, as an encoder: of each sound's own samples."""

import numpy as np
import pytest

from plait.errors import RequestError
from plait.kinds.audio.acoustic import RATE, WIDTH, describe
from plait.pretrained.acoustic import make_acoustic


def test_a_sound_is_described_without_what_fills_it() -> None:
    encoder, wave = make_acoustic({"seconds": 1}), np.sin(np.arange(4000) / 9).astype(np.float32)
    found = encoder.encode(np.stack([encoder.prep(wave, RATE), encoder.prep(0 * wave, RATE)]))
    assert found.shape == (2, 1, WIDTH)
    assert found[0, 0] == pytest.approx(describe(wave), abs=1e-4)
    assert not found[1].any()


def test_it_needs_no_package_and_is_the_same_everywhere() -> None:
    encoder = make_acoustic({})
    assert (encoder.shape, encoder.licence) == ((10 * RATE,), "Apache-2.0")
    assert encoder.weights == make_acoustic({"trim": True}).weights
    with pytest.raises(RequestError, match=r"audio\.mels is set by the encoder acoustic"):
        make_acoustic({"mels": 20})
