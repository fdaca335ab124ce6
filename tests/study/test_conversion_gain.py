"""Whether a conversion was worth it: the source, what was made of it, and both, on the same test rows."""

from typing import Any

import numpy as np
import pytest

from plait.study.conversion_gain import compare_conversions
from plait.study.search import Search
from searches import draw_blocks, make_search, split_of, take_quick_learners

MADE = [{"origin": "a", "modality": "b", "by": "reader 1"}]
TESTS = np.arange(100, 300)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def search_of(columns: dict[str, Any]) -> Search:
    search = make_search(columns, split_of(60, 40, 200), ("classic",))
    search.run()
    return search


def test_what_was_made_and_knows_more_helps() -> None:
    search = search_of(draw_blocks(300))
    (found,) = compare_conversions(search, MADE)
    assert (found["source"], found["made"], found["by"]) == ("a", "b", "reader 1")
    assert [name.partition(" (")[2] for name in found["candidates"]] == ["a)", "b)", "a + b)"]
    assert list(found["scores"]) == ["a", "b", "both"]
    for name, keep in (("a", ["a"]), ("b", ["b"]), ("both", ["a", "b"])):
        best = min((c for c in search.study.candidates if c.names == keep), key=lambda c: c.loss)
        said = search.look(best).argmax(1)
        assert found["scores"][name]["value"] == pytest.approx((said == TESTS % 2).mean())
    better = min(("a", "b"), key=lambda name: search.best_alone(name).loss)  # type: ignore[union-attr]
    assert found["better"] == better
    gain = found["scores"]["both"]["value"] - found["scores"][better]["value"]
    assert found["difference"]["value"] == pytest.approx(gain)
    assert (found["code"], found["rows"], found["corrected_for"]) == ("helps", 200, 1)
    assert found["sentence"].startswith("b, made of a by reader 1: accuracy 0.")
    assert f"Both together are better than {better} by itself (+" in found["sentence"]


def test_a_copy_of_the_source_tells_nothing() -> None:
    columns = draw_blocks(300, knows={"a": 1.0})
    (found,) = compare_conversions(search_of(columns | {"b0": columns["a0"], "b1": columns["a1"]}), MADE)
    assert found["scores"]["a"] == found["scores"]["b"]
    assert found["code"] == "cannot_tell"
    assert "These rows cannot tell whether both together are better than a by itself" in found["sentence"]


def test_what_cannot_be_compared_is_left_out() -> None:
    columns = draw_blocks(300, knows={"a": 1.0, "b": 1.0, "c": 1.0})
    search = search_of(columns)  # which tried each, and all three, but no pair
    assert compare_conversions(search, MADE) == []
    two = search_of({name: cells for name, cells in columns.items() if name[0] != "c"})
    few = make_search(draw_blocks(101), split_of(60, 40, 1), ("classic",))
    few.run()
    assert compare_conversions(few, MADE) == []
    assert compare_conversions(two, [{**MADE[0], "modality": "d"}]) == []
    assert compare_conversions(two, []) == []


def test_test_rows_of_one_number_are_too_few() -> None:
    columns = draw_blocks(300)
    columns["y"] = [round(10 * a, 3) for a in columns["a0"]]
    columns["y"][100:] = [5.0] * 200
    (found,) = compare_conversions(search_of(columns), MADE)
    assert found["p"] is None
    assert found["sentence"] == "b, made of a by reader 1: too few test rows to compare."
