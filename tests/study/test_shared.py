"""The network that several targets share: what it is asked to learn, and what each target gets of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import plait
from joint import fit_two, joint_run
from plait.core.options import FitOptions
from plait.data.read import read
from plait.models.plan import Parallel
from plait.study.labels import Labels
from plait.study.shared import JointLabels, Sharing
from plait.verbs.check import detect_targets

CELLS = {"x": [1, 2, 3, 4, 5, 6], "y": ["b", "a", None, "a", "c", "a"], "z": [2.0, 4.0, 6.0, None, 2.0, 4.0]}


@pytest.fixture
def labels() -> JointLabels:
    table, train = read(CELLS), np.array([0, 1, 2, 3])
    schemas = detect_targets(table, ["y", "z"], FitOptions(kinds={"y": "category", "z": "number"}))
    parts = [Labels.find(table, schema) for schema in schemas.values()]
    for part in parts:
        part.learn_from(train[part.codes[train] >= 0], False)
    return JointLabels(parts, train)


def test_the_network_has_outputs_for_each_target_and_starts_from_their_priors(labels: JointLabels) -> None:
    assert labels.names == ["y", "z"]
    assert (labels.outputs_of(0), labels.outputs_of(1)) == (slice(0, 3), slice(3, 4))
    start = labels.network_prior
    assert start[:3].softmax(0).tolist() == pytest.approx([2 / 3, 1 / 3, 0], abs=1e-5)
    assert start[3:].tolist() == [0.0]
    assert labels.prior.shape == (4,)


def test_a_row_is_known_to_a_target_that_it_has_a_label_of(labels: JointLabels) -> None:
    assert labels.labelled(0).tolist() == [True, True, False, True, True, True]
    assert labels.labelled(1).tolist() == [True, True, True, False, True, True]


def test_rows_that_have_no_logarithm_are_not_learned_as_one(labels: JointLabels) -> None:
    labels.parts[1].cells[0] = -2.0
    labels.parts[1].learn_log(np.array([1, 2]), True)
    assert labels.labelled(1).tolist() == [False, True, True, False, True, True]


def test_each_target_loses_1_by_its_prior(labels: JointLabels) -> None:
    target = labels.target_on(torch.device("cpu"))
    first, second = target.shares
    assert first.prior_loss == pytest.approx(-(2 / 3) * np.log(2 / 3) - (1 / 3) * np.log(1 / 3), abs=1e-4)
    assert second.prior_loss == pytest.approx(1.0)  # in spreads of the target
    assert (first.labelled, second.labelled) == (0.75, 0.75)
    rows = torch.tensor([0, 1, 2, 3])
    losses, gain = target.measure(labels.network_prior.expand(4, -1), rows)
    assert float(losses.mean()) == pytest.approx(1.0, abs=1e-4)
    assert gain == pytest.approx(0.0, abs=1e-4)


def test_the_study_of_each_target_gets_the_network_of_each_modality_and_the_fused_one() -> None:
    for model in joint_run().models.values():
        shared = [line for line in model.leaderboard if line["family"] == "shared"]
        assert sorted(line["name"] for line in shared) == [
            "a, shared", "b, shared", "parallel(a, b, by=concat), shared",
        ]  # fmt: skip
        assert {line["recipe"] for line in shared} == {"of 2 targets"}
        assert {line["plan"] for line in shared} == {None, "parallel(a, b, by=concat)"}


def test_what_each_target_gets_is_one_network_cut_to_its_head() -> None:
    run = fit_two(candidates=["shared"], refit="none", choose="simple")
    both = [network_of(model) for model in run.models.values()]
    assert [network.spec["outputs"] for network in both] == [2, 1]
    assert [network.spec["regression"] for network in both] == [False, True]
    first, second = (network.state_dict() for network in both)
    if both[0].names == both[1].names:
        common = [name for name in first if name.startswith(("encoders.", "columns.", "fusion."))]
        assert common
        assert all(torch.equal(first[name], second[name]) for name in common)


def network_of(model: plait.Model) -> Any:
    from plait.models.predictors import leaves_of

    (leaf,) = leaves_of(model.predictor())
    return leaf.network


@pytest.mark.heavy
def test_the_plan_that_was_asked_for_is_shared(tmp_path: Path) -> None:
    run = fit_two(candidates=[], fusion="parallel(a, b, by=gate)", report=False)
    for model in run.models.values():
        names = [line["name"] for line in model.leaderboard]
        assert "parallel(a, b, by=gate), shared" in names
        assert model.facts.study["sharing"]["apart"] == "parallel(a, b, by=gate)"


@pytest.mark.parametrize(
    ("names", "asked", "plan"),
    [
        (["a", "b"], None, "parallel(a, b, by=concat)"),
        (["a"], None, None),
        (["a", "b"], Parallel(("b", "a"), by="gate"), "parallel(b, a, by=gate)"),
        (["a", "b"], Parallel(("a", "b"), by="vote"), None),  # which has no head of its own
    ],
)
def test_the_network_fuses_as_asked_or_side_by_side(names: list[str], asked: Any, plan: str | None) -> None:
    job = SimpleNamespace(plan_objects={} if asked is None else {str(asked): asked})
    study: Any = SimpleNamespace(prepared=SimpleNamespace(names=names), job=job)
    assert Sharing(study, []).plan == plan


def test_without_the_family_nothing_is_shared() -> None:
    run = fit_two(candidates=["alone"], refit="none")
    assert all(line["family"] != "shared" for model in run.models.values() for line in model.leaderboard)
    assert run.sharing is not None
    said = "Not tested whether learning the 2 targets together helps: no network was shared."
    assert run.sharing["sentence"] == said
