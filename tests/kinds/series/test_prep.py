"""Series are brought to one length and scale by the training rows; holes are bridged; a damaged state is refused."""

from dataclasses import replace

import numpy as np
import pytest

from plait.errors import CellError, RequestError, RunError
from plait.kinds.series.prep import SeriesPrep, resample

NAN = float("nan")
ROWS = [np.arange(10.0) + k for k in range(3)]


def test_a_longer_series_is_averaged_and_a_shorter_one_drawn_out() -> None:
    assert resample(np.array([[1.0, 3, 5, 7]]), 2)[0].tolist() == [[2.0, 6.0]]
    assert resample(np.array([[0.0, 3, 6]]), 2)[0].tolist() == [pytest.approx([1.0, 5.0])]
    assert resample(np.array([[0.0, 2]]), 5)[0].tolist() == [[0.0, 0.5, 1.0, 1.5, 2.0]]
    assert resample(np.array([[7.0]]), 3)[0].tolist() == [[7.0, 7.0, 7.0]]


def test_a_hole_is_bridged_and_flagged() -> None:
    values, holes = resample(np.array([[NAN, 2.0, NAN, 4.0]]), 4)
    assert values.tolist() == [[2.0, 2.0, 3.0, 4.0]]
    assert holes.tolist() == [[True, False, True, False]]
    assert resample(np.array([[NAN, NAN, 2.0, 2.0]]), 2)[1].tolist() == [[True, False]]


def test_length_channels_and_scale_are_learned() -> None:
    prep = SeriesPrep().fitted([*ROWS, np.zeros((2, 10))])
    assert (prep.length, prep.channels, prep.holes, prep.turned) == (10, 1, False, False)
    assert prep.mean.tolist() == [5.5]
    assert prep(np.full(10, 5.5)).tolist() == [[0.0] * 10]
    assert prep.usual_course(10)[0].tolist() == pytest.approx([k + 1.0 for k in range(10)])
    assert SeriesPrep(length=9).fitted(ROWS).length == 9
    assert SeriesPrep().fitted([np.arange(2000.0)]).length == 512


def test_another_number_of_channels_is_said() -> None:
    prep = SeriesPrep().fitted([np.zeros((3, 10))])
    with pytest.raises(CellError, match=r"^2 channels, where most have 3$"):
        prep(np.zeros((2, 10)))


def test_flags_are_there_where_training_rows_have_holes() -> None:
    row = np.arange(10.0)
    row[3] = NAN
    prep = SeriesPrep().fitted([*ROWS, row])
    assert prep(row).shape == (2, 10)
    assert np.flatnonzero(prep(row)[1]).tolist() == [3]
    assert SeriesPrep().fitted(ROWS)(row).shape == (1, 10)


@pytest.mark.parametrize(
    ("shapes", "turned"),
    [
        ([(3, 40), (3, 50)], False),
        ([(40, 3), (50, 3)], True),
        ([(40, 3), (40, 3)], True),
        ([(12, 20), (12, 20)], False),
        ([(3, 5), (3, 5)], False),
        ([(5, 3), (6, 3)], True),
        ([(1, 30), (2, 30)], False),
    ],
)
def test_the_axis_that_differs_in_length_is_time(shapes: list[tuple[int, int]], turned: bool) -> None:
    prep = SeriesPrep().fitted([np.zeros(shape) for shape in shapes])
    assert prep.turned is turned
    assert prep.channels == (shapes[0][1] if turned else shapes[0][0])


def test_a_series_that_never_changes_is_not_blown_up() -> None:
    prep = SeriesPrep().fitted([np.full(10, 1e6)] * 2)
    assert prep.spread.tolist() == [1.0]
    assert prep(np.full(10, 1e30)).max() == 1000.0


def test_a_fault_that_is_huge_does_not_drown_the_scale() -> None:
    rows = [np.arange(40.0) + row for row in range(4)]
    rows[1][3] = 1e30
    prep = SeriesPrep().fitted(rows)
    assert 10 < prep.spread[0] < 10_000
    assert np.ptp(prep(np.arange(40.0))) > 0.005
    assert prep(rows[1]).max() <= 1000


def test_wrong_requests_and_no_series_are_refused() -> None:
    with pytest.raises(RequestError, match="there is no series to learn a length from"):
        SeriesPrep().fitted([])
    with pytest.raises(RequestError, match="each series to learn from has a channel without a number"):
        SeriesPrep().fitted([np.array([[1.0] * 9, [NAN] * 9])])
    with pytest.raises(RequestError, match=r"series\.length is 8; expected 9 to 16384"):
        SeriesPrep(length=8)


def test_a_state_that_does_not_belong_together_is_refused() -> None:
    prep = SeriesPrep().fitted(ROWS, np.random.default_rng(1))
    data, arrays = prep.state()
    again = SeriesPrep.from_state(data, arrays)
    assert np.array_equal(again(ROWS[0]), prep(ROWS[0]))
    assert again.seed == prep.seed > 0
    wrong = [
        replace(prep, mean=np.zeros(2)),
        replace(prep, spread=np.zeros(1)),
        replace(prep, usual=prep.usual * np.nan),
        replace(prep, biases=prep.biases[1:]),
        replace(prep, length=None),
    ]
    for broken in wrong:
        with pytest.raises(RunError, match=r"the series preparation is damaged: '\w+' has not its shape"):
            SeriesPrep.from_state(*broken.state())
    with pytest.raises(RunError, match="damaged"):
        SeriesPrep.from_state({**data, "channels": 10**9}, arrays)
