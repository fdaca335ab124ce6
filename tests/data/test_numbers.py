"""Lists of numbers in text, and the files of NumPy, of which nothing is believed that is not there."""

import io
import math

import numpy as np
import pytest

from plait.data.in_text import held_in
from plait.data.numbers import read_bare, read_list, read_npy, write_npy
from plait.errors import CellError


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[0.5, -2, 1e3]", [0.5, -2, 1000]),
        (" [0.5 2. -.25]\n", [0.5, 2, -0.25]),  # as NumPy prints them
        ("[1.5\n 2.5]", [1.5, 2.5]),
        ("[1, inf]", [1, math.inf]),
        ("array([1., 2.5], dtype=float32)", [1, 2.5]),
        ("tensor([0.1000, -2.0000], device='cuda')", [0.1, -2]),
        ("[]", []),
    ],
)
def test_flat_lists_are_read(text: str, numbers: list[float]) -> None:
    found = read_list(text)
    assert found is not None
    assert found.tolist() == numbers


def test_what_is_lacking_in_a_list_is_nan() -> None:
    found = read_list("[1, null, None, nan]")
    assert found is not None
    assert np.isnan(found).tolist() == [False, True, True, True]


@pytest.mark.parametrize("text", ["0.1, 0.2", "[0.1, 'a']", "[[0.1, 0.2]]", "[0.1 ... 0.2]", "[a note]", ""])
def test_other_texts_are_no_lists(text: str) -> None:
    assert read_list(text) is None


@pytest.mark.parametrize("text", ["0.1, 0.2", "0.1;0.2", " 0.1  0.2", "[0.1, 0.2]"])
def test_what_is_known_for_numbers_needs_no_brackets(text: str) -> None:
    found = read_bare(text)
    assert found is not None
    assert found.tolist() == [0.1, 0.2]


@pytest.mark.parametrize("text", ["7", "walk.csv", "2024-01-01 7", "[[1, 2], [3, 4]]", ""])
def test_other_texts_are_no_bare_numbers(text: str) -> None:
    assert read_bare(text) is None


def test_a_list_in_text_holds_a_file_that_is_surely_no_picture() -> None:
    held = held_in("[0.5, -2]", lambda content: None)
    assert held is not None
    assert not held.sure
    assert read_npy(held.content).tolist() == [0.5, -2.0]  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [np.arange(6, dtype=np.int16).reshape(2, 3), np.array([0.5]), np.zeros((0,))])
def test_an_array_comes_back_from_its_file(values: np.ndarray) -> None:
    for order in (values, np.asfortranarray(values)):
        again = read_npy(write_npy(order))
        assert (again.dtype, again.tolist()) == (values.dtype, values.tolist())


def test_a_file_that_claims_more_than_it_holds_is_damaged() -> None:
    whole = write_npy(np.zeros(4))
    for content in (whole[:-8], whole + bytes(8), whole.replace(b"(4,)", b"(9,)")):
        with pytest.raises(CellError, match="damaged array: it has not as many numbers as it says"):
            read_npy(content)


def test_what_holds_no_numbers_is_damaged() -> None:
    np.save(words := io.BytesIO(), np.array(["a"]))
    np.save(things := io.BytesIO(), np.array([{}], object), allow_pickle=True)
    for file in (words, things):
        with pytest.raises(CellError, match=r"damaged array: it holds .*, no numbers"):
            read_npy(file.getvalue())
    with pytest.raises(CellError, match=r"damaged array: it is no \.npy file"):
        read_npy(b"RIFF")
    with pytest.raises(CellError, match="damaged array: a form that is not read here"):
        read_npy(b"\x93NUMPY\x09\x00" + bytes(80))
    with pytest.raises(CellError, match="damaged array"):
        read_npy(b"\x93NUMPY\x01\x00" + bytes(4))
