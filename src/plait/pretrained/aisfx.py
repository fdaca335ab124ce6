"""A network that learned the categories of sound-effects libraries, as an encoder of any sound.

Ma and Lerch 2022, "Representation learning for the automatic indexing of sound effects libraries" (ISMIR;
arXiv:2208.09096); its trunk is the CNN of Kong and others 2018 (arXiv:1808.00773). The weights come inside the package
aisfx, of which nothing but their file is read. What it is given, from its inference.py and spectrogram_librosa.py:
44.1 kHz, the loudest sample at 1, 96 mel bands (HTK's, each of sum 1) of power from windows of 2,048 samples each
1,024, as log10(10000 x + 1) / 9.4578; two seconds at a time, each of which answers with its maximum over time. Its
answer here is the mean of those, and beside it the mean over time. Knows no table and no files but that one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.pretrained.frozen import Frozen
from plait.pretrained.waves import alike, make_packed, mel_filters, own_lengths, power_frames

FILE = ("models", "checkpoint.pth")
RATE, SIZE, HOP, MELS = 44100, 2048, 1024, 96  # Hz, samples, samples, bands
HIGHEST = 9.457798957824707  # of a logarithm, over all sounds that it learned from
CHANNELS = (1, 64, 128, 256, 512)
BLOCK, STEP = 12, 6  # moments of 8 frames: two seconds, and how far apart two of them begin
OURS = 8  # frames to a moment: sounds are filled with silence to a multiple of them


class Pair(nn.Module):
    """Two convolutions of 3 × 3, each with BatchNorm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class EffectsNetwork(nn.Module):
    """Waves (batch, time) at 44.1 kHz, filled with 0 → features (batch, 1, 1024)."""

    bank: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Pair(*sizes) for sizes in itertools.pairwise(CHANNELS))
        self.register_buffer("bank", mel_filters(RATE, SIZE, MELS, slaney=False), persistent=False)

    def mels(self, waves: Tensor) -> Tensor:
        """Return log-mels (batch, frame, mel) of waves."""
        loudest = waves.abs().amax(dim=1, keepdim=True)
        x = self.bank @ power_frames(waves / torch.where(loudest > 0, loudest, 1.0), SIZE, HOP)
        return torch.log10(10000 * x + 1).transpose(1, 2) / HIGHEST

    def moments(self, mels: Tensor) -> Tensor:
        """Return what is heard at each moment (batch, moment, 512) of log-mels (batch, frame, mel)."""
        x = mels[:, None]
        for place, block in enumerate(self.blocks):
            x = block(x)
            x = F.max_pool2d(x, 2) if place < 3 else x
        return x.mean(dim=3).transpose(1, 2)

    def forward(self, waves: Tensor) -> Tensor:
        lengths = own_lengths(waves)
        frames = (1 + lengths // HOP + OURS - 1) // OURS * OURS
        features = waves.new_zeros(len(waves), 1, 2 * CHANNELS[-1])
        for num, rows in alike(frames):
            mels = self.mels(waves[rows, : int(lengths[rows].max())])
            heard = self.moments(F.pad(mels, (0, 0, 0, num - mels.shape[1])))
            starts = range(0, max(1, heard.shape[1] - BLOCK + STEP), STEP)
            most = torch.stack([heard[:, start : start + BLOCK].amax(dim=1) for start in starts]).mean(dim=0)
            features[rows, 0] = torch.cat([most, heard.mean(dim=1)], dim=1)
        return features


def make_aisfx(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: those of `AudioPrep` but rate and mels; of a sound over 10 s (seconds) a part.
    Raises RequestError for a wrong option, MissingExtra without the package."""
    return make_packed("aisfx", FILE, RATE, 2 * CHANNELS[-1], load_aisfx, options)


def load_aisfx(path: Path) -> EffectsNetwork:
    """Return the network with the weights of the file. No code of the package, and none in the file, is run."""
    # beside the weights the file holds counts of classes, which are numbers of NumPy and are not used
    made_by = np.int64(0).__reduce__()[0]
    safe: list[Any] = [np.dtype, type(np.dtype(np.int64)), (made_by, "numpy.core.multiarray.scalar")]
    with torch.serialization.safe_globals(safe):
        state, _counts = torch.load(path, map_location="cpu", weights_only=True)
    network = EffectsNetwork()
    own = {f"embedding_net.conv_block{place + 1}": f"blocks.{place}" for place in range(len(network.blocks))}
    values = {}
    for name, value in state.items():
        head = ".".join(name.split(".")[:2])
        if head in own:
            values[name.replace(head, own[head])] = value
    network.load_state_dict(values)
    return network.eval()
