"""Arrays of numbers in the files of NumPy (.npy), and lists of numbers as people write them: [0.1, 0.2] or [0.1 0.2].

Knows bytes and text. Nothing in them is run, and nothing is made larger than what is there.
"""

from __future__ import annotations

import io
import math
import re

import numpy as np

from plait.errors import CellError

NPY = b"\x93NUMPY"
_SHOWN = re.compile(r"(?:array|tensor)\((\[[^()\[\]]*\])(?:,\s*\w+=[\w.:']+)*\)")  # as NumPy and torch print arrays
NOTHING = frozenset(("null", "None", "NA"))  # how a list writes a number that is not there


def read_list(text: str) -> np.ndarray | None:
    """Return the numbers (feature,) of a flat list, NaN where one is lacking; None where a text is none.

    >>> read_list("[0.5, -2, null]").tolist()
    [0.5, -2.0, nan]
    """
    text = text.strip()
    if shown := _SHOWN.fullmatch(text):
        text = shown[1]
    if text[:1] != "[" or text[-1:] != "]":
        return None
    words = text[1:-1].replace(",", " ").split()
    try:
        return np.array([math.nan if word in NOTHING else float(word) for word in words], np.float64)
    except ValueError:
        return None


def read_bare(text: str) -> np.ndarray | None:
    """Return the numbers of a text that is known to hold some: a flat list, or two or more without brackets.

    One alone may be the name of a file.
    """
    flat = read_list(f"[{text.replace(';', ' ')}]")
    return read_list(text) if flat is None or len(flat) < 2 else flat


def read_npy(content: bytes) -> np.ndarray:
    """Return the array in the bytes of a .npy file. Raises CellError where it holds no numbers, or too few."""
    reader = np.lib.format
    file = io.BytesIO(content)
    try:
        if content[:6] != NPY:
            raise ValueError("it is no .npy file")
        header = {(1, 0): reader.read_array_header_1_0, (2, 0): reader.read_array_header_2_0}[reader.read_magic(file)]
        shape, by_column, kind = header(file)
        if kind.kind not in "biuf":
            raise ValueError(f"it holds {kind}, no numbers")
        if math.prod(shape) * kind.itemsize != len(content) - file.tell():
            raise ValueError("it has not as many numbers as it says")
        values = np.frombuffer(content, kind, offset=file.tell())
        return values.reshape(shape, order="F" if by_column else "C")
    except (ValueError, KeyError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        words = "a form that is not read here" if isinstance(error, KeyError) else str(error).split("\n")[0][:120]
        raise CellError(f"damaged array: {words}") from None


def write_npy(values: np.ndarray) -> bytes:
    """Return an array of numbers as the bytes of a .npy file."""
    np.lib.format.write_array(out := io.BytesIO(), values, allow_pickle=False)
    return out.getvalue()
