"""Arrays of pixels as PNG."""

from __future__ import annotations

import io

import numpy as np

WIDE = 256  # px: what small pictures are enlarged to, about


def png_of(pixels: np.ndarray) -> bytes:
    """Return a picture (channel, height, width), uint8, as PNG, small ones enlarged to be seen."""
    from PIL import Image

    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))
    scale = max(1, WIDE // max(image.size))
    out = io.BytesIO()
    image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()


def grey_of(x: np.ndarray) -> np.ndarray:
    """Return values of any range as grey (height, width), 0 to 255."""
    low, high = np.quantile(x, [0.02, 0.98])
    return (255 * np.clip((x - low) / max(float(high - low), 1e-6), 0, 1)).astype(np.uint8)
