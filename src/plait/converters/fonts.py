"""Which installed font writes a character, and words in the order and direction in which they are set.
Knows nothing of plait but its list of fonts. No display, nobody's settings changed."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from plait.draw.page import FONTS, characters_of
from plait.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

UNKNOWN = "□"  # stands for a character that no font can write
OPENING = "([{“‘«（［｛《〈「『【〔〖"
CLOSING = ")]}”’»!,.:;?%…！，．：；？％）］｝》〉」』】〕〗。、・ー" + "ぁぃぅぇぉっゃゅょァィゥェォッャュョ々〻"
_WIDE = (
    "\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60"
    "\U0001f300-\U0001faff\U00020000-\U0003ffff"
)
# what a line is broken between: blanks, a wide character with its punctuation, any other word
_TOKENS = re.compile(
    rf"[ \u3000]+|[{re.escape(OPENING)}]*[{_WIDE}][\u0300-\u036f\u3099\u309a\ufe00-\ufe0f{re.escape(CLOSING)}]*"
    rf"|(?:(?![{_WIDE} \u3000]).){{1,300}}",
    re.DOTALL,
)
_MARKS = ("Mn", "Me")
_JOINERS = "\u200c\u200d"  # they shape letters and are kept; other signs that are not seen are left out
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«", _JOINERS)


class Face(NamedTuple):
    """One face of a font file."""

    path: str
    number: int  # within the file


class Run(NamedTuple):
    """Characters that one face writes in one direction: "ltr" or "rtl", or None, as they stand, without raqm."""

    text: str
    face: Face
    direction: str | None

    def length(self, size: int) -> float:
        """Return how many pixels wide it is."""
        return float(load_font(self.face, size).getlength(self.text, direction=self.direction))


@lru_cache(maxsize=1)
def can_shape() -> bool:
    """Whether Pillow has raqm here: it joins Arabic letters and orders both directions within a line."""
    from PIL import features

    return bool(features.check("raqm"))


@lru_cache(maxsize=1)
def plain_face() -> Face:
    """DejaVu Sans, which matplotlib brings along."""
    import matplotlib

    return Face(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 0)


@lru_cache(maxsize=1)
def installed_faces() -> tuple[tuple[str, Face], ...]:
    """Return (family, face) of the fonts of the system, the best first: upright ones, those of plait's list."""
    from matplotlib.font_manager import findSystemFonts
    from PIL import ImageFont

    ranked = []
    for path in sorted(findSystemFonts()):  # looked for now: matplotlib's own list may be older than a font
        for index in range(16 if path.lower().endswith(("ttc", "otc")) else 1):
            try:
                family, style = ImageFont.truetype(path, 16, index).getname()
            except (OSError, ValueError):  # no further face, a font of pictures, or a broken one
                break
            if family:
                place = FONTS.index(family) if family in FONTS else len(FONTS)
                slanted = (style or "Regular") not in ("Regular", "Book", "Normal", "Roman", "Medium")
                ranked.append((slanted, place, Face(path, index), family))
    return tuple((family, face) for _slanted, _place, face, family in sorted(ranked))


@lru_cache(maxsize=16)
def find_face(font: str) -> Face:
    """Return the face of a font file or of a family. Raises RequestError, naming what there is."""
    if not font:
        return plain_face()
    path = Path(font).expanduser()
    if path.suffix.lower() in (".ttf", ".otf", ".ttc", ".otc"):
        from matplotlib.font_manager import get_font
        from PIL import ImageFont

        try:
            ImageFont.truetype(str(path), 16)
            get_font(str(path))
        except (OSError, RuntimeError) as error:
            raise RequestError(f"render.font {font!r} cannot be read as a font file: {error}.") from None
        return Face(str(path), 0)
    families = {"DejaVu Sans": plain_face()}
    for family, face in installed_faces():
        families.setdefault(family, face)
    for family, face in families.items():
        if family.lower() == font.lower():
            return face
    raise RequestError(f"render.font: there is no font {font!r} here. {did_you_mean(font, sorted(families))}")


@lru_cache(maxsize=65536)
def face_for(character: str, font: str = "") -> Face | None:
    """Return the first face that writes a character: the one asked for, the plain one, one of the installed ones."""
    for face in (find_face(font), plain_face()):
        if character in characters_of(face.path):
            return face
    return next((face for _family, face in installed_faces() if character in characters_of(face.path)), None)


@lru_cache(maxsize=64)
def load_font(face: Face, size: int) -> FreeTypeFont:
    """Return the font at a size in pixels for an em."""
    from PIL import ImageFont

    engine = ImageFont.Layout.RAQM if can_shape() else ImageFont.Layout.BASIC
    return ImageFont.truetype(face.path, size, face.number, layout_engine=engine)


def clean_text(text: str, font: str = "") -> tuple[str, float]:
    """Return the text as it can be written, and the share of its characters that can.

    Characters without a font become □; marks without a font, control characters and other signs that are not seen go.
    """
    out, seen, lost = [], 0, 0
    for c in "\n".join(text.splitlines()).replace("\t", "    "):
        kind = unicodedata.category(c)
        if c == "\n" or c in _JOINERS:
            out.append(c)
        elif kind in ("Zs", "Zl", "Zp"):
            out.append("\u3000" if c == "\u3000" else " ")
        elif kind not in ("Cc", "Cf"):
            seen += 1
            if kind != "Cs" and face_for(c, font) is not None:
                out.append(c)
                continue
            lost += 1
            if kind not in _MARKS:
                out.append(UNKNOWN)
    return "".join(out), (1 - lost / seen if seen else 1.0)


def direction_of(text: str) -> str:
    """Return "rtl" where the first letter is of a script that is written from right to left, or else "ltr"."""
    kinds = (unicodedata.bidirectional(c) for c in text)
    return "rtl" if next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def split_runs(line: str, base: str, font: str = "") -> list[Run]:
    """Return the runs of a line from left to right, as they are seen.
    With raqm a line of one face is one run, and raqm does the rest. Otherwise runs are put in order by the Unicode
    Bidirectional Algorithm in short, and without raqm right-to-left letters are turned round here, and not joined."""
    faces = _faces(line, font)
    if can_shape() and len(set(faces)) == 1:
        return [Run(line, faces[0], base)]
    alike = groupby(zip(line, faces, _levels(line, base), strict=True), key=itemgetter(1, 2))
    runs = [("".join(c for c, _face, _level in group), face, level) for (face, level), group in alike]
    for least in (2, 1):  # rule L2: what is of this level or more is seen the other way round
        stretches = [(turned, list(group)) for turned, group in groupby(runs, key=lambda run: run[2] >= least)]
        runs = [run for turned, stretch in stretches for run in (reversed(stretch) if turned else stretch)]
    if can_shape():
        return [Run(text, face, "rtl" if level == 1 else "ltr") for text, face, level in runs]
    return [Run(_turn(text) if level == 1 else text, face, None) for text, face, level in runs]


def _faces(line: str, font: str) -> list[Face]:
    """Return the face of each character; blanks, joiners and marks stay with the character before where they can."""
    faces: list[Face] = []
    for c in line:
        stays = c in " \u3000" or c in _JOINERS or unicodedata.category(c) in _MARKS
        if stays and faces and (c in _JOINERS or c == " " or c in characters_of(faces[-1].path)):
            faces.append(faces[-1])
        else:
            faces.append(face_for(c, font) or plain_face())
    return faces


def _levels(line: str, base: str) -> list[int]:
    """Return the level of each character: 1 runs to the left; 0, or 2 within what runs to the left, to the right."""
    start = strong = "R" if base == "rtl" else "L"
    sides = ""  # L and R; N, a number within what runs to the left; + and ., signs
    for c in line:
        kind = unicodedata.bidirectional(c)
        if kind in ("L", "R", "AL"):
            strong = "L" if kind == "L" else "R"
            sides += strong
        elif kind in ("EN", "AN"):
            sides += "N" if strong == "R" else "L"
        else:
            sides += "+" if kind in ("CS", "ES") else "."
    sides = re.sub(r"(?<=N)\+(?=N)", "N", sides)  # the point of 3.5 belongs to the number
    around = (start + sides + start).replace("N", "R")

    def between(signs: re.Match[str]) -> str:
        before, after = around[signs.start()], around[signs.end() + 1]
        return (before if before == after else start) * len(signs[0])

    levels = {"L": 2 if base == "rtl" else 0, "R": 1, "N": 2}
    return [levels[side] for side in re.sub(r"[.+]+", between, sides)]


def _letters(text: str) -> list[str]:
    """Return the letters of a text, each with its marks."""
    letters: list[str] = []
    for c in text:
        if letters and unicodedata.category(c) in _MARKS:
            letters[-1] += c
        else:
            letters.append(c)
    return letters


def _turn(text: str) -> str:
    """Return right-to-left text from left to right, marks behind their letters, brackets mirrored."""
    return "".join(reversed(_letters(text.translate(_MIRRORED))))


@lru_cache(maxsize=65536)
def width_of(text: str, size: int, font: str = "") -> float:
    """Return how many pixels wide a text is, set in one line."""
    return sum(run.length(size) for run in split_runs(text, "ltr", font))


def wrap_lines(text: str, width: float, size: int, font: str = "") -> Iterator[tuple[str, str]]:
    """Yield (line, direction of its paragraph), no line wider than `width` pixels.
    Lines break at blanks, between wide characters (not before closing punctuation), and anywhere in a word that is
    wider than a line."""
    for paragraph in text.split("\n"):
        base = direction_of(paragraph)
        line, wide = "", 0.0
        for match in _TOKENS.finditer(paragraph):
            token, more = match[0], width_of(match[0], size, font)
            if wide + more > width and (line.strip() or token.isspace()):
                if line.strip():
                    yield line.rstrip(), base
                line, wide = "", 0.0
            if token.isspace() and not wide and more > width / 2:
                continue
            while more > width and (cut := _fitting(token, width, size, font)) < len(token):
                yield token[:cut], base
                line, wide, token = "", 0.0, token[cut:]
                more = width_of(token, size, font)
            line, wide = line + token, wide + more
        yield line.rstrip(), base


def _fitting(token: str, width: float, size: int, font: str) -> int:
    """Return how many characters of a long word fit in a line, at least one letter; none loses its marks."""
    most = 4 + int(8 * width / size)  # letters: more fit in no line, and need not be measured
    ends = list(accumulate(len(letter) for letter in _letters(token)[:most]))
    return ends[max(1, bisect_right(ends, width, key=lambda end: width_of(token[:end], size, font))) - 1]
