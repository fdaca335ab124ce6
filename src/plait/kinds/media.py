"""Whether a column holds pictures, sounds or videos: by the first bytes of sampled cells, or by names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Column
from plait.core.words import count
from plait.data import formats, media
from plait.data.in_text import GRIDS, ROWS, Held, held_in
from plait.data.nearby import near_files
from plait.data.video import Streams, streams_of
from plait.errors import CellError
from plait.kinds.facts import Facts, Guess

SAVED = "paths of files that are neither pictures nor sounds"
_NOUNS = {"image": "picture", "audio": "sound", "video": "video"}
OPENED = 8  # files that may be videos or sounds alone, into which one looks
HEARD = 24  # videos among which one with a sound is looked for
_NAMES = {
    "image": r"image|img|photo|picture|pixel|scan|x-?ray|图",
    "audio": r"audio|sound|wave|speech|voice|recording|cough|music|signal|音",
}

_LEARNED = re.compile(r"embed|emb$|vector|vec$|feature|hidden|latent|logit|mfcc", re.IGNORECASE)  # numbers made of them


WRITE = "write the paths of files, or their bytes in base64"
NAMES_ONLY = "names of files, but not their paths"
PRINTED = "what a program prints of a picture or an array, not its content"
WEB = "web addresses: plait downloads nothing; put the files in a folder"
# what `str` gives of a picture, a tensor or a long array: no numbers are in it any more
LOST = re.compile(
    r"\{[^\[]{0,200}array\(\[|\{?[^<]{0,40}<PIL\.|<[\w. ]{1,80} at 0x|tensor\(\[|array\(\[|\[[\[\d.\s-]{1,200}\.\.\."
)
LEAST_NAMES = 4  # names of files that are not found by them: fewer may be so by chance


def means_files(column: Column) -> bool:
    """Whether a column is left out that means files, none of which is read."""
    return column.role == "ignored" and column.why.startswith((NAMES_ONLY, PRINTED, WEB))


def judge_arrays(facts: Facts) -> Guess:
    """Tell arrays by the column's name, then by their shape."""
    cell = next(c for c in facts.sample if isinstance(c, np.ndarray))
    shape = "(" + ", ".join(map(str, cell.shape)) + ")"
    if kind := kind_said(facts):
        why = "its name" if _kind_of_name(facts.name) else f"{facts.rate:,} Hz"
        return Guess(kind, f"arrays of shape {shape}, and {why}", 0.9)
    if cell.dtype.kind in "biuf":
        if cell.ndim == 4 and cell.shape[3] in (1, 3, 4):
            return Guess("video", f"arrays of shape {shape}, frames of pictures", 0.7)
        if (cell.ndim == 3 and cell.shape[2] in (1, 3, 4)) or (cell.ndim == 2 and min(cell.shape) >= 8):
            return Guess("image", f"arrays of shape {shape}", 0.7)
        if cell.size >= 1000 and (cell.ndim == 1 or (cell.ndim == 2 and min(cell.shape) <= 2)):
            return Guess("audio", f"arrays of shape {shape}", 0.6)
    mend = f"say what they are: kinds={{{facts.name!r}: 'image'}}, 'audio', 'vectors' or 'series'"
    return Guess("id", f"arrays of shape {shape}, which may be anything; {mend}", 0.1, usable=False)


def kind_said(facts: Facts) -> str:
    """Return what arrays are by the column's name, or by a sample rate that came with flat ones; "" where none says."""
    if _LEARNED.search(facts.name):
        return ""
    flat = facts.rate is not None and all(np.ndim(cell) == 1 for cell in facts.sample)
    return _kind_of_name(facts.name) or ("audio" if flat else "")


def judge_media(facts: Facts, folder: Path | None) -> Guess | None:
    """Open the first bytes of sampled cells; return None where they are no media."""
    looked = len(facts.sample)
    if sum(isinstance(cell, str) and LOST.match(cell) is not None for cell in facts.sample) > 0.5 * looked:
        return Guess("id", f"{PRINTED}: {WRITE}", 0.7, usable=False)
    held = list(map(_held, facts.sample))
    pictured = _kind_of_name(facts.name) == "image"
    forms = Counter(one.form for one in held if one is not None and (one.sure or pictured))
    in_text = sum(forms.values()) > 0.5 * looked
    if not in_text and sum(one is not None and one.form in (GRIDS, ROWS) for one in held) > 0.5 * looked:
        what = next(one.form for one in held if one is not None and one.form in (GRIDS, ROWS))
        return Guess("id", f"{what}, which may be anything (as pictures: --kind {facts.name}=image)", 0.3, usable=False)
    paths = [one is None and _may_be_path(cell) for cell, one in zip(facts.sample, held, strict=True)]
    cells = [c for c, path in zip(facts.sample, paths, strict=True) if in_text or path or isinstance(c, (bytes, dict))]
    if len(cells) < 0.5 * looked:
        return None
    endings: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    others: list[str] = []
    opened = addresses = 0
    link = ""
    votes = {"image": 0, "audio": 0, "video": 0, "": 0}
    films = _Films(folder)
    for cell in cells:
        name = cell.get("path") if isinstance(cell, dict) else cell
        ending = _ending(name) if isinstance(name, str) and not in_text else ""
        endings[ending] += bool(ending)
        addresses += isinstance(name, str) and media.is_address(name)
        try:
            head = media.read_head(cell, folder)
            form = formats.sniff_format(head)
            if form and formats.is_video(head):
                form = films.kind_of(cell, form[1]), form[1]
            opened += 1
            others += [] if form else [formats.describe(head)]
            found[form or ("", "")] += 1
            votes[form[0] if form else ""] += 1
        except CellError as error:
            votes[_kind_of_ending(ending)] += 1
            link = link or (str(error) if error.fault == "link" else "")
    del votes[""]
    by_name = {kind: sum(num for ending, num in endings.items() if _kind_of_ending(ending) == kind) for kind in votes}
    named = sum(by_name.values())
    if addresses > 0.5 * len(cells) and (named > 0.5 * len(cells) or facts.differs):
        kind = _kind_of_ending(endings.most_common(1)[0][0]) if named else _kind_of_name(facts.name)
        return Guess(kind or "id", WEB, 0.5, usable=False)
    if sum(votes.values()) < 0.5 * looked and named < 0.5 * looked:
        if in_text:
            return Guess("id", f"{forms.most_common(1)[0][0]} that are neither pictures nor sounds", 0.6, usable=False)
        if opened > 0.5 * looked and facts.form == "text":
            return Guess("id", f"{SAVED} ({Counter(others).most_common(1)[0][0]})", 0.6, usable=False)
        return None
    ranks = votes if any(votes.values()) else by_name
    kind = max(ranks, key=lambda k: ranks[k])
    common = " or ".join(ending for ending, _ in endings.most_common(2) if ending)
    if names := {name: num for (what, name), num in found.most_common() if what == kind}:
        right, missing = sum(names.values()), ""
        if opened < looked:
            missing = f"; {looked - opened} of {looked} could not be opened"
        things = "files" if facts.form == "text" and not in_text else "cells"
        why = f"{right} of {opened} {things} looked into are {', '.join(names)}{missing}"
        why += f", as {' and '.join(forms)}" if in_text else ""
        why += "".join(f"; {name} is not decoded here: {way}" for name in names if (way := formats.way_out(name)))
        why += f"; {films.said}" if films.said and kind == "video" else ""
        return Guess(kind, why, round(0.6 + 0.39 * right / looked, 2))
    if opened:
        return Guess(kind, f"names end in {common}, but none of {opened} files looked into is a {_NOUNS[kind]}", 0.3)
    if link:
        return Guess(kind, f"names end in {common}, but no file was opened: {link}", 0.4)
    if near := near_files((cell for cell in cells if isinstance(cell, str)), folder):
        return Guess(kind, f"no file was found by these names, but near ones: {near}", 0.4)
    where = f"in {folder}" if folder is not None else "in the working folder"
    return Guess(kind, f"names end in {common}, but no file was found {where} (folder=… says where they are)", 0.4)


class _Films:
    """Looks into the first few files that may be videos, or sounds alone; the others are taken as most of these."""

    def __init__(self, folder: Path | None) -> None:
        self.folder, self.kinds, self.sounding = folder, list[str](), 0

    def kind_of(self, cell: Any, form: str) -> str:
        """Return "video" or "audio". Without PyAV the format tells: most of those that may hold films do."""
        if len(self.kinds) < OPENED:
            streams = _streams_of(cell, self.folder)
            films = form in formats.FILMS if streams is None else streams.frames
            self.kinds.append("video" if films else "audio")
            self.sounding += bool(streams and streams.frames and streams.sound)
        return max(("video", "audio"), key=self.kinds.count)

    @property
    def said(self) -> str:
        """What is said of the sounds of videos."""
        if not formats.has_av():
            return ""
        num = self.kinds.count("video")
        return f"{self.sounding} of {count(num, 'video')} looked into {'has' if self.sounding == 1 else 'have'} sound"


def _streams_of(cell: Any, folder: Path | None) -> Streams | None:
    """Return what a file that may be a video holds, None where it cannot be told."""
    try:
        return streams_of(media.open_cell(cell, folder))
    except CellError:
        return None


def is_heard(cells: Sequence[Any], folder: Path | None) -> bool:
    """Whether any of these videos has a sound track."""
    some = [cell for cell in cells if not isinstance(cell, np.ndarray)]
    some = some[:: -(-len(some) // HEARD)] if some else []
    return any(streams.sound for cell in some if (streams := _streams_of(cell, folder)))


def judge_names(facts: Facts, folder: Path | None) -> Guess | None:
    """Return the guess for names of files that lie there, without the ending or the folder that would lead to them."""
    cells = [str(cell) for cell in facts.sample]
    if folder is None or not facts.differs or len(cells) < LEAST_NAMES or any(" " in cell.strip() for cell in cells):
        return None
    near = near_files(cells, folder)
    return near and Guess("id", f"{NAMES_ONLY}: {near}", 0.7, usable=False)


def _held(cell: Any) -> Held | None:
    """Return what a cell of text holds; nothing of a data URI that is none."""
    try:
        return held_in(cell, formats.sniff) if isinstance(cell, str) else None
    except CellError:
        return Held(b"", "data URIs")


def _may_be_path(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) <= 1024 and "\n" not in cell


def _ending(name: str) -> str:
    return os.path.splitext(media.split_part(name.strip())[0].partition("?")[0])[1].lower()


def _kind_of_name(name: str) -> str:
    return next((kind for kind, pattern in _NAMES.items() if re.search(pattern, name.lower())), "")


def _kind_of_ending(ending: str) -> str:
    if ending in formats.VIDEO_ENDINGS:
        return "video"
    return "image" if ending in formats.IMAGE_ENDINGS else "audio" if ending in formats.AUDIO_ENDINGS else ""
