"""What each modality made of an answer, of predictors made by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Batch, Modality, Table
from plait.errors import RequestError
from plait.kinds.tabular.prep import TabularPrep
from plait.models.views import View
from plait.proof.attribution import explain_table
from plait.proof.explanation import Explanation


class Bits:
    """A predictor of two classes over modalities of one number each: says gives the second one from {name: value}."""

    def __init__(self, names: str, says: Callable[[dict[str, float]], float], num: int = 2) -> None:
        self.names, self.says, self.num = list(names), says, num

    def __call__(self, batch: Batch) -> np.ndarray:
        rows = []
        for row in range(len(next(iter(batch.present.values())))):
            seen = {n: float(batch.inputs[n][row, 0]) for n in self.names if bool(batch.present[n][row])}
            second = self.says(seen)
            rows.append([1 - second, second] if self.num == 2 else [second])
        return np.array(rows).reshape(-1, self.num)


def strands_of(names: str) -> list[View]:
    prep = {name: TabularPrep(scale="standard").fitted({name: [-1.0, 1.0]}, {name: "number"}) for name in names}
    return [View(Modality(n, "tabular", (n,)), prep[n], n, {n: "number"}) for n in names]


def explain_bits(
    says: Callable[[dict[str, float]], float],
    classes: tuple[str, ...] | None = ("no", "yes"),
    row: int | None = None,
    **columns: Any,
) -> Explanation:
    """Explain a table of columns of -1, 1 and None; each is a modality."""
    names = "".join(columns)
    table = Table({name: np.array(cells, object) for name, cells in columns.items()})
    predictor = Bits(names, says, num=2 if classes else 1)
    return explain_table(table, strands_of(names), predictor, classes=classes, row=row)


def shares_of(found: Explanation) -> dict[str, float]:
    return {name: float(x[0]) for name, x in found.shares.items()}


def test_unique_information_is_all_its_owners() -> None:
    found = explain_bits(lambda seen: 0.5 if "a" not in seen else 0.5 + 0.5 * seen["a"], a=[1.0], b=[1.0])
    assert found.labels == ["yes"]
    assert shares_of(found) == {"a": 0.5, "b": 0.0}
    assert found.synergy["a+b"].tolist() == [0.0]


def test_redundant_information_is_shared_in_halves_with_negative_synergy() -> None:
    found = explain_bits(lambda seen: 0.5 + 0.5 * next(iter(seen.values()), 0.0), a=[1.0], b=[1.0])
    assert shares_of(found) == {"a": 0.25, "b": 0.25}
    assert found.synergy["a+b"].tolist() == [-0.5]


def test_synergistic_information_is_shared_in_halves_with_positive_synergy() -> None:
    def exclusive_or(seen: dict[str, float]) -> float:
        return 0.5 - 0.5 * seen["a"] * seen["b"] if len(seen) == 2 else 0.5

    found = explain_bits(exclusive_or, a=[1.0, 1.0], b=[-1.0, 1.0])
    assert found.labels == ["yes", "no"]
    assert shares_of(found) == {"a": 0.25, "b": 0.25}
    assert found.synergy["a+b"].tolist() == [0.5, 0.5]


def test_absent_gets_exactly_nothing_and_a_failed_row_no_explanation() -> None:
    found = explain_bits(lambda seen: 0.5 + 0.1 * sum(seen.values()), a=[1.0, None, None], b=[1.0, 1.0, None])
    assert found.shares["a"].tolist()[1:] == [0.0, 0.0]
    assert [status for status, _ in found.statuses] == ["ok", "partial", "failed"]
    assert found.labels == ["yes", "yes", None]
    np.testing.assert_allclose(found.prediction, [0.7, 0.6, np.nan])
    np.testing.assert_allclose(found.base, [0.5, 0.5, np.nan])
    table = found.to_json()["table"]
    assert (table["rows"], table["explained"], table["failed"]) == (3, 2, 1)
    assert table["base"] == {"no": 0.5, "yes": 0.5}
    assert table["modalities"]["a"] == {"share": pytest.approx(1 / 3), "mean": pytest.approx(0.05), "present": 1}
    assert table["modalities"]["b"] == {"share": pytest.approx(2 / 3), "mean": pytest.approx(0.1), "present": 2}


def test_of_a_number_the_value_is_explained() -> None:
    found = explain_bits(
        lambda seen: 10 + 3 * seen.get("a", 0) - 2 * seen.get("b", 0), None, a=[1.0, None], b=[1.0, 1.0]
    )
    np.testing.assert_allclose(found.prediction, [11, 8])
    np.testing.assert_allclose(found.shares["a"], [3, 0])
    np.testing.assert_allclose(found.shares["b"], [-2, -2])
    assert found.labels == [11.0, 8.0]
    assert found.to_json()["table"]["base"] == 10.0
    assert "what a modality adds to the value" in str(found)


def test_nine_modalities_are_sampled_with_an_error() -> None:
    names = "abcdefghi"
    found = explain_bits(lambda seen: float(0.5 + 0.05 * sum(seen.values())), **{name: [1.0, None] for name in names})
    assert not found.division.exact
    for name in names:
        assert found.shares[name].tolist() == [pytest.approx(0.05), 0.0]
    told = found.to_json()["table"]
    assert told["explained"] == 1
    assert told["error"]["a"] == pytest.approx(0, abs=1e-9)
    assert "± error" in str(found)


def test_one_modality() -> None:
    found = explain_bits(lambda seen: 0.5 + 0.25 * seen.get("a", 0.0), a=[1.0])
    assert shares_of(found) == {"a": 0.25}
    assert found.synergy == {}
    assert "100 %" in str(found)


def test_no_rows() -> None:
    found = explain_bits(lambda seen: 0.5, a=[], b=[])
    table = found.to_json()["table"]
    assert (table["rows"], table["explained"]) == (0, 0)
    assert table["modalities"]["a"] == {"share": None, "mean": None, "present": 0}
    assert str(found) == "0 rows, 0 explained"


def test_of_one_row_there_is_what_is_inside_too() -> None:
    found = explain_bits(lambda seen: 0.5 + 0.1 * sum(seen.values()), row=1, a=[1.0, -1.0], b=[1.0, None])
    assert (found.row, len(found), found.labels) == (1, 1, ["no"])
    assert shares_of(found) == {"a": pytest.approx(0.1), "b": 0.0}
    (detail,) = found.details
    assert (detail.modality, detail.kind, detail.by) == ("a", "tabular", "occlusion")
    assert [(part["column"], part["weight"]) for part in detail.parts] == [("a", pytest.approx(0.1))]


@pytest.mark.parametrize("row", [-1, 2])
def test_a_row_that_is_not_there_is_refused(row: int) -> None:
    with pytest.raises(RequestError, match=rf"there is no row {row}; rows are numbered from 0 to 1"):
        explain_bits(lambda seen: 0.5, row=row, a=[1.0, -1.0])


def test_a_modality_that_the_predictor_does_not_look_at_is_named() -> None:
    table = Table({name: np.array([1.0], object) for name in "ab"})
    predictor = Bits("a", lambda seen: 0.5 + 0.5 * seen.get("a", 0.0))
    found = explain_table(table, strands_of("ab"), predictor, classes=("no", "yes"))
    assert found.unused == ["b"]
    assert shares_of(found) == {"a": 0.5}


def test_many_rows_are_asked_in_pieces_and_stay_in_order() -> None:
    cells = [1.0 if row % 3 else -1.0 for row in range(300)]
    events: list[dict[str, Any]] = []
    predictor = Bits("a", lambda seen: 0.5 + 0.25 * seen.get("a", 0.0))
    table = Table({"a": np.array(cells, object)})
    found = explain_table(table, strands_of("a"), predictor, classes=("no", "yes"), callback=events.append)
    assert found.labels == ["yes" if row % 3 else "no" for row in range(300)]
    assert events == [{"stage": "explain", "done": done, "total": 300} for done in (128, 256, 300)]
