"""How a recogniser is trained and heard: one visible loop, as in `train`. Knows no files and no tables.

Everything random comes from two places: torch's own generator, seeded inside one `fork_rng` (dropout), and one
generator for the order of the rows, the augmentation and the modality dropout.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.core.contract import Batch
from plait.errors import RequestError
from plait.kinds.network import is_convolutional
from plait.models.network import Augment
from plait.models.rows import Callback, Prepared, quiet
from plait.models.speech.augment import augment_sounds, drop_others, join_pairs, only_where
from plait.models.speech.decode import Heard, decode, edit_distance
from plait.models.speech.network import Recogniser, own_lengths
from plait.models.speech.units import Units, normalise, words_of
from plait.models.train import AdamW, Average, Outcome, Recipe, clearly_worse, rate_at

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


def train_recogniser(
    network: Recogniser,
    prepared: Prepared,
    texts: Sequence[str | None],
    units: Units,
    rows: np.ndarray,
    val: np.ndarray,
    recipe: SpeechRecipe,
    *,
    seed: int,
    name: str,
    callback: Callback = quiet,
    deadline: float = math.inf,
) -> Outcome:
    """Train the network in place and leave it with the weights of the last epoch, or of a clearly better one before.

    texts: the transcript of every row of prepared, None where there is none. rows and val: places of the training and
    validation rows; those without a sound or a transcript are passed over. Ends early when the validation loss no
    longer falls, at the deadline (time.monotonic), or on Ctrl-C; the best weights so far are kept in each case.
    """
    began, outcome = time.monotonic(), Outcome()
    lengths = sound_lengths(prepared, network.audio)
    there = prepared.present[network.audio] & np.array([text is not None for text in texts], bool)
    rows, val = rows[there[rows] & (lengths[rows] > 0)], val[there[val]]  # from silence nothing is learned
    if not len(rows) or not len(val):
        raise RequestError("training a recogniser takes rows with both a sound and a transcript, and some to validate.")
    order = torch.Generator().manual_seed(seed)
    augment = _augment_others(prepared, order)
    weights = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.dim() > 1], "weight_decay": recipe.decay},
        {"params": [p for p in weights if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = AdamW(groups, recipe.rate)
    device = weights[0].device
    steps = max(1, math.ceil(len(rows) / recipe.batch_size))
    average = Average(network, 1 / (steps + 1))
    patience = recipe.patience or max(5, recipe.epochs // 3)
    best_epoch, worse = 0, False
    best: dict[str, Tensor] | None = None
    best_losses: Tensor | None = None
    state: dict[str, Tensor] | None = None
    losses: Tensor | None = None
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        try:
            for epoch in range(1, recipe.epochs + 1):
                network.train()
                total = torch.zeros((), device=device)
                for step, chosen in enumerate(draw_batches(rows, lengths, steps, order)):
                    used = (time.monotonic() - began) / (deadline - began) if deadline < math.inf else 0.0
                    progress = max(((epoch - 1) * steps + step) / (recipe.epochs * steps), min(1.0, used))
                    optimizer.rate = rate_at(progress, recipe)
                    batch = gather(prepared, network, chosen, lengths, device)
                    said = [texts[row] or "" for row in chosen]
                    batch.inputs[network.audio] = augment_sounds(batch.inputs[network.audio], order, recipe.noise)
                    if recipe.drop:
                        batch = drop_others(batch, network.audio, order)
                    if len(chosen) > 1 and float(torch.rand((), generator=order)) < recipe.join:
                        batch, said = join_pairs(batch, said, network.audio)
                    log_probs, own = network(batch, augment)
                    loss = ctc_losses(log_probs, own, [units.encode(text) for text in said]).mean()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(weights, 5.0)
                    optimizer.step()
                    average.update()
                    total += loss.detach()
                    if used >= 1.0:
                        break
                last = copy.deepcopy(network.state_dict())
                average.put()
                losses, wer = measure(network, prepared, texts, units, val, lengths)
                val_loss, mean = float(losses.mean()), float(total) / (step + 1)
                facts = {"epoch": epoch, "loss": mean, "metric": wer, "metric_name": "wer"}
                outcome.history.append({"candidate": name, **facts, "val_loss": val_loss})
                state = copy.deepcopy(network.state_dict())
                if best_losses is None or val_loss < float(best_losses.mean()):
                    best, best_losses, best_epoch = state, losses, epoch
                worse = clearly_worse(losses, best_losses)
                network.load_state_dict(last)
                spent = time.monotonic() - began
                left = min(spent / epoch * (recipe.epochs - epoch), deadline - time.monotonic())
                callback({"stage": name, "epochs": recipe.epochs, **facts, "seconds_left": max(0.0, left)})
                if time.monotonic() >= deadline:
                    outcome.stopped = "time"
                elif worse and epoch - best_epoch >= patience and epoch < recipe.epochs:
                    outcome.stopped = "early"
                if outcome.stopped:
                    break
        except KeyboardInterrupt:
            outcome.stopped = "interrupt"
    if best is not None and best_losses is not None:
        # at the end of its cycle the last epoch is the best guess, unless validation speaks clearly against it
        finished = state is not None and not worse and outcome.stopped in ("", "time")
        network.load_state_dict(state if finished and state is not None else best)
        outcome.loss = float((losses if finished and losses is not None else best_losses).mean())
    network.eval()
    outcome.seconds = time.monotonic() - began
    return outcome


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
    preps = {s.group: s.prep for s in prepared.strands if is_convolutional(s.kind)}

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


def measure(
    network: Recogniser,
    prepared: Prepared,
    texts: Sequence[str | None],
    units: Units,
    val: np.ndarray,
    lengths: np.ndarray,
) -> tuple[Tensor, float]:
    """Return the loss of every validation row, and the word error rate of all as heard, without the list of words."""
    said = log_probs_of(network, prepared, val, lengths)
    losses, wrong, words = [], 0, 0
    for row, log_probs in zip(val, said, strict=True):
        own = torch.tensor([len(log_probs)])
        losses.append(
            ctc_losses(log_probs[None], own, [units.encode(texts[row] or "")])[0] if len(log_probs) else torch.zeros(())
        )
        counted = errors_of(texts[row] or "", decode(log_probs.numpy(), units, 1.0, prior=0.0).text)
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
        edit_distance(true_words, heard_words),
        len(true_words),
        edit_distance(true_text, heard_text),
        len(true_text),
    )


def frame_seconds(prepared: Prepared, network: Recogniser) -> float:
    """Return how many seconds lie between two frames that a network gives out."""
    prep = next(strand.prep for strand in prepared.strands if strand.name == network.audio)
    return network.stride * prep.hop / prep.sample_rate


def count_errors(texts: Sequence[str] | np.ndarray, heard: Sequence[Heard | None] | np.ndarray) -> np.ndarray:
    """Return (rows, 4): word errors, words, character errors and characters of each row."""
    found = [errors_of(text, "" if one is None else one.text) for text, one in zip(texts, heard, strict=True)]
    return np.array(found, np.float64).reshape(-1, 4)
