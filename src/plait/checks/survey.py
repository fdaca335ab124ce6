"""Open every picture and sound of a table once, and keep what the checks need to know of each. Judges nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import struct
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import MEDIA_KINDS, Schema, Table
from plait.data import media
from plait.data.fact_cache import Cache
from plait.data.feature_cache import digest_bytes
from plait.data.headers import check_header
from plait.errors import CellError
from plait.kinds.audio.prep import log_mel, mono
from plait.kinds.image.prep import ORIENTATION, WHITES

if TYPE_CHECKING:
    from PIL.Image import Image

VERSION = 2  # of the facts: raise it when a fact changes its meaning, and what is kept counts no more
CHUNK = 256  # cells that are looked into before what was found is kept
MEL_SECONDS = 10.0  # the middle of a sound that its features are taken from
GREY = 32  # px: side of the grey thumbnail, fine enough to tell near duplicates by; features take half of it
COLOUR = 4  # px: side of the coloured one
BANDS = 32  # mel bands of a sound's features: three means over time and one standard deviation of each
ENDINGS = {"png": "PNG", "gif": "GIF", "bmp": "BMP", "webp": "WebP", "wav": "WAV", "flac": "FLAC", "mp3": "MP3"}
ENDINGS |= dict.fromkeys(("jpg", "jpeg", "jpe", "jfif"), "JPEG") | dict.fromkeys(("tif", "tiff"), "TIFF")
ENDINGS |= dict.fromkeys(("ogg", "oga", "opus"), "OGG") | dict.fromkeys(("aif", "aiff", "aifc"), "AIFF")
ENDINGS |= dict.fromkeys(("au", "snd"), "AU")
# What Pillow is seen to raise on broken tags and later frames.
DAMAGE = (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError, EOFError, IndexError)


def _quiet(event: dict[str, Any]) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What one media cell holds. `fault` is "" where it can be read; then the facts of its kind are filled in.

    fault: missing, empty, address, too-large, truncated, wrong-kind, no-samples, not-finite or unreadable; reason: the
    words for it. path: "" where the cell holds bytes or an array. digest: SHA-256 of the file (hex); decoded: of the
    samples of a sound. outside: the file lies outside the table's folder.
    header: what the header says wrongly of data that can be read. thumb: uint8 grey 32 × 32, then RGB 4 × 4 × 3, of a
    picture; float16, mel means of the three thirds of the time and standard deviations, of a sound.
    """

    kind: str
    fault: str = ""
    reason: str = ""
    path: str = ""
    digest: str = ""
    cell: str = ""  # the hash under which features of a whole file are kept
    decoded: str = ""
    format: str = ""
    outside: bool = False
    renamed: bool = False  # the ending names another format
    header: str = ""
    thumb: bytes = b""
    mode: str = ""  # pictures: colour mode as Pillow names it
    depth: int = 0  # bits a channel
    width: int = 0  # px
    height: int = 0
    orientation: int = 1  # EXIF
    frames: int = 1  # 2 where there are more than one
    one_colour: bool = False
    rate: int = 0  # sounds: Hz
    channels: int = 0
    seconds: float = 0.0
    peak: float = 0.0  # of full scale 1
    level: float = 0.0  # root mean square, of full scale 1
    clipped: float = 0.0  # share of the samples
    offset: float = 0.0  # mean, of full scale 1

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the defaults; not the path and what follows from it, which belong to the table."""
        data = {name: value for name, value in asdict(self).items() if value != _DEFAULTS.get(name)}
        data |= {"thumb": base64.b64encode(self.thumb).decode()} if self.thumb else {}
        return {name: value for name, value in data.items() if name not in ("path", "outside")}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> CellFacts | None:
        """Return the facts, or None where the form is not theirs."""
        if data is None or not data.keys() <= _TYPES.keys() or data.get("kind") not in MEDIA_KINDS:
            return None
        values = dict(data)
        try:
            values["thumb"] = base64.b64decode(data.get("thumb", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            return None
        right = all(type(value) is _TYPES[name] for name, value in values.items())
        return cls(**values) if right else None


_DEFAULTS = {f.name: f.default for f in fields(CellFacts) if f.name != "kind"}
_TYPES = {"kind": str} | {name: type(value) for name, value in _DEFAULTS.items()}


@dataclass(frozen=True)
class Survey:
    """facts[column]: one entry for each row of a picture or sound column; None where the cell is blank.

    cache: the folder of what is kept between commands, or None.
    """

    rows: int
    facts: Mapping[str, list[CellFacts | None]] = field(default_factory=dict)
    cache: Path | None = field(default=None, compare=False)

    def features(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (values (rows, feature) float32, present (rows,) bool) of a media column; 0 where not present.

        Pictures: 16 × 16 grey and 4 × 4 RGB, 0 to 1 (304 numbers). Sounds: log-mels, the means of the three thirds of
        the time and the standard deviation of 32 bands (128 numbers). Nothing is scaled further.
        """
        facts = self.facts[column]
        present = np.array([cell is not None and not cell.fault and bool(cell.thumb) for cell in facts], bool)
        image = any(cell is not None and cell.kind == "image" for cell in facts)
        half = GREY // 2
        values = np.zeros((self.rows, half * half + 3 * COLOUR * COLOUR if image else 4 * BANDS), np.float32)
        for row in np.flatnonzero(present):
            cell = facts[row]
            assert cell is not None
            if image:
                thumb = np.frombuffer(cell.thumb, np.uint8).astype(np.float32) / 255
                grey = thumb[: GREY * GREY].reshape(half, 2, half, 2).mean(axis=(1, 3))
                values[row] = np.concatenate([grey.ravel(), thumb[GREY * GREY :]])
            else:
                values[row] = np.frombuffer(cell.thumb, np.float16)
        return values, present


def survey_table(
    table: Table, schema: Schema, *, cache: Path | None = None, callback: Callable[[dict[str, Any]], None] = _quiet
) -> Survey:
    """Return the facts of every cell of the picture and sound columns that are features, each file opened once.

    A pool of threads reads CHUNK cells at a time; decoded pixels and samples live only until their facts are taken.
    cache: a folder in which facts of files are kept, by path, size and time of change, and of cells by their content; a
    second survey reads no file again. Where it cannot be used, the callback gets one note. Progress: {"stage": "check",
    "done", "total"} in cells.
    """
    names = [column for modality in schema.modalities if modality.kind in MEDIA_KINDS for column in modality.columns]
    kinds = {name: schema.column(name).kind for name in names}
    kept = Cache(_cache_file(table, cache))
    facts: dict[str, list[CellFacts | None]] = {name: [] for name in names}
    done, total = 0, len(table) * len(names)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name in names:
            known: dict[str, CellFacts | None] = {}  # of cells that name files, so that no file is opened twice
            for start in range(0, len(table), CHUNK):
                rows = np.arange(start, min(start + CHUNK, len(table)))
                cells = table.cells(name, rows)
                asked = {cell: cell for cell in cells if isinstance(cell, str) and cell not in known}
                rest = {row: cell for row, cell in enumerate(cells) if cell is not None and not isinstance(cell, str)}
                rate = table.sample_rates.get(name)
                looked = pool.map(
                    lambda cell, kind=kinds[name], rate=rate: look_into(cell, kind, table.folder, kept, rate),
                    [*asked.values(), *rest.values()],
                )
                new: dict[str, dict[str, Any]] = {}
                found: dict[Any, CellFacts | None] = {}
                for place, (cell_facts, key) in zip([*asked, *rest], looked, strict=True):
                    found[place] = cell_facts
                    if key and cell_facts is not None:
                        new[key] = cell_facts.to_json()
                known |= {cell: found[cell] for cell in asked}
                kept.add(new)
                for row, cell in enumerate(cells):
                    facts[name].append(known[cell] if isinstance(cell, str) else found.get(row))
                done += len(rows)
                callback({"stage": "check", "done": done, "total": total})
    kept.tidy()
    if kept.trouble:
        callback({"note": f"nothing is kept for the next check: {kept.trouble}"})
    return Survey(len(table), facts, cache)


def _cache_file(table: Table, folder: Path | None) -> Path | None:
    """One file for each folder of media, so that a check of one table does not read the facts of all others."""
    if folder is None:
        return None
    place = os.path.abspath(table.folder) if table.folder is not None else ""
    return folder / f"check-{hashlib.sha256(place.encode(errors='surrogateescape')).hexdigest()[:16]}.jsonl"


def look_into(
    cell: Any, kind: str, folder: Path | None, cache: Cache, rate: int | None = None
) -> tuple[CellFacts | None, str]:
    """Return the facts of one cell, None where it is blank after all, and the key to keep them under.

    The key is "" where they are kept already, or where nothing could be opened.
    """
    path, outside = "", False
    try:
        if isinstance(cell, np.ndarray):
            return _facts_of(cell, kind, b"", rate), ""
        source = media.open_cell(cell, folder)
        if isinstance(source, Path):
            path = str(source)
            outside = _is_outside(path, folder)
            state = source.stat()
            key = f"{os.path.abspath(path)}|{state.st_size}|{state.st_mtime_ns}"
        else:
            key = hashlib.sha256(source).hexdigest()
        part = media.part_of(cell, source) if kind == "audio" else (0.0, None)
        key = f"{VERSION}|{kind}|{key}|{part}"
        facts = CellFacts.from_json(cache.get(key))
        if facts is not None:
            return replace(facts, path=path, outside=outside), ""
        if path and part != (0.0, None):  # many rows may hold parts of one long file: only the part is read
            return replace(_facts_of(cell, kind, b"", rate, folder), path=path, outside=outside), key
        content = source if isinstance(source, bytes) else source.read_bytes()
    except CellError as error:
        if error.fault == "blank":  # a record with nothing in it
            return None, ""
        return CellFacts(kind, error.fault, str(error), path, outside=outside), ""
    except OSError as error:
        return CellFacts(kind, "unreadable", f"cannot be opened: {cell} ({error.strerror})", path, outside=outside), ""
    name = path or (str(cell.get("path") or "") if isinstance(cell, dict) else "")
    try:
        # Named as the cell has it, decoded from the bytes that are here already.
        facts = _facts_of({"bytes": content, "path": str(cell) if path else name or "the bytes"}, kind, content, rate)
    except CellError as error:
        facts = CellFacts(kind, error.fault, str(error))
    fault, words = check_header(content)
    if (
        fault == "truncated"
        and facts.fault in ("", "no-samples", "unreadable", "too-large")
        and _is_kind(content, kind)
    ):
        if facts.fault or kind == "audio":
            facts = CellFacts(kind, "truncated", f"cut off: {cell if path else name or 'the bytes'} ({words})")
        else:
            facts = replace(facts, header=words)
    elif fault and not facts.fault:
        facts = replace(facts, header=words)
    found = media.sniff_format(content[: media.HEAD])
    form = found[1] if found else ""
    ending = ENDINGS.get(os.path.splitext(name)[1].lower().lstrip("."))
    facts = replace(
        facts,
        path=path,
        outside=outside,
        digest=hashlib.sha256(content).hexdigest(),
        cell=digest_bytes(content).hex() if part == (0.0, None) else "",
        format=form,
        renamed=bool(ending and form and ending != form),
    )
    return facts, key


def _is_kind(content: bytes, kind: str) -> bool:
    return media.sniff(content[: media.HEAD]) == kind


def _is_outside(path: str, folder: Path | None) -> bool:
    if folder is None:
        return False
    root = os.path.abspath(folder)
    return not os.path.abspath(path).startswith(root.rstrip(os.sep) + os.sep)


def _facts_of(cell: Any, kind: str, content: bytes, rate: int | None, folder: Path | None = None) -> CellFacts:
    """Decode a cell and return its facts. Raises CellError."""
    if kind == "image":
        return picture_facts(media.read_image(cell, folder), content)
    samples, rate = media.read_sound(cell, folder, sample_rate=rate)
    return sound_facts(samples, rate)


def picture_facts(image: Image, content: bytes = b"") -> CellFacts:
    """Return the facts of a decoded picture; content: its file, whose header may know the depth better."""
    from PIL.Image import Resampling

    small = _shrink(image)
    grey = small.convert("L").tobytes()
    colour = small.resize((COLOUR, COLOUR), Resampling.BOX).tobytes()
    one = colour == colour[:3] * COLOUR**2 and _is_one_colour(image)  # the second look is at every pixel
    deep = image.mode.startswith("I;16") or (content[:4] == b"\x89PNG" and content[24:25] == b"\x10")
    return CellFacts(
        "image",
        thumb=grey + colour,
        mode=image.mode,
        depth=16 if deep else 32 if image.mode in ("I", "F") else 8,
        width=image.width,
        height=image.height,
        orientation=_orientation(image),
        frames=_count_frames(image),
        one_colour=one,
    )


def _shrink(image: Image) -> Image:
    """Return an RGB copy of GREY × GREY pixels, whatever the shape was; transparent parts become white."""
    from PIL import Image as pil

    if image.mode.startswith("I") or image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float32))
        values *= 255.0 / next((white for white in WHITES if white >= values.max(initial=0)), values.max(initial=1))
        image = pil.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
    try:
        if image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        small = image.resize((GREY, GREY), pil.Resampling.BILINEAR, reducing_gap=2.0)
    except ValueError:
        raise CellError(f"picture of colour mode {image.mode}, which cannot become RGB") from None
    if small.mode == "RGBA":
        behind = pil.new("RGB", small.size, "white")
        behind.paste(small, mask=small.getchannel("A"))
        small = behind
    return small.convert("RGB")


def _is_one_colour(image: Image) -> bool:
    spans: Any = image.getextrema()
    spans = spans if isinstance(spans[0], tuple) else (spans,)
    hidden = image.mode in ("RGBA", "LA", "PA") and spans[-1][1] == 0
    return hidden or all(low == high for low, high in spans)


def _orientation(image: Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1) if "exif" in image.info or image.format == "TIFF" else 1
    except DAMAGE:
        return 1  # a broken tag is no broken picture
    return int(value) if value in range(1, 9) else 1


def _count_frames(image: Image) -> int:
    if image.format == "MPO":  # the second picture of a photo holds its depth, or a preview
        return 1
    try:
        return 2 if getattr(image, "is_animated", False) else 1
    except DAMAGE:
        return 1


def sound_facts(samples: np.ndarray, rate: int) -> CellFacts:
    """Return the facts of a sound: float32 (time, channel), not empty, and its sample rate in Hz."""
    loud = np.abs(samples)
    peak = float(loud.max())
    clipped = 0.0
    if peak >= 0.98:
        # Flat tops: three samples and more in a row at full scale; a single one may be the peak of a good recording.
        flat = loud >= 0.9995 * min(peak, 1.0)
        runs = flat[2:] & flat[1:-1] & flat[:-2]
        if runs.any():
            inside = np.zeros_like(flat)
            for shift in range(3):
                inside[shift : len(inside) - 2 + shift] |= runs
            clipped = float(inside.mean())
    return CellFacts(
        "audio",
        decoded=hashlib.sha256(f"{rate} {samples.shape}".encode() + samples.tobytes()).hexdigest(),
        thumb=_mel_features(samples, rate).astype(np.float16).tobytes(),
        rate=rate,
        channels=samples.shape[1],
        seconds=len(samples) / rate,
        peak=peak,
        level=float(np.sqrt(np.mean(np.square(samples), dtype=np.float64))),
        clipped=clipped,
        offset=float(np.abs(samples.mean(axis=0, dtype=np.float64)).max()),
    )


def _mel_features(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return (4 × BANDS,): log-mels averaged over each third of the time, and their standard deviations."""
    most = int(MEL_SECONDS * rate)
    start = max(0, (len(samples) - most) // 2)
    mel = log_mel(mono(samples[start : start + most]), rate, mels=BANDS)
    time = mel.shape[1]
    starts = [0, time // 3, 2 * time // 3] if time >= 3 else [0, 0, 0]
    thirds = np.add.reduceat(mel, starts, axis=1) / np.diff([*starts, time]) if time >= 3 else mel[:, starts]
    spread = np.sqrt(np.maximum(np.einsum("mt,mt->m", mel, mel) / time - (mel.sum(axis=1) / time) ** 2, 0))
    return np.concatenate([*thirds.T, spread])
