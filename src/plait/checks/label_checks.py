"""Checks of the target against everything else: splits, classes, holes, leaks, copies, likely wrong labels.

Knows no network: what a row's cells say of its label is asked of quick guessers. Each check that cannot run (no target,
one class, too few rows) gives no finding.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from plait.checks.guesses import (
    LEAST_ROWS,
    MOST_CLASSES,
    Labels,
    choose_guesser,
    choose_rows,
    deal_folds,
    fuse,
    make_guessers,
    one_hot,
    to_probabilities,
)
from plait.checks.leaks import check_holes, check_leaks
from plait.checks.pairing import Voice, check_pairing
from plait.checks.splits import split_of
from plait.checks.survey import Survey
from plait.core.contract import Schema, Table
from plait.core.finding import Finding
from plait.core.words import count, percent
from plait.kinds import KINDS

FEW_ROWS = 10  # training rows of a class
UNEVEN, VERY_UNEVEN = 4, 20  # largest class to smallest
Callback = Callable[[dict[str, Any]], None]


def check_labels(table: Table, schema: Schema, survey: Survey, callback: Callback) -> list[Finding]:
    """Return the findings about the target, and about what the other columns say of it.

    At most 3,000 rows are asked of the guessers, drawn with a fixed seed. Progress: {"stage": "labels", "done",
    "total"}, in modalities.
    """
    found = [*_check_groups(table, schema), *_check_ids(table, schema)]
    labels = Labels.find(table, schema)
    found += check_leaks(table, schema)
    if labels is None:
        return found
    found += _check_classes(labels, split_of(table, schema))
    found += check_holes(table, schema, survey, labels)
    found += _check_conflicts(table, schema, survey, labels)
    found += _check_rows(table, schema, survey, labels, callback)
    return found


def _check_groups(table: Table, schema: Schema) -> Iterator[Finding]:
    group, split = schema.role("group"), split_of(table, schema)
    if group is None or split is None:
        return
    places: defaultdict[str, set[str]] = defaultdict(set)
    for cell, part in zip(table.cells(group), split, strict=True):
        if cell is not None and part is not None:
            places[str(cell)].add(part)
    shared = sorted(name for name, parts in places.items() if len(parts) > 1)
    if shared:
        shown = ", ".join(repr(name[:40]) for name in shared[:3]) + (" …" if len(shared) > 3 else "")
        message = (
            f"{count(len(shared))} of {count(len(places), 'group is', 'groups are')} in more than one split: {shown}; "
            "scores will be too good"
        )
        mend = "Put each group into one split, or leave the split column out: fit then draws whole groups."
        yield Finding("warning", "split-group", group, (), message, mend)


def _check_ids(table: Table, schema: Schema) -> Iterator[Finding]:
    split = split_of(table, schema)
    if split is None:
        return
    for column in schema.columns:
        if column.kind != "id" or column.role not in ("ignored", "feature"):
            continue
        rows: defaultdict[str, list[int]] = defaultdict(list)
        for row, cell in enumerate(table.cells(column.name)):
            if cell is not None and split[row] is not None:
                rows[str(cell)].append(row)
        shared = [own for own in rows.values() if len({split[row] for row in own}) > 1]
        if shared:
            at_fault = sorted(row for own in shared for row in own)
            shown = repr(table.cells(column.name, at_fault[:1])[0])[:60]
            message = f"{count(len(shared), 'id is', 'ids are')} in more than one split, such as {shown}"
            mend = "Keep each id in one split; if these rows belong together, name the column: --group."
            yield Finding("warning", "split-id", column.name, tuple(at_fault), message, mend)


def _check_classes(labels: Labels, split: Sequence[str | None] | None) -> Iterator[Finding]:
    here = labels.codes >= 0
    counts = np.bincount(labels.codes[here], minlength=len(labels.names))
    most, least = int(counts.argmax()), int(counts.argmin())
    ratio = counts[most] / counts[least]
    if ratio >= UNEVEN:
        severity = "warning" if ratio >= VERY_UNEVEN else "note"
        message = (
            f"the classes are uneven: {labels.names[most]!r} has {count(counts[most], 'row')} and "
            f"{labels.names[least]!r} {count(counts[least])}; always saying the first is right in "
            f"{percent(counts[most] / counts.sum(), 0)}"
        )
        mend = "Judge by balanced accuracy or F1 rather than accuracy; fit --balance weighs the classes alike."
        yield Finding(severity, "label-imbalance", labels.name, (), message, mend)
    if split is None:
        training, wanted, what = counts, FEW_ROWS * 5 // 4, "rows"  # a fifth of them goes to validation and test
    else:
        train = here & np.array([part == "train" for part in split])
        training, wanted, what = np.bincount(labels.codes[train], minlength=len(counts)), FEW_ROWS, "training rows"
    few = [code for code in range(len(counts)) if training[code] < wanted]
    if few:
        few.sort(key=lambda code: int(training[code]))
        shown = ", ".join(f"{labels.names[code]!r} {count(training[code])}" for code in few[:6]) + (
            " …" if len(few) > 6 else ""
        )
        have = count(len(counts), "class has", "classes have")
        message = f"{count(len(few))} of {have} fewer than {wanted} {what} to learn from: {shown}"
        mend = "Gather more rows of these classes, join them with others, or leave their labels blank."
        yield Finding("warning", "label-few-rows", labels.name, (), message, mend)


def _check_conflicts(table: Table, schema: Schema, survey: Survey, labels: Labels) -> Iterator[Finding]:
    """Find rows that hold the same and have other labels, where what is the same otherwise has the same label."""
    kinds = {m: KINDS[m.kind] for m in schema.modalities if KINDS[m.kind].checks is not None}
    keys = {m.name: kind.checks.contents(survey.seen(table, m.columns)) for m, kind in kinds.items()}
    if not keys:
        return
    told: set[int] = set()
    whole = [key if any(part is not None for part in key) else None for key in zip(*keys.values(), strict=True)]
    rows = _conflicts(whole, labels)
    if rows:
        told.update(rows)
        pair = _pair(rows, whole, labels)
        same = count(
            len(rows), "row holds the same as another row and has", "rows hold the same as another row and have"
        )
        message = f"{same} another label, such as {pair}"
        mend = "At most one of the labels can be right: mend it, or drop the copies."
        yield Finding("warning", "label-conflict", labels.name, tuple(rows), message, mend)
    for modality, kind in kinds.items():
        if len(keys) < 2 or not kind.checks.SPEAKS:
            continue
        own = keys[modality.name]
        counts = Counter(own)  # only what comes again is looked at closer
        own = [key if counts[key] > 1 and not kind.checks.by_chance(key) else None for key in own]
        rows = [row for row in _conflicts(own, labels) if row not in told]
        if rows:
            message = (
                f"{count(len(rows), 'row has', 'rows have')} the same {modality.kind} as another row and another "
                f"label, such as {_pair(rows, own, labels)}"
            )
            mend = "See which row the cell belongs to, and which label is right."
            column = modality.columns[0] if len(modality.columns) == 1 else None
            yield Finding("warning", "label-conflict", column, tuple(rows), message, mend)


def _conflicts(keys: Sequence[Any], labels: Labels) -> list[int]:
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None and labels.codes[row] >= 0:
            groups[key].append(row)
    copies = [own for own in groups.values() if len(own) > 1]
    odd = [own for own in copies if len(set(labels.codes[own])) > 1]
    held, doubted = sum(map(len, copies)), sum(map(len, odd))
    rare = doubted <= 0.02 * len(keys) + 2 and held <= 0.05 * len(keys) + 2
    if not odd or not (rare or doubted <= 0.2 * held):  # cells that are used for many labels on purpose
        return []
    return sorted(row for own in odd for row in own)


def _pair(rows: list[int], keys: Sequence[Any], labels: Labels) -> str:
    first = rows[0]
    other = next(
        row for row in rows[1:] + rows[:1] if keys[row] == keys[first] and labels.codes[row] != labels.codes[first]
    )
    names = labels.names[labels.codes[first]], labels.names[labels.codes[other]]
    return f"rows {first} ({names[0]!r}) and {other} ({names[1]!r})"


def _check_rows(table: Table, schema: Schema, survey: Survey, labels: Labels, callback: Callback) -> Iterator[Finding]:
    """Ask quick guessers of each modality, and judge the pairing and the labels by what they say."""
    from threadpoolctl import threadpool_limits

    generator = np.random.default_rng(0)
    rows = choose_rows(labels, generator)
    if len(rows) < LEAST_ROWS or not 2 <= len(labels.names) <= MOST_CLASSES:
        return
    with threadpool_limits(limits=1):  # products this small only wait for each other on several threads
        voices = hear_voices(table, schema, survey, labels, rows, generator, callback)
        if not voices:
            return
        prior = np.bincount(labels.codes[rows], minlength=len(labels.names)) / len(rows)
        prior = np.maximum(prior, 1e-9)
        found = check_pairing(voices, labels, prior, generator)
    yield from found
    doubted = {row for finding in found for row in finding.rows}
    slipped = {finding.column for finding in found if finding.check == "pairing-shifted" and not finding.rows}
    voices = [voice for voice in voices if voice.column not in slipped]
    if voices:
        yield from _check_wrong(voices, labels, rows, prior, doubted)


def hear_voices(
    table: Table,
    schema: Schema,
    survey: Survey,
    labels: Labels,
    rows: np.ndarray,
    generator: np.random.Generator,
    callback: Callback,
) -> list[Voice]:
    """Return what quick guessers of each modality say of these rows, each row by guessers that have not seen it.

    rows: (n,) of the table, in order, each with a label; a modality that few of them have is left out.
    """
    voices = []
    for done, modality in enumerate(schema.modalities):
        callback({"stage": "labels", "done": done, "total": len(schema.modalities)})
        guessers = make_guessers(table, schema, survey, modality, rows, generator)
        if not guessers:
            continue
        codes = labels.codes[guessers[0].rows]
        folds, target = deal_folds(codes, generator), one_hot(codes, len(labels.names))
        guesser, ridge = choose_guesser([one.with_folds(folds) for one in guessers], target)
        said, places = np.full((len(rows), len(labels.names)), np.nan), np.searchsorted(rows, guesser.rows)
        said[places] = to_probabilities(guesser.guess(target, ridge).astype(float), codes)
        voices.append(Voice(modality.name, guesser, ridge, said, places))
    callback({"stage": "labels", "done": len(schema.modalities), "total": len(schema.modalities)})
    return voices


def _check_wrong(
    voices: Sequence[Voice], labels: Labels, rows: np.ndarray, prior: np.ndarray, doubted: set[int]
) -> Iterator[Finding]:
    probabilities = fuse({voice.name: voice.probabilities for voice in voices}, prior)
    codes = labels.codes[rows]
    wrong = [place for place in find_wrong(probabilities, codes, prior) if int(rows[place]) not in doubted]
    if not wrong or len(wrong) > 0.2 * len(rows):  # so many: the guessers cannot tell these labels
        return
    shown = ", ".join(
        f"row {rows[p]}: {labels.names[codes[p]]!r}, guessed {labels.names[int(probabilities[p].argmax())]!r}"
        for p in wrong[:3]
    )
    seen = [v.name + (f" (as {v.guesser.encoder} sees it)" if v.guesser.encoder else "") for v in voices]
    names = " and ".join(seen) if len(voices) < 4 else f"{len(voices)} modalities"
    drawn = int((labels.codes >= 0).sum()) > len(rows)
    where = f" (looked at {count(len(rows), 'row')}, drawn)" if drawn else ""
    said = f"quick guesses from {names}, for rows not learned from, surely say another"
    message = f"{count(len(wrong), 'label is', 'labels are')} likely wrong{where}: {said}: {shown}"
    mend = (
        "Look at these rows, the worst first, and mend the label or leave it blank. A hard row may have the right one."
    )
    yield Finding("warning", "label-wrong", labels.name, tuple(int(rows[p]) for p in wrong), message, mend)


def find_wrong(probabilities: np.ndarray, codes: np.ndarray, prior: np.ndarray) -> list[int]:
    """Return the rows whose label is likely wrong, the worst first, by confident learning.

    probabilities: (n, class), each row held out; codes: (n,) the labels that stand; prior: (class,) their shares. A row
    counts for class j where j is above the mean that rows labelled j give j; of each pair of classes as many rows are
    taken as the confident joint says (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068, prune by noise rate). Beyond
    the paper, to keep false alarms few: the label that stands must have at most 0.02, and at most 0.1 with all classes
    equally common, and another at least 0.8.
    """
    size = probabilities.shape[1]
    own = probabilities[np.arange(len(codes)), codes]
    counts = np.bincount(codes, minlength=size)
    mean = np.bincount(codes, own, size) / np.maximum(counts, 1)
    above = np.where((probabilities >= mean) & (counts > 0), probabilities, -1)
    said, sure = above.argmax(axis=1), above.max(axis=1) > 0
    joint = np.zeros((size, size))
    np.add.at(joint, (codes[sure], said[sure]), 1)
    joint *= (counts / np.maximum(joint.sum(axis=1), 1))[:, None]
    even = probabilities / prior
    even = even[np.arange(len(codes)), codes] / even.sum(axis=1)
    doubtful = (own <= 0.02) & (even <= 0.1) & (probabilities.max(axis=1) >= 0.8)
    chosen: set[int] = set()
    for label, other in zip(*np.nonzero(np.round(joint)), strict=True):
        if label != other:
            rows = np.flatnonzero(codes == label)
            margin = probabilities[rows, other] - probabilities[rows, label]
            taken = rows[np.argsort(-margin, kind="stable")[: round(joint[label, other])]]
            chosen.update(taken[doubtful[taken]].tolist())
    return sorted(chosen, key=lambda row: (own[row], row))
