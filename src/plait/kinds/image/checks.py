"""What is kept of a picture, and what is odd about those of a column. Knows no sound, no table and no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.finding import Finding, say_cells
from plait.data import media
from plait.data.pictures import CUT, SIZE, deep_values
from plait.errors import CellError
from plait.kinds import cell_facts
from plait.kinds.cell_facts import CellFacts, Oddity, check_cells, first_of, quick_numbers, rows_where
from plait.kinds.image import prep
from plait.kinds.weights import cosines

if TYPE_CHECKING:
    from PIL.Image import Image

SPEAKS = True  # a picture is there to tell something of its row: silence, or a copy with another label, is a finding
WHOLE_FILES = False  # what is left of a picture that was cut off can still be looked at
FAULTS = {  # of pictures alone: fault → name of the check, what its cells do, how to mend it
    "too-large": (
        "image-too-large",
        "says that it is too large to decode",
        "Shrink the pictures, or blank the cells: a small file that unfolds to a huge picture may be an attack.",
    )
}
GREY = 32  # px: side of the grey thumbnail, fine enough to tell near duplicates by; features take half of it
COLOUR = 4  # px: side of the coloured one
TINY = 8  # px: a shorter side than this shows next to nothing
FLAT_LEVELS = 4  # of 255: a picture of fewer shows next to nothing
FLAT = 10.0  # longer side over shorter side
NEAR_BITS = 7  # of the 64 of a hash, in which near duplicates may differ
NEAR = 0.995  # correlation of two thumbnails from which on they show the same
NEIGHBOURS = 64  # in a sorted list of hashes, that each is compared with

by_chance, contents, kept_keys = cell_facts.by_chance, cell_facts.contents, cell_facts.kept_keys


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
    low: float = 0.0  # of the values of one of more than 8 bits; both 0 of any other
    high: float = 0.0
    on_white: bool = True  # whether it shows anything there: of one with transparency
    on_black: bool = True

    @property
    def bare(self) -> bool:
        """Whether it is of one colour all over."""
        return self.one_colour


FACTS = PictureFacts


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> PictureFacts:
    """Decode a cell and return its facts; content: its file, whose header may know more. Raises CellError."""
    from PIL.Image import Resampling

    image = media.read_image(cell, folder, draft=(2 * GREY, 2 * GREY))  # every byte of a JPEG is read, for less
    width, height = image.info.get(SIZE, image.size)
    if width * height > media.MAX_PIXELS:
        image = media.read_image(cell, folder)  # says that it is too large
    values, orientation = deep_values(image), prep.orientation_of(image)
    shallow = prep.levelled(image)
    shows = prep.shows_on(shallow) if shallow.has_transparency_data else (True, True)
    small = _shrink(shallow, prep.backdrop_of([shows]))
    grey = small.convert("L").tobytes()
    colour = small.resize((COLOUR, COLOUR), Resampling.BOX).tobytes()
    low, high = (0.0, 0.0) if values is None else prep.ends_of(values)
    return PictureFacts(
        "image",
        thumb=grey + colour,
        mode=image.mode,
        depth=16 if values is not None and values.dtype.itemsize == 2 else 32 if prep.is_deep(image) else 8,
        width=width,
        height=height,
        orientation=orientation,
        # the second picture of an MPO photo holds its depth, or a preview
        frames=2 if image.format != "MPO" and prep.is_animated(image) else 1,
        one_colour=colour == colour[:3] * COLOUR**2
        and (_is_one_colour(media.read_image(cell, folder)) if values is None else low == high),  # at every pixel
        low=low,
        high=high,
        on_white=shows[0],
        on_black=shows[1],
        header=image.info.get(CUT, "") or _broken_tags(image),
    )


def _broken_tags(image: Image) -> str:
    """Say that no EXIF tag can be read of a block that is there; it may be the one that turns the photo."""
    block = image.info.get("exif") or b""  # its head and an empty list of tags have 20 bytes
    return "its EXIF tags cannot be read" if len(block) > 20 and prep.tags_of(image) is None else ""


def _shrink(image: Image, backdrop: int) -> Image:
    """Return an RGB copy of GREY × GREY pixels, whatever the shape was; backdrop: the grey behind transparent parts."""
    from PIL.Image import Resampling

    try:
        if image.mode not in ("L", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        small = image.resize((GREY, GREY), Resampling.BILINEAR, reducing_gap=2.0)
    except ValueError:
        raise CellError(f"picture of colour mode {image.mode}, which cannot become RGB") from None
    return prep.on_colour(small, backdrop) if small.mode == "RGBA" else small.convert("RGB")


def _is_one_colour(image: Image) -> bool:
    spans: Any = image.getextrema()
    spans = spans if isinstance(spans[0], tuple) else (spans,)
    hidden = image.mode in ("RGBA", "LA", "PA") and spans[-1][1] == 0
    return hidden or all(low == high for low, high in spans)


def quick(
    columns: Mapping[str, Sequence[PictureFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: 16 × 16 grey and 4 × 4 RGB, 0 to 1, of each column (304 numbers)."""
    return quick_numbers(columns, (GREY // 2) ** 2 + 3 * COLOUR * COLOUR, _numbers)


def _numbers(cell: PictureFacts) -> np.ndarray:
    thumb, half = np.frombuffer(cell.thumb, np.uint8).astype(np.float32) / 255, GREY // 2
    grey = thumb[: GREY * GREY].reshape(half, 2, half, 2).mean(axis=(1, 3))
    return np.concatenate([grey.ravel(), thumb[GREY * GREY :]])


def check_facts(column: str, facts: Sequence[PictureFacts | None]) -> list[Finding]:
    """Return what is odd about pictures that can be read."""
    return [*check_cells(column, facts, ODDITIES, MIXTURES), *_check_flattened(column, facts)]


def _check_flattened(column: str, facts: Sequence[PictureFacts | None]) -> Iterator[Finding]:
    """Find pictures that show something, and nothing once all of the column are brought to 8 bits on one backdrop."""
    deep = rows_where(facts, lambda cell: cell.high > cell.low)
    if deep:
        black, white = prep.range_of([(first_of(facts, [row]).low, first_of(facts, [row]).high) for row in deep])
        levels = (white - black) / 255
        flat = rows_where(facts, lambda cell: 0 < cell.high - cell.low < FLAT_LEVELS * levels)
        if flat:
            first = first_of(facts, flat)
            message = say_cells(len(flat), "holds a picture that goes flat when its values are brought to 8 bits")
            message += f"; the first: {first.low:g} to {first.high:g}, and {black:g} to {white:g} in the column"
            mend = "See whether all are in one unit: plait brings them to 8 bits together. Scale them alike."
            yield Finding("warning", "image-flattened", column, flat, message, mend)
    pairs = [(cell.on_white, cell.on_black) for cell in facts if cell is not None and not cell.fault]
    if (grey := prep.backdrop_of(pairs)) != 255:
        rows = rows_where(facts, lambda cell: cell.on_black and not cell.on_white)
        message = say_cells(len(rows), "holds a picture that its transparency draws, and that would vanish on white")
        mend = f"plait puts all of the column on {'black' if not grey else 'grey'}; nothing is needed."
        yield Finding("note", "image-flattened", column, rows, message, mend)


ODDITIES = {
    "image-rotated": Oddity(
        lambda cell: cell.orientation != 1,
        "holds a photo that its EXIF tag turns",
        "plait turns them upright; other programs may not. --fix OUT writes them upright.",
        "note",
    ),
    "image-animated": Oddity(
        lambda cell: cell.frames > 1,
        "holds a picture of several frames or pages",
        "plait takes the first one. Cut out the frame that counts, or give each a row.",
    ),
    "image-tiny": Oddity(
        lambda cell: min(cell.width, cell.height) < TINY,
        f"holds a picture with a side under {TINY} pixels",
        "Look at them: they may be thumbnails or place holders. Replace them, or blank the cells.",
    ),
    "image-aspect": Oddity(
        lambda cell: max(cell.width, cell.height) > FLAT * min(cell.width, cell.height),
        f"holds a picture over {FLAT:.0f} times as long as it is wide",
        "Look at them: they may be strips cut by mistake. Cut them again, or blank the cells.",
    ),
    "image-one-colour": Oddity(
        lambda cell: cell.one_colour,
        "holds a picture of one colour all over",
        "They show nothing. Replace them, or blank the cells, so that they count as missing.",
    ),
    "image-damaged": Oddity(
        lambda cell: cell.header,
        "holds a picture that can be read, though its file is damaged",
        "Copy the files again.",
        first=lambda cell: cell.header,
    ),
}
MIXTURES: dict[str, tuple[Callable[[Any], str], str, str]] = {
    "image-mixed-modes": (
        lambda cell: _colours(cell.mode),
        "pictures of several colour modes",
        "plait brings all to one; if a class comes in a mode of its own, that gives it away: make them alike.",
    ),
    "image-mixed-depths": (
        lambda cell: f"{cell.depth} bits",
        "pictures of several bit depths",
        "plait brings all to 8 bits; check that the brightness of both kinds agrees.",
    ),
}


def _colours(mode: str) -> str:
    if mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        return "transparent"
    if mode in ("1", "L", "F") or mode.startswith("I"):
        return "grey"
    return "colour" if mode in ("P", "RGB", "YCbCr") else mode


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
    return [sorted(chosen[place] for place in group) for group in _join(pairs, len(chosen))]


def hash_pictures(pixels: np.ndarray) -> np.ndarray:
    """Return a 64-bit perceptual hash (picture,) uint64 of grey thumbnails (picture, GREY²)."""
    waves = 4 * cosines(GREY, 9)[1:].astype(np.float32)  # without the mean
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


def _join(pairs: set[tuple[int, int]], size: int) -> list[list[int]]:
    """Return the groups of places, of so many, that pairs connect, by their first place."""
    if not pairs:
        return []
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(list(pairs)).T
    labels = connected_components(coo_array((np.ones(len(pairs)), ends), (size, size)), directed=False)[1]
    groups: dict[int, list[int]] = {}
    for place in np.unique(ends).tolist():
        groups.setdefault(labels[place], []).append(place)
    return list(groups.values())
