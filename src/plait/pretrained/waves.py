"""What networks of sounds share: waves filled with 0 to one length, how long each sound is, and filters of mel bands.
Knows samples; no weights, no file and no cell."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from plait.pretrained.cells import make_wave_prep
from plait.pretrained.frozen import Frozen
from plait.pretrained.packages import find_weights

ALIKE = 8  # sounds that go through a network at a time: half a minute of sound is much for one layer


def own_lengths(waves: Tensor) -> Tensor:
    """Return (batch,) how many samples of waves (batch, time) are the sound's own, not what fills it: 1 at least."""
    places = torch.arange(1, waves.shape[1] + 1, device=waves.device)
    return (places * (waves != 0)).amax(dim=1).clamp(min=1)


def alike(lengths: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Give (length, rows), of at most ALIKE rows of one length each time, until every row was there."""
    for length in torch.unique(lengths).tolist():
        for rows in torch.split(torch.nonzero(lengths == length)[:, 0], ALIKE):
            yield int(length), rows


def power_frames(waves: Tensor, size: int, hop: int) -> Tensor:
    """Return power spectra (batch, frequency, frame) of waves (batch, time); frame n lies around sample n × hop."""
    window = torch.hann_window(size, device=waves.device)
    made = torch.stft(waves, size, hop, window=window, pad_mode="constant", return_complex=True)
    return made.real**2 + made.imag**2


def mel_filters(rate: int, size: int, mels: int, slaney: bool) -> Tensor:
    """Return triangles (mel, frequency) from 0 to half the rate, for power spectra of `size` samples.

    slaney: on the scale of Slaney's Auditory Toolbox (1998), each of area 1 in Hz; else on that of HTK, of sum 1.
    """
    top = rate / 2
    if slaney:
        step, knee = 200 / 3, 1000.0  # Hz a mel up to 1 kHz; beyond it logarithmic
        ends = np.linspace(0, knee / step + np.log(top / knee) * 27 / np.log(6.4), mels + 2)
        edges = np.where(ends < knee / step, step * ends, knee * np.exp((ends - knee / step) * np.log(6.4) / 27))
    else:
        edges = 700 * (10 ** (np.linspace(0, np.log10(1 + top / 700), mels + 2)) - 1)
    lines = np.arange(size // 2 + 1) * (rate / size)
    rises = (lines - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falls = (edges[2:, None] - lines) / np.diff(edges)[1:, None]
    bank = np.clip(np.minimum(rises, falls), 0, None)
    whole = (edges[2:, None] - edges[:-2, None]) / 2 if slaney else np.maximum(bank.sum(axis=1, keepdims=True), 1e-12)
    return torch.from_numpy((bank / whole).astype(np.float32))


def make_packed(
    name: str, parts: tuple[str, ...], rate: int, width: int, load: Callable[..., torch.nn.Module],
    options: Mapping[str, object],
) -> Frozen:  # fmt: skip
    """Return the encoder of sounds whose weights lie in the package of its name, as load(path of the file) makes it.
    Raises RequestError for a wrong option, MissingExtra without the package."""
    prep = make_wave_prep(name, rate, None, options)
    path, told = find_weights(name, *parts)
    return Frozen(
        name=name,
        shape=(prep.samples,),
        dtype="float32",
        tokens=1,
        width=width,
        prep=prep,
        load=lambda: load(path),
        **told,
    )
