"""Shapes of what encoders are given, checked. Knows no kind."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from plait.errors import RequestError


def check_shape(name: str, x: Tensor, expected: Sequence[int | str]) -> None:
    """Raise RequestError when x has not the expected shape; words stand for any length."""
    fits = x.dim() == len(expected) and all(
        isinstance(e, str) or e == n for e, n in zip(expected, x.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(e) for e in expected)
        raise RequestError(f"{name}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")
