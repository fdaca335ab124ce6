"""Pictures made worse, level by level: noise, blur, a patch that covers.

Each function draws everything first, so that from the same seed a worse level holds the better one.
"""

from __future__ import annotations

import numpy as np

from plait.errors import RequestError
from plait.kinds.worsening import Worsening

IMAGE_NOISE = (0.0, 0.05, 0.1, 0.2, 0.4)  # standard deviation, as a share of black to white
BLUR = (0.0, 0.01, 0.02, 0.04, 0.08)  # standard deviation, as a share of the shorter side
OCCLUSION = (0.0, 0.1, 0.25, 0.5, 0.75)  # share of the area
GREY = 128


def noise_images(images: np.ndarray, level: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to pictures, uint8 (batch, …, height, width). level: its deviation as a share of 255."""
    _check_images(images)
    noise = generator.standard_normal(images.shape, dtype=np.float32)
    return np.clip(np.rint(images + 255 * level * noise), 0, 255).astype(np.uint8)


def blur_images(images: np.ndarray, level: float) -> np.ndarray:
    """Blur pictures, uint8 (batch, …, height, width). level: the Gaussian's deviation as a share of the shorter side.

    Channels and rows do not mix.
    """
    from scipy.ndimage import gaussian_filter

    _check_images(images)
    pixels = level * min(images.shape[-2:])
    sigma = (*(0.0,) * (images.ndim - 2), pixels, pixels)
    return np.rint(gaussian_filter(images.astype(np.float32), sigma, mode="nearest")).astype(np.uint8)


def occlude_images(images: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Cover a share of the area of every picture, uint8 (batch, …, height, width), with a grey patch of its shape.

    Where the patch lies is drawn for each row; channels and columns of a row are covered alike (Zeiler and Fergus 2014,
    arXiv:1311.2901).
    """
    _check_images(images)
    places = generator.random((len(images), 2))
    height, width = images.shape[-2:]
    tall, wide = round(height * share**0.5), round(width * share**0.5)
    covered = images.copy()
    for row, (down, right) in enumerate(places):
        top, left = round(down * (height - tall)), round(right * (width - wide))
        covered[row, ..., top : top + tall, left : left + wide] = GREY
    return covered


def _check_images(images: np.ndarray) -> None:
    if images.dtype != np.uint8 or images.ndim < 4:
        shape = "uint8 of shape (batch, channel, height, width)"
        raise RequestError(f"the pictures are {images.dtype} of shape {images.shape}; expected {shape}.")


WAYS = (
    Worsening(
        "noise",
        "standard deviation, share of black to white",
        IMAGE_NOISE,
        "input",
        lambda pictures, level, generator, layout: noise_images(pictures, level, generator),
    ),
    Worsening(
        "blur",
        "standard deviation, share of the shorter side",
        BLUR,
        "input",
        lambda pictures, level, generator, layout: blur_images(pictures, level),
    ),
    Worsening(
        "occlusion",
        "share of the area",
        OCCLUSION,
        "input",
        lambda pictures, level, generator, layout: occlude_images(pictures, level, generator),
    ),
)
