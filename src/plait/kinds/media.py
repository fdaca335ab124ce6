"""Whether a column holds pictures or sounds: by the first bytes of sampled cells; by names where no file is there."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import numpy as np

from plait.data import formats, media
from plait.errors import CellError
from plait.kinds.facts import Facts, Guess

SAVED = "paths of files that are neither pictures nor sounds"
_NOUNS = {"image": "picture", "audio": "sound"}
_NAMES = {
    "image": r"image|img|photo|picture|pixel|scan|x-?ray|图",
    "audio": r"audio|sound|wave|speech|voice|cough|music|signal|音",
}


def judge_arrays(facts: Facts) -> Guess:
    """Tell arrays by the column's name, then by their shape."""
    cell = next(c for c in facts.sample if isinstance(c, np.ndarray))
    shape = "(" + ", ".join(map(str, cell.shape)) + ")"
    for kind, pattern in _NAMES.items():
        if re.search(pattern, facts.name.lower()):
            return Guess(kind, f"arrays of shape {shape}, and its name", 0.9)
    if cell.dtype.kind in "biuf":
        if (cell.ndim == 3 and cell.shape[2] in (1, 3, 4)) or (cell.ndim == 2 and min(cell.shape) >= 8):
            return Guess("image", f"arrays of shape {shape}", 0.7)
        if cell.size >= 1000 and (cell.ndim == 1 or (cell.ndim == 2 and min(cell.shape) <= 2)):
            return Guess("audio", f"arrays of shape {shape}", 0.6)
    return Guess("id", f"arrays of shape {shape}, which may be anything", 0.1, usable=False)


def judge_media(facts: Facts, folder: Path | None) -> Guess | None:
    """Open the first bytes of sampled cells; return None where they are no media."""
    looked = len(facts.sample)
    cells = [c for c in facts.sample if isinstance(c, (bytes, dict)) or (isinstance(c, str) and _may_be_path(c))]
    if len(cells) < 0.5 * looked:
        return None
    endings: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    others: list[str] = []
    opened = addresses = 0
    votes = {"image": 0, "audio": 0, "": 0}
    for cell in cells:
        name = cell.get("path") if isinstance(cell, dict) else cell
        ending = _ending(name) if isinstance(name, str) else ""
        endings[ending] += bool(ending)
        addresses += isinstance(name, str) and media.is_address(name)
        try:
            head = media.read_head(cell, folder)
            form = formats.sniff_format(head)
            opened += 1
            others += [] if form else [formats.describe(head)]
            found[form or ("", "")] += 1
            votes[form[0] if form else ""] += 1
        except CellError:
            votes[_kind_of_ending(ending)] += 1
    del votes[""]
    by_name = {kind: sum(num for ending, num in endings.items() if _kind_of_ending(ending) == kind) for kind in votes}
    named = sum(by_name.values())
    if addresses > 0.5 * len(cells) and named > 0.5 * len(cells):
        kind = _kind_of_ending(endings.most_common(1)[0][0]) or "image"
        return Guess(kind, "web addresses: plait downloads nothing; put the files in a folder", 0.5, usable=False)
    if sum(votes.values()) < 0.5 * looked and named < 0.5 * looked:
        if opened > 0.5 * looked and facts.form == "text":
            held = f"{SAVED} ({Counter(others).most_common(1)[0][0]})"
            return Guess("id", held, 0.6, usable=False)
        return None
    ranks = votes if any(votes.values()) else by_name
    kind = max(ranks, key=lambda k: ranks[k])
    common = " or ".join(ending for ending, _ in endings.most_common(2) if ending)
    if names := {name: num for (what, name), num in found.most_common() if what == kind}:
        right, missing = sum(names.values()), ""
        if opened < looked:
            missing = f"; {looked - opened} of {looked} could not be opened"
        things = "files" if facts.form == "text" else "cells"
        why = f"{right} of {opened} {things} looked into are {', '.join(names)}{missing}"
        why += "".join(f"; {name} is not decoded here: {way}" for name in names if (way := formats.way_out(name)))
        films = [name for name in names if name in formats.FILMS and not formats.way_out(name)]
        why += f"; of {' and '.join(films)} the sound is read" if films else ""
        return Guess(kind, why, round(0.6 + 0.39 * right / looked, 2))
    if opened:
        return Guess(kind, f"names end in {common}, but none of {opened} files looked into is a {_NOUNS[kind]}", 0.3)
    where = f"in {folder}" if folder is not None else "in the working folder"
    return Guess(kind, f"names end in {common}, but no file was found {where} (folder=… says where they are)", 0.4)


def _may_be_path(cell: str) -> bool:
    return len(cell) <= 1024 and "\n" not in cell


def _ending(name: str) -> str:
    return os.path.splitext(media.split_part(name.strip())[0].partition("?")[0])[1].lower()


def _kind_of_ending(ending: str) -> str:
    return "image" if ending in formats.IMAGE_ENDINGS else "audio" if ending in formats.AUDIO_ENDINGS else ""
