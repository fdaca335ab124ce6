"""A quick learning curve: whether more rows would help. Trains no network and knows nothing of splits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from plait.checks.guesses import LEAST_ROWS, Labels, choose_rows, fuse, hear_voices, nested_order
from plait.checks.survey import Survey
from plait.core.finding import Finding
from plait.core.terminal import Callback
from plait.core.threads import one_thread
from plait.core.words import count, percent

SHARES = (0.125, 0.25, 0.5, 1.0)
RISE = 2.0  # standard errors that the last doubling of the rows must gain


def check_growth(survey: Survey, callback: Callback) -> Iterator[Finding]:
    """Find how often quick guesses from all modalities are right when they learn from parts of the rows, 3,000 at most.

    Each part holds the one before it, with about the same class shares. A network learns more from many rows than a
    quick guesser does, so a curve that still rises is believed, and a level one is worth a fit with --learning-curve.
    """
    labels = Labels.find(survey.table, survey.schema)
    generator = np.random.default_rng(3)
    rows = choose_rows(labels, generator) if labels is not None else np.zeros(0, np.int64)
    if labels is None or len(rows) < LEAST_ROWS:
        message = f"there is no learning curve: it needs a target of classes and {LEAST_ROWS} rows with a label"
        mend = "Name the target with --target, or gather rows."
        yield Finding("note", "learning-curve", survey.schema.role("target"), (), message, mend)
        return
    order = nested_order(rows, labels.codes, generator)
    points: list[tuple[int, float]] = []
    plain = replace(survey, cache=None)  # each share is guessed from the same plain numbers
    with one_thread():  # products this small only wait for each other on several threads
        for share in SHARES:
            part = np.sort(order[: round(share * len(order))])
            right = _share_right(plain, labels, part, callback) if len(part) >= LEAST_ROWS else None
            if right is not None:
                points.append((len(part), right))
    if not points:
        return
    curve = ", ".join(f"{percent(right, 0)} with {count(num)}" for num, right in points)
    message = f"quick guesses of {labels.name!r} for rows not learned from are right in {curve} rows"
    mend = "Too few points to say more. Gather more rows."
    if len(points) > 1:
        (_, before), (num, last) = points[-2:]
        rising = last - before > RISE * np.sqrt(max(last * (1 - last), 1e-4) / num)
        message += "; the curve still rises" if rising else "; the curve is level"
        level = "More rows alike may not help much; plait fit --learning-curve asks the network itself."
        mend = "More rows are likely to help." if rising else level
    yield Finding("note", "learning-curve", labels.name, (), message, mend)


def _share_right(survey: Survey, labels: Labels, rows: np.ndarray, callback: Callback) -> float | None:
    rows = rows[labels.counts(rows)[labels.codes[rows]] >= 2]
    voices = hear_voices(survey, labels, rows, np.random.default_rng(4), callback)
    if not voices:
        return None
    guessed = fuse([voice.probabilities for voice in voices], labels.prior(rows)).argmax(axis=1)
    return float((guessed == labels.codes[rows]).mean())
