"""One battery of checks over every encoder, and every network: alone, late, joint, vote, nested, shared encoders."""

import copy
import json
import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.contract import Batch
from plait.core.files import read_tensors, write_tensors
from plait.errors import RequestError
from plait.kinds import KINDS
from plait.kinds.network import build_encoder
from plait.models.fusion import OPERATORS
from plait.models.network import Network, NetworkPredictor
from plait.study.cost import count_network
from tiny import DIM, LAYOUTS, STRANDS, draw_inputs, make_batch, make_spec, take_rows

PRIOR = torch.tensor([0.5, 0.3, 0.2])
ALL = ("photo", "scan", "sound", "text", "tabular", "known")
INSIDE = "photo, scan, sound, text, tabular, known"
CELLS = 7  # scan has two columns
STRATEGY = {"gru": "sequential", "film": "sequential"}
PLANS = [
    *(f"{STRATEGY.get(by, 'parallel')}({INSIDE}, by={by})" for by in OPERATORS),
    "tree((photo, scan), (sound, text), (tabular, known), by=gate)",
    "parallel(sequential(photo, sound, by=film), tree((scan, text), (tabular, known), by=attention), by=sum)",
]
VOTES = [
    f"parallel({INSIDE}, by=vote)",
    "parallel(photo, sequential(scan, sound, by=gru), parallel(text, tabular, known, by=concat), by=vote)",
]
# name of the case → (plan, modalities, late)
CASES: dict[str, tuple[str | None, tuple[str, ...], bool]] = {
    **{f"alone {name}": (None, (name,), False) for name in (*ALL, "motion", "clip")},
    **{f"joint {plan}": (plan, ALL, False) for plan in PLANS},
    **{f"late {plan}": (plan, ALL, True) for plan in (PLANS[0], PLANS[3], PLANS[-1])},
    **{plan: (plan, ALL, False) for plan in VOTES},
}
NESTED = (f"joint {PLANS[-2]}", f"joint {PLANS[-1]}", f"late {PLANS[-1]}", VOTES[1])  # which have every operator
every = pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case.startswith("alone") or case in NESTED else pytest.mark.heavy)
        for case in CASES
    ],
)
encoders = pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.network.ENCODER is not None])
PRESENCE = [
    (1, 1, 1, 1, 1, 1, 1),
    (1, 0, 1, 0, 1, 0, 0),
    (0, 1, 0, 1, 0, 1, 1),
    (1, 0, 0, 1, 1, 1, 0),
    (0, 0, 0, 0, 0, 0, 0),
    (0, 0, 1, 1, 1, 1, 1),
]


def build(case: str, seed: int = 0, regression: bool = False) -> Network:
    plan, names, late = CASES[case]
    prior = torch.tensor([0.25]) if regression else PRIOR
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Network(make_spec(plan, names, late=late, regression=regression), prior)
        for parameter in network.parameters():  # vectors and heads that begin at 0 would hide a fault
            if parameter.requires_grad and not parameter.any():
                torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def presence_of(case: str, rows: Any = PRESENCE) -> list[list[bool]]:
    """Return the cells of the case's modalities from rows that name all of them."""
    places = {"photo": (0,), "scan": (1, 2), "sound": (3,), "text": (4,), "tabular": (5,), "known": (6,)}
    places |= {"motion": (3,), "clip": (0,)}  # alone
    wanted = [place for name in CASES[case][1] for place in places[name]]
    return [[bool(row[place]) for place in wanted] for row in rows]


def batch_of(case: str, fill: float = 0.0, rows: Any = PRESENCE) -> Batch:
    return make_batch(CASES[case][1], presence_of(case, rows), fill)


def step(network: Network, batch: Batch) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """One training pass with dropout: the output, the gradient of every weight, and every buffer after it."""
    network = copy.deepcopy(network).train()
    with torch.random.fork_rng():
        torch.manual_seed(5)
        output = network(batch)
        (output * torch.randn(output.shape)).sum().backward()
    gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in network.named_parameters()}
    return output.detach(), gradients, {n: b.clone() for n, b in network.named_buffers()}


# encoders


def encoder_of(kind: str, seed: int = 0) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_encoder(LAYOUTS[kind], DIM).eval()


def input_of(kind: str, num: int) -> torch.Tensor:
    return draw_inputs(kind, num, torch.Generator().manual_seed(3))


@encoders
def test_an_encoder_gives_tokens_and_their_presence(kind: str) -> None:
    most = {"image": 16, "audio": 16, "text": 3, "tabular": 1, "vectors": 2, "series": 4, "video": 3}[kind]
    for training in (True, False):
        tokens, present = encoder_of(kind).train(training)(input_of(kind, 5))
        assert tokens.shape == (5, tokens.shape[1], DIM)
        assert tokens.shape[1] == most if most < 16 else 2 <= tokens.shape[1] <= most  # attention wants several
        assert present.shape == tokens.shape[:2]
        assert present.dtype == torch.bool
        assert present.all()
        assert tokens.isfinite().all()


@encoders
def test_an_encoder_gives_a_row_alone_what_it_gives_in_a_batch(kind: str) -> None:
    encoder, x = encoder_of(kind), input_of(kind, 4)
    whole, _ = encoder(x)
    for row in range(4):
        alone, _ = encoder(x[row : row + 1])
        torch.testing.assert_close(alone[0], whole[row], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(whole[0], whole[1])


@encoders
def test_an_encoder_is_the_same_with_the_same_seed_and_takes_its_state(kind: str) -> None:
    x = input_of(kind, 3)
    first, again, other = encoder_of(kind, 1), encoder_of(kind, 1), encoder_of(kind, 2)
    assert torch.equal(first(x)[0], again(x)[0])
    assert not torch.equal(first(x)[0], other(x)[0])
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(x)[0], other(x)[0])


@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        ("image", (2, 3, 8, 8), "picture: got an array of shape (2, 3, 8, 8); expected (batch, 1, 8, 8)."),
        ("image", (2, 8, 8), "picture: got an array of shape (2, 8, 8); expected (batch, 1, 8, 8)."),
        ("audio", (2, 8, 11), "log-mel: got an array of shape (2, 8, 11); expected (batch, 8, 12)."),
        ("text", (2, 8), "text: got an array of shape (2, 8); expected (batch, 9)."),
        ("tabular", (2, 7), "table: got an array of shape (2, 7); expected (batch, 6)."),
    ],
)
def test_an_encoder_refuses_a_wrong_shape(kind: str, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)):
        encoder_of(kind)(torch.zeros(shape))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (8, 8), (64, 20), (5, 300), (240, 320)])
def test_pictures_of_any_size_give_few_tokens(height: int, width: int) -> None:
    encoder = KINDS["image"].network.ENCODER(channels=3, height=height, width=width, dim=DIM).eval()
    tokens, present = encoder(torch.zeros(1, 3, height, width))
    assert 1 <= tokens.shape[1] <= 16
    assert present.shape == tokens.shape[:2]


def test_padding_after_a_text_does_not_change_it() -> None:
    encoder = encoder_of("text")
    short = torch.tensor([[0.1, 0.2, 0.3, 0.4, 3, 5, 0, 0, 0]])
    with torch.no_grad():
        before = encoder(short)[0]
        encoder.place[2:] += 7.0  # the places of the padding
        assert torch.allclose(encoder(short)[0], before, atol=1e-6)
        encoder.place[1] += 7.0
        assert not torch.allclose(encoder(short)[0], before, atol=1e-3)


# networks


@every
def test_a_network_answers_every_row(case: str) -> None:
    batch = batch_of(case)
    assert build(case)(batch).shape == (6, 3)
    assert build(case, regression=True)(batch).shape == (6, 1)
    assert build(case).train()(batch).isfinite().all()


@every
def test_what_is_absent_reaches_no_output_no_gradient_and_no_statistics(case: str) -> None:
    network = build(case)
    clean, dirty = batch_of(case), batch_of(case, float("nan"))
    assert torch.equal(network(clean), network(dirty))
    for expected, got in zip(step(network, clean)[1:], step(network, dirty)[1:], strict=True):
        for name, value in expected.items():
            assert torch.equal(value, got[name]), name
            assert value.isfinite().all(), name


@every
def test_a_row_alone_is_what_it_is_in_a_batch(case: str) -> None:
    network, batch = build(case), batch_of(case)
    whole = network(batch)
    for row in range(len(whole)):
        torch.testing.assert_close(network(take_rows(batch, [row]))[0], whole[row], atol=1e-5, rtol=1e-5)
    back = network(take_rows(batch, range(len(whole))[::-1]))
    torch.testing.assert_close(back.flip(0), whole, atol=1e-5, rtol=1e-5)


@every
def test_the_order_of_the_dict_does_not_matter(case: str) -> None:
    network, batch = build(case), batch_of(case)
    turned = Batch(*({n: x[n] for n in reversed(x)} for x in (batch.inputs, batch.present)), None, batch.cells)
    assert torch.equal(network(batch), network(turned))


@every
def test_same_seed_same_network(case: str) -> None:
    batch = batch_of(case)
    one, same, other = build(case, 1), build(case, 1), build(case, 2)
    assert torch.equal(one(batch), same(batch))
    assert not torch.equal(one(batch), other(batch))
    first, second = step(one, batch), step(same, batch)
    assert torch.equal(first[0], second[0])


@every
def test_saved_and_loaded_it_answers_the_same(case: str, tmp_path: Any) -> None:
    network = build(case)
    step_of = copy.deepcopy(network).train()
    step_of(batch_of(case))  # BatchNorm statistics are saved too
    step_of.eval()
    write_tensors(tmp_path / "w.safetensors", {n: x.numpy() for n, x in step_of.state_dict().items()})
    again = Network(json.loads(json.dumps(network.spec)), torch.ones(3)).eval()
    again.load_state_dict({n: torch.from_numpy(x) for n, x in read_tensors(tmp_path / "w.safetensors").items()})
    assert torch.equal(again(batch_of(case)), step_of(batch_of(case)))


@every
def test_given_nothing_it_says_the_prior(case: str) -> None:
    nothing = batch_of(case, float("nan"), [[0] * CELLS] * 2)
    said = NetworkPredictor(build(case))(nothing)
    assert said == pytest.approx(torch.stack([PRIOR, PRIOR]).numpy(), abs=1e-6)
    values = NetworkPredictor(build(case, regression=True), center=10.0, spread=4.0)(nothing)
    assert values.tolist() == [[11.0], [11.0]]  # 10 + 4 · 0.25


@every
def test_each_modality_that_is_there_changes_the_answer(case: str) -> None:
    network = build(case)
    _, names, _ = CASES[case]
    whole = batch_of(case, rows=[[1] * CELLS] * 2)
    for name in names:
        changed = take_rows(whole, [0, 1])
        changed.inputs[name] = whole.inputs[name].flip(0)
        assert not torch.allclose(network(whole), network(changed), atol=1e-6), name


@settings(derandomize=True, deadline=None, max_examples=6, database=None)
@given(st.lists(st.tuples(*[st.booleans()] * CELLS), min_size=1, max_size=5))
@pytest.mark.parametrize(
    "case", [pytest.param(f"late {PLANS[-1]}", marks=pytest.mark.heavy), f"joint {PLANS[3]}", VOTES[1]]
)
def test_any_mixture_of_holes_gives_each_row_its_own_answer(case: str, rows: list[tuple[bool, ...]]) -> None:
    network, batch = build(case), batch_of(case, float("nan"), rows)
    whole = network(batch)
    assert whole.isfinite().all()
    for row in range(len(rows)):
        torch.testing.assert_close(network(take_rows(batch, [row]))[0], whole[row], atol=1e-5, rtol=1e-5)


# batch statistics and shared encoders


@pytest.mark.parametrize("name", ["photo", "sound"])
def test_batch_statistics_are_those_of_the_rows_that_are_there(name: str) -> None:
    case = f"alone {name}"
    batch = make_batch([name], [[True], [False], [True], [True], [False]], float("nan"))
    _, _, with_holes = step(build(case), batch)
    _, _, without = step(build(case), take_rows(batch, [0, 2, 3]))
    for buffer, value in without.items():
        assert torch.equal(with_holes[buffer], value), buffer
    means = [n for n in without if n.endswith("running_mean")]
    assert means
    assert all(without[n].any() for n in means)


@pytest.mark.parametrize("name", ["photo", "sound"])
@pytest.mark.parametrize(("count", "there"), [(0, 0), (1, 0), (2, 2)])
def test_with_fewer_than_two_rows_a_convolutional_encoder_is_left_out_of_training(
    name: str, count: int, there: int
) -> None:
    network = build(f"alone {name}").train()
    batch = make_batch([name], [[row < count] for row in range(4)], float("nan"))
    _, present = network.encode(batch)[name]
    assert int(present.any(1).sum()) == there
    steps = {int(b) for n, b in network.named_buffers() if n.endswith("num_batches_tracked")}
    assert steps == {1 if there else 0}
    network(batch).sum().backward()  # a step without anything to learn from is no error
    network.eval()
    assert int(network.encode(batch)[name][1].any(1).sum()) == count


@pytest.mark.parametrize("name", ["text", "tabular"])
def test_one_row_is_enough_for_the_other_encoders(name: str) -> None:
    batch = make_batch([name], [[False], [True], [False]], float("nan"))
    _, present = build(f"alone {name}").train().encode(batch)[name]
    assert present.any(1).tolist() == [False, True, False]


def test_columns_of_one_kind_share_an_encoder_and_have_a_vector_each() -> None:
    network = build(f"joint {PLANS[0]}")
    assert len(network.encoders) == 5  # photo and scan have one
    groups = {"image": ["photo", "scan"], "audio": ["sound"], "tabular": ["tabular"], "text": ["text"]}
    assert network.groups == {**groups, "known": ["known"]}
    shapes = {n: (tuple(c.shape), c.requires_grad) for n, c in zip(network.names, network.columns, strict=True)}
    assert shapes["photo"] == ((1, DIM), True)
    assert shapes["scan"] == ((2, DIM), True)
    assert shapes["sound"] == ((1, DIM), False)
    one, two = (count_network(build(f"alone {name}"), learned=True)[0] for name in ("photo", "scan"))
    assert one == two - 2 * DIM


def test_the_vector_of_a_column_tells_the_columns_apart() -> None:
    network = build("alone scan")
    batch = make_batch(["scan"], [[True, True]])
    swapped = Batch({"scan": batch.inputs["scan"].flip(1)}, batch.present, None, batch.cells)
    same = Batch({"scan": batch.inputs["scan"][:, [0, 0]]}, batch.present, None, batch.cells)
    tokens, _ = network.encode(same)["scan"]
    first, second = tokens[0].chunk(2)
    apart = (network.columns[0][0] - network.columns[0][1]).expand_as(first)
    torch.testing.assert_close(first - second, apart, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        network.columns[0].zero_()
        torch.testing.assert_close(network(batch), network(swapped))


def test_without_cells_every_column_of_a_present_row_is_there() -> None:
    network, batch = build("alone scan"), make_batch(["scan"], [[True, True], [True, True]])
    assert torch.equal(network(batch), network(Batch(batch.inputs, batch.present)))


# starting from networks trained alone


@pytest.mark.parametrize(
    "plan", ["tree((photo, sound), text, by=gate)", "sequential(text, sound, photo)", "parallel(text, photo, sound)"]
)
def test_late_fusion_begins_where_the_vote_of_the_single_networks_stands(plan: str) -> None:
    names = ("photo", "sound", "text")
    alone = {name: build(f"alone {name}", seed) for seed, name in enumerate(names)}
    late = Network(make_spec(plan, names, late=True), PRIOR).eval()
    vote = Network(make_spec("parallel(photo, sound, text, by=vote)", names), PRIOR).eval()
    late.take_from(alone)
    vote.take_from(alone)
    batch = make_batch(names, [[True, True, True], [True, False, True], [False, True, False]], float("nan"))
    torch.testing.assert_close(late(batch), vote(batch))


# wrong requests


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("photo", (2, 3, 8, 8), "got an array of shape (2, 3, 8, 8); expected (batch, 1, 8, 8)"),
        ("scan", (2, 1, 8, 8), "got an array of shape (2, 1, 8, 8); expected (batch, 2, 1, 8, 8)"),
        ("scan", (2, 3, 1, 8, 8), "got an array of shape (2, 3, 1, 8, 8); expected (batch, 2, 1, 8, 8)"),
        ("scan", (2, 2, 1, 8, 9), "got an array of shape (2, 2, 1, 8, 9); expected (batch, 2, 1, 8, 8)"),
        ("sound", (2, 9, 12), "got an array of shape (2, 9, 12); expected (batch, 8, 12)"),
        ("text", (2, 3), "got an array of shape (2, 3); expected (batch, 9)"),
        ("tabular", (2, 9), "got an array of shape (2, 9); expected (batch, 6)"),
    ],
)
def test_a_wrong_shape_names_the_modality_what_came_and_what_was_expected(
    name: str, shape: tuple[int, ...], said: str
) -> None:
    cases = [f"alone {name}", f"joint {PLANS[0]}", VOTES[0]]
    for case in cases:
        batch = batch_of(case, rows=[[1] * CELLS] * 2)
        batch.inputs[name] = torch.zeros(shape)
        with pytest.raises(RequestError, match=f"modality '{name}': .*{re.escape(said)}"):
            build(case)(batch)


def test_a_modality_that_the_batch_lacks_is_named() -> None:
    batch = batch_of(VOTES[0])
    del batch.inputs["sound"]
    with pytest.raises(RequestError, match=r"the batch has no modality 'sound'\. There are: photo, scan, text"):
        build(VOTES[0])(batch)


def test_without_a_plan_a_network_takes_one_modality() -> None:
    with pytest.raises(RequestError, match="without a plan a network takes one modality; got photo, text"):
        Network(make_spec(None, ("photo", "text")), PRIOR)
    assert {*STRANDS} == {*ALL, "motion", "clip"}
