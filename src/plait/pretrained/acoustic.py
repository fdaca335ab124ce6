"""The numbers by hand of `kinds.audio.acoustic` as an encoder of sounds: always there, since nothing was trained.
Knows waves of one rate, filled with 0; no package and no file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.version import __version__
from plait.kinds.audio.acoustic import RATE, WIDTH, describe
from plait.pretrained.cells import make_wave_prep
from plait.pretrained.frozen import Frozen
from plait.pretrained.waves import own_lengths

VERSION = 1  # of the numbers: what older runs were fitted with must stay to be had


class AcousticNumbers(nn.Module):
    """Waves (batch, time) at 16 kHz, filled with 0 → numbers (batch, 1, WIDTH), each sound's of its own samples."""

    blocks: tuple[nn.Module, ...] = ()

    def forward(self, waves: Tensor) -> Tensor:
        sounds = zip(waves.cpu().numpy(), own_lengths(waves).tolist(), strict=True)
        numbers = np.stack([describe(wave[:length]) for wave, length in sounds])
        return torch.from_numpy(numbers)[:, None].to(waves.device)


def make_acoustic(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: those of `AudioPrep` but rate and mels; of a sound over 10 s (seconds) a part.
    Raises RequestError for a wrong option."""
    prep = make_wave_prep("acoustic", RATE, None, options)
    return Frozen(
        name="acoustic",
        shape=(prep.samples,),
        dtype="float32",
        tokens=1,
        width=WIDTH,
        origin=f"plait {__version__}, by hand",
        licence="Apache-2.0",
        weights=hashlib.sha256(f"acoustic {VERSION}".encode()).hexdigest(),
        prep=prep,
        load=AcousticNumbers,
    )
