"""Printed words in a picture: image to text, with rapidocr and the models of its package. No download, ever."""

from __future__ import annotations

import hashlib
import logging
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plait.converters.graph import ByValue, with_version
from plait.errors import CellError, RequestError
from plait.kinds.image.row import as_pixels

# what the models of the package (PP-OCRv6 small) read, all at once: Chinese, Japanese and the Latin alphabets
_LANGUAGES = (
    "zh zh-tw ja en af az bs ca cs cy da de es et eu fi fr ga gl hr hu id is it ku la lb lt lv mi ms mt nl no oc pl pt "
    "qu rm ro sk sl sq sr sv sw tl tr uz vi"
)
LANGUAGES = tuple(_LANGUAGES.split())
LONGEST = 2000  # pixels: a longer side is made shorter, or the picture is cut where it is long and narrow
LEAST_SIDE = 48  # pixels
UPRIGHT = 0.85  # mean score under which a picture is read upside down too
_LOCK = threading.Lock()


class Line(NamedTuple):
    """One stretch of words: its box (left, top, right, bottom) in pixels, the words, how sure (0 to 1)."""

    box: tuple[float, float, float, float]
    text: str
    score: float

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class Ocr(ByValue):
    """Words of a picture in reading order: from the top, each line from the left.
    What stands at one height is joined by a blank (by nothing within Chinese or Japanese), lines by "\\n". Confidence
    is the mean of the scores of the lines, weighted by their length. Transparent places count as white, EXIF's rotation
    is obeyed. A longer side of over 2000 pixels is shrunk to that; a picture more than three times as high as wide, or
    eight times as wide as high, is cut at blank places and read in parts."""

    language: str = field(
        default="auto", metadata={"help": "Language such as en or zh, only checked: one model reads all it knows."}
    )
    least: float = field(default=0.5, metadata={"help": "Leave out lines that are less sure than this, 0 to 1."})

    name, source, target = "rapidocr", "image", "text"
    cost, quality = 0.1, 0.9
    module = "rapidocr"
    threads = True

    def __post_init__(self) -> None:
        if self.language != "auto" and self.language not in LANGUAGES:
            raise RequestError(
                f"rapidocr.language is {self.language!r}, which its models do not read; "
                f"expected auto or one of: {', '.join(LANGUAGES)}."
            )
        self.check_range("least", 0, 1)

    @property
    def version(self) -> str:
        return with_version("rapidocr")

    def convert(self, value: Any) -> tuple[str, float]:
        """Return the words of a picture and how sure they are. Raises RequestError without whole models."""
        lines = [line for line in find_lines(value) if line.score >= self.least]
        return join_lines(lines), mean_score(lines)


def find_lines(picture: Any) -> list[Line]:
    """Return all stretches of words of a picture, in no order. Raises CellError for what has no pixels or is damaged.

    Boxes are in the pixels of the picture as it is read: turned by EXIF, and where words run up, down or upside down.
    """
    pixels = _upright_pixels(picture)
    lines = _read_pixels(pixels)
    upward = sum(len(line.text) for line in lines if line.height > 1.5 * (line.box[2] - line.box[0]))
    if 2 * upward > sum(len(line.text) for line in lines) > 1:
        pixels = np.rot90(pixels)
        lines = _read_pixels(pixels)
    if lines and mean_score(lines) < UPRIGHT:
        lines = max(lines, _read_pixels(pixels[::-1, ::-1]), key=mean_score)
    return lines


def mean_score(lines: Sequence[Line]) -> float:
    """Return the mean of the scores weighted by the length of the words; 0 without words."""
    length = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / length if length else 0.0


def _read_pixels(pixels: np.ndarray) -> list[Line]:
    engine = load_engine()
    lines = []
    for left, top, part in _parts(pixels):
        padded, x, y = _pad(part)
        result = engine(padded)
        if getattr(result, "txts", None) is None or result.boxes is None:
            continue
        corner = np.array([left - x, top - y])
        for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
            if words := text.strip():
                (x1, y1), (x2, y2) = np.min(corners, axis=0) + corner, np.max(corners, axis=0) + corner
                lines.append(Line((float(x1), float(y1), float(x2), float(y2)), words, min(1.0, float(score))))
    return lines


def join_lines(lines: Sequence[Line]) -> str:
    """Return the words in reading order. Stretches are on one line where half of the lower one is level."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.middle):
        if rows:
            last = rows[-1]
            level = sum(other.middle for other in last) / len(last)
            if abs(line.middle - level) <= min(other.height for other in (line, *last)) / 2:
                last.append(line)
                continue
        rows.append([line])
    return "\n".join(_join_row(sorted(row, key=lambda line: line.box[0])) for row in rows)


def _join_row(row: Sequence[Line]) -> str:
    words = row[0].text
    for before, line in pairwise(row):
        near = line.box[0] - before.box[2] < line.height
        wide = all(unicodedata.east_asian_width(c) in "WF" for c in (before.text[-1], line.text[0]))
        words += line.text if near and wide else " " + line.text
    return words


def _upright_pixels(picture: Any) -> np.ndarray:
    """Return (height, width, 3), blue first, uint8."""
    from PIL import ImageOps

    try:
        pixels = as_pixels(ImageOps.exif_transpose(picture))
    except (OSError, ValueError, SyntaxError) as error:
        raise CellError(f"picture cannot be decoded: {error}") from None
    if pixels.size == 0:
        raise CellError("picture has no pixels", "empty")
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels[:, :, ::-1]


def _parts(pixels: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Return (left, top, pixels) of the parts that a long and narrow picture is read in; others are one part."""
    height, width = pixels.shape[:2]
    if width > 8 * height:
        return [(top, left, part.transpose(1, 0, 2)) for left, top, part in _parts(pixels.transpose(1, 0, 2))]
    if height <= max(LONGEST, 3 * width):
        return [(0, 0, pixels)]
    parts, start, most = [], 0, max(LONGEST, width)
    while start < len(pixels):
        end = len(pixels) if len(pixels) - start <= most else _find_cut(pixels, start + most // 2, start + most)
        parts.append((0, start, pixels[start:end]))
        start = end
    return parts


def _find_cut(pixels: np.ndarray, first: int, last: int) -> int:
    """Return the row to cut at: the middle of the widest blank stretch, or the plainest place."""
    piece = pixels[first:last].astype(np.int16)
    spread = (piece.max(axis=1) - piece.min(axis=1)).max(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], spread <= spread.min() + 8, [0]])))
    starts, ends = edges[::2], edges[1::2]
    widest = int(np.argmax(ends - starts))
    return first + max(1, int(starts[widest] + ends[widest]) // 2)


def _pad(pixels: np.ndarray) -> tuple[np.ndarray, int, int]:
    """Return a picture with a border of its own colour where it is small or very narrow, and (left, top) of it."""
    height, width = pixels.shape[:2]
    least = max(LEAST_SIDE, max(height, width) // 8)
    more_x, more_y = max(0, least - width), max(0, least - height)
    left, top = more_x // 2, more_y // 2
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    padded = np.empty((height + more_y, width + more_x, 3), np.uint8)
    padded[:] = np.median(border, axis=0)
    padded[top : top + height, left : left + width] = pixels
    return padded, left, top


def model_files() -> dict[str, tuple[Path, str]]:
    """Return {Det, Rec: (file in the package, its SHA-256)} of rapidocr's usual models."""
    import rapidocr
    from rapidocr.inference_engine.base import FileInfo, InferSession
    from rapidocr.utils.parse_parameters import ParseParams

    package = Path(rapidocr.__file__).parent
    settings = ParseParams.load(package / "config.yaml")
    files = {}
    for task in ("Det", "Rec"):
        names = ("engine_type", "ocr_version", "task_type", "lang_type", "model_type")
        info = InferSession.get_model_url(FileInfo(*(settings[task][name] for name in names)))
        files[task] = (package / "models" / Path(info["model_dir"]).name, str(info["SHA256"]))
    return files


@lru_cache(maxsize=1)
def _load_engine() -> Any:
    from rapidocr import RapidOCR

    params: dict[str, Any] = {
        "Global.log_level": "critical",
        "Global.text_score": 0.0,
        "Global.max_side_len": LONGEST,
        "Global.use_cls": False,  # its model of upside-down lines turns long lines that are upright
        "Global.width_height_ratio": -1,  # narrow pictures are padded here, with their own colour
        # As PaddleOCR does; rapidocr's own 736 enlarges small pictures: ten times slower, and it reads them worse.
        "Det.limit_side_len": 64,
        "Det.limit_type": "min",
        # One: pictures are read side by side by threads, which gains more than threads within a picture.
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    }
    for task, (path, digest) in model_files().items():
        # Without this rapidocr would fetch what is missing or damaged.
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise RequestError(
                f"the model {path.name} of rapidocr is {'damaged' if path.is_file() else 'missing'}; plait never "
                "downloads one. Reinstall it: pip install --force-reinstall --no-deps rapidocr"
            )
        params[f"{task}.model_path"] = str(path)
    return RapidOCR(params=params)


def load_engine() -> Any:
    """Return rapidocr with the models of its package, made once; threads may share it. Raises RequestError."""
    with _LOCK:
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)  # before its import too
        return _load_engine()
