"""Videos made worse, level by level: as pictures are, all frames of one alike."""

from plait.kinds.image.worsen import WAYS

__all__ = ["WAYS"]
