"""Random changes of recordings for training a recogniser: stretched, masked, joined; other modalities left out.

Unlike the changes of `kinds.audio.augment` these keep every word: masks are narrow in time, nothing is moved out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.core.contract import Batch
from plait.models.learning import draw_stay
from plait.models.speech.network import own_lengths, within

# how strong at most
SPEED = 0.15  # stretch in time, natural log
VOICE = 0.15  # stretch in frequency, natural log
SHIFT = 0.03  # move in frequency, share of the bands
GAIN = 0.3  # each of three waves over the bands, in standard deviations
SPREAD = 0.2  # of the standard deviation, natural log
FLOOR = 0.5  # share of the recordings with a floor of noise
BANDS = 0.12  # a mask over bands, share of them
HOLE = 10.0  # a mask over time, frames
WINDOW = 257  # between the windows of noise that neighbours in a batch get


def augment_sounds(x: Tensor, generator: torch.Generator, noise: float = 0.3) -> Tensor:
    """Return log-mels (batch, mel, time), standardised per recording, 0 after each one's own frames, changed at random.

    Stretched in time (Ko and others 2015) and in frequency (Jaitly and Hinton 2013); a smooth gain over the bands,
    another spread; in half of them a floor of steady noise; two masks each over bands and over time (Park and others
    2019); noise of standard deviation up to `noise`. Padding stays 0, and the own length follows the stretch. All draws
    come first.
    """
    batch, mels, _ = x.shape
    device = x.device
    draws = torch.rand(18, batch, generator=generator).to(device)
    share = 2 * draws - 1
    own = own_lengths(x)
    speed = torch.exp(SPEED * share[0])
    lengths = (own * speed).round().clamp(min=1).long() * (own > 0)
    time = max(8, int(lengths.max()))  # BatchNorm wants two frames, also of the shortest sound alone
    pool = torch.randn(mels * time + WINDOW * max(0, batch - 1), generator=generator).to(device)
    rough = pool.unfold(0, mels * time, WINDOW).view(batch, mels, time)
    # frame t of the result is frame t / speed, band m is band m · stretch + shift; both in units of grid_sample
    at = (torch.arange(time, device=device) + 0.5) / speed[:, None]
    at = torch.minimum(at, (own[:, None] - 0.5).clamp(min=0.5))
    across = 2 * at / x.shape[2] - 1
    bands = (torch.arange(mels, device=device) + 0.5) / mels
    down = (bands * torch.exp(VOICE * share[1])[:, None] + SHIFT * share[2][:, None]).clamp(0.5 / mels, 1 - 0.5 / mels)
    grid = torch.stack([across[:, None].expand(-1, mels, -1), (2 * down - 1)[:, :, None].expand(-1, -1, time)], dim=3)
    moved = F.grid_sample(x[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    waves = torch.cos(math.pi * torch.arange(1, 4, device=device)[:, None] * bands)  # (3, mel)
    moved = moved + (GAIN * share[3:6].T @ waves)[:, :, None]
    moved = moved * torch.exp(SPREAD * share[6])[:, None, None]
    floor = (-1.6 + 1.2 * draws[7])[:, None, None]
    moved = torch.where((draws[8] < FLOOR)[:, None, None], torch.logaddexp(3 * moved, 3 * floor) / 3, moved)
    moved = moved * _masks(torch.full_like(lengths, mels), mels, BANDS * mels, draws[9:13])[:, :, None]
    moved = moved * _masks(lengths, time, HOLE, draws[13:17])[:, None]
    moved = moved + rough * (noise * draws[17])[:, None, None]
    return within(torch.where(moved == 0, 1e-4, moved), lengths)


def _masks(lengths: Tensor, longest: int, widest: float, draws: Tensor) -> Tensor:
    """Return which places of an axis are kept, (batch, longest), with two masks at most `widest`; draws (4, batch)."""
    places = torch.arange(longest, device=draws.device)
    widths = torch.minimum(widest * draws[:2], 0.2 * lengths)[:, :, None]
    starts = draws[2:, :, None] * (lengths[:, None] - widths)
    return ((places < starts) | (places >= starts + widths)).all(dim=0)


def drop_others(batch: Batch, audio: str, generator: torch.Generator) -> Batch:
    """Modality dropout of all but the sound: without it there is nothing to write down."""
    names = sorted(name for name in batch.present if name != audio)
    if not names:
        return batch
    kept = draw_stay(torch.stack([batch.present[name] for name in names], 1), generator, 0)
    stay = {name: kept[:, place] for place, name in enumerate(names)}
    cells = {name: flags & stay[name][:, None] if name in stay else flags for name, flags in batch.cells.items()}
    return Batch(batch.inputs, {**batch.present, **stay}, batch.target, cells)


def join_pairs(batch: Batch, texts: Sequence[str], audio: str) -> tuple[Batch, list[str]]:
    """Return half as many rows: each recording of the first half goes on into one of the second, and so do the texts.

    Other modalities, which would belong to half of what is said, are absent. An odd row is left out.
    """
    x, half = batch.inputs[audio], len(texts) // 2
    own = own_lengths(x).tolist()
    pairs = [(i, half + i) for i in range(half)]
    joined = x.new_zeros(half, x.shape[1], max(own[a] + own[b] for a, b in pairs))
    for place, (a, b) in enumerate(pairs):
        joined[place, :, : own[a]] = x[a, :, : own[a]]
        joined[place, :, own[a] : own[a] + own[b]] = x[b, :, : own[b]]
    inputs = {name: joined if name == audio else values[:half] for name, values in batch.inputs.items()}
    present = {name: p[:half] & (p[half : 2 * half] if name == audio else False) for name, p in batch.present.items()}
    cells = {name: c[:half] & False for name, c in batch.cells.items()}
    return Batch(inputs, present, None, cells), [f"{texts[a]} {texts[b]}" for a, b in pairs]
