from pathlib import Path

import numpy as np
import pytest

import plait
from plait.core.contract import Modality
from plait.kinds.tabular.prep import TabularPrep
from plait.models.views import View
from plait.runs.facts import RunFacts
from plait.runs.pairs import Pairs


@pytest.fixture
def pairs() -> Pairs:
    facts = RunFacts("pairs", "", rows=9, splits={"train": 6, "val": 2, "test": 1})
    facts.holes = {"tabular": {"blank": 2, "broken": 0, "example": ""}}
    return Pairs(facts, [View(Modality("tabular", "tabular", ("a",)), TabularPrep(), "tabular")], {}, Path("run"))


def test_it_predicts_nothing_and_says_what_it_does(pairs: Pairs) -> None:
    said = "run was fitted to pairs, without a target: it predicts nothing. .* plait index run TABLE --out INDEX"
    for ask in (pairs.predict, pairs.evaluate, pairs.explain, pairs.use):
        with pytest.raises(plait.RequestError, match=said):
            ask({"a": np.zeros(1)})
    with pytest.raises(plait.RequestError, match=said):
        pairs.predictor()


def test_its_summary(pairs: Pairs) -> None:
    assert pairs.summary().splitlines()[:2] == [
        "9 rows: 6 train, 2 validation, 1 test.",
        "tabular: missing in 2 rows.",
    ]
    assert pairs.modalities == ["tabular"]
    assert pairs.report_rows is None
