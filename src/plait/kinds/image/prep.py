"""Pictures: from a decoded file to a small array of fixed shape. Knows nothing of tables, files or networks."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plait.core.options import option
from plait.data.pictures import RANGE, VALUES, deep_values, quiet_pillow
from plait.errors import CellError, RequestError
from plait.kinds.preparation import Preparation, check_bounds, check_product, require

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# What Pillow is seen to raise on broken tags and later frames.
DAMAGE = (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError, EOFError, IndexError, Warning)
LONG_SIDE = 64  # px: what a larger picture is brought down to when no size is asked for
GREY = ("1", "L", "LA")  # colour modes
SHORT_SIDE = 16  # px: a very flat picture is padded to this
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of float, 8, 10, 12, 14 and 16 bit pictures
ORIENTATION = 0x0112  # the EXIF tag
NO_DATA = 1e30  # values from here on stand for none: rasters write 1e36 or 3.4e38
WASTE = 16  # a few extreme values may spread a picture's range so many times: 16 of the 256 levels are left then
FEW_LEVELS = 8  # different values of a picture that is drawn with these alone, such as a mask
SHOWN = 16  # levels of 255 between which something can be seen
BOUNDS = {
    "size": (4, 4096, " pixels"), "height": (1, 4096, " pixels"), "width": (1, 4096, " pixels"),
    "rotate": (-360, 360, " degrees"), "white": (-3.4e38, 3.4e38, ""), "black": (-3.4e38, 3.4e38, ""),
    "backdrop": (0, 255, ""), "source_side": (0, 2**31, " pixels"),
}  # fmt: skip
# Of EXIF (1 upright, 2 mirrored, 3 half turn, 4 flipped, 5 transposed, 6 quarter turn right, 7 transversed, 8 left)
# → Pillow's transpose.
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}


@dataclass(frozen=True)
class ImagePrep(Preparation):
    """How a picture becomes an array (channel, height, width) of uint8. `fitted` sets what is open.

    In this order: upright, 8 bits, colour mode, rotate, crop, resize. Transparent parts become white (black or grey
    where the drawing would vanish), bars and corners black.

    Args:
        size: longer side in pixels; by default its own, at most 64.
        mode: "L" (grey), "RGB", or "auto": grey when all pictures are grey.
        fit: for another shape: "pad" (add bars), "crop" (cut) or "stretch".
        rotate, crop: degrees to turn by, counter-clockwise; share of each side to keep, from the middle.
        orient, draft, flip: turn upright by EXIF; decode JPEG smaller; mirror half of the training pictures.
        height, width, white, black, backdrop, source_side, resample: set by `fitted`, or as a pretrained network asks.

    Example:
        >>> prep = plait.ImagePrep(size=20).fitted([picture])
        >>> prep(picture).shape  # (channel, height, width)
        (3, 20, 16)
    """

    KIND: ClassVar[str] = "image"

    size: int | None = option(None, "Longer side in pixels. Without it: its own, at most 64.")
    mode: str = option("auto", "L (grey), RGB, or auto: grey when all pictures are grey.")
    fit: str = option("pad", "For another shape: pad (add bars), crop (cut) or stretch.")
    rotate: float = option(0.0, "Turn each picture by degrees, counter-clockwise.")
    crop: float = option(1.0, "Share of each side to keep, from the middle, such as 0.8.")
    orient: bool = option(True, "Turn photos upright as their EXIF tag says.")
    draft: bool = option(True, "Decode JPEG at a smaller size: quicker, other pixels.")
    flip: bool = option(False, "Mirror half of the training pictures, left to right.")
    height: int | None = None
    width: int | None = None
    white: float = 65535.0  # the value of white in pictures of more than 8 bits
    black: float | None = None  # that of black; None: none was learned from, as in runs from before it was
    backdrop: int = 255  # what lies behind transparent parts: white, or what training pictures show on
    source_side: int = 0  # px: the longer side of the training pictures as they came, their median
    resample: str = "bilinear"  # or bicubic, where a pretrained network was trained so

    def __post_init__(self) -> None:
        require(self, "mode", self.mode in ("auto", "L", "RGB"), "auto, L or RGB")
        require(self, "fit", self.fit in ("pad", "crop", "stretch"), "pad, crop or stretch")
        require(self, "crop", 0 < self.crop <= 1, "more than 0 and at most 1")
        require(self, "resample", self.resample in ("bilinear", "bicubic"), "bilinear or bicubic")
        require(self, "width", (self.width is None) == (self.height is None), "a number, and a height beside it")
        check_bounds(self, BOUNDS)
        require(self, "white", self.white > (self.black or 0), f"more than black, {self.black or 0:g}")
        check_product(self, "height", "width", "channels")

    @property
    def channels(self) -> int:
        """How many channels a prepared picture has: 1 or 3."""
        return 1 if self.mode == "L" else 3

    @property
    def draft_size(self) -> tuple[int, int] | None:
        """What a decoder may shrink a picture towards, (width, height), or None where it must decode in full."""
        if not self.draft or self.height is None or self.width is None:
            return None
        width, height = self.width, self.height
        if self.fit != "pad":  # a photo that lies on its side must keep enough pixels too; padding always does
            width = height = max(width, height)
        most = 2**31  # a share near 0 would ask for more pixels than there are numbers
        return math.ceil(min(most, width / self.crop)), math.ceil(min(most, height / self.crop))

    def fitted(self, images: Iterable[Image]) -> ImagePrep:
        """Return a copy with mode, height and width chosen from Pillow `images` of the training rows.

        Those whose median is at most 64 px on the longer side keep that size; larger ones get 64 px (or `size`) and the
        median shape, in steps of 4 px.

        Raises:
            RequestError: there is no picture.
        """
        sizes, source, grey, ends, shows = [], [], True, [], []
        for image in images:
            source.append(max(image.size))
            if (values := deep_values(image)) is not None:
                ends.append(ends_of(values))
            shallow = levelled(image)
            if shallow.has_transparency_data:
                shows.append(shows_on(shallow))
            if grey and self.mode == "auto":
                grey = is_grey(shallow)
            sizes.append(self._cropped(self._rotated(self._upright(image))).size)
        if not sizes:
            raise RequestError("there is no picture to learn size and colours from.")
        width, height = (round(float(m)) for m in np.median(sizes, axis=0))
        long = self.size or min(LONG_SIDE, max(width, height))
        if long != max(width, height):
            scale = long / max(width, height)
            least = min(SHORT_SIDE, long)
            sides = width * scale, height * scale
            width, height = (long if side > long - 2 else max(least, 4 * round(side / 4)) for side in sides)
        mode = self.mode if self.mode != "auto" else ("L" if grey else "RGB")
        black, white = range_of(ends) if ends else (self.black, self.white)
        side, behind = round(float(np.median(source))), backdrop_of(shows)
        learned = replace(self, mode=mode, height=height, width=width, source_side=side, backdrop=behind)
        return replace(learned, black=black, white=white)

    def __call__(self, image: Image) -> np.ndarray:
        """Return a Pillow `image` as uint8 (channel, height, width).

        Raises:
            RequestError: the preparation is not fitted.
            CellError: a colour mode that cannot become the one asked for.
        """
        for _, operation in self._operations():
            image = operation(image)
        pixels = np.array(image)
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def steps(self, image: Image) -> list[tuple[str, Image]]:
        """Return (name, picture) as it came and after each operation that changed it, for drawing."""
        done = [("as it came", image)]
        for name, operation in self._operations():
            after = operation(image)
            if after is not image:
                done.append((name, after))
            image = after
        return done

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return (left, top, right, bottom) of the prepared picture on one of this (width, height).

        In pixels before resize. With bars it reaches beyond the picture; cut, it is smaller.
        """
        assert self.width is not None and self.height is not None
        width, height = size
        across, down = width / self.width, height / self.height
        if self.fit == "pad":
            across = down = max(across, down)
            inner = max(1, round(width / across)), max(1, round(height / down))
            across, down = width / inner[0], height / inner[1]
            left, top = -across * ((self.width - inner[0]) // 2), -down * ((self.height - inner[1]) // 2)
        else:
            if self.fit == "crop":
                across = down = min(across, down)
            left, top = (width - self.width * across) / 2, (height - self.height * down) / 2
        return left, top, left + self.width * across, top + self.height * down

    def augment(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return prepared pictures, each changed at random."""
        from plait.kinds.image.augment import augment_images  # torch comes with it

        return augment_images(x, generator, flip=self.flip)

    def _operations(self) -> tuple[tuple[str, Any], ...]:
        if self.height is None or self.mode == "auto":
            raise RequestError("the picture preparation is not fitted yet; call fitted(pictures) first.")
        return (
            ("upright", self._upright),
            ("8 bits", self._shallow),
            ("colour mode", self._coloured),
            ("rotate", self._rotated),
            ("crop", self._cropped),
            ("resize", self._resized),
        )

    def _upright(self, image: Image) -> Image:
        turn = TURNS.get(orientation_of(image)) if self.orient else None
        return image if turn is None else turned(image, turn)

    def _shallow(self, image: Image) -> Image:
        if self.black is None and not is_deep(image):  # colours as Pillow brings them to 8 bits
            if RANGE in image.info:
                raise CellError(image.info[RANGE])
            return image
        return to_8_bits(image, self.black or 0.0, self.white)

    def _coloured(self, image: Image) -> Image:
        try:
            if image.has_transparency_data:
                image = on_colour(image.convert("RGBA"), self.backdrop)
            elif image.mode not in ("1", "L", "P", "RGB"):
                image = image.convert("RGB")
            return image if image.mode == self.mode else image.convert(self.mode)
        except ValueError:
            raise CellError(f"picture of colour mode {image.mode}, which cannot become {self.mode}") from None

    def _rotated(self, image: Image) -> Image:
        from PIL.Image import Resampling

        if self.rotate % 360 == 0:
            return image
        smooth = Resampling.NEAREST if image.mode in ("1", "P") else Resampling.BILINEAR
        return image.rotate(self.rotate, smooth, expand=self.rotate % 90 == 0)

    def _cropped(self, image: Image) -> Image:
        width, height = (max(1, round(side * self.crop)) for side in image.size)
        if (width, height) == image.size:
            return image
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    def _resized(self, image: Image) -> Image:
        from PIL import Image as pil

        assert self.width is not None and self.height is not None
        inner = self.width, self.height
        if image.size == inner:
            return image
        smooth = pil.Resampling[self.resample.upper()]
        scales = self.width / image.width, self.height / image.height
        if self.fit == "crop":
            width, height = self.width / max(scales), self.height / max(scales)
            left, top = (image.width - width) / 2, (image.height - height) / 2
            box = max(0.0, left), max(0.0, top), min(image.width, left + width), min(image.height, top + height)
            return image.resize((self.width, self.height), smooth, box, reducing_gap=2.0)
        if self.fit == "pad":
            inner = max(1, round(image.width * min(scales))), max(1, round(image.height * min(scales)))
        small = image.resize(inner, smooth, reducing_gap=2.0)
        if inner == (self.width, self.height):
            return small
        canvas = pil.new(image.mode, (self.width, self.height))
        canvas.paste(small, ((self.width - inner[0]) // 2, (self.height - inner[1]) // 2))
        return canvas


def is_deep(image: Image) -> bool:
    """Whether a picture is of a colour mode of more than 8 bits a channel."""
    return image.mode.startswith("I") or image.mode == "F"


def ends_of(values: np.ndarray) -> tuple[float, float]:
    """Return the low and the high end of a picture's values (0, 1 where there are none).

    A value at an end that is further from all others than these from each other stands for none, such as -9999; the
    low end then lies a little lower, so that it stays apart. A thousandth of hot or dead pixels does not count where
    they would take nearly all levels.
    """
    x = np.asarray(values).ravel()[:: max(1, values.size >> 16)].astype(np.float64)
    x = np.sort(x[np.isfinite(x) & (np.abs(x) < NO_DATA)])
    if not x.size:
        return 0.0, 1.0
    inner, low_gone = x, False
    for end in (0, -1):
        rest = inner[inner != inner[end]]
        if len(rest) and abs(rest[end] - inner[end]) > rest[-1] - rest[0] and len(np.unique(rest)) > FEW_LEVELS:
            inner, low_gone = rest, low_gone or end == 0
    low, high = _core(inner, inner, 0.001, WASTE)
    return (low - (high - low) / 16 if low_gone else low), high


def _core(lows: np.ndarray, highs: np.ndarray, share: float, most: float) -> tuple[float, float]:
    """Return the lowest and the highest value, without this share at each end where these spread the rest too wide."""
    low, high = float(lows.min()), float(highs.max())
    inner = float(np.quantile(lows, share)), float(np.quantile(highs, 1 - share))
    return inner if 0 < most * (inner[1] - inner[0]) < high - low else (low, high)


def range_of(ends: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return which values are black and white in pictures of these low and high ends.

    What begins near 0 keeps 0 as black, and what fills at least half of a usual depth the white of that depth.
    """
    pairs = np.array(list(ends), np.float64)
    low, high = _core(pairs[:, 0], pairs[:, 1], 0.05, 4)
    if low < 0 or 4 * low > high:
        return low, high if high > low else low + 1
    white = white_of(high)
    return 0.0, (white if 2 * high >= white or not high else high)


def white_of(brightest: float) -> float:
    """Return which value is white in pictures of a usual depth that are no brighter than this."""
    return next((white for white in WHITES if white >= brightest), brightest)


def to_8_bits(image: Image, black: float, white: float) -> Image:
    """Return a picture of more than 8 bits as one of 8, its transparency as it was; any other as it is."""
    from PIL import Image as pil

    deep = deep_values(image)
    if deep is None:
        return image
    values = np.nan_to_num(np.asarray(deep, np.float32), nan=black) - np.float32(black)
    shallow = pil.fromarray((np.clip(values, 0, white - black) * (255.0 / (white - black)) + 0.5).astype(np.uint8))
    if image.mode in ("LA", "RGBA"):
        shallow.putalpha(image.getchannel("A"))
    return shallow


def levelled(image: Image) -> Image:
    """Return a picture of more than 8 bits as one of 8, by its own low and high end."""
    deep = deep_values(image)
    return image if deep is None else to_8_bits(image, *range_of([ends_of(deep)]))


def on_colour(image: Image, grey: int) -> Image:
    """Return an RGBA picture as RGB, what is transparent in this grey, 0 to 255."""
    from PIL import Image as pil

    behind = pil.new("RGB", image.size, (grey, grey, grey))
    behind.paste(image, mask=image.getchannel("A"))
    return behind


def shows_on(image: Image) -> tuple[bool, bool]:
    """Return whether a picture with transparency shows anything on white, and on black."""
    try:
        small = image.convert("RGBA").resize((64, 64), 2)
    except ValueError:  # a colour mode that cannot be turned into colours; its cell will say so
        return True, True
    spans = [on_colour(small, grey).getextrema() for grey in (255, 0)]
    white, black = (max(high - low for low, high in span) >= SHOWN for span in spans)  # type: ignore[misc]
    return white, black


def backdrop_of(shows: Iterable[tuple[bool, bool]]) -> int:
    """Return what these pictures with transparency show on: white (255) if it will do, else black (0), else grey."""
    seen = [pair for pair in shows if any(pair)]
    return 255 if all(white for white, _ in seen) else 0 if all(black for _, black in seen) else 128


def turned(image: Image, turn: int) -> Image:
    """Return a picture transposed as Pillow numbers it, with the values beside it."""
    from PIL import Image as pil

    new = image.transpose(turn)  # type: ignore[arg-type]
    if (values := image.info.get(VALUES)) is not None:
        planes = np.atleast_3d(values).astype(np.float32)
        both = [np.asarray(pil.fromarray(planes[..., k]).transpose(turn)) for k in range(planes.shape[2])]  # type: ignore[arg-type]
        new.info[VALUES] = np.stack(both, axis=-1) if values.ndim == 3 else both[0]
    return new


def orientation_of(image: Image) -> int:
    """Return the EXIF orientation, 1 to 8; a broken tag is no broken picture."""
    tag = (tags_of(image) or {}).get(ORIENTATION, 1)
    return tag if tag in TURNS else 1


def tags_of(image: Image) -> dict[int, Any] | None:
    """Return the EXIF tags of a picture, None where none can be read."""
    try:
        with quiet_pillow():
            return dict(image.getexif()) or None
    except DAMAGE:
        return None


def is_animated(image: Image) -> bool:
    """Whether there is a second frame that can be read. It may move on to that frame."""
    try:
        with quiet_pillow():
            return bool(getattr(image, "is_animated", False))
    except DAMAGE:
        return False


def is_grey(image: Image, every: bool = False) -> bool:
    """Whether a picture shows no colours, by a sample of its pixels or by every one of them."""
    from PIL import ImageChops

    if image.mode in GREY:
        return True
    try:
        with quiet_pillow():
            colours = image.convert("RGB")
    except ValueError:  # a colour mode that cannot be turned into colours; its cell will say so
        return True
    red, green, blue = (colours if every else colours.resize((32, 32), 0)).split()
    light = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    dark = ImageChops.darker(ImageChops.darker(red, green), blue)
    return ImageChops.difference(light, dark).getextrema()[1] <= 8  # type: ignore[operator]  # a grey JPEG is off by a few


PREP = ImagePrep
LARGE = 96  # px: the longer side of most training pictures from which on they may be photographs


def may_gain(prep: ImagePrep) -> bool:
    """Say whether what others have learned from photographs may be of use: not to small drawings and glyphs."""
    return prep.source_side >= LARGE


def for_frozen(prep: Any, trained: ImagePrep) -> Any:
    """Return the preparation of a pretrained encoder with what was learned of these pictures: what is white, black."""
    return replace(prep, white=trained.white, black=trained.black, backdrop=trained.backdrop)


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of a picture: its sizes."""
    return {"channels": prep.channels, "height": prep.height, "width": prep.width}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (channel, height, width)."""
    return layout["channels"], layout["height"], layout["width"]
