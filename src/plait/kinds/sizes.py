"""What one input of a layout (JSON: {"kind", and the sizes of one input}) is shaped as, and how it is learned from.

Loads no torch, but where it is asked how a network learns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.errors import RequestError
from plait.kinds import KINDS


def input_shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one row's input of a layout, without the columns."""
    return KINDS[layout["kind"]].prep.shape(layout)


def usual_encoder(kind: str, rows: int) -> str:
    """Return the encoder trained here that a modality of so many rows gets where it is left open."""
    own = KINDS[kind].prep
    return own.usual(rows) if hasattr(own, "usual") else next(e for e in KINDS[kind].encoders if e != "auto")


def own_input(kind: str, prep: Any, layout: Mapping[str, Any]) -> tuple[tuple[int, ...], str]:
    """Return shape and dtype of one input as a module of the user's own is given it: as prepared, if not otherwise."""
    own = KINDS[kind].prep
    if hasattr(own, "own_input"):
        return own.own_input(prep)
    return own.shape(layout), np.dtype(KINDS[kind].read.DTYPE).name


def is_given_features(kind: str) -> bool:
    """Whether a layout's kind is features that a pretrained encoder gave."""
    return kind == "vectors"


def check_shape(name: str, x: Any, expected: Sequence[int | str]) -> None:
    """Raise RequestError when x has not the expected shape; words stand for any length."""
    fits = all(isinstance(e, str) or e == n for e, n in zip(expected, x.shape, strict=False))
    if not fits or len(x.shape) != len(expected):
        wanted = ", ".join(map(str, expected))
        raise RequestError(f"{name}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")


def is_convolutional(kind: str) -> bool:
    """Whether the encoder of a layout's kind sees many cells, and is trained long."""
    return bool(getattr(KINDS[kind].network, "CONVOLUTIONAL", False))


def fewest_steps(kind: str) -> int:
    """How many steps the encoder of a layout's kind learns for at least, however few the rows are."""
    return int(getattr(KINDS[kind].network, "FEWEST_STEPS", 0))
