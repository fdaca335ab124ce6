"""A lesson of recordings and transcripts, and how a recogniser is heard. Knows no files and no tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor
from torch.nn import functional as F

from plait.core.contract import Batch, keep_only
from plait.errors import RequestError
from plait.kinds.sizes import is_convolutional
from plait.models.rows import Prepared
from plait.models.speech.augment import augment_sounds, drop_others, join_pairs
from plait.models.speech.decode import Heard, decode
from plait.models.speech.network import Recogniser, own_lengths
from plait.models.speech.units import Units, normalise, words_of
from plait.models.train import Lesson, Recipe

USUAL_STEPS = 750  # in all, within LEAST_EPOCHS and MOST_EPOCHS
LEAST_EPOCHS, MOST_EPOCHS = 12, 100
LEAST_ROWS, MOST_ROWS = 8, 32  # recordings in a step


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """How to train: a Recipe, and how strongly what is heard is changed."""

    join: float = 0.3  # share of the steps in which recordings are joined two by two
    noise: float = 0.3  # standard deviation of noise at most


def usual_recipe(rows: int, epochs: int | None, batch_size: int) -> SpeechRecipe:
    """Return the recipe for so many training rows; epochs None chooses them from the number of rows."""
    # fewer where there are few, since the network says only blanks for the first hundred steps or so
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
    """Return what a recogniser learns of rows with a sound and a transcript. RequestError where there are none."""
    prepared = recordings.prepared
    known = prepared.present[network.audio] & np.array([text is not None for text in recordings.texts], bool)
    rows, val = rows[known[rows]], val[known[val]]
    lengths = sound_lengths(prepared, network.audio, rows)
    rows, lengths = rows[lengths > 0], lengths[lengths > 0]  # from silence nothing is learned
    if not len(rows) or not len(val):
        raise RequestError("training a recogniser takes rows with both a sound and a transcript, and some to validate.")
    generator = torch.Generator().manual_seed(seed)
    return Lesson(
        network,
        recipe,
        rows,
        lambda rows, steps: draw_batches(rows, lengths, steps, generator),
        lambda rows: loss_of(rows, network, recordings, recipe, generator),
        lambda: measure(network, recordings, val),
        "wer",
        seed=seed,
        name=name,
    )


def loss_of(
    rows: np.ndarray, network: Recogniser, recordings: Recordings, recipe: SpeechRecipe, generator: torch.Generator
) -> Tensor:
    """Return the mean CTC loss of training rows, with all that changes them drawn from the generator."""
    batch = gather(recordings.prepared, network, rows)
    texts = [recordings.texts[row] or "" for row in rows]
    batch.inputs[network.audio] = augment_sounds(batch.inputs[network.audio], generator, recipe.noise)
    if recipe.drop:
        batch = drop_others(batch, network.audio, generator)
    if len(rows) > 1 and float(torch.rand((), generator=generator)) < recipe.join:
        batch, texts = join_pairs(batch, texts, network.audio)
    preps = {v.group: v.prep for v in recordings.prepared.views if is_convolutional(v.kind)}
    log_probs, frames = network(batch, lambda group, x: preps[group].augment(x, generator) if group in preps else x)
    return ctc_losses(log_probs, frames, [recordings.units.encode(text) for text in texts]).mean()


def ctc_losses(log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """Return the CTC loss of each row for each of its units (batch,); 0 where its frames cannot say them.

    log_probs (batch, frame, unit), lengths (batch,), targets: the units of each row.
    """
    flat = torch.tensor([unit for target in targets for unit in target], dtype=torch.int64, device=log_probs.device)
    counts = torch.tensor([len(target) for target in targets], dtype=torch.int64, device=log_probs.device)
    frames = log_probs.transpose(0, 1).clamp(min=-1e4)
    losses = F.ctc_loss(frames, flat, lengths.clamp(min=1), counts, reduction="none", zero_infinity=True)
    return losses.masked_fill(lengths == 0, 0.0) / counts.clamp(min=1)


# rows → batches


def sound_lengths(prepared: Prepared, audio: str, rows: np.ndarray) -> np.ndarray:
    """Return how many frames of each row's log-mel are the recording's own, (rows,) int64."""
    chunks = [prepared.inputs[audio][rows[start : start + 256]] for start in range(0, max(1, len(rows)), 256)]
    return np.concatenate([own_lengths(torch.from_numpy(x)).numpy() for x in chunks])


def draw_batches(rows: np.ndarray, lengths: np.ndarray, steps: int, generator: torch.Generator) -> list[np.ndarray]:
    """Return the rows in batches of recordings of similar length, in random order: little is padding."""
    jitter = torch.rand(len(rows), generator=generator).numpy()
    sorted_rows = rows[np.argsort(lengths * (0.85 + 0.3 * jitter), kind="stable")]
    batches = np.array_split(sorted_rows, steps)
    return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]


def gather(prepared: Prepared, network: Recogniser, rows: np.ndarray) -> Batch:
    """Return the rows as a Batch, sounds cut to the longest of them."""
    batch = prepared.batch(rows, network.names, next(network.parameters()).device)
    sounds = batch.inputs[network.audio]
    batch.inputs[network.audio] = sounds[:, :, : max(1, int(own_lengths(sounds).max()))].float()
    return batch


# what is heard


def log_probs_of(
    network: Recogniser, prepared: Prepared, rows: np.ndarray, keep: Sequence[str] | None = None
) -> list[Tensor]:
    """Return the log-probabilities (frame, unit) of each row, own frames only and none where the sound is absent."""
    network.eval()
    heard: list[Tensor] = [torch.zeros(0)] * len(rows)
    order = np.argsort(sound_lengths(prepared, network.audio, rows), kind="stable")
    with torch.inference_mode():
        for start in range(0, len(rows), 64):
            places = order[start : start + 64]
            batch = gather(prepared, network, rows[places])
            log_probs, own = network(batch if keep is None else keep_only(batch, keep))
            for place, x, length in zip(places, log_probs.cpu(), own.tolist(), strict=True):
                heard[place] = x[:length].clone()
    return heard


def measure(network: Recogniser, recordings: Recordings, val: np.ndarray) -> tuple[Tensor, float]:
    """Return the loss of every validation row, and the word error rate of all as heard, without the list of words."""
    losses, errors, units = torch.zeros(len(val)), np.zeros(4), recordings.units
    for place, log_probs in enumerate(log_probs_of(network, recordings.prepared, val)):
        text, frames = recordings.texts[val[place]] or "", torch.tensor([len(log_probs)])
        if len(log_probs):
            losses[place] = ctc_losses(log_probs[None], frames, [units.encode(text)])[0]
        errors += errors_of(text, decode(log_probs.numpy(), units, 1.0, prior=0.0).text)
    return losses, float(errors[0] / max(1, errors[1]))


def hear_rows(
    network: Recogniser,
    prepared: Prepared,
    rows: np.ndarray,
    units: Units,
    seconds_per_frame: float,
    keep: Sequence[str] | None = None,
) -> list[Heard | None]:
    """Return what is heard in each row, None where the sound is absent. seconds_per_frame: see `frame_seconds`."""
    rows = np.asarray(rows, np.int64)
    there = prepared.present[network.audio][rows]
    if keep is not None and network.audio not in keep:
        there = np.zeros_like(there)
    log_probs = log_probs_of(network, prepared, rows[there], keep)
    heard = iter(decode(x.numpy(), units, seconds_per_frame) for x in log_probs)
    return [next(heard) if flag else None for flag in there]


def errors_of(truth: str, heard: str) -> tuple[int, int, int, int]:
    """Return (word errors, words, character errors, characters) of what was heard, both texts normalised."""
    words, text = words_of(truth), normalise(truth)
    errors = Levenshtein.distance(words, words_of(heard)), Levenshtein.distance(text, normalise(heard))
    return errors[0], len(words), errors[1], len(text)


def frame_seconds(prepared: Prepared, network: Recogniser) -> float:
    """Return how many seconds lie between two frames that a network gives out."""
    prep = next(view.prep for view in prepared.views if view.name == network.audio)
    return network.stride * prep.hop / prep.sample_rate


def count_errors(texts: Sequence[str] | np.ndarray, heard: Sequence[Heard | None] | np.ndarray) -> np.ndarray:
    """Return (rows, 4): word errors, words, character errors and characters of each row."""
    errors = [errors_of(text, "" if one is None else one.text) for text, one in zip(texts, heard, strict=True)]
    return np.array(errors, np.float64).reshape(-1, 4)
