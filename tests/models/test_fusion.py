"""Every operator and nested plan against the contract: shape, presence, order, seed, save and load."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from plait.errors import RequestError
from plait.models import plan as language
from plait.models.fusion import OPERATORS, Attention, Bilinear, Concat, Film, Gate, Recurrent, Vote, build_fusion, pool
from plait.models.plan import Parallel, parse

DIM = 8
TOKENS = {"a": 3, "b": 1, "c": 4}
PLANS = [
    *(f"parallel(a, b, c, by={by})" for by in ("concat", "sum", "gate", "attention", "bilinear")),
    *(f"sequential(a, b, c, by={by})" for by in ("film", "gru")),
    *(f"tree((a, b), c, by={by})" for by in ("concat", "sum", "gate", "attention", "bilinear")),
    "sequential(parallel(a, c, by=attention), b, by=film)",
    "parallel(sequential(b, a, by=gru), c, by=concat)",
]
PRESENT = st.lists(
    st.tuples(*(st.tuples(*[st.booleans()] * count) for count in TOKENS.values())), min_size=1, max_size=4
)
few = settings(derandomize=True, deadline=None, max_examples=5, database=None)


class Mean(nn.Module):
    """A user's own operator, which knows nothing of absence but what it is told."""

    def __init__(self):
        super().__init__()
        self.map = nn.Linear(DIM, DIM)

    def forward(self, parts):
        tokens = torch.cat([tokens for tokens, _ in parts], 1).mean(1, keepdim=True)
        return self.map(tokens), torch.ones(tokens.shape[:2], dtype=torch.bool)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def built(plan, seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_fusion(parse(plan), DIM).eval()


def inputs_of(presence, fill: float = float("nan"), seed: int = 1):
    """Return random tokens for these rows, with `fill` where a token is absent."""
    generator = seeded(seed)
    inputs = {}
    for index, (name, count) in enumerate(TOKENS.items()):
        present = torch.tensor([row[index] for row in presence])
        tokens = torch.randn(len(presence), count, DIM, generator=generator)
        inputs[name] = (tokens.masked_fill(~present.unsqueeze(2), fill).requires_grad_(), present)
    return inputs


def learned(module: nn.Module, inputs) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return the output, and the gradients of all weights and inputs of a loss over it."""
    module.zero_grad()
    tokens, _ = module(inputs)
    weight = torch.randn(tokens.shape, generator=seeded(3))
    (tokens * weight).sum().backward()
    return tokens.detach(), [
        torch.zeros_like(x) if x.grad is None else x.grad.clone()
        for x in [*module.parameters(), *(tokens for tokens, _ in inputs.values())]
    ]


@pytest.fixture(autouse=True)
def same_weights_each_time():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


FULL = [tuple((True,) * count for count in TOKENS.values())] * 5


@pytest.mark.parametrize("plan", PLANS)
@few
@given(presence=PRESENT)
def test_shape_and_presence_of_the_output(plan, presence):
    tokens, present = built(plan)(inputs_of(presence))
    assert tokens.shape == (len(presence), 1, DIM)
    assert present.dtype == torch.bool
    assert present.squeeze(1).tolist() == [any(any(part) for part in row) for row in presence]
    assert tokens.isfinite().all()
    assert (tokens[~present] == 0).all()


@pytest.mark.parametrize("plan", [*PLANS, Parallel(["a", "b", "c"], by=Mean())], ids=str)
@few
@given(presence=PRESENT, fill=st.sampled_from([0.0, 1e30, float("inf")]))
def test_what_is_absent_reaches_neither_output_nor_gradient(plan, presence, fill):
    module = built(plan)
    output, gradients = learned(module, inputs_of(presence))
    other, others = learned(module, inputs_of(presence, fill))
    assert torch.equal(output, other)
    for gradient, wanted in zip(gradients, others, strict=True):
        assert gradient.isfinite().all()
        assert torch.equal(gradient, wanted)


@pytest.mark.parametrize("plan", PLANS)
@few
@given(presence=PRESENT)
def test_a_row_alone_equals_that_row_in_a_batch(plan, presence):
    module, inputs = built(plan), inputs_of(presence)
    together, _ = module(inputs)
    for row in range(len(presence)):
        alone, _ = module({name: (x[row : row + 1], there[row : row + 1]) for name, (x, there) in inputs.items()})
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize("plan", PLANS)
def test_the_order_of_the_dict_does_not_matter_nor_do_other_modalities(plan):
    module, inputs = built(plan), inputs_of(FULL)
    turned = {"other": (torch.zeros(1), torch.zeros(1)), **dict(reversed(inputs.items()))}
    assert torch.equal(module(inputs)[0], module(turned)[0])


@pytest.mark.parametrize("plan", PLANS)
def test_same_seed_same_weights_and_a_saved_state_gives_the_same_output(plan):
    inputs = inputs_of(FULL)
    first, same, other = built(plan), built(plan), built(plan, seed=5)
    assert torch.equal(first(inputs)[0], same(inputs)[0])
    assert not torch.equal(first(inputs)[0], other(inputs)[0])
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(inputs)[0], other(inputs)[0])


@pytest.mark.parametrize("plan", PLANS)
def test_every_part_and_every_weight_matters(plan):
    module, inputs = built(plan), inputs_of(FULL)
    _, gradients = learned(module, inputs)
    assert all(gradient.abs().sum() > 0 for gradient in gradients)


@pytest.mark.parametrize("plan", PLANS)
def test_an_empty_batch_is_no_error(plan):
    empty = {name: (torch.zeros(0, n, DIM), torch.zeros(0, n, dtype=torch.bool)) for name, n in TOKENS.items()}
    assert built(plan)(empty)[0].shape == (0, 1, DIM)


@pytest.mark.parametrize("plan", PLANS)
def test_operators_run_in_half_precision(plan):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, gradients = learned(built(plan), inputs_of(FULL))
    assert output.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_a_wrong_shape_names_the_modality_what_came_and_what_was_expected():
    module, inputs = built("parallel(a, b, c)"), inputs_of(FULL)
    tokens, present = inputs["b"]
    wrong = {
        r"modality 'b': got tokens of shape \(5, 1, 7\); expected \(batch, token, 8\)": (tokens[..., :7], present),
        r"modality 'b': got tokens of shape \(5, 8\); expected \(batch, token, 8\)": (tokens[:, 0], present),
        r"modality 'b': got present of shape \(5,\), torch.bool; expected \(5, 1\), torch.bool": (
            tokens,
            present[:, 0],
        ),
        r"modality 'b': got present of shape \(5, 1\), torch.float32; expected": (tokens, present.float()),
        r"modality 'b': got Tensor; expected a pair of tensors \(tokens, present\)": tokens,
        r"a, b, c: got batches of \[5, 4, 5\] rows; expected as many rows in each": (tokens[:4], present[:4]),
    }
    for message, value in wrong.items():
        with pytest.raises(RequestError, match=message):
            module({**inputs, "b": value})
    with pytest.raises(RequestError, match="there is no modality 'b' to fuse"):
        module({"a": inputs["a"], "c": inputs["c"]})


@pytest.mark.parametrize("operator", OPERATORS.values())
def test_a_wrong_number_of_parts_is_refused(operator):
    with pytest.raises(ValueError, match="zip"):
        operator(3, DIM)(list(inputs_of(FULL).values())[:2])


def test_one_modality_alone_passes_through():
    present = torch.tensor([[True, False, True]])
    tokens = torch.ones(1, 3, DIM).masked_fill(~present.unsqueeze(2), float("nan"))
    output, same = build_fusion("a", DIM)({"a": (tokens, present)})
    assert output[0, :, 0].tolist() == [1.0, 0.0, 1.0]
    assert torch.equal(same, present)


def test_the_plan_language_and_the_operators_agree():
    named = {name for names in language.OPERATORS.values() for name in names}
    assert named - {"vote"} == set(OPERATORS)
    for operator in [*OPERATORS.values(), Vote]:
        assert operator.__doc__ is not None
        assert "and others" in operator.__doc__


def test_a_vote_is_not_a_fusion_of_tokens():
    with pytest.raises(RequestError, match="by=vote gives no tokens; there are: concat, sum, gate"):
        build_fusion(parse("parallel(a, b, by=vote)"), DIM)


def test_the_pool_is_the_mean_over_what_is_present():
    tokens = torch.tensor([[[1.0], [3.0], [float("nan")]], [[float("nan")]] * 3])
    mean, present = pool(tokens, torch.tensor([[True, True, False], [False] * 3]))
    assert mean.tolist() == [[2.0], [0.0]]
    assert present.tolist() == [True, False]
    alone, there = pool(torch.tensor([[[1.0, 2.0]], [[float("nan"), 3.0]]]), torch.tensor([[True], [False]]))
    assert alone.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert there.tolist() == [True, False]


def gates_of(gate, inputs):
    return gate.gates(*gate.pooled(list(inputs.values()))[1:])


def test_the_gate_looks_at_its_input():
    gate = Gate(3, DIM).eval()
    passes = gates_of(gate, inputs_of(FULL))
    assert passes.shape == (5, 3, DIM)
    torch.testing.assert_close(passes.sum(1), torch.ones(5, DIM))
    assert (passes[0] - passes[1]).abs().max() > 0.01
    # and at the other parts: the gate of one part moves when only another part changes
    inputs = inputs_of(FULL)
    inputs["c"] = (-inputs["c"][0], inputs["c"][1])
    assert (gates_of(gate, inputs)[:, 0] - passes[:, 0]).abs().max() > 0.01


def test_an_absent_part_passes_no_gate():
    presence = [((True,) * 3, (False,), (True,) * 4)]
    passes = gates_of(Gate(3, DIM).eval(), inputs_of(presence))
    assert (passes[0, 1] == 0).all()
    torch.testing.assert_close(passes.sum(1), torch.ones(1, DIM))


def test_attention_reads_tokens_and_has_many_keys():
    attention = Attention(2, DIM).eval()
    parts = list(inputs_of(FULL).values())[::2]  # 3 and 4 tokens
    looks = []
    attention.layers[1].register_forward_hook(lambda module, given, output: looks.append(output[1].detach()))
    whole, _ = attention(parts)
    assert looks[0].shape[::2] == (5, 7)
    torch.testing.assert_close(looks[0].sum(2), torch.ones(looks[0].shape[:2]))
    assert (looks[0] < 1).all()
    assert (looks[0][0] - looks[0][1]).abs().max() > 1e-4  # it looks elsewhere in another row
    mean = parts[0][0].mean(1, keepdim=True).expand_as(parts[0][0])  # same mean, other tokens
    assert (attention([(mean, parts[0][1]), parts[1]])[0] - whole).abs().max() > 1e-4


def test_attention_in_the_cheap_order_is_the_textbook_attention():
    layer = Attention(1, DIM).eval().layers[0]
    tokens = torch.randn(3, 5, DIM, generator=seeded(1))
    state = torch.randn(3, DIM, generator=seeded(2))
    textbook = nn.MultiheadAttention(DIM, layer.heads, batch_first=True).eval()
    with torch.no_grad():
        textbook.in_proj_weight.copy_(torch.cat([layer.to_query.weight, layer.to_key.weight, layer.to_value.weight]))
        textbook.in_proj_bias.copy_(torch.cat([layer.to_query.bias, torch.zeros(DIM), layer.to_value.bias]))
        textbook.out_proj.weight.copy_(layer.to_state.weight)
        textbook.out_proj.bias.copy_(layer.to_state.bias)
    query = layer.norm1(state).unsqueeze(1)
    found, looks = textbook(query, tokens, tokens, average_attn_weights=False)
    expected = state + found.squeeze(1)
    expected = expected + layer.network(layer.norm2(expected))
    got, look = layer(state, tokens, torch.ones(3, 5, dtype=torch.bool))
    torch.testing.assert_close(got, expected)
    torch.testing.assert_close(look, looks.squeeze(2))


def test_film_changes_the_next_part_and_lets_it_through_alone():
    film = Film(2, DIM).eval()
    (a, here), (b, there), _ = inputs_of(FULL).values()
    nowhere = torch.zeros_like(here)
    assert torch.equal(film([(a, nowhere), (b, there)])[0], b)
    torch.testing.assert_close(film([(a, here), (b, torch.zeros_like(there))])[0], a.mean(1, keepdim=True))
    changed = film([(a, here), (b, there)])[0]
    assert (changed - b).abs().max() > 0.01
    assert (film([(a * 2, here), (b, there)])[0] - changed).abs().max() > 0.01


def test_an_absent_part_is_no_step_of_the_recurrent_unit():
    three, two = Recurrent(3, DIM).eval(), Recurrent(2, DIM).eval()
    state = {
        key.replace("norms.2", "norms.1").replace("maps.2", "maps.1"): value
        for key, value in three.state_dict().items()
        if not key.startswith(("pooled.norms.1", "maps.1"))
    }
    two.load_state_dict(state)
    a, b, c = inputs_of(FULL).values()
    torch.testing.assert_close(three([a, (b[0], torch.zeros_like(b[1])), c])[0], two([a, c])[0])
    assert (three([a, b, c])[0] - two([a, c])[0]).abs().max() > 0.01


def test_an_absent_part_is_a_factor_of_one():
    three, two = Bilinear(3, DIM).eval(), Bilinear(2, DIM).eval()
    state = {
        key.replace("norms.2", "norms.1").replace("maps.2", "maps.1"): value
        for key, value in three.state_dict().items()
        if not key.startswith(("pooled.norms.1", "maps.1"))
    }
    two.load_state_dict(state)
    a, b, c = inputs_of(FULL).values()
    torch.testing.assert_close(three([a, (b[0], torch.zeros_like(b[1])), c])[0], two([a, c])[0])


def test_what_neither_part_says_by_itself_is_in_their_product():
    """The sign of a product of two numbers: a linear map of features of one part, and of another, cannot tell it."""
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    operator, direction = Bilinear(2, DIM), torch.arange(DIM) - (DIM - 1) / 2
    parts = [((side[:, None] * direction)[:, None], torch.ones(4, 1, dtype=torch.bool)) for side in signs.T]
    for each in operator.maps:
        each.weight.data.fill_(0.0)
        each.weight.data[0] = direction / direction.norm()
        each.bias.data.fill_(0.0)
    said = []
    operator.linear.register_forward_pre_hook(lambda module, given: said.append(given[0][:, 0]))
    operator(parts)
    a, b = torch.tanh((signs * DIM**0.5).T)  # a LayerNorm makes every part as long
    torch.testing.assert_close(said[0], a + b + a * b, atol=1e-4, rtol=1e-4)


def test_the_order_of_a_sequence_matters():
    inputs = inputs_of(FULL)
    for by in ("film", "gru"):
        forth, back = built(f"sequential(a, b, by={by})"), built(f"sequential(b, a, by={by})")
        assert (forth(inputs)[0] - back(inputs)[0]).abs().max() > 0.01


def test_concat_sees_the_difference_between_absent_and_zero():
    concat = Concat(2, DIM).eval()
    zeros, there = torch.zeros(1, 1, DIM), torch.ones(1, 1, dtype=torch.bool)
    concat.pooled.norms[0].bias.data.zero_()
    absent = concat([(zeros, ~there), (zeros, there)])[0]
    assert (concat([(zeros, there), (zeros, there)])[0] - absent).abs().max() > 1e-3


def test_a_users_own_operator_is_copied_and_held_to_the_contract():
    mine = Mean()
    module = build_fusion(Parallel(["a", "b"], by=mine), DIM)
    assert module.operator is not mine
    presence = [((False,) * 3, (False,), (True,) * 4), ((True,) * 3, (True,), (True,) * 4)]
    tokens, present = module(inputs_of(presence))
    assert present.tolist() == [[False], [True]]
    assert (tokens[0] == 0).all()
    assert tokens[1].abs().sum() > 0


def test_a_users_own_operator_of_a_wrong_shape_is_told():
    class Wrong(nn.Module):
        def forward(self, parts):
            return parts[0][0].mean(1), parts[0][1].any(1)

    module = build_fusion(Parallel(["a", "b"], by=Wrong()), DIM)
    with pytest.raises(RequestError, match=r"by=Wrong: got tokens of shape \(5, 8\); expected \(5, token, 8\)"):
        module(inputs_of(FULL))


def test_a_vote_multiplies_what_each_branch_says_beyond_the_prior():
    prior = torch.tensor([0.5, 0.25, 0.25])
    vote = Vote(2, prior)
    one = torch.tensor([[0.2, 0.4, 0.4], [0.2, 0.4, 0.4], [float("nan")] * 3])
    two = torch.tensor([[0.1, 0.6, 0.3], [float("nan")] * 3, [float("nan")] * 3])
    there = (torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    probabilities = vote([(one.log(), there[0]), (two.log() + 7, there[1])]).softmax(1)
    product = torch.tensor([0.2 * 0.1 / 0.5, 0.4 * 0.6 / 0.25, 0.4 * 0.3 / 0.25])
    expected = torch.stack([product / product.sum(), one[1], prior])
    torch.testing.assert_close(probabilities, expected)


def test_a_vote_over_numbers_is_the_mean_of_the_present():
    vote = Vote(2, torch.tensor([10.0]), regression=True)
    one, two = torch.tensor([[1.0], [1.0], [float("nan")]]), torch.tensor([[3.0], [float("nan")], [float("nan")]])
    there = (torch.tensor([True, True, False]), torch.tensor([True, False, False]))
    torch.testing.assert_close(vote([(one, there[0]), (two, there[1])]), torch.tensor([[2.0], [1.0], [10.0]]))


@pytest.mark.parametrize("regression", [False, True])
def test_an_absent_vote_reaches_no_gradient_and_the_weights_learn(regression):
    vote = Vote(2, torch.tensor([0.7, 0.3]), regression=regression)
    said = torch.randn(4, 2, generator=seeded(0)).requires_grad_()
    other = torch.full((4, 2), float("nan"))
    other[0] = 1.5
    other.requires_grad_()
    present = torch.tensor([True, False, False, False])
    vote([(said, torch.ones(4, dtype=torch.bool)), (other, present)])[:, 0].sum().backward()
    for gradient in (vote.weight.grad, said.grad, other.grad):
        assert gradient.isfinite().all()
    assert (other.grad[1:] == 0).all()
    assert vote.weight.grad.abs().sum() > 0


def test_a_vote_of_a_wrong_shape_is_refused():
    vote = Vote(2, torch.tensor([0.5, 0.5]))
    good, there = torch.zeros(4, 2), torch.ones(4, dtype=torch.bool)
    with pytest.raises(RuntimeError, match="equal size"):
        vote([(good, there), (torch.zeros(4, 3), there)])


def test_a_class_that_training_never_saw_does_not_break_the_vote():
    vote = Vote(1, torch.tensor([1.0, 0.0]))
    assert vote([(torch.zeros(1, 2), torch.ones(1, dtype=torch.bool))]).isfinite().all()
