"""What travels arrives as it was: values, arrays of any shape, bytes."""

import io
from typing import Any

import numpy as np
import pytest

from plait.tasks.wire import pack, unpack


def stream_of(*values: Any) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(b"".join(part for value in values for part in pack(value))))


def test_values_arrive_as_they_were() -> None:
    value = {"a": [1, 2.5, None, True, "é\n"], "raw": b"\x00\n", "deep": {"\x00": [3], "b": {}}, "none": []}
    stream = stream_of(value, "next")
    assert unpack(stream) == value
    assert unpack(stream) == "next"
    with pytest.raises(EOFError):
        unpack(stream)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::2],
        np.array([np.nan, -0.0, 1e-310]),
        np.array(["ü", "long"]),
        np.array(["2024-01-02", "NaT"], "M8[D]"),
        np.zeros((0, 3), bool),
        np.array(7, np.int16),
    ],
)
def test_an_array_keeps_its_form_and_its_bits_and_can_be_written_to(array: np.ndarray) -> None:
    back = unpack(stream_of({"x": array}))["x"]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())
    back[...] = back


def test_an_array_of_cells_of_any_kind_arrives_cell_by_cell() -> None:
    cells = np.empty(4, object)
    cells[:] = [None, "a", b"\x00", np.arange(3, dtype=np.int16)]
    back = unpack(stream_of(cells))
    assert back[:3].tolist() == [None, "a", b"\x00"]
    assert back[3].tolist() == [0, 1, 2] and back[3].dtype == np.int16


def test_a_message_cut_short_is_an_end() -> None:
    whole = stream_of([b"12345"]).read()
    for length in (0, 3, len(whole) - 1):
        with pytest.raises(EOFError):
            unpack(io.BufferedReader(io.BytesIO(whole[:length])))


def test_what_would_need_pickle_does_not_travel() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        pack({"x": np.array([{1, 2}, None])})
    with pytest.raises(TypeError, match=r"a dict with the keys \[1\] does not travel; expected strings"):
        pack({1: 2})
    with pytest.raises(TypeError, match="not JSON serializable"):
        pack({"x": object()})
