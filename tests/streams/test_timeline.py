"""The picture of streams on one axis: which stretches they fill, and that it can be drawn."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from plait.streams import timeline
from plait.streams.clocks import SECOND
from plait.streams.timeline import Lane, draw_timeline, pieces


def test_points_fill_up_to_one_and_a_half_steps() -> None:
    begin = np.array([0, 10, 20, 50, 60])
    assert pieces(begin, None, 10).tolist() == [[0, 35], [50, 70]]  # 20 reaches to 35, the last one step on
    assert pieces(np.zeros(0, np.int64), None, 10).shape == (0, 2)
    assert pieces(np.array([7]), None, 10).tolist() == [[7, 17]]


def test_stretches_that_touch_or_overlap_are_one() -> None:
    begin, end = np.array([0, 2, 10, 12, 40]), np.array([9, 5, 12, 15, 40])
    assert pieces(begin, end, 1).tolist() == [[0, 9], [10, 15], [40, 40]]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1, max_size=15))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_every_stretch_lies_in_one_piece_and_pieces_do_not_meet(drawn: list[tuple[int, int]]) -> None:
    begin = np.array(sorted(start for start, _ in drawn))
    end = begin + [length for _, length in drawn]
    found = pieces(begin, end, 1)
    assert (found[1:, 0] > found[:-1, 1]).all()
    for a, b in zip(begin, end, strict=True):
        assert ((found[:, 0] <= a) & (b <= found[:, 1])).sum() == 1
    assert np.isin(found[:, 0], begin).all() and np.isin(found[:, 1], end).all()


def lane(name: str, spans: list[list[float]], words: str = "") -> Lane:
    found = (np.array(spans) * SECOND).astype(np.int64)
    return Lane(name, found, found + SECOND // 2, words)


@pytest.mark.parametrize(
    "lanes",
    [
        [lane("r", [[0, 10]])],
        [lane("r", [[0, 10]]), lane("语音 $x", [[-5, -2], [3, 900_000]], "+0.5 s"), lane("r" * 90, [[2, 2]])],
        [lane("r", [[0, 0]]), lane("s", [[0, 0]])],
        [lane("r", [[0, 9]]), lane("s", [[n / 1000, n / 1000] for n in range(20_000)])],
    ],
    ids=["one", "odd names", "no length", "many"],
)
def test_a_picture_is_written(tmp_path: Path, lanes: list[Lane]) -> None:
    path = draw_timeline(tmp_path / "t.png", lanes, " on the reference's clock")
    assert [file.name for file in tmp_path.iterdir()] == ["t.png"]
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(1_000_000)) > 20  # more than an empty page


def test_pieces_nearer_than_a_pixel_are_drawn_as_one() -> None:
    spans = np.array([[0.0, 1.0], [1.5, 2.0], [4.0, 5.0]])
    assert timeline._merge(spans, 0.5).tolist() == [[0, 2], [4, 5]]
    assert timeline._merge(spans, 0.4).tolist() == spans.tolist()
