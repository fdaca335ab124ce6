"""Whether the cells of one row belong together: columns that slipped by a few rows, and rows whose cells were swapped.
Knows only what quick guessers say of held-out rows. A column that is shuffled all over cannot be told from one that
says nothing: what is found is one that fits another row's label, or that fits its own nearly everywhere and, in some
rows, surely another, while the rest of the row fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from plait.checks.guesses import Labels, Voice, fuse
from plait.core.finding import Finding
from plait.core.words import count, percent
from plait.kinds import KINDS

SHIFTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
LEAST_SILENT = 200  # rows below which saying nothing means little
SHUFFLES = 20  # shuffled labellings that tell what chance can do
CHANCE = 1e-4  # how often a sound table may be called slipped


def check_pairing(
    voices: Sequence[Voice], labels: Labels, prior: np.ndarray, generator: np.random.Generator
) -> list[Finding]:
    """Return findings of pairing-shifted and pairing-shuffled; there must be two modalities for one not to fit."""
    findings: list[Finding] = []
    for voice in voices if len(voices) > 1 else ():
        slipped = list(_check_shift(voice, labels, generator)) or list(_check_block(voice, labels))
        findings += slipped or _check_swaps(voice, voices, labels, prior)
        findings += [] if slipped else _check_silence(voice, voices, labels, float(prior.max()), generator)
    return findings


def _check_silence(
    voice: Voice, voices: Sequence[Voice], labels: Labels, chance: float, generator: np.random.Generator
) -> Iterator[Finding]:
    """Find pictures, sounds or texts that say nothing of the label, beside a modality that says it well."""
    if not KINDS[voice.guesser.modality.kind].checks.SPEAKS or len(voice.guesser.rows) < LEAST_SILENT:
        return
    skill, right, noise = _skill(voice, labels, generator)
    if skill > noise.mean() + 3 * noise.std():
        return
    for other in voices:
        guessed = other.probabilities[other.places].argmax(axis=1)
        others = float((guessed == labels.codes[other.guesser.rows]).mean())
        if other is not voice and others >= chance + 0.5 * (1 - chance):
            message = (
                f"{voice.name!r} says nothing of the label ({percent(right, 0)} of quick guesses are right), while "
                f"{other.name!r} says it in {percent(others, 0)}: its cells may be shuffled, or it does not matter"
            )
            mend = "Look at some rows: do the cells belong together? If not, join the columns by a key."
            yield Finding("note", "pairing-no-signal", voice.column, (), message, mend)
            return


def _check_shift(voice: Voice, labels: Labels, generator: np.random.Generator) -> Iterator[Finding]:
    """Find a modality that tells the label of the row k away, and hardly that of its own row."""
    skill_here, right_here, noise = _skill(voice, labels, generator)
    moved = [_moved(labels, voice.guesser.rows, shift) for shift in SHIFTS]
    skills = dict(zip(SHIFTS, _skills(voice, moved, len(labels.names)), strict=True))
    best = max(skills, key=lambda shift: skills[shift][0])
    skill, right = skills[best]
    rest = max(skills[shift][0] for shift in SHIFTS if shift != best)
    beyond = float(noise.mean() + 8 * noise.std())
    if skill > max(0.02, beyond) and skill_here < 0.5 * skill and rest < 0.7 * skill:
        slip = count(abs(best), "row")
        message = (
            f"{voice.name!r} fits the label {_say_slip(best)} ({percent(right, 0)} guessed right) rather than its own "
            f"row's ({percent(right_here, 0)}): its cells seem to have slipped by {slip}"
        )
        mend = "See whether a row was lost or a header counted when the columns were put together, "
        mend += "and join them by a key."
        yield Finding("warning", "pairing-shifted", voice.column, (), message, mend)


def _say_slip(shift: int) -> str:
    return f"{count(abs(shift), 'row')} {'below' if shift > 0 else 'above'}"


def _skill(voice: Voice, labels: Labels, generator: np.random.Generator) -> tuple[float, float, np.ndarray]:
    """Return what `_skills` says of the labels as they stand, and the skill of chance on shuffled ones (shuffle,)."""
    codes = labels.codes[voice.guesser.rows]
    shuffled = [generator.permutation(codes) for _ in range(SHUFFLES)]
    (skill, right), *chance = _skills(voice, [codes, *shuffled], len(labels.names))
    return skill, right, np.array([value for value, _ in chance])


def _skills(voice: Voice, labellings: Sequence[np.ndarray], size: int) -> list[tuple[float, float]]:
    """Return for each labelling (n,) the share of the squared error that guesses save, and the share guessed right."""
    targets = []
    for codes in labellings:
        target = np.eye(size)[np.maximum(codes, 0)]
        target[codes < 0] = target[codes >= 0].mean(axis=0)
        targets.append(target)
    guesses = np.split(voice.guesser.guess(np.concatenate(targets, axis=1), voice.ridge), len(targets), axis=1)
    skills = []
    for codes, target, guess in zip(labellings, targets, guesses, strict=True):
        known = codes >= 0
        spread = ((target[known] - target[known].mean(axis=0)) ** 2).sum()
        saved = 1 - ((guess - target)[known] ** 2).sum() / max(float(spread), 1e-12)
        skills.append((float(saved), float((guess.argmax(axis=1) == codes)[known].mean())))
    return skills


def _moved(labels: Labels, rows: np.ndarray, shift: int) -> np.ndarray:
    """Return the class code of the row `shift` below each row, −1 beyond the table."""
    moved = rows + shift
    inside = (moved >= 0) & (moved < len(labels.codes))
    return np.where(inside, labels.codes[np.where(inside, moved, 0)], -1)


def _check_block(voice: Voice, labels: Labels) -> Iterator[Finding]:
    """Find a run of rows in which the guess fits the label k rows away and not that of its own row.
    Each row scores +1 where only the other fits and −1 where only its own does. The best run is found by Kadane's
    method; how often chance gives such a run follows Karlin and Altschul (1990)."""
    rows, codes = voice.guesser.rows, labels.codes[voice.guesser.rows]
    guessed = voice.probabilities[voice.places].argmax(axis=1)
    fits = guessed == codes
    shares = np.bincount(codes) / len(rows)
    best: tuple[int, int, slice] | None = None
    for shift in SHIFTS:
        moved = _moved(labels, rows, shift)
        alike = float((codes == moved).mean())
        if abs(alike - float((shares**2).sum())) > 0.2:  # labels in a pattern: the row k away says what its own says
            continue
        other = guessed == moved
        score = other.astype(int) - fits
        run = slice(*best_run(score))
        total, outside = int(score[run].sum()), np.delete(score, run)
        up, down = int((outside > 0).sum()) + 1, int((outside < 0).sum()) + 1
        if total < 8 or up >= 0.5 * down:
            continue
        chance = len(SHIFTS) * len(rows) * float(np.exp(-total * np.log(down / up)))
        steady = other[run].mean() >= 2 * fits[run].mean() + 0.1
        if chance < CHANCE and steady and (best is None or total > best[0]):
            best = (total, shift, run)
    if best is not None:
        _total, shift, run = best
        at_fault = tuple(int(row) for row in rows[run])
        other = guessed[run] == _moved(labels, rows[run], shift)
        message = (
            f"from row {at_fault[0]} to row {at_fault[-1]}, {voice.name!r} fits the label {_say_slip(shift)} "
            f"({percent(other.mean(), 0)} guessed right) rather than that of its own row "
            f"({percent(fits[run].mean(), 0)}; elsewhere {percent(np.delete(fits, run).mean(), 0)})"
        )
        mend = "These cells seem to have slipped: see what happened at the first of these rows, and join by a key."
        yield Finding("warning", "pairing-shifted", voice.column, at_fault, message, mend)


def best_run(score: np.ndarray) -> tuple[int, int]:
    """Return start and stop of the run with the largest sum."""
    sums = np.concatenate([[0], np.cumsum(score)])
    lowest = np.minimum.accumulate(sums)
    stop = int((sums - lowest).argmax())
    start = int(np.flatnonzero(sums[: stop + 1] == lowest[stop])[-1])
    return start, stop


def _check_swaps(voice: Voice, voices: Sequence[Voice], labels: Labels, prior: np.ndarray) -> Iterator[Finding]:
    """Find rows in which one modality surely says another label, while the others surely say the label that stands.

    A modality that is only hard to guess errs little where it is most sure. One whose cells are swapped in some rows
    errs there too: errors count only where those in the surest quarter of the rows are not far fewer than in the next.
    A column that says the label in four rows of five looks just the same: only what speaks of its row is judged.
    """
    if not KINDS[voice.guesser.modality.kind].checks.SPEAKS:
        return
    others = fuse([other.probabilities for other in voices if other is not voice], prior)
    rows, places = voice.guesser.rows, voice.places
    codes = labels.codes[rows]
    held = others[places, codes] >= 0.9
    rows, codes, places = rows[held], codes[held], places[held]
    if len(rows) < 100:
        return
    probabilities = voice.probabilities[places]
    wrong = probabilities.argmax(axis=1) != codes
    order = np.argsort(-probabilities.max(axis=1), kind="stable")
    quarter = len(order) // 4
    surest, second, third = (wrong[order[i * quarter : (i + 1) * quarter]] for i in range(3))
    rate, spread = float(surest.mean()), float(np.sqrt(max(surest.mean(), 1 / quarter) / quarter))
    # Where the others are sure of the commonest class alone, a column that says nothing is right in nearly all rows.
    commonest = max(float(prior.max()), float(np.bincount(codes).max()) / len(codes))
    good = 1 - wrong.mean() >= 0.3 + 0.7 * commonest
    level = rate >= 0.5 * float(second.mean()) and rate >= 0.4 * float(third.mean())
    if not good or not level or rate - 2.5 * spread < 0.01 or surest.sum() < 5:
        return
    standing = probabilities[np.arange(len(rows)), codes]
    # With many swaps even the surest guess leaves each other label its share of them.
    sure = wrong & (standing <= max(0.05, 2 * rate / (len(prior) - 1)))
    at_fault = tuple(int(rows[i]) for i in np.argsort(standing, kind="stable") if sure[i])
    message = (
        f"in {count(len(at_fault))} of {count(len(rows), 'row')} {voice.name!r} surely says another label, while the "
        f"rest of the row says the one that stands (so do {percent(rate, 0)} of its surest guesses); they may belong "
        "to other rows"
    )
    mend = "Look at these rows, the worst first. Join the columns by a key, or leave such cells blank."
    yield Finding("warning", "pairing-shuffled", voice.column, at_fault, message, mend)
