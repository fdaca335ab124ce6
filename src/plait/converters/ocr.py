"""Printed words in a picture: image to text, with rapidocr and the models that its package brings. No download, ever.

Knows no table and no file but the models.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from plait.core.options import from_strings
from plait.errors import CellError, RequestError, need
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


@dataclass(frozen=True)
class Ocr:
    """Words of a picture in reading order: from the top, each line from the left.

    What stands at one height is joined by a blank (by nothing within Chinese or Japanese), lines by "\\n". Confidence
    is the mean of the scores of the lines, weighted by their length; no words give "" and 0. Transparent places count
    as white, EXIF's rotation is obeyed. A picture whose longer side is over 2000 pixels is shrunk to that; one more
    than three times as high as wide, or eight times as wide as high, is cut at blank places and read in parts.
    """

    language: str = field(
        default="auto", metadata={"help": "Language such as en or zh, only checked: one model reads all it knows."}
    )
    least: float = field(default=0.5, metadata={"help": "Leave out lines that are less sure than this, 0 to 1."})

    name: ClassVar[str] = "rapidocr"
    source: ClassVar[str] = "image"
    target: ClassVar[str] = "text"
    cost: ClassVar[float] = 0.1
    quality: ClassVar[float] = 0.9
    module: ClassVar[str] = "rapidocr"
    threads: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.language != "auto" and self.language not in LANGUAGES:
            raise RequestError(
                f"rapidocr.language is {self.language!r}, which its models do not read; "
                f"expected auto or one of: {', '.join(LANGUAGES)}."
            )
        if not 0 <= self.least <= 1:
            raise RequestError(f"rapidocr.least is {self.least:g}; expected 0 to 1.")

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Ocr:
        """Make it from options that may be strings. Raises RequestError for an unknown option or a wrong value."""
        return from_strings(cls, options, "rapidocr")

    @property
    def version(self) -> str:
        try:
            return f"rapidocr {installed_version('rapidocr')}"
        except PackageNotFoundError:
            return "rapidocr"

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        """Return words, or a CellError, and confidence for each picture. Raises RequestError without whole models."""
        made: list[Any] = []
        sure: list[float] = []
        for picture in values:
            try:
                lines = [line for line in find_lines(picture) if line.score >= self.least]
            except CellError as error:
                made.append(error)
                sure.append(0.0)
                continue
            made.append(join_lines(lines))
            sure.append(mean_score(lines))
        return made, sure


def find_lines(picture: Any) -> list[Line]:
    """Return all stretches of words of a picture, in no order.

    Boxes are in the pixels of the picture as it is read: EXIF's rotation done; turned where words run upwards or
    downwards, or upside down where that is surer. Raises CellError for what has no pixels or cannot be decoded.
    """
    pixels = _upright_pixels(picture)
    lines = _read_pixels(pixels)
    upward = sum(len(line.text) for line in lines if line.box[3] - line.box[1] > 1.5 * (line.box[2] - line.box[0]))
    if len(lines) and 2 * upward > sum(len(line.text) for line in lines) > 1:
        pixels = np.ascontiguousarray(np.rot90(pixels))
        lines = _read_pixels(pixels)
    if lines and mean_score(lines) < UPRIGHT:
        turned = _read_pixels(np.ascontiguousarray(pixels[::-1, ::-1]))
        lines = max(lines, turned, key=mean_score)
    return lines


def mean_score(lines: Sequence[Line]) -> float:
    """Return the mean of the scores weighted by the length of the words; 0 without words."""
    length = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / length if length else 0.0


def _read_pixels(pixels: np.ndarray) -> list[Line]:
    engine = load_engine()
    lines = []
    for left, top, part in _parts(pixels):
        part, x, y = _pad(part)
        result = engine(part)
        if getattr(result, "txts", None) is None or result.boxes is None:
            continue
        for corners, text, score in zip(result.boxes, result.txts, result.scores, strict=True):
            words = text.strip()
            if words:
                (x1, y1), (x2, y2) = np.min(corners, axis=0), np.max(corners, axis=0)
                box = (float(x1 + left - x), float(y1 + top - y), float(x2 + left - x), float(y2 + top - y))
                lines.append(Line(box, words, min(1.0, float(score))))
    return lines


def join_lines(lines: Sequence[Line]) -> str:
    """Return the words in reading order. Stretches are on one line where half of the lower one is level."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box[1] + line.box[3]):
        if rows:
            last = rows[-1]
            level = sum(other.box[1] + other.box[3] for other in last) / (2 * len(last))
            height = min(line.box[3] - line.box[1], *(other.box[3] - other.box[1] for other in last))
            if abs((line.box[1] + line.box[3]) / 2 - level) <= height / 2:
                last.append(line)
                continue
        rows.append([line])
    return "\n".join(_join_row(sorted(row, key=lambda line: line.box[0])) for row in rows)


def _join_row(row: Sequence[Line]) -> str:
    words = row[0].text
    for before, line in pairwise(row):
        near = line.box[0] - before.box[2] < line.box[3] - line.box[1]
        wide = all(unicodedata.east_asian_width(c) in "WF" for c in (before.text[-1], line.text[0]))
        words += line.text if near and wide else " " + line.text
    return words


def _upright_pixels(picture: Any) -> np.ndarray:
    """Return (height, width, 3), blue first, uint8."""
    from PIL import ImageOps

    try:
        if getattr(picture, "getexif", None) is not None and picture.getexif().get(0x0112, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        pixels = as_pixels(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise CellError(f"picture cannot be decoded: {error}") from None
    if pixels.size == 0:
        raise CellError("picture has no pixels", "empty")
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _parts(pixels: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Return (left, top, pixels) of the parts that a long and narrow picture is read in; others are one part."""
    height, width = pixels.shape[:2]
    if max(height, width) <= LONGEST or (height <= 3 * width and width <= 8 * height):
        return [(0, 0, pixels)]
    tall = height > width
    across = pixels if tall else pixels.transpose(1, 0, 2)
    most = max(LONGEST, min(height, width))
    parts, start = [], 0
    while start < len(across):
        end = len(across) if len(across) - start <= most else _find_cut(across, start + most // 2, start + most)
        part = across[start:end] if tall else across[start:end].transpose(1, 0, 2)
        parts.append((0 if tall else start, start if tall else 0, np.ascontiguousarray(part)))
        start = end
    return parts


def _find_cut(across: np.ndarray, first: int, last: int) -> int:
    """Return where to cut: the middle of the widest blank stretch, or the plainest place."""
    piece = across[first:last].astype(np.int16)
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
    if not more_x and not more_y:
        return pixels, 0, 0
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    out = np.empty((height + more_y, width + more_x, 3), np.uint8)
    out[:] = np.median(border, axis=0).astype(np.uint8)
    left, top = more_x // 2, more_y // 2
    out[top : top + height, left : left + width] = pixels
    return out, left, top


def model_files() -> dict[str, tuple[Path, str]]:
    """Return {Det, Rec: (file in the package, its SHA-256)} of rapidocr's usual models."""
    import rapidocr
    from rapidocr.inference_engine.base import FileInfo, InferSession
    from rapidocr.utils.parse_parameters import ParseParams

    package = Path(rapidocr.__file__).parent
    settings = ParseParams.load(package / "config.yaml")
    files = {}
    for task in ("Det", "Rec"):
        chosen = settings[task]
        info = InferSession.get_model_url(
            FileInfo(chosen.engine_type, chosen.ocr_version, chosen.task_type, chosen.lang_type, chosen.model_type)
        )
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
    """Return rapidocr with the models of its package, made once. It may be called from several threads.

    Raises MissingExtra without rapidocr, RequestError where a model is missing or damaged.
    """
    need("rapidocr")
    with _LOCK:
        logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)  # before its import too
        return _load_engine()
