"""Predictors made of predictors: temperatures, blends, the row as text; and each the same after a run folder."""

import json
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from plait.core.contract import Batch, answer_subsets, keep_only, second_name
from plait.core.files import pack_tensors, read_tensors
from plait.data.read import read
from plait.errors import RunError
from plait.kinds.detect import detect
from plait.kinds.features import batch_features
from plait.models.blend import Average, Confident, Mixture, Stacked, Weighted
from plait.models.classic import ClassicPredictor, Goal, MajorityPredictor, fit_classic
from plait.models.learners import LEARNERS
from plait.models.network import Network, NetworkPredictor
from plait.models.predictors import (
    Blend,
    Bounded,
    Calibrated,
    RowText,
    Stored,
    leaves_of,
    present_in,
    present_rows,
    restore_predictors,
    store_predictors,
)
from plait.models.rows import Prepared
from plait.runs.load import load
from searches import prepare_all
from strangers import KEPT, seal_run
from tiny import make_batch, make_spec

PRIOR = np.array([0.5, 0.3, 0.2])
NAMES = ["photo", "text", "tabular"]
PRESENCE = [(1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (1, 1, 0)]


def batch_of(presence: Any = PRESENCE, fill: float = float("nan")) -> Batch:
    return make_batch(NAMES, presence, fill)


def network(plan: str | None, names: list[str], seed: int = 0) -> NetworkPredictor:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return NetworkPredictor(Network(make_spec(plan, names), torch.tensor(PRIOR)))


class Says:
    """A predictor of one modality that always says the same where it is, and NaN where it is not."""

    def __init__(self, name: str, *probabilities: float) -> None:
        self.names, self.probabilities = [name], np.array(probabilities)

    def __call__(self, batch: Batch) -> np.ndarray:
        return np.where(batch.present[self.names[0]].numpy()[:, None], self.probabilities, np.nan)


# temperature


def test_a_temperature_of_2_takes_the_root() -> None:
    found = Calibrated(Says("text", 0.64, 0.32, 0.04), 2.0)(batch_of([(0, 1, 0)]))
    root = np.array([0.8, 0.5657, 0.2])
    assert found[0] == pytest.approx(root / root.sum(), abs=1e-4)


def test_a_temperature_leaves_the_prior_of_a_row_with_nothing() -> None:
    found = Calibrated(network("parallel(photo, text)", ["photo", "text"]), 3.0)
    answers = found(batch_of())
    assert answers[3] == pytest.approx(PRIOR, abs=1e-7)
    inner = found.inner(batch_of())
    assert np.array_equal(answers[[3, 4]], inner[[3, 4]])
    assert np.array_equal(answers.argmax(1), inner.argmax(1))
    assert not np.allclose(answers[0], inner[0])


def test_a_temperature_goes_for_every_subset() -> None:
    found = Calibrated(network("parallel(photo, text)", ["photo", "text"]), 3.0)
    batch, keeps = batch_of(), [["photo"], ["text"], [], ["tabular"], ["photo", "text"]]
    answers = found.subsets(batch, keeps)
    for keep, answer in zip(keeps, answers, strict=True):
        assert answer == pytest.approx(found(keep_only(batch, keep)), abs=1e-6)
    assert np.array_equal(answers[4], found(batch))
    for nothing in (answers[2], answers[3]):
        assert np.array_equal(nothing, np.tile(found.inner(batch_of([(0, 0, 0)]))[0], (6, 1)))
    assert found.names == ["photo", "text"]


def test_each_set_of_modalities_has_its_temperature() -> None:
    """Text alone is softened by 2, the table by 3, both by 1; a row with neither keeps the prior."""
    both = Blend([Says("text", 0.64, 0.32, 0.04), Says("tabular", 0.512, 0.343, 0.145)], Average(), PRIOR)
    hot = Calibrated(both, 1.0, None, (2.0, 3.0, 1.0))
    batch = batch_of()
    found = hot(batch)
    roots = [np.sqrt([0.64, 0.32, 0.04]), np.cbrt([0.512, 0.343, 0.145])]
    for row, root in zip((2, 3), roots, strict=True):
        assert found[row] == pytest.approx(root / root.sum())
    assert np.array_equal(found[[0, 1, 4]], both(batch)[[0, 1, 4]])
    for keep, answer in zip(keeps := [["text"], ["tabular"], []], hot.subsets(batch, keeps), strict=True):
        assert np.array_equal(answer, hot(keep_only(batch, keep)))


def test_a_network_asked_directly_is_softened_by_what_is_there() -> None:
    hot = Calibrated(network("parallel(photo, text)", ["photo", "text"]), 1.0, tuple(PRIOR), (2.0, 3.0, 1.5))
    batch = batch_of()
    with torch.inference_mode():
        logits = hot.network(batch)
    assert hot.from_logits(logits, present_in(batch, hot.names)) == pytest.approx(hot(batch))


# blends


def test_a_blend_asks_the_members_that_are_there() -> None:
    blend = Blend([Says("text", 0.8, 0.1, 0.1), Says("tabular", 0.4, 0.4, 0.2)], Average(), PRIOR)
    found = blend(batch_of())
    assert found[0] == pytest.approx([0.6, 0.25, 0.15])
    assert found[2] == pytest.approx([0.8, 0.1, 0.1])
    assert found[3] == pytest.approx([0.4, 0.4, 0.2])
    for nothing in (1, 4):  # a photo alone, which no member looks at
        assert found[nothing].tolist() == PRIOR.tolist()
    assert blend.names == ["text", "tabular"]


def test_a_blend_combines_by_its_combiner() -> None:
    members = [Says("text", 0.8, 0.1, 0.1), Says("tabular", 0.4, 0.4, 0.2)]
    found = Blend(members, Mixture((0.75, 0.25)), PRIOR)(batch_of())
    assert found[0] == pytest.approx([0.7, 0.175, 0.125])
    # the product rule: .8·.4/.5 = .64, .1·.4/.3 = .1333, .1·.2/.2 = .1, over their sum
    found = Blend(members, Weighted((1.0, 1.0)), PRIOR)(batch_of())
    assert found[0] == pytest.approx([0.7328, 0.1527, 0.1145], abs=1e-4)


def test_a_blend_answers_subsets_as_if_the_rest_were_absent() -> None:
    members: list[Any] = [network("parallel(photo, text)", ["photo", "text"]), network(None, ["tabular"], 1)]
    blend = Blend([Calibrated(members[0], 2.0), members[1]], Weighted((0.7, 0.4)), PRIOR)
    batch, keeps = batch_of(), [["photo"], ["text", "tabular"], [], NAMES]
    for keep, answer in zip(keeps, blend.subsets(batch, keeps), strict=True):
        assert answer == pytest.approx(blend(keep_only(batch, keep)), abs=1e-6)
    assert np.array_equal(blend.subsets(batch, [[]])[0], np.tile(PRIOR, (6, 1)))
    assert np.isfinite(blend(batch)).all()


def test_names_of_a_blend_are_said_once() -> None:
    blend = Blend([network("parallel(photo, text)", ["photo", "text"]), Says("text", 1, 0, 0)], Average(), PRIOR)
    assert blend.names == ["photo", "text"]


def test_present_rows_have_any_of_the_modalities() -> None:
    assert present_rows(batch_of(), ["text", "tabular"]).tolist() == [True, False, True, True, False, True]
    assert present_rows(batch_of(), ["photo"]).tolist() == [True, True, False, False, False, True]


# a second view comes and goes with the modality it shows


def test_hiding_a_modality_hides_its_second_view() -> None:
    flags = torch.tensor([True, False])
    batch = Batch({}, {"tabular": flags, second_name("tabular", "as text"): flags, "text": flags})
    kept = keep_only(batch, ["tabular"])
    assert {name: x.tolist() for name, x in kept.present.items()} == {
        "tabular": [True, False],
        second_name("tabular", "as text"): [True, False],
        "text": [False, False],
    }
    kept = keep_only(batch, ["text"])
    assert kept.present[second_name("tabular", "as text")].tolist() == [False, False]
    assert kept.present["text"].tolist() == [True, False]


def test_cells_are_hidden_with_their_modality_and_the_batch_stays_as_it_was() -> None:
    batch = make_batch(["scan", "text"], [(1, 0, 1), (1, 1, 1)])
    kept = keep_only(batch, ["text"])
    assert kept.cells["scan"].tolist() == [[False, False], [False, False]]
    assert kept.present["scan"].tolist() == [False, False]
    assert kept.inputs is batch.inputs
    assert batch.cells["scan"].tolist() == [[True, False], [True, True]]


def test_subsets_are_asked_of_the_predictor_or_made_by_hiding() -> None:
    batch = batch_of([(1, 1, 1)])
    asked = answer_subsets(Says("text", 0.8, 0.1, 0.1), batch, [["text"], ["photo"]])
    assert asked[0][0].tolist() == [0.8, 0.1, 0.1]
    assert np.isnan(asked[1]).all()

    class Own(Says):
        def subsets(self, batch: Batch, keeps: Any) -> list[np.ndarray]:
            return [np.array([[len(keep)]]) for keep in keeps]

    assert [x.item() for x in answer_subsets(Own("text", 1), batch, [["text"], []])] == [1, 0]


# the row as text


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    """Rows of a text that says nothing, and a table in which age 30 is one class and age 40 the other."""
    rows = 24
    columns = {
        "note": ["some words" if row % 3 else None for row in range(rows)],
        "age": [None if row in (0, 4) else 30 + 10 * (row % 2) for row in range(rows)],
        "y": [f"class {row % 2}" for row in range(rows)],
    }
    table = read(columns)
    schema = detect(table, target="y", kinds={"note": "text", "age": "number"})
    return prepare_all(table, schema, np.arange(rows))


@pytest.fixture(scope="module")
def row_text(prepared: Prepared) -> RowText:
    as_text = second_name("tabular", "as text")
    layouts = {s.name: s.layout() for s in prepared.views}
    batch = prepared.batch(np.arange(24))
    goal = Goal(np.arange(24) % 2, np.array([0.5, 0.5]))
    names = ["text", as_text]
    features = batch_features(batch, layouts, names)
    generator = np.random.default_rng(0)
    return RowText(fit_classic("logistic regression", features, goal, names, layouts, generator))


def test_the_row_as_text_reads_the_table_as_words(prepared: Prepared, row_text: RowText) -> None:
    found = row_text(prepared.batch(np.arange(24)))
    assert row_text.names == ["text", "tabular"]
    there = [row for row in range(24) if row not in (0, 4)]
    assert found[there].argmax(1).tolist() == [row % 2 for row in there]


def test_hiding_the_table_hides_its_words(prepared: Prepared, row_text: RowText) -> None:
    """Rows of either class have the same text, so that without the table nothing tells them apart."""
    rows = np.array([1, 2, 5, 8])
    with_table = row_text(prepared.batch(rows))
    without = row_text(prepared.batch(rows, keep=["text"]))
    assert with_table.argmax(1).tolist() == [1, 0, 1, 0]
    assert np.ptp(without[:, 0]) == 0
    again = answer_subsets(row_text, prepared.batch(rows), [["text"], ["text", "tabular"]])
    assert np.array_equal(again[0], without)
    assert np.array_equal(again[1], with_table)


def test_the_row_as_text_says_the_prior_of_nothing(prepared: Prepared, row_text: RowText) -> None:
    batch = prepared.batch(np.array([0, 1]))
    assert batch.present["text"].tolist() == [False, True]
    assert row_text(batch)[0].tolist() == [0.5, 0.5]
    assert row_text(keep_only(batch, [])).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert Calibrated(row_text, 3.0)(batch)[0].tolist() == [0.5, 0.5]


# written and read


def fit_numbers(learner: str, seed: int = 0) -> ClassicPredictor:
    """Fit a learner on the tabular rows of a batch."""
    generator = np.random.default_rng(seed)
    x = np.concatenate([generator.standard_normal((30, 2)), np.zeros((30, 2)), np.ones((30, 7))], 1)
    layout = {"kind": "tabular", "numbers": 2, "categories": [3, 4]}
    goal = Goal(np.arange(30) % 3, PRIOR)
    x[np.arange(30), np.arange(30) % 2] += np.arange(30) % 3
    features = {"tabular": x.astype(np.float32)}
    return fit_classic(learner, features, goal, ["tabular"], {"tabular": layout}, generator)


def through(predictors: dict[str, Any]) -> tuple[Stored, dict[str, Any]]:
    stored = store_predictors(predictors)
    return stored, restore_predictors(stored)


def test_networks_and_what_is_made_of_them_answer_the_same_to_the_last_bit() -> None:
    both, alone = network("parallel(photo, text, by=concat)", ["photo", "text"]), network(None, ["tabular"], 1)
    stacked = Stacked(np.random.default_rng(0).normal(size=(9, 3)))
    kept: dict[str, Any] = {
        "winner": Calibrated(
            Blend([Calibrated(both, 1.7), alone], stacked, PRIOR), 0.8, (0.5, 0.3, 0.2), (1.5, 2, 3, 4, 5, 6, 0.8)
        ),
        "photo": both,
        "tabular": alone,
        "mixture": Blend([alone, both], Mixture((0.3, 0.7)), PRIOR),
        "surest": Blend([alone, both], Confident(), PRIOR),
        "majority": MajorityPredictor(PRIOR),
    }
    stored, found = through(kept)
    assert list(found) == list(kept)
    for role, predictor in kept.items():
        assert list(found[role].names) == list(predictor.names), role
        assert type(found[role]) is type(predictor), role
        assert np.array_equal(found[role](batch_of()), predictor(batch_of())), role
    # what is part of several stands there once
    assert Counter(part["is"] for part in stored.parts) == {"network": 2, "calibrated": 2, "blend": 3, "majority": 1}
    assert found["winner"].inner.members[0].inner.network is found["photo"].network
    assert found["mixture"].members[0] is found["tabular"]


@pytest.mark.parametrize("learner", list(LEARNERS["classification"]))
def test_classic_learners_answer_the_same_to_the_last_bit(learner: str) -> None:
    one = fit_numbers(learner)
    stored, found = through({"winner": Calibrated(one, 1.3), "tabular": one})
    batch = batch_of()
    assert np.array_equal(found["winner"](batch), Calibrated(one, 1.3)(batch))
    assert np.array_equal(found["tabular"](batch), one(batch))
    assert [part["is"] for part in stored.parts] == ["classic", "calibrated"]
    assert list(stored.files) == ["classic-0.safetensors"]
    assert stored.parts[0]["learner"] == learner


def test_the_row_as_text_answers_the_same(prepared: Prepared, row_text: RowText) -> None:
    stored, found = through({"winner": row_text})
    assert [part["is"] for part in stored.parts] == ["classic", "row as text"]
    batch = prepared.batch(np.arange(24))
    assert found["winner"].names == ["text", "tabular"]
    assert np.array_equal(found["winner"](batch), row_text(batch))


def test_what_looks_at_nothing_has_its_share_in_every_row_of_a_blend() -> None:
    one, prior = fit_numbers("logistic regression"), np.array([0.6, 0.3, 0.1])
    blend = Blend([one, MajorityPredictor(prior)], Mixture((0.75, 0.25)), PRIOR)
    _, found = through({"winner": blend})
    batch = batch_of()
    assert list(found["winner"].names) == list(one.names)
    assert np.array_equal(found["winner"](batch), blend(batch))
    there = batch.present["tabular"].numpy()[:, None]
    assert np.allclose(blend(batch), np.where(there, 0.75 * one(batch) + 0.25 * prior, prior))
    assert np.allclose(blend(keep_only(batch, [])), prior)


def test_a_network_of_numbers_keeps_its_unit() -> None:
    one = NetworkPredictor(Network(make_spec(None, ["text"], regression=True), torch.zeros(1)), 100.0, 7.0)
    _, found = through({"winner": one})
    assert np.array_equal(found["winner"](batch_of()), one(batch_of()))
    assert found["winner"](batch_of())[4].tolist() == [100.0]


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0.0, None, False), [0.0, 3.0]),
        ((None, 9.0, True), [0.14, 9.0]),
        ((0.0, None, True, 1.0, 0.5), [0.0, 32.115]),  # exp(−2 + 0.5) − 1 is below 0; exp(3 + 0.5) − 1
    ],
)
def test_numbers_stay_within_their_ends_and_in_their_unit(bounds: tuple[Any, ...], expected: list[float]) -> None:
    one = NetworkPredictor(Network(make_spec(None, ["text"], regression=True), torch.zeros(1)), -2.0, 5.0)
    bounded = Bounded(one, *bounds)
    stored, found = through({"winner": bounded, "text": one})
    assert [part["is"] for part in stored.parts] == ["network", "bounded"]
    assert json.loads(json.dumps(stored.parts[1])) == stored.parts[1]
    assert found["winner"] == Bounded(found["text"], *bounds)
    assert np.array_equal(found["winner"](batch_of()), bounded(batch_of()))
    logits = torch.tensor([[0.0], [1.0]])
    assert bounded.from_logits(logits).ravel().tolist() == pytest.approx(expected, abs=0.01)
    assert (bounded.network is one.network) is not bounds[2]
    assert leaves_of(bounded) == [one]
    (alone,) = bounded.subsets(batch_of(), [[]])
    assert np.array_equal(alone, bounded.finish(np.full((len(alone), 1), -2.0)))


def test_parts_are_json() -> None:
    stored = store_predictors({"winner": Blend([network(None, ["text"])], Weighted((1.0,)), PRIOR)})
    again = json.loads(json.dumps(stored.parts))
    assert again == stored.parts
    assert stored.roles == {"winner": 1}
    assert again[1] == {
        "is": "blend",
        "members": [0],
        "combiner": {"kind": "weighted", "weights": [1.0], "numbers": False},
        "prior": [0.5, 0.3, 0.2],
    }


@pytest.mark.parametrize("keep", [0, 9, -200])
def test_a_file_that_is_cut_or_foreign_is_named(keep: int) -> None:
    stored = store_predictors({"winner": fit_numbers("random forest")})
    stored.files["classic-0.safetensors"] = stored.files["classic-0.safetensors"][:keep]
    with pytest.raises(RunError, match=r"classic-0\.safetensors is damaged: it is not a safetensors file"):
        restore_predictors(stored)


def test_a_damaged_learner_names_its_file() -> None:
    stored = store_predictors({"winner": fit_numbers("logistic regression")})
    stored.files["classic-0.safetensors"] = pack_tensors({"prior": PRIOR})
    with pytest.raises(RunError, match=r"classic-0\.safetensors: the classic learner is damaged: KeyError"):
        restore_predictors(stored)


# run folders of strangers: sealed anew, and not what plait wrote

W, C = "weights.safetensors", "classic-2.safetensors"
PART = ("predictors", "parts")
FACTS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("network", (*PART, 0, "spec", "dim"), 10**9),
    ("network", (*PART, 0, "spec", "dim"), 0),
    ("network", (*PART, 0, "spec", "dim"), 32),
    ("network", (*PART, 0, "spec", "plan"), "parallel(" * 1_000_000),
    ("network", (*PART, 0, "spec", "plan"), "parallel(text, tabular, by=concat)"),
    ("network", (*PART, 0, "spec", "outputs"), 10**7),
    ("network", (*PART, 0, "spec", "regression"), True),
    ("network", (*PART, 0, "spec", "late"), False),
    ("network", (*PART, 0, "spec", "strands", 0, "columns"), 10**6),
    ("network", (*PART, 0, "spec", "strands", 0, "input"), "elsewhere"),
    ("network", (*PART, 0, "spec", "strands"), []),
    ("network", (*PART, 0, "spec", "layouts", "text", "vocabulary"), 10**9),
    ("network", (*PART, 0, "spec", "layouts", "tabular", "categories"), [2] * 100_000),
    ("network", (*PART, 0, "spec", "layouts", "text", "queries"), 10**6),
    ("network", (*PART, 0, "spread"), 0.0),
    ("network", (*PART, 1, "inner"), 1),
    ("network", (*PART, 1, "inner"), -1),
    ("network", (*PART, 1, "inner"), 10**9),
    ("network", (*PART, 1, "temperature"), 0.0),
    ("network", (*PART, 1, "temperature"), -1.0),
    ("network", (*PART, 1, "temperature"), 1e300),
    ("network", (*PART, 1, "given"), [1.0, 0.0, 1.0]),
    ("network", (*PART, 1, "given"), [1.0, 2.0]),
    ("network", (*PART, 1, "given"), [1.0] * 100_000),
    ("network", (*PART, 1, "prior"), [0.5, 0.6]),
    ("network", (*PART, 1, "prior"), [0.5, 0.25, 0.25]),
    ("network", PART, [{"is": "calibrated", "inner": n - 1, "temperature": 1.0} for n in range(100_000)]),
    ("network", (*PART, 1), {"is": "blend", "members": [0, 0], "combiner": {"kind": "average"}, "prior": [0.5, 0.5]}),
    ("network", (*PART, 1), {"is": "blend", "members": [0], "combiner": {"kind": "average"}, "prior": [0.5, 0.4]}),
    ("network", (*PART, 1), {"is": "blend", "members": [0], "combiner": {"kind": "average"}, "prior": [1.0]}),
    (
        "network",
        (*PART, 1),
        {"is": "blend", "members": [0], "combiner": {"kind": "weighted", "weights": [-1.0]}, "prior": [0.5, 0.5]},
    ),
    ("network", (*PART, 1), {"is": "row as text", "inner": 0}),
    ("network", (*PART, 1), {"is": "majority", "prior": [0.5, 0.25, 0.25]}),
    ("network", ("predictors", "roles", "winner"), 99),
    ("network", ("predictors", "roles"), {"text": 2}),
    ("network", ("prior",), [0.5, 0.6]),
    ("network", ("classes",), ["no", "yes", "perhaps"]),
    ("network", ("classes",), None),
    ("network", ("spread",), -1.0),
    ("network", ("temperature",), 0.0),
    ("network", ("strands", 1, "name"), "text"),
    ("network", ("strands", 1, "columns"), []),
    ("network", ("strands", 1, "kinds"), {}),
    ("network", ("strands", 0, "raw"), True),
    ("network", ("strands", 0, "shadow"), "tabular"),
    ("network", ("strands", 0, "encoder"), "x" * 5000),
    ("classic", (*PART, 2, "layouts", "photo", "height"), 10**9),
    ("classic", (*PART, 2, "names"), ["photo", "photo"]),
    ("classic", (*PART, 2, "margin"), [1e299, 1.0]),
    ("classic", (*PART, 2, "unit"), [0.0]),
    ("classic", (*PART, 2, "learner"), "nearest neighbours"),
    ("classic", (*PART, 2, "fitted", "gamma"), -1.0),
    ("classic", (*PART, 2, "file"), "classic-0.safetensors"),
    ("classic", (*PART, 0, "fitted", "num_trees"), 10**9),
    ("classic", (*PART, 0, "fitted", "num_trees"), 99),
    ("classic", (*PART, 0, "fitted", "boosting"), True),
]
HEADERS: list[tuple[str, str, str, str, Any]] = [
    ("network", W, "net.0.prior", "dtype", "I32"),
    ("network", W, "net.0.prior", "shape", [1, 2]),
    ("network", W, "net.0.prior", "data_offsets", [0, 10**12]),
    ("network", W, "net.0.encoders.1.embed.weight", "dtype", "I32"),
    ("network", W, "net.0.encoders.1.embed.weight", "shape", [64, 122]),
    ("network", W, "net.0.encoders.1.embed.weight", "shape", [2**40, 2**40]),
    ("network", W, "net.2.heads.0.linear.weight", "shape", [64, 2]),
    ("network", W, "net.2.heads.0.linear.weight", "dtype", "F16"),
    ("network", W, "net.2.heads.0.linear.weight", "shape", []),
    ("classic", C, "prior", "shape", [1, 2]),
    ("classic", C, "classes", "dtype", "F64"),
    ("classic", C, "fitted.vectors", "shape", [1]),
    ("classic", C, "fitted.sizes", "dtype", "F64"),
    ("classic", C, "spread.0", "dtype", "I64"),
]
VALUES: list[tuple[str, str, str, float]] = [
    ("network", W, "net.0.prior", np.inf),
    ("network", W, "net.0.encoders.1.embed.weight", np.nan),
    ("network", W, "net.0.encoders.1.embed.weight", 1e38),
    ("classic", C, "spread.0", 0.0),
    ("classic", C, "centre.0", 1e300),
    ("classic", C, "prior", -1.0),
    ("classic", C, "classes", 0),
    ("classic", C, "fitted.sizes", 10**12),
    ("classic", C, "fitted.intercepts", 1e308),
    ("classic", "classic-0.safetensors", "fitted.left", 0),
    ("classic", "classic-0.safetensors", "fitted.columns", 10**6),
    ("classic", "classic-0.safetensors", "fitted.values", 1e308),
]


def ask_stranger(folder: Path) -> None:
    """Refuse a run with one RunError, or answer with what is finite, quickly and with little memory."""
    began = time.process_time()
    seal_run(folder, json.loads((folder / "run.json").read_bytes()))
    try:
        answers = load(folder).predict(read(KEPT / "table" / "table.csv").take([0, 1, 2]))
    except RunError as error:
        assert len(str(error)) < 1500
    else:
        sound = np.array([status != "failed" for status in answers.status])
        assert np.isfinite(np.asarray(answers.probabilities)[sound]).all()
    assert time.process_time() - began < 5


def copied(name: str, place: Path) -> Path:
    return Path(shutil.copytree(KEPT / name, place / "run"))


@pytest.mark.parametrize(("run", "path", "value"), FACTS, ids=lambda x: str(x)[:60] if isinstance(x, tuple) else "")
def test_facts_of_a_stranger_are_refused(tmp_path: Path, run: str, path: tuple[Any, ...], value: Any) -> None:
    folder = copied(run, tmp_path)
    facts = inner = json.loads((folder / "run.json").read_bytes())
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    (folder / "run.json").write_text(json.dumps(facts))
    seal_run(folder, facts)
    with pytest.raises(RunError, match=r"(run\.json|the view of a modality) is damaged|safetensors"):
        load(folder)
    ask_stranger(folder)


@pytest.mark.parametrize(("run", "file", "name", "key", "value"), HEADERS)
def test_a_header_of_a_stranger_is_refused(
    tmp_path: Path, run: str, file: str, name: str, key: str, value: Any
) -> None:
    folder = copied(run, tmp_path)
    data = (folder / file).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header[name][key] = value
    text = json.dumps(header).encode()
    (folder / file).write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    seal_run(folder, json.loads((folder / "run.json").read_bytes()))
    with pytest.raises(RunError, match=r"(run\.json|the view of a modality) is damaged|safetensors"):
        load(folder)


@pytest.mark.parametrize(("run", "file", "name", "value"), VALUES)
def test_weights_of_a_stranger_are_refused_or_answer(
    tmp_path: Path, run: str, file: str, name: str, value: float
) -> None:
    folder = copied(run, tmp_path)
    arrays = {key: x.copy() for key, x in read_tensors(folder / file).items()}
    arrays[name][...] = value
    (folder / file).write_bytes(pack_tensors(arrays))
    ask_stranger(folder)
