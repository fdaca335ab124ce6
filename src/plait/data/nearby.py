"""Files that a name may mean: the same but for letters of another size, its ending or its folder. Opens none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from plait.data.formats import AUDIO_ENDINGS, IMAGE_ENDINGS
from plait.data.media import split_part

MOST_ENTRIES = 50_000  # of a folder and those in it that are looked at: about 0.1 s
MOST_NAMES = 50  # names that are asked about
MOST = 0.8  # share of them that must be near a file, to say so


class Near(NamedTuple):
    """What names mean. name, path: the first of them and the file that is there; how: in which way they differ."""

    name: str
    path: str
    how: str

    def __str__(self) -> str:
        return f"{self.name} is there as {self.path}, {self.how}"


def near_files(names: Iterable[str], folder: Path | None) -> Near | None:
    """Return which files of pictures and sounds these names mean, where none is there by that name and most are by a
    near one; else None."""
    asked = [_asked(name) for name in list(dict.fromkeys(names))[:MOST_NAMES]]
    asked = [name for name in asked if 0 < len(name) <= 255 and "\n" not in name]
    if not asked:
        return None
    files = _files_in(folder or Path())
    by_name: dict[str, list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for path in files:
        name = os.path.basename(path).casefold()
        by_name.setdefault(name, []).append(path)
        by_stem.setdefault(os.path.splitext(name)[0], []).append(path)
    there = set(files)
    found = [(name, path) for name in asked if name not in there and (path := _near(name, by_name, by_stem))]
    if len(found) < MOST * len(asked):
        return None
    name, path = found[0]
    return Near(name, path, _difference(name, path))


def _asked(name: str) -> str:
    path = split_part(name.strip().replace("\\", "/"))[0]
    return os.path.normpath(path) if path else ""


def _near(name: str, by_name: dict[str, list[str]], by_stem: dict[str, list[str]]) -> str:
    """Return the one file that a name may mean, "" where there is none or several."""
    name = name.casefold()
    last = name.rpartition("/")[2]
    for part, files in ((0, by_name.get(last, [])), (1, by_stem.get(_parts(last)[0], []))):
        asked, *own = [_parts(text)[0] if part else text for text in (name, *map(str.casefold, files))]
        # of several files of one name, the one whose folders the name has too: D:\me\cat\1.png is cat/1.png
        ends = [path for path, text in zip(files, own, strict=True) if f"/{asked}".endswith(f"/{text}")]
        same = sorted(ends, key=len, reverse=True)[:1]
        if len(same or files) == 1:
            return (same or files)[0]
    return ""


def _difference(name: str, path: str) -> str:
    """Say in which way a name and the path of a file differ."""
    (folder, last), (place, file) = os.path.split(name), os.path.split(path)
    (stem, ending), (file_stem, file_ending) = _parts(last), os.path.splitext(file)
    says = [] if folder.casefold() == place.casefold() else [f"in the folder {place}" if place else "in no folder"]
    if ending.casefold() != file_ending.casefold():
        says.append("with another ending" if ending else "with an ending")
    pairs = [(stem, file_stem), (folder, place), (ending, file_ending)]
    if any(one != other and one.casefold() == other.casefold() for one, other in pairs):
        says.append("in letters of other case (upper or lower)")
    return ", ".join(says)


def _parts(name: str) -> tuple[str, str]:
    """Return a name without its ending, and that, where it is one of a picture or sound."""
    stem, ending = os.path.splitext(name)
    return (stem, ending) if ending.lower() in IMAGE_ENDINGS | AUDIO_ENDINGS else (name, "")


def _files_in(folder: Path) -> Sequence[str]:
    """Return the pictures and sounds in a folder and those in it, as paths from it; hidden ones are passed by."""
    found, left, seen = list[str](), [""], 0
    while left and seen < MOST_ENTRIES:
        place = left.pop(0)
        try:
            with os.scandir(folder / place) as entries:
                for entry in entries:
                    seen += 1
                    if entry.name.startswith(".") or seen > MOST_ENTRIES:
                        continue
                    path = f"{place}/{entry.name}" if place else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        left.append(path)
                    elif os.path.splitext(entry.name)[1].lower() in IMAGE_ENDINGS | AUDIO_ENDINGS:
                        found.append(path)
        except OSError:
            continue
    return found
