"""From the probabilities of units in frames to text with times. Knows no network and no sound."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from torch.nn import functional as F

from plait.models.speech.units import BLANK, Units, join_words, words_of

PRIOR = 0.5  # weight of the log prior of a word beside the log-probability of its sound
UNSEEN = 0.5  # count of all words outside the list together, as if one had been seen half a time
MOST_NEAR = 50  # near words that are compared by their sound
SURE = 0.1  # probability of a unit down to which its frames count as its word's time


@dataclass
class Heard:
    """What was heard: the text, how sure of it (0 to 1), and each word with its start and end in seconds."""

    text: str
    confidence: float
    words: list[tuple[str, float, float]] = field(default_factory=list)


@dataclass
class _Spike:
    """A unit heard: its index, its first frame, the frame after its last, and its highest probability."""

    unit: int
    start: int
    end: int
    peak: float


def decode(log_probs: np.ndarray, units: Units, seconds_per_frame: float, prior: float = PRIOR) -> Heard:
    """Return what log-probabilities (frame, unit) say: the likeliest unit of each frame, repeats and blanks taken out.

    Greedy CTC (Graves and others 2006, ICML). confidence is the geometric mean of the units' highest probabilities.
    Where characters are the units, a word that is in no training text may give way to a near one; prior=0 leaves words
    as heard.
    """
    spikes = _spikes(log_probs)
    if units.kind == "words":
        placed = _place_words(log_probs, spikes, units)
    else:
        placed = _join_characters(log_probs, spikes, units, prior)
    seconds = seconds_per_frame
    words = [(word, round(start * seconds, 3), round(end * seconds, 3)) for word, start, end in placed]
    text = join_words([word for word, _, _ in placed])
    sure = [s.peak for s in spikes if units.symbols[s.unit - 1] != BLANK]
    confidence = math.exp(sum(math.log(max(p, 1e-12)) for p in sure) / len(sure)) if words and sure else 0.0
    return Heard(text, confidence, words)


def _spikes(log_probs: np.ndarray) -> list[_Spike]:
    """Return the runs of frames whose likeliest unit is not CTC's blank, as spikes."""
    best = log_probs.argmax(1)
    peaks = np.exp(log_probs.max(1)) if len(log_probs) else np.zeros(0)
    edges = np.flatnonzero(np.diff(best, prepend=-1, append=-1)) if len(best) else np.zeros(0, np.int64)
    runs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return [_Spike(int(best[a]), a, b, float(peaks[a:b].max())) for a, b in runs if best[a] != 0]


def _place_words(log_probs: np.ndarray, spikes: list[_Spike], units: Units) -> list[tuple[str, int, int]]:
    """Return (word, first frame, frame after the last) of each spike: the frames around it that do not rule it out."""
    placed: list[tuple[str, int, int]] = []
    low = 0
    for place, spike in enumerate(spikes):
        there = log_probs[:, spike.unit] > math.log(SURE)
        start, end = spike.start, spike.end
        high = spikes[place + 1].start if place + 1 < len(spikes) else len(log_probs)
        while start > low and there[start - 1]:
            start -= 1
        while end < high and there[end]:
            end += 1
        placed.append((units.symbols[spike.unit - 1], start, end))
        low = end
    return placed


def _join_characters(
    log_probs: np.ndarray, spikes: list[_Spike], units: Units, prior: float
) -> list[tuple[str, int, int]]:
    """Return what spikes of characters spell, mended by the list of words: (word, first, after the last frame)."""
    groups: list[list[_Spike]] = [[]]
    edges = [0]
    for spike in spikes:
        if units.symbols[spike.unit - 1] == BLANK:
            groups.append([])
            edges += [spike.start, spike.end]
        else:
            groups[-1].append(spike)
    edges.append(len(log_probs))
    joined: list[tuple[str, int, int]] = []
    for index, group in enumerate(groups):
        if not group:
            continue
        heard = "".join(units.symbols[s.unit - 1] for s in group)
        place = 0
        parts = words_of(heard)
        for word in parts:  # several in a script without blanks
            own = group[place : place + len(word)] or group[-1:]
            place += len(word)
            if len(parts) == 1 and prior > 0 and word not in units.counts:  # from the blank before to that after it
                word = mend_word(word, log_probs[edges[2 * index] : edges[2 * index + 1]], units, prior)
            joined.append((word, own[0].start, own[-1].end))
    return joined


def mend_word(word: str, log_probs: np.ndarray, units: Units, prior: float) -> str:
    """Return the training word that log-probabilities (frame, unit) and the prior like better than the word, or it.

    Candidates lie within an edit distance of a third of the letters, and of at least 2. The prior of a word is its
    share of the training words, or that of UNSEEN over all spellings as long.
    """
    total = math.log(sum(units.counts.values()) + UNSEEN)
    unseen = math.log(UNSEEN) - len(word) * math.log(max(2, len(units.symbols)))
    reach = max(2, -(-len(word) // 3))
    best, best_score = word, score_units(log_probs, units.encode(word)) + prior * (unseen - total)
    words = list(units.counts)
    near = process.extract(word, words, scorer=Levenshtein.distance, score_cutoff=reach, limit=None)
    for _, few, other in sorted((distance, -units.counts[other], other) for other, distance, _ in near)[:MOST_NEAR]:
        score = score_units(log_probs, units.encode(other)) + prior * (math.log(-few) - total)
        if score > best_score:
            best, best_score = other, score
    return best


def score_units(log_probs: np.ndarray, ids: list[int]) -> float:
    """Return the log-probability that log_probs (frame, unit) give to a sequence of units, over all alignments."""
    if not len(log_probs):
        return 0.0 if not ids else -math.inf
    frames = torch.from_numpy(np.asarray(log_probs, np.float64))[:, None]
    sizes = torch.tensor([len(log_probs)]), torch.tensor([len(ids)])
    return -float(F.ctc_loss(frames, torch.tensor([ids], dtype=torch.int64), *sizes, reduction="sum"))
