"""Whether the parts of a split are what they should be, and which rows belong together: a person, a recording, a block.
Knows no model; what a column tells of the label is asked of `leaks`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.checks.guesses import Labels
from plait.checks.leaks import LEAK, MANY_VALUES, STRONG, DrawnLabels, codes_of
from plait.core.contract import Column, Schema, Table, name_splits
from plait.core.finding import Finding, quoted
from plait.core.words import count
from plait.kinds import is_opened
from plait.kinds.facts import Facts, facts_of, rows_of
from plait.kinds.left_out import WHY_ASKED

Split = Sequence[str | None]
PARTS = {"train": "training", "val": "validation", "test": "test"}
CHANCE = 0.01  # how often a split that was drawn at random may be refused
OF_CLASSES = 0.8  # share of the rows that lie in the largest folder of their label, where folders are classes
FEWEST, LEAST_SHARED = 3, 0.1  # groups; share of the rows whose value another row has too
LARGEST_BLOCK = 50  # rows of a value, on average, beyond which blocks tell that the table was sorted
# what a person, an animal or a recording is called: rows of one are alike in much that is not asked for
_GROUP_NAME = re.compile(
    r"(?:^|[\s_.-])(?:patient|subject|subj|speaker|spkr?|participant|person|user|customer|client|member|student|pupil"
    r"|donor|animal|author|writer|singer|artist|owner|driver|player|household|family|session|recording|video|specimen"
    r"|group|patientin|sprecher|proband|kunde|nutzer|paciente|hablante|sujeto|usuario|cliente|locuteur|sujet"
    r"|utilisateur|пациент|диктор|клиент)s?"
    r"(?:[\s_.-]?(?:ids?|no|nr|num|number|names?|code|key|uid))?$"
    r"|患者|病人|病例号|说话人|發言人|发言人|讲者|被试|受试者|参与者|用户|客户|学生|話者|被験者|환자|화자|참가자",
    re.IGNORECASE,
)
# folders into which files were dealt, and no person: images_001, fold3
_PIECE = re.compile(
    r"(?:fold|part|batch|chunk|shard|split|set|vol|disc|cd|dir|folder|ima?ge?s?|audio|wavs?|data)[\s_-]*\d*"
)
NAMED, NAMED_ID = "its name says whose the rows are", "it is named like an id, and comes again"
_ID_NAME = re.compile(r"(?:^|[\s_.:-])(?i:ids?|uuid|guid|uid)$|(?<=[a-z])(?:Id|ID)$|编号$")


class Gap(NamedTuple):
    """A class that a part of the split lacks. sure: a split at random lacks it in fewer than one case of a hundred."""

    part: str
    code: int
    sure: bool


def find_gaps(split: np.ndarray, codes: np.ndarray) -> list[Gap]:
    """Return the classes that train, val or test lacks. split: (rows,) words; codes: (rows,) of classes, or −1.

    A part of n rows lacks a class of share p with the chance (1 − p)ⁿ; Bonferroni over classes and parts. So a rare
    class may be lacking, and classes that are split like nothing at random may not.
    """
    inside = (codes >= 0) & np.isin(split, list(PARTS))
    share = np.bincount(codes[inside]) / max(int(inside.sum()), 1)
    gaps = []
    for part in PARTS:
        counts = np.bincount(codes[inside & (split == part)], minlength=len(share))
        chance = (1 - share) ** counts.sum() * len(share) * len(PARTS)
        lacking = np.flatnonzero((counts == 0) & (share > 0)) if counts.any() else ()
        gaps += [Gap(part, int(code), bool(chance[code] < CHANCE)) for code in lacking]
    return gaps


def say_gap(gaps: Sequence[Gap], codes: np.ndarray, names: Sequence[Any]) -> str:
    """Return a sentence on the gaps of one part, the largest class first: what it lacks, and what follows."""
    held = np.bincount(codes[codes >= 0], minlength=len(names))
    largest, part = max(gaps, key=lambda gap: held[gap.code]), gaps[0].part
    shown = f"class {names[largest.code]!r} ({count(held[largest.code])} of {count(held.sum(), 'row')})"
    if len(gaps) > 1:
        shown = f"{count(len(gaps))} of {count(len(names), 'class', 'classes')}, such as {shown}"
    then = "what is not learned is never answered" if part == "train" else "its score says nothing of what it lacks"
    return f"the {PARTS[part]} split lacks {shown}; {then}"


def by_part(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """Return the gaps of each part that has one, those that are sure alone where there are any."""
    found = []
    for part in PARTS:
        there = [gap for gap in gaps if gap.part == part]
        found.append([gap for gap in there if gap.sure] or there)
    return [part for part in found if part]


def check_gaps(labels: Labels, split: Split) -> Iterator[Finding]:
    """Find parts of the split that lack a class; fit refuses the table where chance does not explain it."""
    for gaps in by_part(find_gaps(np.array([part or "" for part in split]), labels.codes)):
        message = say_gap(gaps, labels.codes, labels.names) + ("; fit refuses the table" if gaps[0].sure else "")
        mend = "Give every split rows of each class, or leave the column out with --ignore: fit then draws by class."
        yield Finding("error" if gaps[0].sure else "note", "split-class", labels.name, (), message, mend)


def check_splits(table: Table, schema: Schema, split: Split | None) -> list[Finding]:
    """Return the findings about groups and ids that are in more than one split."""
    return [] if split is None else [*_check_group(table, schema, split), *_check_ids(table, schema, split)]


def _rows_by_value(cells: Sequence[Any], split: Split) -> dict[str, list[int]]:
    """Return the rows of each value, those in no split left out."""
    pairs = zip(cells, split, strict=True)
    return rows_of(None if cell is None or part is None else str(cell) for cell, part in pairs)


def _is_shared(rows: Sequence[int], split: Split) -> bool:
    return len({split[row] for row in rows}) > 1


def _check_group(table: Table, schema: Schema, split: Split) -> Iterator[Finding]:
    group = schema.role("group")
    if group is None:
        return
    groups = _rows_by_value(table.cells(group), split)
    shared = sorted(name for name, rows in groups.items() if _is_shared(rows, split))
    if shared:
        shown = ", ".join(repr(name[:40]) for name in shared[:3]) + (" …" if len(shared) > 3 else "")
        message = (
            f"{count(len(shared))} of {count(len(groups), 'group is', 'groups are')} in more than one split: {shown}; "
            "scores will be too good"
        )
        mend = "Put each group into one split, or leave the split column out: fit then draws whole groups."
        yield Finding("warning", "split-group", group, (), message, mend)


def _check_ids(table: Table, schema: Schema, split: Split) -> Iterator[Finding]:
    for column in schema.columns:
        if column.kind != "id" or column.role not in ("ignored", "feature"):
            continue
        cells = table.cells(column.name)
        shared = [rows for rows in _rows_by_value(cells, split).values() if _is_shared(rows, split)]
        if shared:
            at_fault = tuple(sorted(row for rows in shared for row in rows))
            shown = repr(cells[at_fault[0]])[:60]
            message = f"{count(len(shared), 'id is', 'ids are')} in more than one split, such as {shown}"
            mend = f"Keep each id in one split; if these rows belong together: --group {quoted(column.name)}"
            yield Finding("warning", "split-id", column.name, at_fault, message, mend)


def check_groups(table: Table, schema: Schema, split: Split | None, drawn: DrawnLabels | None) -> Iterator[Finding]:
    """Find columns by whose values rows belong together, where no group is named and no split keeps them so."""
    for name, why in list_groups(table, schema, split).items():
        facts, cells = facts_of(table, name), table.cells(name)
        saved = 0.0
        if drawn is not None:
            codes = codes_of([None if cells[row] is None else str(cells[row]) for row in drawn.rows])
            saved = drawn.saved_by_value(codes)
        message = f"{why}: {count(facts.distinct, 'value')} in {count(facts.filled, 'row')}"
        if saved >= STRONG:
            message += ", and rows of one value have " + ("one label" if saved >= LEAK else "much the same label")
        where = "are in more than one split" if split is not None else "may come to be in more than one split"
        message += f"; rows that belong together {where}, and the scores be too good"
        mend = f"If rows of one value belong together: --group {quoted(name)}"
        mend += ", without a split column" if split is not None else " (fit then draws whole groups)"
        yield Finding("warning" if saved >= LEAK else "note", "split-group-likely", name, (), message, mend)
    for name, sentence in _say_folders(table, schema, split).items():
        mend = "If so, write the folder of each row into a column of its own, and name that with --group."
        yield Finding("note", "split-group-likely", name, (), sentence, mend)


def propose_groups(table: Table, schema: Schema) -> list[str]:
    """Return a sentence on each column that is named like what rows belong to, where no group is named."""
    name = schema.role("split")
    split = None if name is None else name_splits(table.cells(name))
    found = list_groups(table, schema, split)
    way = " (fit then draws whole groups)" if name is None else ", without a split column"
    return [
        f"{column!r} may tell which rows belong together: {why}; if so: --group {quoted(column)}{way}"
        for column, why in found.items()
        if why in (NAMED, NAMED_ID)
    ] + [
        f"{column!r}: {sentence}; if so, write it into a column and name that with --group"
        for column, sentence in _say_folders(table, schema, split).items()
    ]


def list_groups(table: Table, schema: Schema, split: Split | None) -> dict[str, str]:
    """Return {column: why} of those by whose values rows may belong together, where none is named as the group and the
    split, if there is one, does not keep them together."""
    if schema.role("group") is not None:
        return {}
    found = {}
    for column in schema.columns:
        why = _say_group(column, facts_of(table, column.name))
        if why and split is not None:
            values = _rows_by_value(table.cells(column.name), split).values()
            why = why if any(_is_shared(rows, split) for rows in values) else ""
        if why:
            found[column.name] = why
    return found


def _say_group(column: Column, facts: Facts) -> str:
    """Return why the values of a column may be groups of rows; "" where they are not."""
    if (
        column.role not in ("feature", "ignored")
        or column.why == WHY_ASKED
        or facts.form not in ("text", "whole")
        or not facts.distinct
    ):
        return ""
    num, values = facts.distinct, facts.values
    assert values is not None
    shared = facts.filled - num  # at least so many rows have the value of another
    if num < FEWEST or shared < LEAST_SHARED * facts.filled:
        return ""
    # "group" may be the arm of a trial
    if _GROUP_NAME.search(column.name.strip()) and (num >= MANY_VALUES or "group" not in column.name.lower()):
        return NAMED
    if _ID_NAME.search(column.name.strip()):
        return NAMED_ID
    if column.kind not in ("category", "id") or num < MANY_VALUES or not 2 * num <= facts.filled <= LARGEST_BLOCK * num:
        return ""
    codes = values.combine_chunks().dictionary_encode().indices.to_numpy()
    runs = 1 + int((codes[1:] != codes[:-1]).sum())
    return "its values stand in blocks" if runs == num else ""


def _say_folders(table: Table, schema: Schema, split: Split | None) -> dict[str, str]:
    """Return {column: sentence} of columns of files whose folders are no class and no split, as a folder for each
    speaker is, where no group is named and no split keeps each folder together."""
    target = schema.role("target")
    if target is None or schema.role("group") is not None or isinstance(table.data[target], np.ndarray):
        return {}
    labels, found = table.cells(target), {}
    for column in schema.columns:
        if column.role != "feature" or not is_opened(column.kind) or facts_of(table, column.name).form != "text":
            continue
        paths = [(cell or "").replace("\\", "/").split("/")[:-1] for cell in table.cells(column.name)]
        for place in range(max(map(len, paths))):
            folders = [path[place] if place < len(path) else None for path in paths]
            if _are_owners(folders, labels) and (
                split is None or any(_is_shared(rows, split) for rows in _rows_by_value(folders, split).values())
            ):
                names = sorted({name for name in folders if name})
                found[column.name] = (
                    f"its files lie in {count(len(names), 'folder')} that are no classes, such as {names[0][:40]!r}: "
                    "the rows of one may belong together, as those of a speaker or a patient"
                )
                break
    return found


def _are_owners(folders: Sequence[str | None], labels: Sequence[Any]) -> bool:
    """Whether names of folders may be of people or things, of which each has several rows: not of classes, of splits or
    of the parts in which a large set comes."""
    names = {name for name in folders if name}
    if len(names) < FEWEST or 2 * len(names) > len(folders) or all(map(_PIECE.fullmatch, map(str.lower, names))):
        return False
    if {*name_splits(sorted(names))} <= {*PARTS}:
        return False
    counts = Counter(labels)
    commonest: dict[Any, int] = {}  # rows of a label in its largest folder: nearly all where folders are classes
    for (label, _), times in Counter(zip(labels, folders, strict=True)).items():
        commonest[label] = max(times, commonest.get(label, 0))
    again = [label for label, times in counts.items() if times > 1]  # none of a number that is measured
    return not again or sum(commonest[label] for label in again) < OF_CLASSES * sum(counts[label] for label in again)
