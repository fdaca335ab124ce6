"""What categories say of the target: out of fold where it was learned, from a table elsewhere."""

import numpy as np
import pytest

from plait.models.means import learn_means, take_means

NAN = float("nan")


def seeded() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_table_mixes_each_category_with_two_rows_of_the_average() -> None:
    x = np.array([[0.5, 1.0]] * 4 + [[0.5, 2.0]] * 4)
    targets = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    told, (table,) = learn_means(x, [4], targets, 2, seeded())
    assert table.tolist() == [
        [0.5],
        [5 / 6],
        [1 / 6],
        [0.5],
    ]  # (4 · 1 + 2 · 0.5) / 6 = 5 / 6
    assert take_means(np.array([[9.0, 2.0], [8.0, 3.0], [NAN, NAN]]), [table])[:, 1].tolist()[:2] == [1 / 6, 0.5]
    assert np.isnan(take_means(np.array([[NAN, NAN]]), [table])).all()
    assert told[:, 0].tolist() == [0.5] * 8
    assert (told[:4, 1] < 5 / 6).all()  # of rows that are learned from, without themselves
    assert (told[4:, 1] > 1 / 6).all()


def test_of_several_classes_each_has_a_column_and_of_numbers_there_is_one() -> None:
    x = np.repeat([[1.0], [2.0], [3.0]], 6, axis=0)
    told, (table,) = learn_means(x, [4], np.repeat([0, 1, 2], 6), 3, seeded())
    assert told.shape == (18, 3)
    assert table[1:].argmax(axis=1).tolist() == [0, 1, 2]
    told, (table,) = learn_means(x, [4], np.repeat([-1.0, 0.0, 1.0], 6), 0, seeded())
    assert told.shape == (18, 1)
    assert table[:, 0] == pytest.approx([0, -0.75, 0, 0.75])


def test_noise_tells_nothing_out_of_fold() -> None:
    generator = np.random.default_rng(0)
    codes, targets = generator.integers(1, 200, 600).astype(float), generator.integers(0, 2, 600)
    told, (table,) = learn_means(codes[:, None], [200], targets, 2, seeded())
    assert abs(np.corrcoef(told[:, 0], targets)[0, 1]) < 0.15
    assert np.corrcoef(table[codes.astype(int), 0], targets)[0, 1] > 0.4  # what learning from its own rows would see


def test_one_row_of_a_class_and_no_codes_are_enough() -> None:
    told, (table,) = learn_means(np.array([[1.0], [2.0]]), [3], np.array([0, 1]), 2, seeded())
    assert np.isfinite(told).all()
    assert table.shape == (3, 1)
    assert learn_means(told, [], np.array([0, 1]), 2, seeded()) == (told, [])
