"""A folder of class-named folders → rows: which folders are splits, which are classes, and what is no data.
Knows names and first bytes of files. Where the meaning of a tree is unclear it stops, and says what it saw."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from plait.core.contract import SPLITS
from plait.core.words import count
from plait.data import formats, media
from plait.errors import CellError, TableError

_TEXT_ENDINGS = frozenset((".txt", ".md"))
# folders that systems and programs leave behind; names that begin with a point are hidden
_SYSTEM = re.compile(
    r"__macosx|__pycache__|@eadir|@tmp|#recycle|#snapshot|\$recycle\.bin|lost\+found|system volume information"
)
_THINGS = (  # words beside a split's name that tell nothing: test_images, trainset, 训练集
    "set|sets|data|dataset|images|image|imgs|img|pictures|pics|photos|audio|audios|sounds|wav|wavs|clips|texts|files|"
    "samples|split|folder|jpg|jpeg|png|dir|the|daten|bilder|集|数据|数据集|图片|データ|セット|데이터|выборка"
)
_THING = re.compile(_THINGS)
_SPLIT = re.compile(rf"({'|'.join(sorted(SPLITS, key=len, reverse=True))})(?:{_THINGS})?")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")  # where a word begins in TestImages
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"(?:fold|part|batch|chunk|shard|split|cv)[\s_-]*\d+", re.IGNORECASE)
_LAYOUT = re.compile("images|imgs|jpegimages|labels|annotations|masks?|gt|ground_?truth|bboxes|xmls")


class _File(NamedTuple):
    """A file with data: the folders below the root that it lies in, its name, what it holds."""

    folders: tuple[str, ...]
    file: Path
    kind: str


def read_folder(path: Path) -> tuple[list[dict[str, str | None]], list[str]]:
    """Return the rows of ROOT/CLASS/FILE, ROOT/SPLIT/CLASS/FILE or ROOT/CLASS/SPLIT/FILE, and notes for the user.

    Raises TableError where it is unclear which folders are the classes."""
    files, skipped = _files_in(path)
    notes = []
    if skipped:
        shown = ", ".join(entry.relative_to(path).as_posix() for entry in skipped[:3])
        more = f" and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        notes.append(f"links that lead out, and folders that cannot be entered, are left out: {shown}{more}")
    loose = [file for file in files if not file.folders]
    files = _unwrapped([file for file in files if file.folders])
    placed, left_out = _placed(path, files)
    kinds = {file.kind for file, _, _ in placed} - {"text"}  # a text beside folders is a README, or a licence
    left_out += [file.file for file in loose if file.kind in kinds]
    if left_out:
        first = left_out[0].relative_to(path).as_posix()
        notes.append(f"{count(len(left_out), 'file')} outside the folders of classes left out, such as {first}")
    if bare := [file for file, label, _ in placed if label is None]:
        first = bare[0].file.relative_to(path).as_posix()
        notes.append(f"{count(len(bare), 'file lies', 'files lie')} in no folder of a class, without a label: {first}")
    rows: list[dict[str, str | None]] = []
    for file, label, split in placed:
        name = file.file.relative_to(path).as_posix()
        cells = {"text": _text_of(file.file), "path": name} if file.kind == "text" else {file.kind: name}
        rows.append({**cells, "label": label, **({"split": split} if split else {})})
    return rows, notes


def _placed(path: Path, files: Sequence[_File]) -> tuple[list[tuple[_File, str | None, str]], list[Path]]:
    """Return (file, label or None, split or "") of files that lie in folders, and the files that are left out."""
    tops = _names(file.folders[0] for file in files)
    splits = _splits_of(tops)
    of_top: dict[str, list[_File]] = {name: [] for name in tops}
    for file in files:
        of_top[file.folders[0]].append(file)
    inner = {name: _inner(name, of_top[name]) for name in tops}
    deep = {name for name in tops if any(rest for _, rest in inner[name])}
    if splits and not deep & splits.keys():
        if len(splits) == len(tops) or len(set(splits.values())) > 1:
            raise TableError(
                f"{path} holds {_list(splits)}, named like splits, and no folders of classes in them. Expected "
                f"{next(iter(splits))}/CLASS/FILE; or give a table with a path and a label in each row"
            )
        if "train" not in splits.values():
            classes = [name for name in tops if name not in splits]
            raise TableError(
                f"{path} holds {_list(splits)}, named like a split, beside {_list(classes)}; it is unclear whether "
                f"that is a class. Expected CLASS/FILE or SPLIT/CLASS/FILE: move {next(iter(splits))} or rename it"
            )
        splits = {}  # a class of its own: trains beside cars
    if splits:
        strange = [name for name in tops if name not in splits and name in deep]
        if strange:
            raise TableError(
                f"{path} holds folders named like splits ({_list(splits)}), and others with folders of files as well "
                f"({_list(strange)}); it is unclear which names are the classes. Name each like a split (train, val, "
                "test), or move it elsewhere"
            )
        placed = [(file, rest[0] if rest else None, splits[name]) for name in splits for file, rest in inner[name]]
        _check_classes(path, [rest for name in splits for _, rest in inner[name] if rest])
        return placed, [file.file for file in files if file.folders[0] not in splits]
    parts = _splits_of(_names(file.folders[1] for file in files if len(file.folders) > 1), strict=True)
    parted = [name for name in tops if all(len(f.folders) > 1 and f.folders[1] in parts for f in of_top[name])]
    if parts and len(parted) == len(tops) and not all(_LAYOUT.fullmatch(name.lower()) for name in tops):
        _check_classes(path, [(file.folders[0],) for file in files])
        return [(file, file.folders[0], parts[file.folders[1]]) for file in files], []
    if parted and len(set(parts.values())) > 1:
        rest = [name for name in tops if name not in parted]
        raise TableError(
            f"{path}: {_list(parted)} hold folders named like splits ({_list(parts)})"
            + (f", {_list(rest)} not" if rest else "")
            + "; it is unclear which names are the classes. Expected CLASS/FILE or SPLIT/CLASS/FILE"
        )
    _check_classes(path, [file.folders for file in files])
    return [(file, file.folders[0], "") for file in files], []


def _check_classes(path: Path, places: Sequence[tuple[str, ...]]) -> None:
    """Raise TableError where the first folder of each place may well not be the class."""
    tops = _names(place[0] for place in places)
    mend = "Expected CLASS/FILE or SPLIT/CLASS/FILE; or give a table with a path and a label in each row"
    if len(tops) > 1 and all(_PIECE.fullmatch(name) for name in tops):
        raise TableError(f"{path}: {_list(tops)} are named like parts of a whole, not like classes. {mend}")
    if all(_LAYOUT.fullmatch(name.lower()) or _THING.fullmatch(name.lower()) for name in tops) and tops:
        raise TableError(f"{path}: named like parts of a data set, not like classes: {_list(tops)}. {mend}")
    inner: dict[str, set[str]] = {}
    for place in places:
        if len(place) > 1 and not _THING.fullmatch(place[1].lower()):
            inner.setdefault(place[1], set()).add(place[0])
    crossed = [name for name, holders in inner.items() if len(holders) > 1]
    nested = {place[0] for place in places} - {place[0] for place in places if len(place) == 1}
    # site/class and patient/class: the same names again and again inside, and nothing else
    if len(crossed) > 1 and 2 * len(crossed) > len(inner) and len(nested) == len(tops):
        raise TableError(
            f"{path}: {_list(tops)} each hold folders of the same names ({_list(crossed)}), so it is unclear which of "
            f"the two are the classes. {mend}"
        )


def _inner(top: str, files: Sequence[_File]) -> list[tuple[_File, tuple[str, ...]]]:
    """Return the files of a split, each with the folders inside it, without one that only wraps all of them."""
    rest = [file.folders[1:] for file in files]
    while len(first := {folders[:1] for folders in rest}) == 1 and (name := next(iter(first))):
        if not (name[0] == top or _split_of(name[0])[0] or _THING.fullmatch(name[0].lower())):
            break
        rest = [folders[1:] for folders in rest]
    return list(zip(files, rest, strict=True))


def _unwrapped(files: Sequence[_File]) -> list[_File]:
    """Return the files without folders around all of them, as archives have them: data/train/cat is train/cat."""
    files = list(files)
    while len({file.folders[0] for file in files}) == 1 and all(len(file.folders) > 1 for file in files):
        inside = _names(file.folders[1] for file in files)
        if _split_of(files[0].folders[0])[0] or (len(inside) == 1 and not _splits_of(inside) and _is_flat(files)):
            break
        files = [file._replace(folders=file.folders[1:]) for file in files]
    return files


def _is_flat(files: Sequence[_File]) -> bool:
    return all(len(file.folders) == 2 for file in files)


def _splits_of(names: Sequence[str], strict: bool = False) -> dict[str, str]:
    """Return {name: train, val or test} of names of folders. More words are right where several share them, as
    seg_train and seg_test do."""
    told = {name: _split_of(name) for name in names}
    others: dict[tuple[str, ...], set[str]] = {}
    for split, rest in told.values():
        others.setdefault(rest, set()).add(split)
    return {
        name: split
        for name, (split, rest) in told.items()
        if split and (not rest or (not strict and len(others[rest] - {""}) > 1))
    }


def _split_of(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the split that a folder's first or last word names, "" for none, and its other words that tell something.

    >>> _split_of("seg_train"), _split_of("TestImages"), _split_of("val2017"), _split_of("cat")
    (('train', ('seg',)), ('test', ()), ('val', ()), ('', ('cat',)))
    """
    name = _HUMP.sub(" ", unicodedata.normalize("NFC", name))  # macOS writes accents apart
    words = [word for word in map(str.lower, _WORD.findall(name)) if not _THING.fullmatch(word)]
    found = [match[1] if (match := _SPLIT.fullmatch(word)) else "" for word in words]
    splits = {SPLITS[word] for word in found if word}
    rest = tuple(word for word, named in zip(words, found, strict=True) if not named)
    split = "train" if splits == {"train", "val"} else splits.pop() if len(splits) == 1 else ""
    return (split if split and (found[0] or found[-1]) else "", rest)


def _files_in(root: Path) -> tuple[list[_File], list[Path]]:
    """Return the files with data in a folder and those in it, in order; and what is skipped: links to folders, which
    may go round in circles, links that lead out, and folders that cannot be entered. What is hidden or a system's is
    not there."""
    found, skipped, left = list[_File](), list[Path](), [root]
    while left:
        place = left.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError:
            skipped.append(place)
            continue
        for entry in entries:
            if entry.name.startswith(".") or _SYSTEM.fullmatch(entry.name.lower()):
                continue
            if entry.is_symlink() and (not entry.is_file() or media.leads_out(entry.relative_to(root), root)):
                skipped.append(entry)
            elif entry.is_dir():
                left.append(entry)
            elif (kind := _kind_of(entry)) is not None:
                found.append(_File(entry.relative_to(root).parts[:-1], entry, kind))
    return sorted(found, key=lambda file: (file.folders[:1], file.file)), sorted(
        skipped, key=lambda e: (len(e.parts), e)
    )


def _text_of(file: Path) -> str | None:
    with contextlib.suppress(CellError):  # it is empty, may not be opened, or is no file
        content = media.read_head(file, None, None).decode("utf-8-sig", "replace")
        return content.replace("\r\n", "\n").replace("\r", "\n")
    return None


def _kind_of(file: Path) -> str | None:
    ending = file.suffix.lower()
    with contextlib.suppress(CellError):
        if kind := formats.sniff(media.read_head(file, None)):
            return kind
    kinds = {"image": formats.IMAGE_ENDINGS, "audio": formats.AUDIO_ENDINGS, "text": _TEXT_ENDINGS}
    return next((kind for kind, endings in kinds.items() if ending in endings), None)  # broken: a row, with a status


def _names(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")
