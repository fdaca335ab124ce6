"""Features of tables: numbers with NaN where absent, flags, one column for each code."""

import numpy as np
import pytest
import torch

from plait.core.contract import Batch
from plait.kinds.features import batch_features
from plait.kinds.tabular.features import blocks, features
from tiny import LAYOUTS


def test_a_table_becomes_numbers_flags_and_one_column_for_each_code() -> None:
    x = torch.tensor([[0.5, -1.0, 0.0, 1.0, 2.0, 0.0]])
    found = batch_features(
        Batch({"tabular": x}, {"tabular": torch.tensor([True])}), {"tabular": LAYOUTS["tabular"]}, ["tabular"]
    )
    row = found["tabular"][0].tolist()
    assert np.isnan(row[1])  # an absent number
    assert [row[0], *row[2:]] == [0.5, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("layout", "row", "expected"),
    [
        ({"numbers": 1, "categories": []}, [0.5, 0.0], [0.5, 0.0]),
        ({"numbers": 0, "categories": [2]}, [1.0], [0.0, 1.0]),
        ({"numbers": 0, "categories": [2]}, [7.0], [0.0, 0.0]),  # a code that the layout does not know
        ({"numbers": 0, "categories": [5, 3], "commonest": 2}, [4.0, 2.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 4.0]),
        ({"numbers": 0, "categories": [4], "commonest": 4, "many": 2}, [3.0], [0.0, 0.0, 0.0, 1.0, 3.0]),
        ({"numbers": 0, "categories": [3], "commonest": 4, "many": 2}, [2.0], [0.0, 0.0, 1.0]),
        ({"numbers": 0, "categories": [4], "commonest": 3}, [3.0], [0.0, 0.0, 0.0, 1.0]),
    ],
)
def test_a_table_may_lack_numbers_or_categories(
    layout: dict[str, object], row: list[float], expected: list[float]
) -> None:
    assert features(np.array([row]), layout).tolist() == [expected]


def test_the_columns_of_a_category_stand_together() -> None:
    assert blocks({"numbers": 2, "categories": [5, 3], "commonest": 2}) == [(4, 7), (7, 10)]
    assert blocks({"numbers": 1, "categories": []}) == []
