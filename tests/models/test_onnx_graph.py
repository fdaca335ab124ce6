"""A predictor as one graph of tensors says what it says by itself, whatever is absent; what cannot be one is told."""

from typing import Any

import numpy as np
import pytest
import torch

from graphs import PRIOR, Bright, batch_of, network
from plait.core.contract import Batch
from plait.errors import RequestError
from plait.kinds.image.prep import ImagePrep
from plait.models import plan as plans
from plait.models.blend import Average, Confident, Mixture, Stacked, Weighted
from plait.models.classic import MajorityPredictor
from plait.models.network import Network, NetworkPredictor, TunedEncoder
from plait.models.onnx_graph import Graph
from plait.models.predictors import Blend, Bounded, Calibrated
from plait.pretrained.own import wrap_own
from tiny import make_spec, take_rows

ALL = "photo, scan, sound, text, tabular"
PLANS = [
    f"parallel({ALL}, by=concat)",
    f"parallel({ALL}, by=sum)",
    f"parallel({ALL}, by=gate)",
    f"parallel({ALL}, by=attention)",
    f"parallel({ALL}, by=vote)",
    f"sequential({ALL}, by=gru)",
    f"sequential({ALL}, by=film)",
    "tree((photo, sound), text, (scan, tabular), by=gate)",
    "parallel(sequential(text, sound, by=film), photo, by=vote)",
]


def ask(graph: Graph, batch: Batch) -> np.ndarray:
    """Return what the graph says while it is still torch."""
    given = []
    for port in graph.ports:
        given += [batch.inputs[port.modality], (batch.cells if port.several else batch.present)[port.modality]]
    with torch.inference_mode():
        return graph.eval()(*given).numpy()


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("plan", PLANS)
def test_the_graph_says_what_the_network_says(plan: str, late: bool) -> None:
    predictor = network(plan, plans.leaves(plans.parse(plan)), late=late)
    batch = batch_of(predictor.names)
    found = ask(Graph(predictor), batch)
    assert found == pytest.approx(predictor(batch), abs=1e-5)
    assert found[4] == pytest.approx(PRIOR, abs=1e-6)


@pytest.mark.parametrize("name", ["photo", "scan", "sound", "text", "tabular"])
def test_one_modality_alone(name: str) -> None:
    predictor = network(None, [name])
    batch = batch_of([name])
    assert ask(Graph(predictor), batch) == pytest.approx(predictor(batch), abs=1e-5)


def test_what_is_absent_changes_nothing_and_a_row_alone_is_that_row_in_a_batch() -> None:
    graph = Graph(network(f"parallel({ALL}, by=attention)", ALL.split(", ")))
    batch = batch_of(ALL.split(", "))
    found = ask(graph, batch)
    for name, x in batch.inputs.items():
        there = batch.cells[name] if name == "scan" else batch.present[name]
        x[~there] = 3
    assert np.array_equal(ask(graph, batch), found)
    assert ask(graph, take_rows(batch, [2])) == pytest.approx(found[2:3], abs=1e-6)


def test_numbers_come_in_the_unit_of_the_target() -> None:
    predictor = network("parallel(text, tabular)", ["text", "tabular"], regression=True)
    batch = batch_of(["text", "tabular"])
    graph = Graph(predictor)
    found = ask(graph, batch)
    assert (graph.output, found.dtype, found.shape) == ("values", np.float64, (5, 1))
    assert found == pytest.approx(predictor(batch), abs=1e-4)
    assert found[4, 0] == pytest.approx(71.2, abs=1e-4)  # the prior of 0.1 spreads of 12 above 70


@pytest.mark.parametrize(
    "bounds",
    [(71.0, None, False), (71.0, 71.5, False), (None, 1e32, True), (None, None, True), (None, None, True, 1.0, 0.5)],
)
def test_numbers_stay_within_their_ends(bounds: tuple[Any, ...]) -> None:
    predictor = Bounded(network(None, ["tabular"], regression=True), *bounds)
    batch = batch_of(["tabular"])
    assert ask(Graph(predictor), batch) == pytest.approx(predictor(batch), rel=1e-4)


COMBINERS = [
    Average(),
    Confident(),
    Weighted((0.7, 0.4, 0.0)),
    Mixture((0.5, 0.0, 0.5)),
    Stacked(np.random.default_rng(0).standard_normal((13, 3)) / 2),
]


@pytest.mark.parametrize("combiner", COMBINERS, ids=lambda c: type(c).__name__)
def test_a_blend_is_combined_inside(combiner: Any) -> None:
    shared = network("parallel(photo, text)", ["photo", "text"])
    members = [Calibrated(shared, 2.5), network(None, ["tabular"], 1), Calibrated(network(None, ["scan"], 2), 1.0)]
    blend = Calibrated(Blend(members, combiner, PRIOR), 0.6)
    batch = batch_of(["photo", "text", "tabular", "scan"], 12)
    assert ask(Graph(blend), batch) == pytest.approx(blend(batch), abs=1e-5)


@pytest.mark.parametrize("names", [["photo", "text", "tabular"], ["photo", "text", "tabular", "scan", "sound"]])
def test_each_set_of_modalities_has_its_temperature_inside(names: list[str]) -> None:
    """Eight presences of three modalities; of five, each number of them."""
    given = (2.0, 0.5, 3.0, 1.0, 1.5, 4.0, 2.5) if len(names) == 3 else (2.0, 3.0, 1.5, 0.5, 4.0)
    hot = Calibrated(network(f"parallel({', '.join(names)})", names), 2.0, (0.6, 0.3, 0.1), given)
    batch = batch_of(names, 16)
    found = ask(Graph(hot), batch)
    assert found == pytest.approx(hot(batch), abs=1e-5)
    assert not np.allclose(found, Calibrated(hot.inner, 2.0)(batch), atol=0.01)


@pytest.mark.parametrize("prior", [None, (0.5, 0.3, 0.2)])
def test_labels_of_a_row_have_probabilities_of_their_own_inside(prior: Any) -> None:
    names = ["text", "tabular"]
    members = [network("parallel(text, tabular)", names, several=True), network(None, ["text"], 1, several=True)]
    heated = Calibrated(Blend(members, Average(), PRIOR), 2.0, prior, thresholds=(0.4, 0.5, 0.6))
    batch = batch_of(names)
    found = ask(Graph(heated), batch)
    assert found == pytest.approx(heated(batch), abs=1e-6)
    assert np.abs(found.sum(1) - 1).max() > 0.1


def test_the_majority_class_may_stand_beside_networks() -> None:
    prior = np.array([0.5, 0.3, 0.2])
    blend = Blend([network(None, ["text"]), MajorityPredictor(prior)], Mixture((0.75, 0.25)), PRIOR)
    batch = batch_of(["text"], 12)
    assert ask(Graph(blend), batch) == pytest.approx(blend(batch), abs=1e-5)


@pytest.mark.parametrize(
    "combiner", [Average(), Weighted((0.7, 0.0), True), Stacked(np.array([[0.5], [0.6], [1.0], [2.0], [3.0]]), True)]
)
def test_a_blend_of_numbers(combiner: Any) -> None:
    members = [network(None, [name], seed, regression=True) for seed, name in enumerate(["text", "tabular"])]
    blend = Blend(members, combiner, np.array([71.0]))
    batch = batch_of(["text", "tabular"], 12)
    found = ask(Graph(blend), batch)
    assert found == pytest.approx(blend(batch), abs=1e-4)
    assert found[-1, 0] == 71.0


def test_a_class_that_training_never_had() -> None:
    prior = np.array([0.6, 0.4, 0.0])
    members = [network(None, ["text"]), network(None, ["tabular"], 1)]
    batch = batch_of(["text", "tabular"])
    for combiner in (Weighted((1.0, 0.5)), Stacked(np.random.default_rng(0).standard_normal((9, 3)))):
        blend = Blend(members, combiner, prior)
        assert ask(Graph(blend), batch) == pytest.approx(blend(batch), abs=1e-5)


def test_a_network_that_two_members_share_is_in_the_graph_once() -> None:
    shared = network(None, ["text"])
    blend = Blend([shared, Calibrated(shared, 2.0)], Average(), PRIOR)
    assert len(Graph(blend).networks) == 1


def test_inputs_never_share_a_name() -> None:
    names = ["text", "tabular"]
    spec = make_spec("parallel(text, text_present)", names)
    spec["strands"][1] = {**spec["strands"][1], "name": "text_present"}
    graph = Graph(NetworkPredictor(Network(spec, torch.tensor(PRIOR))))
    assert [(p.values, p.there) for p in graph.ports] == [
        ("text", "text_present_"),
        ("text_present", "text_present_present"),
    ]


# pretrained encoders of pictures


def bright() -> Any:
    prep = ImagePrep(height=8, width=8)
    return wrap_own(Bright(), "image", prep, (1, 8, 8), "uint8")


def seen_network(kind: str, columns: int, seed: int) -> NetworkPredictor:
    """Return a network of a picture, or two in a row, through `bright`: frozen ("vectors") or tuned."""
    frozen = bright()
    layout: dict[str, Any] = {"kind": "vectors", "tokens": frozen.tokens, "width": frozen.width}
    if kind == "tuned":
        layout = {"kind": "tuned", "shape": [1, 8, 8], "frozen": frozen.describe()}
    view = {"name": "photo", "kind": "image", "group": "image", "columns": columns}
    if kind == "tuned":
        view["input"] = "photo raw"
    spec = {**make_spec(None, ["photo"]), "strands": [view], "layouts": {"image": layout}}
    makers = {"image": lambda dim: TunedEncoder(frozen.new_network(), 1, 4, dim)} if kind == "tuned" else None
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return NetworkPredictor(Network(spec, torch.tensor(PRIOR), encoders=makers))


@pytest.mark.parametrize("columns", [1, 2])
def test_the_encoder_of_pictures_is_inside_and_may_be_tuned(columns: int) -> None:
    members = [seen_network("vectors", columns, 0), seen_network("tuned", columns, 1)]
    blend = Blend(members, Average(), PRIOR)
    generator = np.random.default_rng(0)
    raw = torch.from_numpy(generator.integers(0, 256, (6, columns, 1, 8, 8)).astype(np.uint8))
    cells = torch.from_numpy(generator.random((6, columns)) < 0.7)
    cells[0], cells[1] = True, False
    features = torch.from_numpy(bright().encode(raw.flatten(0, 1).numpy())).unflatten(0, (6, columns))
    shape = slice(None) if columns > 1 else 0
    own = {"photo": features[:, shape], "photo raw": raw[:, shape]}
    several = dict.fromkeys(own, cells) if columns > 1 else {}
    expected = blend(Batch(own, {name: cells.any(1) for name in own}, None, several))
    graph = Graph(blend, {"photo": bright()})
    assert [(p.values, p.dtype, p.shape) for p in graph.ports] == [("photo", "uint8", tuple(raw[:, shape].shape[1:]))]
    with torch.inference_mode():
        found = graph.eval()(raw[:, shape], cells if columns > 1 else cells[:, 0]).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found[1] == pytest.approx(PRIOR, abs=1e-6)
    assert abs(found[0] - PRIOR).max() > 0.01


def test_a_tuned_encoder_that_is_not_of_pictures_is_refused() -> None:
    with pytest.raises(RequestError, match="'photo' was tuned, and of those only encoders of pictures"):
        Graph(seen_network("tuned", 1, 0))
