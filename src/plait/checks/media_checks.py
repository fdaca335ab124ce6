"""From the facts of pictures and sounds to findings: broken files, odd ones, and duplicates. Opens no file itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from plait.checks.findings import Finding
from plait.checks.survey import GREY, CellFacts, Survey
from plait.checks.text_checks import split_of
from plait.core.contract import Schema, Table
from plait.core.words import count, duration

TINY = 8  # px: a shorter side than this shows next to nothing
FLAT = 10.0  # longer side over shorter side
SHORT = 0.05  # s
LONG = 600.0  # s: whatever the others are
QUIET = 0.0005  # of full scale: -66 dBFS
CLIPPED = 0.001  # share of samples in flat tops
OFFSET = 0.02  # of full scale, and a quarter of the level
NEAR_BITS = 7  # of the 64 of a hash, in which near duplicates may differ
NEAR = 0.995  # correlation of two thumbnails from which on they show the same
NEIGHBOURS = 64  # in a sorted list of hashes, that each is compared with

# What makes a cell unreadable: fault → name of the check, what its cells do, how to mend it.
BROKEN = {
    "missing": (
        "file-missing",
        "names a file that is not there",
        "Restore the files, mend the paths (they are relative to the table's folder), or blank the cells.",
    ),
    "empty": ("file-empty", "names a file of 0 bytes", "Copy the files again, or blank the cells."),
    "truncated": ("file-truncated", "holds a file whose end is missing", "Copy the files again, or blank the cells."),
    "wrong-kind": (
        "file-wrong-kind",
        "holds something else than {a_kind}",
        "Put the right files in their place, or blank the cells.",
    ),
    "unreadable": ("file-unreadable", "cannot be read", "Replace the files by whole ones, or blank the cells."),
    "address": ("file-address", "is an address, which is never fetched", "Download the files and write their paths."),
    "no-samples": ("audio-no-samples", "holds a sound of 0 samples", "Record or copy it again, or blank the cells."),
    "not-finite": (
        "audio-not-finite",
        "holds values that are no numbers (NaN or infinity)",
        "Write the sounds again with finite values, or blank the cells.",
    ),
}
TOO_LARGE = {
    "image": (
        "image-too-large",
        "says that it is too large to decode",
        "Shrink the pictures, or blank the cells: a small file that unfolds to a huge picture may be an attack.",
    ),
    "audio": ("audio-too-large", "holds a sound too long to decode", "Cut the sounds into pieces, or blank the cells."),
}


def check_media(table: Table, schema: Schema, survey: Survey) -> list[Finding]:
    """Return what is wrong with, or worth knowing of, the pictures and sounds of a table, column by column."""
    words = [part or "" for part in split_of(table, schema) or [None] * len(table)]
    found: list[Finding] = []
    for column, facts in survey.facts.items():
        found += check_files(column, facts)
        kind = schema.column(column).kind
        found += check_pictures(column, facts) if kind == "image" else check_sounds(column, facts)
        found += check_duplicates(column, kind, facts, words)
    return found


def check_files(column: str, facts: Sequence[CellFacts | None]) -> list[Finding]:
    """Return what is wrong with files as files, whatever is in them."""
    found = []
    for fault in sorted({cell.fault for cell in facts if cell is not None} - {""}):
        rows = tuple(row for row, cell in enumerate(facts) if cell is not None and cell.fault == fault)
        first = facts[rows[0]]
        assert first is not None
        check, does, mend = BROKEN[fault] if fault in BROKEN else TOO_LARGE[first.kind]
        does = does.format(a_kind="a picture" if first.kind == "image" else "a sound")
        found.append(
            Finding("error", check, column, rows, f"{_cells(len(rows), does)}; the first: {first.reason}", mend)
        )
    if rows := _rows(facts, lambda cell: cell.renamed):
        first = facts[rows[0]]
        assert first is not None
        message = f"{_cells(len(rows), 'holds a file of another format than its ending says')}; the first: "
        message += f"{first.path} is {first.format}"
        found.append(Finding("warning", "file-wrong-ending", column, rows, message, "Rename the files."))
    if rows := _rows(facts, lambda cell: cell.outside, readable=False):
        first = facts[rows[0]]
        assert first is not None
        message = f"{_cells(len(rows), 'names a file outside the folder of the table')}; the first: {first.path}"
        mend = "Move the files into the folder of the table, so that both can be moved together."
        found.append(Finding("warning", "file-outside", column, rows, message, mend))
    return found


def check_pictures(column: str, facts: Sequence[CellFacts | None]) -> list[Finding]:
    """Return what is odd about pictures that can be read."""
    found: list[Finding] = []

    def tell(severity: str, check: str, does: str, rows: tuple[int, ...], mend: str, first: str = "") -> None:
        if rows:
            message = _cells(len(rows), does) + (f"; the first: {first}" if first else "")
            found.append(Finding(severity, check, column, rows, message, mend))

    tell(
        "note",
        "image-rotated",
        "holds a photo that its EXIF tag turns",
        _rows(facts, lambda cell: cell.orientation != 1),
        "plait turns them upright; other programs may not. --fix OUT writes them upright.",
    )
    tell(
        "warning",
        "image-animated",
        "holds a picture of several frames or pages",
        _rows(facts, lambda cell: cell.frames > 1),
        "plait takes the first one. Cut out the frame that counts, or give each a row.",
    )
    tell(
        "warning",
        "image-tiny",
        f"holds a picture with a side under {TINY} pixels",
        _rows(facts, lambda cell: min(cell.width, cell.height) < TINY),
        "Look at them: they may be thumbnails or place holders. Replace them, or blank the cells.",
    )
    tell(
        "warning",
        "image-aspect",
        f"holds a picture over {FLAT:.0f} times as long as it is wide",
        _rows(facts, lambda cell: max(cell.width, cell.height) > FLAT * min(cell.width, cell.height)),
        "Look at them: they may be strips cut by mistake. Cut them again, or blank the cells.",
    )
    tell(
        "warning",
        "image-one-colour",
        "holds a picture of one colour all over",
        _rows(facts, lambda cell: cell.one_colour),
        "They show nothing. Replace them, or blank the cells, so that they count as absent.",
    )
    tell(
        "warning",
        "image-damaged",
        "holds a picture that can be read, though its file is damaged",
        rows := _rows(facts, lambda cell: cell.header),
        "Copy the files again.",
        _first(facts, rows).header if rows else "",
    )
    found += _mixed(
        facts,
        lambda cell: _colours(cell.mode),
        column,
        "image-mixed-modes",
        "pictures of several colour modes",
        "plait brings all to one; if a class comes in a mode of its own, that gives it away: make them alike.",
    )
    found += _mixed(
        facts,
        lambda cell: f"{cell.depth} bits",
        column,
        "image-mixed-depths",
        "pictures of several bit depths",
        "plait brings all to 8 bits; check that the brightness of both kinds agrees.",
    )
    return found


def check_sounds(column: str, facts: Sequence[CellFacts | None]) -> list[Finding]:
    """Return what is odd about sounds that can be read."""
    found: list[Finding] = []

    def tell(check: str, does: str, rows: tuple[int, ...], mend: str, first: str = "") -> None:
        if rows:
            message = _cells(len(rows), does) + (f"; the first: {first}" if first else "")
            found.append(Finding("warning", check, column, rows, message, mend))

    tell(
        "audio-silent",
        "holds silence",
        _rows(facts, lambda cell: cell.peak < QUIET),
        "Record them again, or blank the cells, so that they count as absent.",
    )
    tell(
        "audio-clipped",
        "holds a sound cut off at full scale",
        _rows(facts, lambda cell: cell.clipped > CLIPPED),
        "Record them again at a lower level; what was cut off cannot be brought back.",
    )
    tell(
        "audio-offset",
        "holds a sound that does not swing about zero",
        _rows(facts, lambda cell: cell.offset > max(OFFSET, 0.25 * cell.level)),
        "Take the mean off each channel; plait does so before it looks at the spectrum.",
    )
    tell(
        "audio-short",
        f"holds a sound of less than {SHORT} s",
        _rows(facts, lambda cell: cell.seconds < SHORT),
        "Record them again, or blank the cells.",
    )
    lengths = [cell.seconds for cell in facts if cell is not None and not cell.fault]
    usual = float(np.median(lengths)) if lengths else 0.0
    tell(
        "audio-long",
        f"holds a sound far longer than the usual {duration(usual)}",
        rows := _rows(facts, lambda cell: cell.seconds > min(LONG, max(10.0, 10 * usual))),
        "Cut out what the row is about; plait keeps the middle of a long sound.",
        duration(_first(facts, rows).seconds) if rows else "",
    )
    tell(
        "audio-wrong-header",
        "holds a sound whose header is wrong",
        rows := _rows(facts, lambda cell: cell.header),
        "Write the files again: programs differ in what they read of them.",
        _first(facts, rows).header if rows else "",
    )
    found += _mixed(
        facts,
        lambda cell: f"{count(cell.rate)} Hz",
        column,
        "audio-mixed-rates",
        "sounds of several sample rates",
        "plait resamples all to one; if a class has a rate of its own, that gives it away. --fix OUT unifies them.",
    )
    found += _mixed(
        facts,
        lambda cell: {1: "mono", 2: "stereo"}.get(cell.channels, f"{cell.channels} channels"),
        column,
        "audio-mixed-channels",
        "sounds of several numbers of channels",
        "plait takes the mean of the channels. --fix OUT unifies them.",
    )
    return found


def check_duplicates(column: str, kind: str, facts: Sequence[CellFacts | None], splits: Sequence[str]) -> list[Finding]:
    """Return cells that hold the same, or pictures that look the same, within a split and across splits.

    Pictures of one colour and silence are left out: they are a finding of their own.
    """
    what = "picture" if kind == "image" else "sound"
    groups: dict[str, list[int]] = {}
    for row, cell in enumerate(facts):
        if cell is not None and not cell.fault and not cell.one_colour and not (kind == "audio" and cell.peak < QUIET):
            groups.setdefault(cell.decoded or cell.digest, []).append(row)
    same = [rows for rows in groups.values() if len(rows) > 1]
    copies = sorted(row for rows in same for row in _copies(rows, facts))
    found = []
    if copies:
        message = f"{_cells(len(copies), f'holds the same {what} as an earlier row, in another file')}"
        mend = "Keep one of each, or check that they were meant: a copy counts twice. --fix OUT drops equal rows."
        found.append(Finding("warning", f"{kind}-duplicate", column, tuple(copies), message, mend))
    again = sum(len(rows) - len({_place(facts, row) for row in rows}) for rows in same)
    if again:
        message = f"{count(again, 'cell names', 'cells name')} the file of an earlier row again"
        found.append(Finding("note", f"{kind}-repeated", column, (), message, "No fault where it was meant."))
    near = near_pictures(facts, [rows[0] for rows in groups.values()]) if kind == "image" else []
    if near:
        rows = tuple(sorted({row for group in near for row in group[1:]}))
        message = f"{_cells(len(rows), 'holds nearly the same picture as an earlier row')}; rows {near[0][0]} and "
        message += f"{near[0][1]} are the first two"
        mend = "Look at them; keep one of each where they show the same thing."
        found.append(Finding("warning", "image-near-duplicate", column, rows, message, mend))
    of_first = {rows[0]: rows for rows in groups.values()}
    joined = [[row for first in group for row in of_first[first]] for group in near]
    leaks = _across(same + joined, splits)
    if leaks:
        does = f"holds a {what} that is in another split too" + (", or nearly" if near else "")
        message = f"{_cells(len(leaks), does)} (rows of {_home(splits)!r} are not counted)"
        mend = "Keep each in one split: a score on rows that were learned from is too good."
        found.append(Finding("warning", f"{kind}-duplicate-split", column, leaks, message, mend))
    return found


def near_pictures(facts: Sequence[CellFacts | None], rows: Sequence[int]) -> list[list[int]]:
    """Return groups of at least two of these rows whose pictures look the same, the earliest row first.

    A perceptual hash proposes: the signs of the 64 lowest frequencies of the thumbnail (pHash: Zauner 2010), compared
    where at most NEAR_BITS differ. If so few of 64 bits differ, one of eight blocks of 8 bits is equal; sorting by each
    block in turn brings such pairs together (Manku, Jain and Das Sarma 2007), so time grows as n log n. The pixels of
    the thumbnails confirm: their correlation is at least NEAR, and the shapes agree to 5 %. Small drawings of one class
    share most of a hash, and correlate less than that; so does a picture with a part that was cut out of it.
    """
    chosen = [row for row in rows if (cell := facts[row]) is not None and cell.thumb]
    if len(chosen) < 2:
        return []
    cells = [_first(facts, [row]) for row in chosen]
    pixels = np.stack([np.frombuffer(cell.thumb, np.uint8, GREY * GREY) for cell in cells])
    hashes = hash_pictures(pixels)
    shapes = np.log([cell.width / cell.height for cell in cells])
    pairs: set[tuple[int, int]] = set()
    for block in range(8):
        turned = (hashes << np.uint64(8 * block)) | (hashes >> np.uint64(64 - 8 * block)) if block else hashes
        order = np.argsort(turned, kind="stable")
        sorted_hashes = hashes[order]
        for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            close = np.flatnonzero(np.bitwise_count(sorted_hashes[step:] ^ sorted_hashes[:-step]) <= NEAR_BITS)
            left, right = order[close], order[close + step]
            right_shape = np.abs(shapes[left] - shapes[right]) < 0.05
            for start in range(0, len(left), 4096):  # a part at a time: the pixels of all pairs could fill the memory
                part = slice(start, start + 4096)
                sure = right_shape[part] & (_correlate(pixels[left[part]], pixels[right[part]]) >= NEAR)
                pairs |= set(zip(left[part][sure].tolist(), right[part][sure].tolist(), strict=True))
    return [sorted(chosen[i] for i in group) for group in _join(pairs)]


def hash_pictures(pixels: np.ndarray) -> np.ndarray:
    """Return a 64-bit perceptual hash (picture,) uint64 of grey thumbnails (picture, GREY²)."""
    places = np.arange(GREY)
    waves = np.cos(np.pi / GREY * (places + 0.5) * np.arange(1, 9)[:, None]).astype(
        np.float32
    )  # a DCT without its mean
    hashes = np.zeros(len(pixels), np.uint64)
    for start in range(0, len(pixels), 4096):
        part = pixels[start : start + 4096].reshape(-1, GREY, GREY).astype(np.float32)
        low = (waves @ part @ waves.T).reshape(-1, 64)
        # Waves that a drawing lacks are all near 0, and noise (of two levels, here) must not decide on them.
        bits = np.packbits(low > np.median(low, axis=1, keepdims=True) + GREY, axis=1)
        hashes[start : start + 4096] = bits.view(">u8")[:, 0]
    return hashes


def _correlate(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the correlation of each pair of thumbnails (pair, pixel); 0 where one of them is almost flat."""
    a, b = left.astype(np.float32), right.astype(np.float32)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    power = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b)
    flat = power < (2.0**2 * a.shape[1]) ** 2  # a deviation of 2 levels of 255
    return np.where(flat, 0, np.einsum("ij,ij->i", a, b) / np.sqrt(np.where(flat, 1, power)))


def _join(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups that pairs connect."""
    group: dict[int, list[int]] = {}
    for left, right in pairs:
        first, second = group.setdefault(left, [left]), group.setdefault(right, [right])
        if first is not second:
            if len(first) < len(second):
                first, second = second, first
            first += second
            for member in second:
                group[member] = first
    return sorted({id(members): sorted(members) for members in group.values()}.values())


def _copies(rows: Sequence[int], facts: Sequence[CellFacts | None]) -> list[int]:
    """Return the rows whose place (file, or own bytes) did not come before."""
    first = _place(facts, rows[0])
    return [row for row in rows[1:] if _place(facts, row) != first]


def _place(facts: Sequence[CellFacts | None], row: int) -> str:
    return _first(facts, [row]).path or f"row {row}"


def _home(splits: Sequence[str]) -> str:
    return Counter(split for split in splits if split).most_common(1)[0][0]


def _across(groups: Iterable[Sequence[int]], splits: Sequence[str]) -> tuple[int, ...]:
    """Return the rows, outside the largest split, of groups that lie in several splits."""
    rows = set()
    for group in groups:
        if len({splits[row] for row in group} - {""}) > 1:
            rows |= {row for row in group if splits[row] not in ("", _home(splits))}
    return tuple(sorted(rows))


def _colours(mode: str) -> str:
    if mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        return "transparent"
    if mode in ("1", "L", "F") or mode.startswith("I"):
        return "grey"
    return "colour" if mode in ("P", "RGB", "YCbCr") else mode


def _mixed(
    facts: Sequence[CellFacts | None],
    name: Callable[[CellFacts], str],
    column: str,
    check: str,
    what: str,
    mend: str,
) -> list[Finding]:
    """Return a finding about the column where the cells that can be read have several names."""
    names = {row: name(cell) for row, cell in enumerate(facts) if cell is not None and not cell.fault}
    counts = Counter(names.values())
    if len(counts) < 2:
        return []
    rare = counts.most_common()[-1][0]
    listed = ", ".join(f"{count(num)} {value}" for value, num in counts.most_common(6))
    listed += f" and {len(counts) - 6} more" if len(counts) > 6 else ""
    first = next(row for row, value in names.items() if value == rare)
    return [Finding("warning", check, column, (), f"{what}: {listed}; row {first} is {rare}", mend)]


def _rows(
    facts: Sequence[CellFacts | None], test: Callable[[CellFacts], object], readable: bool = True
) -> tuple[int, ...]:
    return tuple(
        row for row, cell in enumerate(facts) if cell is not None and not (readable and cell.fault) and test(cell)
    )


def _first(facts: Sequence[CellFacts | None], rows: Sequence[int]) -> CellFacts:
    cell = facts[rows[0]]
    if cell is None:
        raise ValueError(f"row {rows[0]} is blank")
    return cell


def _cells(num: int, does: str) -> str:
    """Return "1 cell names …" or "3 cells name …"; `does` begins with a verb in the singular.

    >>> _cells(2, "holds silence")
    '2 cells hold silence'
    """
    verb, _, rest = does.partition(" ")
    plural = {"is": "are"}.get(verb, verb.removesuffix("s"))
    return count(num, f"cell {does}", f"cells {plural} {rest}")
