"""Pictures made worse, level by level: noise, blur, a patch that covers."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.kinds.worsening import Worsening

IMAGE_NOISE = (0.0, 0.05, 0.1, 0.2, 0.4)  # standard deviation, as a share of black to white
BLUR = (0.0, 0.01, 0.02, 0.04, 0.08)  # standard deviation, as a share of the shorter side
OCCLUSION = (0.0, 0.1, 0.25, 0.5, 0.75)  # share of the area
GREY = 128


def noise_images(images: np.ndarray, level: float, generator: np.random.Generator, layout: Any = None) -> np.ndarray:
    """Add Gaussian noise to pictures, uint8 (batch, …, height, width). level: its deviation as a share of 255."""
    noise = generator.standard_normal(images.shape, dtype=np.float32)
    return np.clip(np.rint(images + 255 * level * noise), 0, 255).astype(np.uint8)


def blur_images(images: np.ndarray, level: float, generator: Any = None, layout: Any = None) -> np.ndarray:
    """Blur pictures, uint8 (batch, …, height, width). level: the deviation as a share of the shorter side."""
    from scipy.ndimage import gaussian_filter

    sigma = level * min(images.shape[-2:])
    return np.rint(gaussian_filter(images.astype(np.float32), sigma, mode="nearest", axes=(-2, -1))).astype(np.uint8)


def occlude_images(images: np.ndarray, level: float, generator: np.random.Generator, layout: Any = None) -> np.ndarray:
    """Cover a share of the area of every picture, uint8 (batch, …, height, width), with a grey patch of its shape.

    Where the patch lies is drawn for each row; channels and columns of a row are covered alike (Zeiler and Fergus 2014,
    arXiv:1311.2901).
    """
    places = generator.random((len(images), 2))
    height, width = images.shape[-2:]
    tall, wide = round(height * level**0.5), round(width * level**0.5)
    covered = images.copy()
    for row, (down, right) in enumerate(places):
        top, left = round(down * (height - tall)), round(right * (width - wide))
        covered[row, ..., top : top + tall, left : left + wide] = GREY
    return covered


WAYS = (
    Worsening("noise", "standard deviation, share of black to white", IMAGE_NOISE, "input", noise_images),
    Worsening("blur", "standard deviation, share of the shorter side", BLUR, "input", blur_images),
    Worsening("occlusion", "share of the area", OCCLUSION, "input", occlude_images),
)
