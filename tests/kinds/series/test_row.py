"""A series in a drawn row: its lines as it came and as it is scaled, and bars for what moved an answer."""

import io

import numpy as np

from plait.data.read import read
from plait.kinds.row import draw_row, draw_shares
from plait.kinds.series.prep import SeriesPrep
from plait.kinds.series.row import row_height, row_part, share_height


def written(figure: object) -> list[str]:
    return [text.get_text() for text in figure.texts]  # type: ignore[attr-defined]


def test_a_row_shows_lines_with_their_range() -> None:
    rows = np.random.default_rng(0).standard_normal((2, 10, 12)).round(2)
    rows[0, 0, :3], rows[0, 1, 0], rows[0, 1, 1] = np.nan, -9, 9
    prep = SeriesPrep().fitted(list(rows))
    figure = draw_row(
        [{"modality": "s", "kind": "series", **row_part(read({"s": rows, "x": [1, 2]}).take([0]), ("s",), prep)}]
    )
    said = written(figure)
    assert "12 points, from −9 to 9, 10 channels, 3 of them holes (the first 8 are drawn)" in said
    assert len(figure.axes) == 2
    assert len(figure.axes[0].lines) == 8 + 7


def test_many_channels_and_points_stay_on_the_page() -> None:
    assert row_height({"after": np.zeros((100, 5))}) < 3
    assert row_height({"after": np.zeros((1, 5000))}) < 1.5


def test_what_is_no_series_is_drawn_as_absent_with_the_reason() -> None:
    prep = SeriesPrep().fitted([np.zeros(9)])
    assert row_part(read({"s": [[[1.0, 2.0], [3.0]], [1.0]], "x": [1, 2]}).take([0]), ("s",), prep) == {
        "reason": "ragged: lists of 1 to 2 points; expected as many in each"
    }


def test_shares_name_the_strongest_stretches() -> None:
    place = {"column": "s", "channel": 0, "last_channel": 0, "channels": 1, "length": 40}
    parts = [{**place, "first": 2 * k, "last": 2 * k + 1, "weight": 0.1 * (k % 20)} for k in range(20)]
    part = {"modality": "s", "kind": "series", "share": 0.5, "by": "occlusion", "parts": parts, "before": {}}
    said = written(draw_shares([("s", 0.5, "")], "title", parts=[part]))
    assert "points 38–39 of 40" in said
    assert "points 0–1 of 40" not in said
    assert share_height(part) == share_height({**part, "parts": parts[:12]})
    flat = written(draw_shares([("s", 0.5, "")], "title", parts=[{**part, "flat": True}]))
    assert "no stretch of it changes the answer much" in flat
    assert not [text for text in flat if text.startswith("points")]


def test_behind_the_course_is_how_much_each_stretch_counts() -> None:
    place = {"column": "s", "channel": 0, "last_channel": 1, "channels": 2, "length": 4}
    parts = [{**place, "first": 0, "last": 1, "weight": 0.4}, {**place, "first": 2, "last": 3, "weight": -0.2}]
    part = {"modality": "s", "kind": "series", "share": 0.2, "by": "occlusion", "parts": parts}
    part["before"] = {"s": [[0.0, 1.0, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]]}
    axes = next(a for a in draw_shares([("s", 0.2, "")], "title", parts=[part]).axes if len(a.lines) == 3)
    bars = [(bar.get_x(), bar.get_width(), round(bar.get_alpha(), 2)) for bar in axes.patches]
    assert bars == [(0.0, 0.5, 0.6), (0.5, 0.5, 0.3)] * 2
    assert share_height(part) > share_height({**part, "before": {}})


def test_a_point_between_holes_is_a_dot() -> None:
    part = {"modality": "s", "kind": "series", "share": 0.2, "by": "occlusion", "parts": [], "flat": True}
    part["before"] = {"s": [[1.0, np.nan, 2.0, 3.0, np.nan, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]}
    figure = draw_shares([("s", 0.2, "")], "title", parts=[part])
    axes = next(a for a in figure.axes if len(a.lines) == 3)
    assert [line.get_markevery() for line in axes.lines[:2]] == [[0, 5], []]
    figure.savefig(io.BytesIO())
