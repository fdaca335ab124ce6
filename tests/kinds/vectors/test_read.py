"""Cells of vectors: how they are written makes no difference, and what is wrong with one is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.data.numbers import write_npy
from plait.errors import CellError
from plait.kinds.vectors.prep import VectorPrep
from plait.kinds.vectors.read import apply, digest, read

NUMBERS = [0.5, -2.0, 0.25]
WRITTEN = [
    NUMBERS,
    np.array(NUMBERS),
    np.array([NUMBERS]),
    "[0.5, -2, 0.25]",
    "0.5; -2; 0.25",
    write_npy(np.array(NUMBERS)),
    "v.npy",
]


@pytest.mark.parametrize("cell", WRITTEN, ids=lambda cell: type(cell).__name__)
def test_forms_of_one_vector_are_one(cell: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array(NUMBERS, np.float32))
    assert read(cell, tmp_path).tolist() == NUMBERS
    assert digest(cell, tmp_path) == digest(NUMBERS, None)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ([], "an empty list"),
        ("[]", "an empty list"),
        ([0.5, "a"], "a list that holds something else than numbers"),
        ("['a', 1]", "a list that holds something else than numbers"),
        ([[1, 2], [3]], "a list that holds something else than numbers"),
        ([10**400, None], "a list that holds something else than numbers"),
        ([0.5, None], "1 of 2 numbers are not finite"),
        (np.array([1e300, np.nan]), "2 of 2 numbers are not finite"),
        (np.zeros((2, 3)), "expected a flat list of numbers, got an array of shape (2, 3)"),
        ("gone.npy", "file not found: gone.npy"),
    ],
)
def test_what_is_no_vector_is_said(cell: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(CellError) as error:
        read(cell, tmp_path)
    assert str(error.value) == why


def test_another_length_than_the_usual_is_said() -> None:
    prep = VectorPrep().fitted([np.zeros(3)])
    assert apply(prep, np.ones(3)).shape == (1, 3)
    with pytest.raises(CellError, match="2 numbers, where most have 3"):
        apply(prep, np.zeros(2))
