"""A vector in a drawn row: a strip as it came and one as it is scaled, and bars for what moved an answer."""

import numpy as np

from plait.data.read import read
from plait.kinds.row import draw_row, draw_shares
from plait.kinds.vectors.prep import VectorPrep
from plait.kinds.vectors.row import row_height, row_part, share_height


def written(figure: object) -> list[str]:
    return [text.get_text() for text in figure.texts]  # type: ignore[attr-defined]


def test_a_row_shows_both_strips_with_their_range() -> None:
    vectors = np.array([[0.5, -2.0, 0.25], [1.5, 2.0, 4.0]])
    prep = VectorPrep().fitted(list(vectors))
    part = row_part(read({"v": vectors, "x": [1, 2]}).take([0]), ("v",), prep)
    figure = draw_row([{"modality": "v", "kind": "vectors", **part}])
    said = written(figure)
    assert "3 numbers, from −2 to 0.5" in said
    assert "3 numbers, from −1 to −1, scaled" in said
    assert len(figure.axes) == 2


def test_a_long_vector_stays_on_the_page() -> None:
    part = {"after": np.zeros((1, 5000))}
    assert row_height(part) < 2.1
    assert row_height({"after": np.zeros((1, 12))}) < 0.7


def test_a_vector_of_another_length_is_drawn_as_absent_with_the_reason() -> None:
    prep = VectorPrep().fitted([np.zeros(3)])
    assert row_part(read({"v": [np.ones(2)], "x": [1]}), ("v",), prep) == {"reason": "2 numbers, where most have 3"}


def test_shares_name_the_runs() -> None:
    runs = [
        {"column": "v", "first": 0, "last": 5, "weight": 0.25},
        {"column": "v", "first": 6, "last": 6, "weight": -0.5},
    ]
    part = {"modality": "v", "kind": "vectors", "share": 0.5, "by": "occlusion", "parts": runs, "before": {}}
    said = written(draw_shares([("v", 0.5, "")], "title", parts=[part]))
    assert {"numbers 0–5", "number 6"} <= {*said}
    assert share_height(part) == 0.85
