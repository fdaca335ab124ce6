"""Features made by hand of any kind: as many as the layout says, NaN where absent, the same alone and in a batch."""

from typing import Any

import numpy as np
import pytest
import torch

from plait.core.contract import Batch
from plait.errors import RequestError
from plait.kinds.features import batch_features, feature_count
from tiny import LAYOUTS, STRANDS, make_batch, take_rows

ALL = tuple(STRANDS)
CELLS = sum(strand["columns"] for strand in STRANDS.values())


def layouts_of(*names: str) -> dict[str, dict[str, Any]]:
    return {name: {**LAYOUTS[STRANDS[name]["kind"]], "columns": STRANDS[name]["columns"]} for name in names}


def batch_of() -> Batch:
    """Forty rows of every modality in which about a third of the cells are absent."""
    return make_batch(ALL, (np.random.default_rng(7).random((40, CELLS)) > 0.3).tolist(), float("nan"), 7)


@pytest.mark.parametrize("name", ALL)
def test_features_are_as_many_as_the_layout_says_and_nan_where_absent(name: str) -> None:
    layouts = layouts_of(name)
    batch = make_batch([name], [[True] * STRANDS[name]["columns"], [False] * STRANDS[name]["columns"]], float("nan"))
    found = batch_features(batch, layouts, [name])[name]
    assert found.shape == (2, feature_count(layouts[name]))
    assert found.dtype == np.float32
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_a_column_that_is_absent_is_nan_and_has_a_flag() -> None:
    layouts = layouts_of("scan")
    batch = make_batch(["scan"], [[True, False], [True, True]])
    found = batch_features(batch, layouts, ["scan"])["scan"]
    one = feature_count({**layouts["scan"], "columns": 1})
    assert np.isfinite(found[0, :one]).all()
    assert np.isnan(found[0, one : 2 * one]).all()
    assert found[:, 2 * one :].tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_whole_numbers_of_a_picture_are_shares_of_white() -> None:
    layouts = layouts_of("photo")
    whole = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    here = {"photo": torch.ones(3, dtype=torch.bool)}
    first = batch_features(Batch({"photo": whole}, here), layouts, ["photo"])["photo"]
    second = batch_features(Batch({"photo": whole.float() / 255}, here), layouts, ["photo"])["photo"]
    assert first == pytest.approx(second, abs=1e-6)


def test_features_are_made_once_of_a_batch_whoever_asks() -> None:
    batch, layouts = batch_of(), layouts_of("scan")
    first = batch_features(batch, layouts, ["scan"])["scan"]
    assert batch_features(batch, layouts_of("scan"), ["scan"])["scan"] is first  # a layout that says the same
    assert not first.flags.writeable
    batch.inputs["scan"] = batch.inputs["scan"] + 1  # another tensor is another scan
    assert not np.array_equal(batch_features(batch, layouts, ["scan"])["scan"], first, equal_nan=True)


def test_features_of_batches_put_together_are_those_of_the_whole() -> None:
    batch, layouts = batch_of(), layouts_of(*ALL)
    whole = batch_features(batch, layouts, ALL)
    parts = [take_rows(batch, range(start, min(start + 16, 40))) for start in range(0, 40, 16)]
    features = [batch_features(part, layouts, ALL) for part in parts]
    for name, x in whole.items():
        assert np.array_equal(np.concatenate([part[name] for part in features]), x, equal_nan=True), name


def test_a_row_alone_has_the_features_that_it_has_in_a_batch() -> None:
    batch, layouts = make_batch(ALL, [[True] * CELLS] * 130), layouts_of(*ALL)  # more than are computed at a time
    whole = batch_features(batch, layouts, ALL)
    for row in (0, 127, 128, 129):
        alone = batch_features(take_rows(batch, [row]), layouts, ALL)
        for name, x in whole.items():
            assert np.array_equal(alone[name][0], x[row], equal_nan=True), name


def test_no_rows_keep_the_count_of_their_features() -> None:
    layouts = layouts_of(*ALL)
    found = batch_features(take_rows(batch_of(), []), layouts, tuple(layouts))
    assert {name: x.shape for name, x in found.items()} == {name: (0, feature_count(x)) for name, x in layouts.items()}


def test_arrays_have_the_features_of_tensors_to_the_last_bit() -> None:
    batch, layouts = batch_of(), layouts_of(*ALL)
    whole = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    batch.inputs["photo"] = whole
    plain = Batch(*({name: x.numpy() for name, x in own.items()} for own in (batch.inputs, batch.present)))
    plain.cells = {name: x.numpy() for name, x in batch.cells.items()}
    for name, found in batch_features(plain, layouts, ALL).items():
        assert np.array_equal(found, batch_features(batch, layouts, [name])[name], equal_nan=True), name


def test_a_modality_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestError, match=r"the batch has no modality 'foto'\. Did you mean 'photo'"):
        batch_features(batch_of(), layouts_of(*ALL), ["foto"])


def test_a_wrong_shape_is_named_with_its_columns() -> None:
    batch = take_rows(batch_of(), [0, 1])
    batch.inputs["scan"] = batch.inputs["scan"][:, 0]
    said = r"modality 'scan': got an array of shape \(2, 1, 8, 8\); expected \(batch, 2, 1, 8, 8\)\."
    with pytest.raises(RequestError, match=said):
        batch_features(batch, layouts_of(*ALL), ["scan"])
