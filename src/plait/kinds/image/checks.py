"""What is kept of a picture, and what is odd about those of a column. Knows no sound, no table and no network."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.finding import Finding, say_cells
from plait.data import media
from plait.errors import CellError
from plait.kinds import cell_facts
from plait.kinds.cell_facts import WHOLE, CellFacts, check_mixed, first_of, quick_numbers, rows_where
from plait.kinds.image.prep import ORIENTATION, WHITES

if TYPE_CHECKING:
    from PIL.Image import Image

SPEAKS = True  # a picture is there to tell something of its row: silence, or a copy with another label, is a finding
WHOLE_FILES = False  # what is left of a picture that was cut off can still be looked at
FAULTS = {  # of pictures alone: fault → name of the check, what its cells do, how to mend it
    "too-large": (
        "image-too-large",
        "says that it is too large to decode",
        "Shrink the pictures, or blank the cells: a small file that unfolds to a huge picture may be an attack.",
    ),
}
GREY = 32  # px: side of the grey thumbnail, fine enough to tell near duplicates by; features take half of it
COLOUR = 4  # px: side of the coloured one
TINY = 8  # px: a shorter side than this shows next to nothing
FLAT = 10.0  # longer side over shorter side
NEAR_BITS = 7  # of the 64 of a hash, in which near duplicates may differ
NEAR = 0.995  # correlation of two thumbnails from which on they show the same
NEIGHBOURS = 64  # in a sorted list of hashes, that each is compared with
# What Pillow is seen to raise on broken tags and later frames.
DAMAGE = (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError, EOFError, IndexError)

contents, kept_keys = cell_facts.contents, cell_facts.kept_keys


@dataclass(frozen=True, slots=True)
class PictureFacts(CellFacts):
    """What a picture holds. thumb: uint8 grey 32 × 32, then RGB 4 × 4 × 3."""

    mode: str = ""  # colour mode as Pillow names it
    depth: int = 0  # bits a channel
    width: int = 0  # px
    height: int = 0
    orientation: int = 1  # EXIF
    frames: int = 1  # 2 where there are more than one
    one_colour: bool = False

    @property
    def bare(self) -> bool:
        """Whether it is of one colour all over."""
        return self.one_colour


FACTS = PictureFacts


def part_of(cell: Any, source: bytes | Path) -> tuple[float, float | None]:
    """Return the part of a file that a cell names: all of it."""
    return WHOLE


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> PictureFacts:
    """Decode a cell and return its facts; content: its file, whose header may know more. Raises CellError."""
    return picture_facts(media.read_image(cell, folder), content)


def picture_facts(image: Image, content: bytes = b"") -> PictureFacts:
    """Return the facts of a decoded picture; content: its file, whose header may know the depth better."""
    from PIL.Image import Resampling

    small = _shrink(image)
    grey = small.convert("L").tobytes()
    colour = small.resize((COLOUR, COLOUR), Resampling.BOX).tobytes()
    one = colour == colour[:3] * COLOUR**2 and _is_one_colour(image)  # the second look is at every pixel
    deep = image.mode.startswith("I;16") or (content[:4] == b"\x89PNG" and content[24:25] == b"\x10")
    return PictureFacts(
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


def quick(
    columns: Mapping[str, Sequence[PictureFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: 16 × 16 grey and 4 × 4 RGB, 0 to 1, of each column (304 numbers)."""
    return quick_numbers(columns, (GREY // 2) ** 2 + 3 * COLOUR * COLOUR, _numbers)


def _numbers(cell: PictureFacts) -> np.ndarray:
    thumb, half = np.frombuffer(cell.thumb, np.uint8).astype(np.float32) / 255, GREY // 2
    grey = thumb[: GREY * GREY].reshape(half, 2, half, 2).mean(axis=(1, 3))
    return np.concatenate([grey.ravel(), thumb[GREY * GREY :]])


def by_chance(content: Any) -> bool:
    """Whether the same may come again without a copy; a picture does not."""
    return False


def check_facts(column: str, facts: Sequence[PictureFacts | None]) -> list[Finding]:
    """Return what is odd about pictures that can be read."""
    found: list[Finding] = []

    def tell(severity: str, check: str, does: str, rows: tuple[int, ...], mend: str, first: str = "") -> None:
        if rows:
            message = say_cells(len(rows), does) + (f"; the first: {first}" if first else "")
            found.append(Finding(severity, check, column, rows, message, mend))

    tell(
        "note",
        "image-rotated",
        "holds a photo that its EXIF tag turns",
        rows_where(facts, lambda cell: cell.orientation != 1),
        "plait turns them upright; other programs may not. --fix OUT writes them upright.",
    )
    tell(
        "warning",
        "image-animated",
        "holds a picture of several frames or pages",
        rows_where(facts, lambda cell: cell.frames > 1),
        "plait takes the first one. Cut out the frame that counts, or give each a row.",
    )
    tell(
        "warning",
        "image-tiny",
        f"holds a picture with a side under {TINY} pixels",
        rows_where(facts, lambda cell: min(cell.width, cell.height) < TINY),
        "Look at them: they may be thumbnails or place holders. Replace them, or blank the cells.",
    )
    tell(
        "warning",
        "image-aspect",
        f"holds a picture over {FLAT:.0f} times as long as it is wide",
        rows_where(facts, lambda cell: max(cell.width, cell.height) > FLAT * min(cell.width, cell.height)),
        "Look at them: they may be strips cut by mistake. Cut them again, or blank the cells.",
    )
    tell(
        "warning",
        "image-one-colour",
        "holds a picture of one colour all over",
        rows_where(facts, lambda cell: cell.one_colour),
        "They show nothing. Replace them, or blank the cells, so that they count as absent.",
    )
    tell(
        "warning",
        "image-damaged",
        "holds a picture that can be read, though its file is damaged",
        rows := rows_where(facts, lambda cell: cell.header),
        "Copy the files again.",
        first_of(facts, rows).header if rows else "",
    )
    found += check_mixed(
        facts,
        lambda cell: _colours(cell.mode),
        column,
        "image-mixed-modes",
        "pictures of several colour modes",
        "plait brings all to one; if a class comes in a mode of its own, that gives it away: make them alike.",
    )
    found += check_mixed(
        facts,
        lambda cell: f"{cell.depth} bits",
        column,
        "image-mixed-depths",
        "pictures of several bit depths",
        "plait brings all to 8 bits; check that the brightness of both kinds agrees.",
    )
    return found


def check_near(
    column: str, facts: Sequence[PictureFacts | None], rows: Sequence[int]
) -> tuple[list[list[int]], list[Finding]]:
    """Return groups of these rows whose pictures look the same, and the finding that says so."""
    near = near_pictures(facts, rows)
    if not near:
        return [], []
    later = tuple(sorted({row for group in near for row in group[1:]}))
    message = f"{say_cells(len(later), 'holds nearly the same picture as an earlier row')}; rows {near[0][0]} and "
    message += f"{near[0][1]} are the first two"
    mend = "Look at them; keep one of each where they show the same thing."
    return near, [Finding("warning", "image-near-duplicate", column, later, message, mend)]


def near_pictures(facts: Sequence[PictureFacts | None], rows: Sequence[int]) -> list[list[int]]:
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
    cells = [first_of(facts, [row]) for row in chosen]
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


def _colours(mode: str) -> str:
    if mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        return "transparent"
    if mode in ("1", "L", "F") or mode.startswith("I"):
        return "grey"
    return "colour" if mode in ("P", "RGB", "YCbCr") else mode
