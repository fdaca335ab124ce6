"""Pictures: from a decoded file to a small array of fixed shape, and random changes for training.

Knows nothing of tables, files or networks; it gets pictures that are already decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.options import from_strings
from plait.errors import CellError, RequestError

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

LONG_SIDE = 64  # px: what a larger picture is brought down to when no size is asked for
SHORT_SIDE = 16  # px: a very flat picture is padded to this
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of float, 8, 10, 12, 14 and 16 bit pictures
ORIENTATION = 0x0112  # the EXIF tag


@dataclass(frozen=True)
class ImagePrep:
    """How a picture becomes an array (channel, height, width) of uint8. `fitted` sets what is open.

    In this order: upright, colour mode, rotate, crop, resize. Transparent parts become white, bars and corners black.

    Args:
        size: longer side in pixels; by default its own, at most 64.
        mode: "L" (grey), "RGB", or "auto": grey when all pictures are grey.
        fit: for another shape: "pad" (add bars), "crop" (cut) or "stretch".
        rotate, crop: degrees to turn by, counter-clockwise; share of each side to keep, from the middle.
        orient, draft, flip: turn upright by EXIF; decode JPEG smaller; mirror half of the training pictures.
        height, width, white, source_side, resample: set by `fitted`, or as a pretrained network asks.

    Example:
        >>> prep = plait.ImagePrep(size=20).fitted([picture])
        >>> prep(picture).shape  # (channel, height, width)
        (3, 20, 16)
    """

    size: int | None = field(default=None, metadata={"help": "Longer side in pixels. Without it: its own, at most 64."})
    mode: str = field(default="auto", metadata={"help": "L (grey), RGB, or auto: grey when all pictures are grey."})
    fit: str = field(default="pad", metadata={"help": "For another shape: pad (add bars), crop (cut) or stretch."})
    rotate: float = field(default=0.0, metadata={"help": "Turn each picture by degrees, counter-clockwise."})
    crop: float = field(default=1.0, metadata={"help": "Share of each side to keep, from the middle, such as 0.8."})
    orient: bool = field(default=True, metadata={"help": "Turn photos upright as their EXIF tag says."})
    draft: bool = field(default=True, metadata={"help": "Decode JPEG at a smaller size: quicker, other pixels."})
    flip: bool = field(default=False, metadata={"help": "Mirror half of the training pictures, left to right."})
    height: int | None = None
    width: int | None = None
    white: float = 65535.0  # the value of white in pictures of more than 8 bits
    source_side: int = 0  # px: the longer side of the training pictures as they came, their median
    resample: str = "bilinear"  # or bicubic, where a pretrained network was trained so

    def __post_init__(self) -> None:
        if self.size is not None and not 4 <= self.size <= 4096:
            raise RequestError(f"image.size is {self.size}; expected 4 to 4096 pixels.")
        if self.mode not in ("auto", "L", "RGB"):
            raise RequestError(f"image.mode is {self.mode!r}; expected auto, L or RGB.")
        if self.fit not in ("pad", "crop", "stretch"):
            raise RequestError(f"image.fit is {self.fit!r}; expected pad, crop or stretch.")
        if not -360 <= self.rotate <= 360:
            raise RequestError(f"image.rotate is {self.rotate}; expected -360 to 360 degrees.")
        if not 0 < self.crop <= 1:
            raise RequestError(f"image.crop is {self.crop}; expected more than 0 and at most 1.")
        if self.resample not in ("bilinear", "bicubic"):
            raise RequestError(f"image.resample is {self.resample!r}; expected bilinear or bicubic.")

    @classmethod
    def of(cls, options: Mapping[str, object]) -> ImagePrep:
        """Return the preparation with `options` ({name: value or text}); RequestError for a wrong one."""
        return from_strings(cls, options, "image")

    def to_json(self) -> dict[str, Any]:
        """Return all that rebuilds this object."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ImagePrep:
        """Rebuild what `to_json` gave, and return it."""
        return cls(**data)

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
        return int(np.ceil(width / self.crop)), int(np.ceil(height / self.crop))

    def fitted(self, images: Iterable[Image]) -> ImagePrep:
        """Return a copy with mode, height and width chosen from Pillow `images` of the training rows.

        Those whose median is at most 64 px on the longer side keep that size; larger ones get 64 px (or `size`) and the
        median shape, in steps of 4 px.

        Raises:
            RequestError: there is no picture.
        """
        sizes, source, grey, brightest = [], [], True, 0.0
        for image in images:
            source.append(max(image.size))
            if _is_deep(image):
                brightest = max(brightest, float(np.nan_to_num(np.asarray(image, np.float32)).max(initial=0)))
            elif grey and self.mode == "auto":
                grey = _is_grey(image)
            turned = self._cropped(self._rotated(self._upright(image)))
            sizes.append(turned.size)
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
        white = next((w for w in WHITES if w >= brightest), brightest) if brightest else self.white
        side = round(float(np.median(source)))
        return replace(self, mode=mode, height=height, width=width, white=white, source_side=side)

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
        """Return augment_images(x) with this preparation's own choice of flips."""
        from plait.kinds.image.augment import augment_images  # torch comes with it

        return augment_images(x, generator, flip=self.flip)

    def _operations(self) -> tuple[tuple[str, Any], ...]:
        if self.height is None or self.mode == "auto":
            raise RequestError("the picture preparation is not fitted yet; call fitted(pictures) first.")
        return (
            ("upright", self._upright),
            ("colour mode", self._coloured),
            ("rotate", self._rotated),
            ("crop", self._cropped),
            ("resize", self._resized),
        )

    def _upright(self, image: Image) -> Image:
        if not self.orient:
            return image
        try:
            tag = image.getexif().get(ORIENTATION, 1)
        except (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError):
            return image  # a broken tag is no broken picture
        # 1 upright, 2 mirrored, 3 half turn, 4 flipped, 5 transposed, 6 quarter turn right, 7 transversed, 8 left
        method = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(tag)
        return image if method is None else image.transpose(method)  # type: ignore[arg-type]

    def _coloured(self, image: Image) -> Image:
        from PIL import Image as pil

        if _is_deep(image):
            values = np.nan_to_num(np.asarray(image, np.float32)) * (255.0 / self.white)
            image = pil.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
        try:
            if image.has_transparency_data:
                image = image.convert("RGBA")
                behind = pil.new("RGB", image.size, "white")
                behind.paste(image, mask=image.getchannel("A"))
                image = behind
            elif image.mode not in ("1", "L", "P", "RGB"):
                image = image.convert("RGB")
            return image if image.mode == self.mode else image.convert(self.mode)
        except ValueError:
            raise CellError(f"picture of colour mode {image.mode}, which cannot become {self.mode}") from None

    def _rotated(self, image: Image) -> Image:
        from PIL.Image import Resampling

        if self.rotate % 360 == 0:
            return image
        if self.rotate % 90 == 0:
            return image.transpose({90: 2, 180: 3, 270: 4}[int(self.rotate % 360)])  # type: ignore[arg-type]
        smooth = Resampling.NEAREST if image.mode in ("1", "P") else Resampling.BILINEAR
        return image.rotate(self.rotate, smooth)

    def _cropped(self, image: Image) -> Image:
        width, height = (max(1, round(side * self.crop)) for side in image.size)
        if (width, height) == image.size:
            return image
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))

    def _resized(self, image: Image) -> Image:
        from PIL import Image as pil

        assert self.width is not None and self.height is not None
        if image.size == (self.width, self.height):
            return image
        smooth = pil.Resampling[self.resample.upper()]
        scales = self.width / image.width, self.height / image.height
        if self.fit == "crop":
            width, height = self.width / max(scales), self.height / max(scales)
            left, top = (image.width - width) / 2, (image.height - height) / 2
            box = max(0.0, left), max(0.0, top), min(image.width, left + width), min(image.height, top + height)
            return image.resize((self.width, self.height), smooth, box, reducing_gap=2.0)
        inner = (self.width, self.height)
        if self.fit == "pad":
            inner = max(1, round(image.width * min(scales))), max(1, round(image.height * min(scales)))
        small = image.resize(inner, smooth, reducing_gap=2.0)
        if inner == (self.width, self.height):
            return small
        canvas = pil.new(image.mode, (self.width, self.height))
        canvas.paste(small, ((self.width - inner[0]) // 2, (self.height - inner[1]) // 2))
        return canvas


def _is_deep(image: Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _is_grey(image: Image) -> bool:
    if image.mode in ("1", "L", "LA"):
        return True
    try:
        small = np.asarray(image.convert("RGB").resize((32, 32), 0), np.int16)
    except ValueError:  # a colour mode that cannot be turned into colours; its cell will say so
        return True
    return bool((small.max(axis=2) - small.min(axis=2)).max() <= 8)  # a grey JPEG is off by a few


PREP = ImagePrep
LARGE = 96  # px: the longer side of most training pictures from which on they may be photographs


def may_gain(prep: ImagePrep) -> bool:
    """Say whether what others have learned from photographs may be of use: not to small drawings and glyphs."""
    return prep.source_side >= LARGE


def pretrained_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a pretrained encoder's preparation may be given."""
    return {key: value for key, value in options.items() if key != "prep"}


def for_frozen(prep: Any, own: ImagePrep) -> Any:
    """Return the preparation of a pretrained encoder with what was learned of these pictures: which value is white."""
    return replace(prep, white=own.white)


def for_own(prep: ImagePrep) -> ImagePrep:
    """Return the preparation of a module of the user's own: the same as of the network that is trained here."""
    return prep
