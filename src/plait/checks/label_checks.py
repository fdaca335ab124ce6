"""Checks of the target against everything else: splits, classes, holes, leaks, copies, likely wrong labels.
Knows no network: what a row's cells say of its label is asked of quick guessers. Each check that cannot run (no target,
one class, too few rows) gives no finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plait.checks.guesses import LEAST_ROWS, MOST_CLASSES, Labels, Voice, choose_rows, fuse, hear_voices
from plait.checks.leaks import check_holes, check_leaks, draw_labels
from plait.checks.pairing import check_pairing
from plait.checks.split_checks import check_gaps, check_groups, check_splits
from plait.checks.survey import Survey
from plait.checks.table_checks import split_of
from plait.core.contract import Column, Table
from plait.core.finding import Finding
from plait.core.terminal import Callback
from plait.core.threads import one_thread
from plait.core.words import count, percent
from plait.data import parse
from plait.data.label_lists import find_delimiter, read_labels
from plait.data.spelling import say_alike
from plait.errors import TableError
from plait.kinds import KINDS
from plait.kinds.facts import rows_of

FEW_ROWS = 10  # training rows of a class
UNEVEN, VERY_UNEVEN = 4, 20  # largest class to smallest
Split = Sequence[str | None]


def check_labels(survey: Survey, callback: Callback) -> list[Finding]:
    """Return the findings about the target, and about what the other columns say of it.
    At most 3,000 rows are asked of the guessers, drawn with a fixed seed. Progress: {"stage": "labels", "done",
    "total"}, in modalities."""
    table, schema = survey.table, survey.schema
    split, drawn = split_of(table, schema), draw_labels(table, schema)
    findings = check_splits(table, schema, split)
    groups = list(check_groups(table, schema, split, drawn))
    findings += groups
    findings += check_leaks(table, schema, drawn, {group.column for group in groups})
    target = next((column for column in schema.columns if column.role == "target"), None)
    if target is not None and target.kind == "labels":
        return [*findings, *_check_several(table, target, split)]
    labels = Labels.find(table, schema)
    if labels is not None:
        findings += [] if split is None else check_gaps(labels, split)
        findings += _check_classes(labels, split)
        findings += check_holes(survey, labels)
        findings += _check_conflicts(survey, labels)
        findings += _check_rows(survey, labels, callback)
    return findings


def _check_classes(labels: Labels, split: Split | None) -> Iterator[Finding]:
    if alike := say_alike(name for name in labels.names if isinstance(name, str)):
        message = f"classes differ only in how they are written: {alike}"
        mend = "If they are one, write them alike; fit takes each for a class."
        yield Finding("warning", "label-alike", labels.name, (), message, mend)
    if labels.alike:
        message = f"grades written in other letters count as the same: {labels.alike}"
        yield Finding("note", "label-alike", labels.name, (), message, "Nothing is needed.")
    if nothing := [name for name in labels.names if _means_nothing(name, labels.names)]:
        rows = np.flatnonzero(np.isin(labels.codes, [labels.names.index(name) for name in nothing]))
        shown = " or ".join(map(repr, nothing[:3]))
        message = f"{count(len(rows), 'row has', 'rows have')} the label {shown}, which may stand for none"
        mend = "If so, leave these labels blank; fit takes it for a class."
        yield Finding("warning", "label-no-value", labels.name, tuple(rows.tolist()), message, mend)
    counts = labels.counts()
    most, least = int(counts.argmax()), int(counts.argmin())
    ratio = counts[most] / counts[least]
    if ratio >= UNEVEN:
        severity = "warning" if ratio >= VERY_UNEVEN else "note"
        message = (
            f"the classes are uneven: {labels.names[most]!r} has {count(counts[most], 'row')} and "
            f"{labels.names[least]!r} has {count(counts[least])}; always saying the first is right in "
            f"{percent(counts[most] / counts.sum(), 0)}"
        )
        mend = "Judge by balanced accuracy or F1 rather than accuracy; fit --balance weighs the classes alike."
        yield Finding(severity, "label-imbalance", labels.name, (), message, mend)
    training, wanted, what = counts, FEW_ROWS * 5 // 4, "rows"  # a fifth of them goes to validation and test
    if split is not None:
        train = (labels.codes >= 0) & np.array([part == "train" for part in split])
        training, wanted, what = labels.counts(train), FEW_ROWS, "training rows"
    few = sorted(np.flatnonzero(training < wanted), key=lambda code: int(training[code]))
    if few:
        shown = ", ".join(f"{labels.names[code]!r} ({count(training[code])})" for code in few[:6])
        shown += " …" if len(few) > 6 else ""
        have = count(len(counts), "class has", "classes have")
        message = f"{count(len(few))} of {have} fewer than {wanted} {what} to learn from: {shown}"
        mend = "Gather more rows of these classes, join them with others, or leave their labels blank."
        yield Finding("warning", "label-few-rows", labels.name, (), message, mend)


def _means_nothing(name: Any, names: Sequence[Any]) -> bool:
    """Whether a label is a sign for nothing, such as N/A, or a number such as -999 beside small ones. Words such as
    none and unknown are what some classes are called."""
    if isinstance(name, str) and not parse.PLAIN.fullmatch(name):
        return parse.is_missing(name) and not (name.strip().isalpha() and len(name.strip()) > 3)
    others = [abs(float(other)) for other in names if other != name and parse.PLAIN.fullmatch(str(other))]
    far = len(others) == len(names) - 1 and abs(float(name)) > 10 * max(*others, 1.0)
    return far and parse.NO_VALUE.fullmatch(f"{float(name):.15g}") is not None


def _check_conflicts(survey: Survey, labels: Labels) -> Iterator[Finding]:
    """Find rows that hold the same and have other labels, where what is the same otherwise has the same label."""
    kinds = {m: KINDS[m.kind] for m in survey.schema.modalities if KINDS[m.kind].checks is not None}
    contents = {m: kind.checks.contents(survey.seen(m.columns)) for m, kind in kinds.items()}
    if not contents:
        return
    whole = [key if any(part is not None for part in key) else None for key in zip(*contents.values(), strict=True)]
    doubted = _conflicts(whole, labels)
    if doubted:
        same = "the same as another row and"
        have = count(len(doubted), f"row holds {same} has", f"rows hold {same} have")
        message = f"{have} another label, such as {_pair(doubted, whole, labels)}"
        mend = "At most one of the labels can be right: mend it, or drop the copies."
        yield Finding("warning", "label-conflict", labels.name, tuple(doubted), message, mend)
    for modality, kind in kinds.items():
        if len(kinds) < 2 or not kind.checks.SPEAKS:
            continue
        keys = contents[modality]
        counts = Counter(keys)  # only what comes again is looked at closer
        keys = [key if counts[key] > 1 and not kind.checks.by_chance(key) else None for key in keys]
        rows = [row for row in _conflicts(keys, labels) if row not in set(doubted)]
        if rows:
            message = (
                f"{count(len(rows), 'row has', 'rows have')} the same {modality.kind} as another row and another "
                f"label, such as {_pair(rows, keys, labels)}"
            )
            mend = "See which row the cell belongs to, and which label is right."
            column = modality.columns[0] if len(modality.columns) == 1 else None
            yield Finding("warning", "label-conflict", column, tuple(rows), message, mend)


def _conflicts(keys: Sequence[Any], labels: Labels) -> list[int]:
    groups = rows_of(key if code >= 0 else None for key, code in zip(keys, labels.codes, strict=True)).values()
    copies = [rows for rows in groups if len(rows) > 1]
    odd = [rows for rows in copies if len(set(labels.codes[rows])) > 1]
    held, doubted = sum(map(len, copies)), sum(map(len, odd))
    rare = doubted <= 0.02 * len(keys) + 2 and held <= 0.05 * len(keys) + 2
    # Else cells are used for many labels on purpose.
    return sorted(row for rows in odd for row in rows) if rare or doubted <= 0.2 * held else []


def _pair(rows: list[int], keys: Sequence[Any], labels: Labels) -> str:
    first, codes = rows[0], labels.codes
    other = next(row for row in rows[1:] + rows[:1] if keys[row] == keys[first] and codes[row] != codes[first])
    return f"rows {first} ({labels.names[codes[first]]!r}) and {other} ({labels.names[codes[other]]!r})"


def _check_rows(survey: Survey, labels: Labels, callback: Callback) -> Iterator[Finding]:
    """Ask quick guessers of each modality, and judge the pairing and the labels by what they say."""
    generator = np.random.default_rng(0)
    rows = choose_rows(labels, generator)
    if len(rows) < LEAST_ROWS or not 2 <= len(labels.names) <= MOST_CLASSES:
        return
    prior = labels.prior(rows)
    with one_thread():  # products this small only wait for each other on several threads
        voices = hear_voices(survey, labels, rows, generator, callback)
        findings = check_pairing(voices, labels, prior, generator)
    yield from findings
    doubted = {row for finding in findings for row in finding.rows}
    slipped = {finding.column for finding in findings if finding.check == "pairing-shifted" and not finding.rows}
    voices = [voice for voice in voices if voice.column not in slipped]
    if voices:
        yield from _check_wrong(voices, labels, rows, prior, doubted)


def _check_wrong(
    voices: Sequence[Voice], labels: Labels, rows: np.ndarray, prior: np.ndarray, doubted: set[int]
) -> Iterator[Finding]:
    probabilities = fuse([voice.probabilities for voice in voices], prior)
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
    where = f" (looked at {count(len(rows), 'row')}, drawn)" if labels.counts().sum() > len(rows) else ""
    message = (
        f"{count(len(wrong), 'label is', 'labels are')} likely wrong{where}: quick guesses from {names}, for rows not "
        f"learned from, surely say another: {shown}"
    )
    mend = (
        "Look at these rows, the worst first, and mend the label or leave it blank. A hard row may have the right one."
    )
    yield Finding("warning", "label-wrong", labels.name, tuple(int(rows[p]) for p in wrong), message, mend)


def find_wrong(probabilities: np.ndarray, codes: np.ndarray, prior: np.ndarray) -> list[int]:
    """Return the rows whose label is likely wrong, the worst first, by confident learning.
    probabilities: (n, class), each row held out; codes: (n,) the labels that stand; prior: (class,). A row counts for
    class j where j is above the mean that rows labelled j give j; of each pair of classes as many rows are taken as the
    confident joint says (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068, prune by noise rate). Beyond that, for
    few false alarms: the label that stands has at most 0.02 (0.1 with classes equally common), another at least 0.8."""
    size = probabilities.shape[1]
    standing = probabilities[np.arange(len(codes)), codes]
    counts = np.bincount(codes, minlength=size)
    mean = np.bincount(codes, standing, size) / np.maximum(counts, 1)
    above = np.where((probabilities >= mean) & (counts > 0), probabilities, -1)
    guessed, sure = above.argmax(axis=1), above.max(axis=1) > 0
    joint = np.zeros((size, size))
    np.add.at(joint, (codes[sure], guessed[sure]), 1)
    joint *= (counts / np.maximum(joint.sum(axis=1), 1))[:, None]
    even = probabilities / prior
    even = even[np.arange(len(codes)), codes] / even.sum(axis=1)
    doubtful = (standing <= 0.02) & (even <= 0.1) & (probabilities.max(axis=1) >= 0.8)
    chosen: set[int] = set()
    for label, other in zip(*np.nonzero(np.round(joint)), strict=True):
        if label != other:
            rows = np.flatnonzero(codes == label)
            margin = probabilities[rows, other] - probabilities[rows, label]
            taken = rows[np.argsort(-margin, kind="stable")[: round(joint[label, other])]]
            chosen.update(taken[doubtful[taken]].tolist())
    return sorted(chosen, key=lambda row: (standing[row], row))


def _check_several(table: Table, column: Column, split: Split | None) -> Iterator[Finding]:
    """Find what is wrong with several labels a row: a delimiter inside a label, spellings, labels of few rows."""
    name, cells = column.name, table.cells(column.name)
    places = [table.place(name, row) for row in range(len(cells))]
    try:
        sets = read_labels(cells, find_delimiter(cells), places)
    except (ValueError, TableError) as error:
        said = str(error).removeprefix(f"column {name!r}, ")
        yield Finding("error", "label-delimiter", name, (), said, "fit refuses the table.")
        return
    known = [own or () if split is None or split[row] == "train" else () for row, own in enumerate(sets)]
    if alike := say_alike({str(label) for own in sets for label in own or ()}):
        message = f"labels differ only in how they are written: {alike}"
        yield Finding("warning", "label-alike", name, (), message, "If they are one, write them alike.")
    counts = Counter(str(label) for own in known for label in own)
    wanted, what = (FEW_ROWS * 5 // 4, "rows") if split is None else (FEW_ROWS, "training rows")
    few = [f"{label!r} {count(num)}" for label, num in reversed(counts.most_common()) if num < wanted]
    if few:
        shown = ", ".join(few[:6]) + (" …" if len(few) > 6 else "")
        message = (
            f"{count(len(few))} of {count(len(counts), 'label has', 'labels have')} fewer than {wanted} {what}: {shown}"
        )
        yield Finding(
            "warning", "label-few-rows", name, (), message, "Gather more rows that have them, or join labels."
        )
