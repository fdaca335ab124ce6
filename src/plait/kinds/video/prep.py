"""Videos: from a few decoded frames to an array of fixed shape. Knows nothing of tables, files or networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plait.core.options import option
from plait.errors import CellError
from plait.kinds.image import prep as image
from plait.kinds.image.prep import ImagePrep
from plait.kinds.preparation import MOST_CELLS, Preparation, check_bounds, require

if TYPE_CHECKING:
    import torch

    from plait.data.video import Clip

FRAMES = 8  # of a video, where nobody says otherwise
MOST_FRAMES = 256


@dataclass(frozen=True)
class VideoPrep(Preparation):
    """How a video becomes an array (frame, channel, height, width) of uint8.

    Args:
        frames: how many frames, spread evenly over the video or over the part that its cell names.
        picture: how each frame is prepared; in `of` its options are options of a video, such as size.

    Example:
        >>> prep = plait.VideoPrep.of({"frames": 4, "size": 32})
        >>> prep.frames, prep.picture.size
        (4, 32)
    """

    KIND: ClassVar[str] = "video"

    frames: int = option(FRAMES, "Frames of a video, spread evenly over it.")
    picture: ImagePrep = field(default_factory=ImagePrep)

    def __post_init__(self) -> None:
        check_bounds(self, {"frames": (1, MOST_FRAMES, "")})
        picture = self.picture
        most = MOST_CELLS // ((picture.height or 1) * (picture.width or 1) * picture.channels)
        require(self, "frames", self.frames <= most, f"at most {most:,} of this size")

    @classmethod
    def of(cls, options: Mapping[str, object]) -> VideoPrep:
        """Return the preparation with `options` ({name: value or text}), also of pictures; RequestError."""
        pictured = {f.name for f in fields(ImagePrep)}
        own = super().of({name: value for name, value in options.items() if name not in pictured})
        return replace(own, picture=ImagePrep.of({n: value for n, value in options.items() if n in pictured}))

    def fitted(self, clips: Iterable[Clip]) -> VideoPrep:
        """Return a copy with size and colours of pictures chosen from `clips` of the training rows.

        Raises:
            RequestError: there is none.
        """
        return replace(self, picture=self.picture.fitted(frame for clip in clips for frame in clip.pictures))

    def __call__(self, clip: Clip) -> np.ndarray:
        """Return one `clip` as uint8 (frame, channel, height, width).

        Raises:
            CellError: it has another number of frames, or they cannot be prepared.
        """
        if len(clip.pictures) != self.frames:
            raise CellError(f"{len(clip.pictures)} frames, where {self.frames} were asked for")
        return np.stack([self.picture(picture) for picture in clip.pictures])

    def shrink(self, width: int, height: int) -> tuple[int, int]:
        """Return the size (width, height) to which a frame of this size is brought while it is converted."""
        target = self.picture.draft_size
        if target is None:
            return width, height
        wide, tall = target if self.picture.rotate % 360 == 0 else (max(target), max(target))
        share = min(1.0, max(wide / width, tall / height))
        return max(1, round(width * share)), max(1, round(height * share))

    def augment(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return prepared videos (batch, frame, …), the frames of each changed at random and all alike."""
        return self.picture.augment(x.flatten(1, 2), generator).unflatten(1, x.shape[1:3])


PREP = VideoPrep


def may_gain(prep: VideoPrep) -> bool:
    """Say whether what others have learned from photographs may be of use, as of pictures."""
    return image.may_gain(prep.picture)


def for_frozen(prep: Any, trained: VideoPrep) -> Any:
    """Return the preparation of a pretrained encoder with what was learned of these pictures: what is white, black."""
    return replace(prep, picture=image.for_frozen(prep.picture, trained.picture))


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of a video: how many frames, and their sizes."""
    picture = prep.picture
    return {
        "frames": prep.frames, "channels": picture.channels, "height": picture.height, "width": picture.width
    }  # fmt: skip


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (frame, channel, height, width)."""
    return layout["frames"], layout["channels"], layout["height"], layout["width"]
