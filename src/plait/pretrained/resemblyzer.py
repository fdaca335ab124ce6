"""A voice encoder: three layers of LSTM that learned to tell 9,000 speakers apart, as an encoder of speech.

Wan and others 2018, "Generalized end-to-end loss for speaker verification" (arXiv:1710.10467). The weights come inside
the package resemblyzer (Jemine 2019), of which nothing but their file is read. What it is given, from its hparams.py
and audio.py: 16 kHz, raised to -30 dBFS where it is softer, 40 mel bands (Slaney's) of power, no logarithm, of 25 ms
each 10 ms. Its answer here is no embedding, which throws the words away, but mean and deviation over time of what the
last layer says at each moment. Knows no table and no files but that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from plait.pretrained.frozen import Frozen
from plait.pretrained.waves import ALIKE, make_packed, mel_filters, own_lengths, power_frames

FILE = ("pretrained.pt",)
RATE, SIZE, HOP, MELS = 16000, 400, 160, 40  # Hz, samples, samples, bands
HIDDEN, LAYERS = 256, 3
LEVEL = 10 ** (-30 / 20)  # root mean square that softer sounds are raised to


class VoiceStates(nn.Module):
    """Waves (batch, time) at 16 kHz, filled with 0 → mean and deviation of the last states (batch, 1, 512)."""

    bank: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, HIDDEN, LAYERS, batch_first=True)
        self.register_buffer("bank", mel_filters(RATE, SIZE, MELS, slaney=True), persistent=False)

    @property
    def blocks(self) -> list[nn.Module]:
        return [self.lstm]

    def mels(self, waves: Tensor) -> Tensor:
        """Return mel bands (batch, frame, mel) of waves, each filled with 0 after its own samples."""
        lengths = own_lengths(waves)
        level = (waves.square().sum(dim=1) / lengths).sqrt()
        louder = torch.where(level > 0, LEVEL / level.clamp(min=1e-12), 1.0).clamp(min=1.0)
        return (self.bank @ power_frames(waves * louder[:, None], SIZE, HOP)).transpose(1, 2)

    def forward(self, waves: Tensor) -> Tensor:
        lengths = own_lengths(waves)
        features = waves.new_zeros(len(waves), 1, 2 * HIDDEN)
        # what fills a sound comes after it, and a state knows only what was before: those of like length go together
        for rows in torch.split(torch.argsort(lengths, stable=True), ALIKE):
            longest = int(lengths[rows].max())
            states = self.lstm(self.mels(waves[rows, :longest]))[0]
            frames = 1 + lengths[rows] // HOP
            own = (torch.arange(states.shape[1], device=waves.device) < frames[:, None])[:, :, None]
            mean = (states * own).sum(dim=1) / frames[:, None]
            spread = (((states - mean[:, None]) * own) ** 2).sum(dim=1) / frames[:, None]
            features[rows, 0] = torch.cat([mean, spread.sqrt()], dim=1)
        return features


def make_resemblyzer(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: those of `AudioPrep` but rate and mels; of a sound over 10 s (seconds) a part.
    Raises RequestError for a wrong option, MissingExtra without the package."""
    return make_packed("resemblyzer", FILE, RATE, 2 * HIDDEN, load_resemblyzer, options)


def load_resemblyzer(path: Path) -> VoiceStates:
    """Return the network with the weights of the file. No code of the package, and none in the file, is run."""
    state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
    network = VoiceStates()
    network.load_state_dict({name: value for name, value in state.items() if name.startswith("lstm.")})
    return network
