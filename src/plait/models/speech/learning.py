"""What a lesson of recordings and transcripts is made of, and how a recogniser is heard. Knows no files and no tables.

One generator draws the order of the rows, the augmentation and the modality dropout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn import functional as F

from plait.core.contract import Batch
from plait.errors import RequestError
from plait.kinds.network import is_convolutional
from plait.models.network import Augment
from plait.models.rows import Prepared
from plait.models.speech.augment import augment_sounds, drop_others, join_pairs, only_where
from plait.models.speech.decode import Heard, decode
from plait.models.speech.network import Recogniser, own_lengths
from plait.models.speech.units import Units, normalise, words_of
from plait.models.train import Lesson, Recipe

USUAL_STEPS = 750  # in all, within LEAST_EPOCHS and MOST_EPOCHS
LEAST_EPOCHS, MOST_EPOCHS = 12, 100
LEAST_ROWS, MOST_ROWS = 8, 32  # recordings in a step


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """How to train: a Recipe, and how strongly what is heard is changed.

    join: share of the steps in which recordings are joined two by two; noise: standard deviation of noise at most.
    """

    join: float = 0.3
    noise: float = 0.3


def usual_recipe(rows: int, epochs: int | None, batch_size: int) -> SpeechRecipe:
    """Return the recipe for so many training rows; epochs None chooses them from the number of rows.

    batch_size is an upper bound: a step takes at most MOST_ROWS recordings, and fewer where there are few, since the
    network says only blanks for the first hundred steps or so.
    """
    batch_size = min(batch_size, MOST_ROWS, max(LEAST_ROWS, rows // 50))
    steps = max(1, math.ceil(rows / batch_size))
    usual = min(MOST_EPOCHS, max(LEAST_EPOCHS, math.ceil(USUAL_STEPS / steps)))
    return SpeechRecipe(epochs or usual, rate=3e-3, batch_size=batch_size, decay=0.05, drop=True)


@dataclass(frozen=True)
class Recordings:
    """Prepared rows, what is said in the sound of each of them, None where that is not known, and its units."""

    prepared: Prepared
    texts: Sequence[str | None]
    units: Units


def speech_lesson(
    network: Recogniser,
    recordings: Recordings,
    rows: np.ndarray,
    val: np.ndarray,
    recipe: SpeechRecipe,
    *,
    seed: int,
    name: str,
) -> Lesson:
    """Return what a recogniser learns from these places of training and validation rows.

    Rows without a sound or a transcript are passed over. Raises RequestError where none is left.
    """
    prepared = recordings.prepared
    lengths = sound_lengths(prepared, network.audio)
    known = prepared.present[network.audio] & np.array([text is not None for text in recordings.texts], bool)
    rows, val = rows[known[rows] & (lengths[rows] > 0)], val[known[val]]  # from silence nothing is learned
    if not len(rows) or not len(val):
        raise RequestError("training a recogniser takes rows with both a sound and a transcript, and some to validate.")
    generator = torch.Generator().manual_seed(seed)
    return Lesson(
        network,
        recipe,
        rows,
        lambda rows, steps: draw_batches(rows, lengths, steps, generator),
        lambda rows: loss_of(rows, network, recordings, lengths, recipe, generator),
        lambda: measure(network, recordings, val, lengths),
        "wer",
        seed=seed,
        name=name,
    )


def loss_of(
    rows: np.ndarray,
    network: Recogniser,
    recordings: Recordings,
    lengths: np.ndarray,
    recipe: SpeechRecipe,
    generator: torch.Generator,
) -> Tensor:
    """Return the mean CTC loss of training rows, with all that changes them drawn from the generator."""
    device = next(network.parameters()).device
    batch = gather(recordings.prepared, network, rows, lengths, device)
    texts = [recordings.texts[row] or "" for row in rows]
    batch.inputs[network.audio] = augment_sounds(batch.inputs[network.audio], generator, recipe.noise)
    if recipe.drop:
        batch = drop_others(batch, network.audio, generator)
    if len(rows) > 1 and float(torch.rand((), generator=generator)) < recipe.join:
        batch, texts = join_pairs(batch, texts, network.audio)
    log_probs, frames = network(batch, _augment_others(recordings.prepared, generator))
    return ctc_losses(log_probs, frames, [recordings.units.encode(text) for text in texts]).mean()


def ctc_losses(log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """Return the CTC loss of each row for each of its units (Graves and others 2006, ICML): (batch,).

    log_probs (batch, frame, unit), lengths (batch,), targets: the units of each row. Rows without a frame, and rows
    with more units than their frames can say, count as 0.
    """
    flat = torch.tensor([unit for target in targets for unit in target], dtype=torch.int64)
    counts = torch.tensor([len(target) for target in targets], dtype=torch.int64)
    there = lengths > 0  # a row of no frames is all blank; its loss means nothing
    losses = F.ctc_loss(
        log_probs.transpose(0, 1).clamp(min=-1e4),
        flat.to(log_probs.device),
        lengths.clamp(min=1),
        counts.to(log_probs.device),
        reduction="none",
        zero_infinity=True,
    )
    return losses.masked_fill(~there, 0.0) / counts.clamp(min=1).to(losses.device)


# rows → batches


def sound_lengths(prepared: Prepared, audio: str) -> np.ndarray:
    """Return how many frames of each row's log-mel are the recording's own, (rows,) int64."""
    x = prepared.inputs[audio]
    steps = range(0, len(x), 256)
    return np.concatenate([own_lengths(torch.from_numpy(np.asarray(x[s : s + 256]))).numpy() for s in steps])


def draw_batches(rows: np.ndarray, lengths: np.ndarray, steps: int, generator: torch.Generator) -> list[np.ndarray]:
    """Return the rows in batches of recordings of similar length, in random order: little is padding."""
    jitter = torch.rand(len(rows), generator=generator).numpy()
    sorted_rows = rows[np.argsort(lengths[rows] * (0.85 + 0.3 * jitter), kind="stable")]
    batches = np.array_split(sorted_rows, steps)
    return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]


def gather(
    prepared: Prepared, network: Recogniser, rows: np.ndarray, lengths: np.ndarray, device: torch.device
) -> Batch:
    """Return the rows as a Batch, sounds cut to the longest of them."""
    batch = prepared.batch(rows, network.names, device)
    longest = max(1, int(lengths[rows].max(initial=1)))
    batch.inputs[network.audio] = batch.inputs[network.audio][:, :, :longest].float()
    return batch


def _augment_others(prepared: Prepared, generator: torch.Generator) -> Augment:
    preps = {s.group: s.prep for s in prepared.views if is_convolutional(s.kind)}

    def augment(group: str, x: Tensor) -> Tensor:
        return preps[group].augment(x, generator) if group in preps else x

    return augment


# what is heard


def log_probs_of(
    network: Recogniser,
    prepared: Prepared,
    rows: np.ndarray,
    lengths: np.ndarray,
    keep: Sequence[str] | None = None,
    batch_size: int = 64,
) -> list[Tensor]:
    """Return the log-probabilities (frame, unit) of each row, own frames only and none where the sound is absent."""
    network.eval()
    found: list[Tensor] = [torch.zeros(0)] * len(rows)
    device = next(network.parameters()).device
    order = np.argsort(lengths[rows], kind="stable")
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            places = order[start : start + batch_size]
            batch = gather(prepared, network, rows[places], lengths, device)
            if keep is not None:
                gone = [name for name in network.names if name not in keep]
                batch = only_where(batch, {name: torch.zeros_like(batch.present[name]) for name in gone})
            said, own = network(batch)
            for place, one, length in zip(places, said.cpu(), own.tolist(), strict=True):
                found[place] = one[:length].clone()
    return found


def measure(network: Recogniser, recordings: Recordings, val: np.ndarray, lengths: np.ndarray) -> tuple[Tensor, float]:
    """Return the loss of every validation row, and the word error rate of all as heard, without the list of words."""
    losses, wrong, words, units = [], 0, 0, recordings.units
    for row, log_probs in zip(val, log_probs_of(network, recordings.prepared, val, lengths), strict=True):
        text, frames = recordings.texts[row] or "", torch.tensor([len(log_probs)])
        losses.append(
            ctc_losses(log_probs[None], frames, [units.encode(text)])[0] if len(log_probs) else torch.zeros(())
        )
        counted = errors_of(text, decode(log_probs.numpy(), units, 1.0, prior=0.0).text)
        wrong, words = wrong + counted[0], words + counted[1]
    return torch.stack(losses), wrong / max(1, words)


def hear_rows(
    network: Recogniser,
    prepared: Prepared,
    rows: np.ndarray,
    units: Units,
    seconds_per_frame: float,
    keep: Sequence[str] | None = None,
) -> list[Heard | None]:
    """Return what is heard in each row, None where the sound is absent; with keep, only those modalities are present.

    seconds_per_frame: of the network's output frames, network.stride times the hop of the log-mel.
    """
    rows = np.asarray(rows, np.int64)
    there = prepared.present[network.audio][rows]
    if keep is not None and network.audio not in keep:
        there = np.zeros_like(there)
    lengths = np.zeros(len(prepared), np.int64)
    lengths[rows] = sound_lengths(prepared.take(rows), network.audio)
    said = log_probs_of(network, prepared, rows[there], lengths, keep)
    heard = iter(decode(one.numpy(), units, seconds_per_frame) for one in said)
    return [next(heard) if flag else None for flag in there]


def errors_of(truth: str, heard: str) -> tuple[int, int, int, int]:
    """Return (word errors, words, character errors, characters) of what was heard, both texts normalised.

    Errors are the fewest insertions, deletions and substitutions; the counts are of the truth. Summed over rows and
    divided, they are the word error rate and the character error rate.
    """
    true_words, heard_words = words_of(truth), words_of(heard)
    true_text, heard_text = normalise(truth), normalise(heard)
    return (
        Levenshtein.distance(true_words, heard_words),
        len(true_words),
        Levenshtein.distance(true_text, heard_text),
        len(true_text),
    )


def frame_seconds(prepared: Prepared, network: Recogniser) -> float:
    """Return how many seconds lie between two frames that a network gives out."""
    prep = next(view.prep for view in prepared.views if view.name == network.audio)
    return network.stride * prep.hop / prep.sample_rate


def count_errors(texts: Sequence[str] | np.ndarray, heard: Sequence[Heard | None] | np.ndarray) -> np.ndarray:
    """Return (rows, 4): word errors, words, character errors and characters of each row."""
    found = [errors_of(text, "" if one is None else one.text) for text, one in zip(texts, heard, strict=True)]
    return np.array(found, np.float64).reshape(-1, 4)
