"""Whether the cells of one row belong together: columns that slipped by a few rows, and rows whose cells were swapped.

Knows only what quick guessers say of held-out rows. A column that is shuffled all over says nothing of the label, and
cannot be told from one that never did: what is found is a column that fits another row's label, or that fits its own
label nearly everywhere and, in some rows, surely another, while the rest of the row fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from plait.checks.guesses import Guesser, Labels, fuse, one_hot
from plait.core.finding import Finding
from plait.core.words import count, percent
from plait.kinds import KINDS

SHIFTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
LEAST_SILENT = 200  # rows below which saying nothing means little
SHUFFLES = 20  # shuffled labellings that tell what chance can do
CHANCE = 1e-4  # how often a sound table may be called slipped


@dataclass(frozen=True)
class Voice:
    """What one modality says of the label. probabilities: (n, class) of the rows looked at, held out, NaN where it is
    absent; places: where the rows of the guesser are among them.
    """

    name: str
    guesser: Guesser
    ridge: float
    probabilities: np.ndarray
    places: np.ndarray

    @property
    def column(self) -> str | None:
        """The column a finding is about; None for a modality of several."""
        columns = self.guesser.modality.columns
        return columns[0] if len(columns) == 1 else None


def check_pairing(
    voices: Sequence[Voice], labels: Labels, prior: np.ndarray, generator: np.random.Generator
) -> list[Finding]:
    """Return findings of pairing-shifted and pairing-shuffled; there must be two modalities for one not to fit."""
    found: list[Finding] = []
    if len(voices) < 2:
        return found
    for voice in voices:
        slipped = list(_check_shift(voice, labels, generator)) or list(_check_block(voice, labels))
        found += slipped or _check_swaps(voice, voices, labels, prior)
        found += [] if slipped else _check_silence(voice, voices, labels, prior, generator)
    return found


def _check_silence(
    voice: Voice, voices: Sequence[Voice], labels: Labels, prior: np.ndarray, generator: np.random.Generator
) -> Iterator[Finding]:
    """Find pictures, sounds or texts that say nothing of the label, beside a modality that says it well."""
    rows, size = voice.guesser.rows, len(labels.names)
    if not KINDS[voice.guesser.modality.kind].checks.SPEAKS or len(rows) < LEAST_SILENT:
        return
    codes = labels.codes[rows]
    own, *shuffled = _skills(voice, [codes, *(generator.permutation(codes) for _ in range(SHUFFLES))], size)
    noise = np.array([value for value, _ in shuffled])
    if own[0] > noise.mean() + 3 * noise.std():
        return
    chance = float(prior.max())
    for other in voices:
        said = other.probabilities[other.places]
        right = float((said.argmax(axis=1) == labels.codes[other.guesser.rows]).mean())
        if other is not voice and right >= chance + 0.5 * (1 - chance):
            message = (
                f"{voice.name!r} says nothing of the label ({percent(own[1], 0)} of quick guesses are right), while "
                f"{other.name!r} says it in {percent(right, 0)}: its cells may be shuffled, or it does not matter"
            )
            mend = "Look at some rows: do the cells belong together? If not, join the columns by a key."
            yield Finding("note", "pairing-no-signal", voice.column, (), message, mend)
            return


def _check_shift(voice: Voice, labels: Labels, generator: np.random.Generator) -> Iterator[Finding]:
    """Find a modality that tells the label of the row k away, and hardly that of its own row."""
    rows, size = voice.guesser.rows, len(labels.names)
    codes = labels.codes[rows]
    own, *shuffled = _skills(voice, [codes, *(generator.permutation(codes) for _ in range(SHUFFLES))], size)
    skills = dict(zip(SHIFTS, _skills(voice, [_moved(labels, rows, k) for k in SHIFTS], size), strict=True))
    best = max(skills, key=lambda k: skills[k][0])
    skill, right = skills[best]
    rest = max(skills[k][0] for k in SHIFTS if k != best)
    noise = np.array([value for value, _ in shuffled])
    beyond = float(noise.mean() + 8 * noise.std())
    if skill > max(0.02, beyond) and own[0] < 0.5 * skill and rest < 0.7 * skill:
        where = "below" if best > 0 else "above"
        slip = count(abs(best), "row")
        message = (
            f"{voice.name!r} fits the label {slip} {where} ({percent(right, 0)} guessed right) rather than its own "
            f"row's ({percent(own[1], 0)}): its cells seem to have slipped by {slip}"
        )
        mend = (
            "See whether a row was lost or a header counted when the columns were put together, and join them by a key."
        )
        yield Finding("warning", "pairing-shifted", voice.column, (), message, mend)


def _skills(voice: Voice, labellings: Sequence[np.ndarray], size: int) -> list[tuple[float, float]]:
    """Return for each labelling (n,) the share of the squared error that guesses save, and the share guessed right."""
    targets = []
    for codes in labellings:
        target = one_hot(np.maximum(codes, 0), size)
        target[codes < 0] = target[codes >= 0].mean(axis=0)
        targets.append(target)
    said = voice.guesser.guess(np.concatenate(targets, axis=1), voice.ridge)
    out = []
    for i, (codes, target) in enumerate(zip(labellings, targets, strict=True)):
        own, there = said[:, i * size : (i + 1) * size], codes >= 0
        centre = target[there].mean(axis=0)
        saved = 1 - ((own - target)[there] ** 2).sum() / max(float(((target[there] - centre) ** 2).sum()), 1e-12)
        out.append((float(saved), float((own.argmax(axis=1) == codes)[there].mean())))
    return out


def _moved(labels: Labels, rows: np.ndarray, shift: int) -> np.ndarray:
    """Return the class code of the row `shift` below each row, −1 beyond the table."""
    moved = rows + shift
    there = (moved >= 0) & (moved < len(labels.codes))
    return np.where(there, labels.codes[np.where(there, moved, 0)], -1)


def _check_block(voice: Voice, labels: Labels) -> Iterator[Finding]:
    """Find a run of rows in which the guess fits the label k rows away and not that of its own row.

    Each row scores +1 where only the other fits and −1 where only its own does. The best run is found by Kadane's
    method; how often chance gives such a run follows Karlin and Altschul (1990).
    """
    rows = voice.guesser.rows
    guessed = voice.probabilities[voice.places].argmax(axis=1)
    fits = guessed == labels.codes[rows]
    shares = np.bincount(labels.codes[rows]) / len(rows)
    best: tuple[int, int, int, int] | None = None
    for shift in SHIFTS:
        moved = _moved(labels, rows, shift)
        alike = float((labels.codes[rows] == moved).mean())
        if abs(alike - float((shares**2).sum())) > 0.2:  # labels in a pattern: the row k away says what its own says
            continue
        other = guessed == moved
        score = other.astype(int) - fits
        start, stop = best_run(score)
        total = int(score[start:stop].sum())
        outside = np.delete(score, np.s_[start:stop])
        up, down = int((outside > 0).sum()) + 1, int((outside < 0).sum()) + 1
        if total < 8 or up >= 0.5 * down:
            continue
        chance = len(SHIFTS) * len(rows) * float(np.exp(-total * np.log(down / up)))
        steady = other[start:stop].mean() >= 2 * fits[start:stop].mean() + 0.1
        if chance < CHANCE and steady and (best is None or total > best[0]):
            best = (total, shift, start, stop)
    if best is not None:
        total, shift, start, stop = best
        own = tuple(int(row) for row in rows[start:stop])
        slip = f"{count(abs(shift), 'row')} {'below' if shift > 0 else 'above'}"
        other = guessed[start:stop] == _moved(labels, rows[start:stop], shift)
        message = (
            f"from row {own[0]} to row {own[-1]}, {voice.name!r} fits the label {slip} ({percent(other.mean(), 0)} "
            f"guessed right) rather than that of its own row ({percent(fits[start:stop].mean(), 0)}; elsewhere "
            f"{percent(np.delete(fits, np.s_[start:stop]).mean(), 0)})"
        )
        mend = "These cells seem to have slipped: see what happened at the first of these rows, and join by a key."
        yield Finding("warning", "pairing-shifted", voice.column, own, message, mend)


def best_run(score: np.ndarray) -> tuple[int, int]:
    """Return start and stop of the run with the largest sum.

    >>> best_run(np.array([-1, 1, 1, -1, 1, -1, -1]))
    (1, 3)
    """
    sums = np.concatenate([[0], np.cumsum(score)])
    lowest = np.minimum.accumulate(sums)
    stop = int((sums - lowest).argmax())
    start = int(np.flatnonzero(sums[: stop + 1] == lowest[stop])[-1])
    return start, stop


def _check_swaps(voice: Voice, voices: Sequence[Voice], labels: Labels, prior: np.ndarray) -> Iterator[Finding]:
    """Find rows in which one modality surely says another label, while the others surely say the label that stands.

    A modality that is only hard to guess errs little where it is most sure. One whose cells are swapped in some rows
    errs there too: errors count only where those in the surest quarter of the rows are not far fewer than in the next.
    """
    others = fuse({other.name: other.probabilities for other in voices if other is not voice}, prior)
    rows, places = voice.guesser.rows, voice.places
    codes = labels.codes[rows]
    held = others[places, codes] >= 0.9
    rows, codes, places = rows[held], codes[held], places[held]
    if len(rows) < 100:
        return
    said = voice.probabilities[places]
    wrong = said.argmax(axis=1) != codes
    order = np.argsort(-said.max(axis=1), kind="stable")
    quarter = len(order) // 4
    surest, second, third = (wrong[order[i * quarter : (i + 1) * quarter]] for i in range(3))
    rate, spread = float(surest.mean()), float(np.sqrt(max(surest.mean(), 1 / quarter) / quarter))
    good = 1 - wrong.mean() >= 0.3 + 0.7 * float(prior.max())
    level = rate >= 0.5 * float(second.mean()) and rate >= 0.4 * float(third.mean())
    if not good or not level or rate - 2.5 * spread < 0.01 or surest.sum() < 5:
        return
    own = said[np.arange(len(rows)), codes]
    # With many swaps even the surest guess leaves each other label its share of them.
    sure = wrong & (own <= max(0.05, 2 * rate / (len(prior) - 1)))
    ranked = np.argsort(own, kind="stable")
    at_fault = tuple(int(rows[i]) for i in ranked if sure[i])
    message = (
        f"in {count(len(at_fault))} of {count(len(rows), 'row')} {voice.name!r} surely says another label, while the "
        f"rest of the row says the one that stands (so do {percent(rate, 0)} of its surest guesses); they may belong "
        "to other rows"
    )
    mend = "Look at these rows, the worst first. Join the columns by a key, or leave such cells blank."
    yield Finding("warning", "pairing-shuffled", voice.column, at_fault, message, mend)
