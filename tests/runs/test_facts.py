"""What run.json says of a fit: by attribute, as a mapping, and with the keys that a run of its kind has."""

import json
from pathlib import Path

import pytest

from plait.core.files import seal
from plait.runs.facts import RunFacts

KEPT = Path(__file__).parents[1] / "kept"


@pytest.mark.parametrize("name", ["network", "classic"])
def test_what_a_run_of_before_says_comes_back_to_the_key(name: str) -> None:
    data = json.loads((KEPT / name / "run.json").read_text("utf-8"))
    facts = RunFacts.from_json(data)
    assert facts.to_json() == data
    assert facts.rest == {}
    assert seal(facts.to_json()) == facts.seal


def test_it_is_read_by_attribute_and_as_a_mapping() -> None:
    facts = RunFacts("regression", "price", rows=12, temperature=1.5)
    assert (facts.rows, facts["rows"], facts["classes"], facts.get("seal", "none yet")) == (12, 12, None, "none yet")
    assert {**facts, "rows": 3}["temperature"] == 1.5
    with pytest.raises(KeyError, match="audio"):
        facts["audio"]


def test_keys_of_other_runs_are_left_out() -> None:
    heard, told = RunFacts("recognition", "said", audio="call", units={}, mute=False), RunFacts("regression", "y")
    assert set(heard) - set(told) == {"audio", "units", "mute"}
    assert "encoders" not in heard
    assert RunFacts("classification", "y", encoders={}, precision="float32").to_json()["encoders"] == {}


def test_keys_that_no_run_has_are_kept() -> None:
    facts = RunFacts.from_json({"task": "regression", "target": "y", "version": "0.2"})
    assert facts["version"] == facts.to_json()["version"] == "0.2"


@pytest.mark.parametrize("key", ["kind", "role"])
def test_a_column_that_is_not_whole_is_refused(key: str) -> None:
    facts = json.loads((KEPT / "classic" / "run.json").read_text())
    del facts["schema"]["columns"][0][key]
    with pytest.raises(ValueError, match=f"expected an object with {key!r}"):
        RunFacts.check(facts, "run.json")
