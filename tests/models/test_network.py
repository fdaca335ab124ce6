"""The parts of a network, what it takes over from others, and its answers as a predictor; the battery asks the rest."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from graphs import Bright, network
from plait.core.contract import Batch, Modality, keep_only
from plait.kinds.image.prep import ImagePrep
from plait.models.network import Head, Network, NetworkPredictor, TunedEncoder, tuned_makers
from plait.models.views import View
from plait.pretrained.own import wrap_own
from tiny import DIM, make_batch, make_spec

PRIOR = torch.tensor([0.5, 0.3, 0.2])
BOTH = "parallel(photo, text, by=concat)"


def build(plan: str | None, names: tuple[str, ...], seed: int = 0, **options: Any) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Network(make_spec(plan, names, **options), PRIOR).eval()


def same(one: nn.Module, other: nn.Module) -> bool:
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# the parts


def test_a_head_sees_neither_the_mean_nor_the_length_of_its_input() -> None:
    head = Head(DIM, 3).eval()
    x = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    assert head(x).shape == (4, 3)
    torch.testing.assert_close(head(5 * x + 2), head(x), atol=1e-3, rtol=1e-3)
    assert Head(DIM, 3, zero=True)(x).tolist() == [[0.0] * 3] * 4


class Blocks(nn.Module):
    """A pretrained network of three blocks, one of them BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x[:, None]


@pytest.mark.parametrize(("how", "learning"), [("full", [0, 1, 2]), ("last-2", [1, 2]), ("last-1", [2])])
def test_the_blocks_that_are_tuned_learn_and_no_others(how: str, learning: list[int]) -> None:
    encoder = TunedEncoder(Blocks(), 1, 4, DIM, how).train()
    blocks: Any = encoder.network.blocks
    assert [place for place, block in enumerate(blocks) if block.weight.requires_grad] == learning


def test_a_tuned_network_keeps_the_statistics_it_came_with() -> None:
    encoder = TunedEncoder(Blocks(), 1, 4, DIM).train()
    tokens, present = encoder(7 + torch.randn(6, 4, generator=torch.Generator().manual_seed(0)))
    assert (tokens.shape, present.all().item()) == ((6, 1, DIM), True)
    blocks: Any = encoder.network.blocks
    assert blocks[1].running_mean.tolist() == [0.0] * 4
    assert encoder.training
    assert encoder.adapt.training
    assert not encoder.network.training


def test_only_views_of_what_an_encoder_is_given_are_tuned() -> None:
    frozen = wrap_own(Bright(), "image", ImagePrep(height=8, width=8), (1, 8, 8), "uint8")
    modality = Modality("photo", "image", ("photo",))
    views = [
        View(modality, None, "features", frozen=frozen),
        View(modality, None, "raw", how="tuned", frozen=frozen),
    ]
    makers = tuned_makers(views, {"photo": "last-1"})
    assert list(makers) == ["raw"]
    encoder = makers["raw"](DIM)
    assert encoder(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))[0].shape[::2] == (2, DIM)
    assert encoder.network is not makers["raw"](DIM).network  # each network tunes its own


@pytest.mark.parametrize(
    ("name", "width", "threads"),
    [("text", 0, 1), ("photo", 0, None), ("known", 4_999, 1), ("known", 5_000, None)],  # of two tokens
)
def test_small_networks_compute_on_one_thread(name: str, width: int, threads: int | None) -> None:
    spec = make_spec(None, [name])
    if width:
        spec["layouts"] = {"known": {**spec["layouts"]["known"], "width": width}}
    assert Network(spec, PRIOR).threads == threads


def test_answers_leave_the_threads_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    small, seen = NetworkPredictor(build(None, ("text",))), list[int]()
    decide = small.network.decide

    def note(parts: Any) -> torch.Tensor:
        seen.append(torch.get_num_threads())
        return decide(parts)

    monkeypatch.setattr(small.network, "decide", note)
    before, batch = torch.get_num_threads(), make_batch(["text"], [[True]])
    torch.set_num_threads(2)
    try:
        small(batch)
        small.subsets(batch, [["text"], []])
        assert (seen, torch.get_num_threads()) == ([1, 1, 1], 2)
    finally:
        torch.set_num_threads(before)


def test_a_view_may_read_an_input_of_another_name() -> None:
    spec = make_spec(None, ("text",))
    spec["strands"] = [{**spec["strands"][0], "input": "words"}]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Network(spec, PRIOR).eval()
    batch = make_batch(["text"], [[True], [True]])
    renamed = Batch({"words": batch.inputs["text"]}, batch.present)
    assert torch.equal(made(renamed), build(None, ("text",))(batch))


# what is taken over


def test_fusion_starts_from_the_encoders_of_the_networks_alone() -> None:
    alone = {name: build(None, (name,), seed) for seed, name in enumerate(("scan", "text"), 1)}
    fused = build("parallel(scan, text, by=concat)", ("scan", "text"))
    with torch.no_grad():
        alone["scan"].columns[0].fill_(3.0)
    assert not same(fused.encoders[0], alone["scan"].encoders[0])
    fused.take_from(alone)
    assert same(fused.encoders[0], alone["scan"].encoders[0])
    assert same(fused.encoders[1], alone["text"].encoders[0])
    assert fused.columns[fused.names.index("scan")].tolist() == [[3.0] * DIM] * 2


def test_a_modality_without_a_network_alone_begins_anew() -> None:
    fused = build(BOTH, ("photo", "text"))
    before = copy.deepcopy(fused)
    fused.take_from({"text": build(None, ("text",), 1)})
    assert same(fused.encoders[0], before.encoders[0])
    assert not same(fused.encoders[1], before.encoders[1])


@pytest.mark.parametrize("late", [False, True])
def test_a_network_that_goes_on_from_another_says_the_same(late: bool) -> None:
    first = build(BOTH, ("photo", "text"), 1, late=late)
    second = build(BOTH, ("photo", "text"), 2, late=late)
    batch = make_batch(["photo", "text"], [[True, True], [True, False], [False, True]])
    assert not torch.equal(first(batch), second(batch))
    second.continue_from(first)
    assert torch.equal(first(batch), second(batch))


# as a predictor


def test_logits_become_probabilities_and_numbers_get_their_unit() -> None:
    shares = NetworkPredictor(build(None, ("text",))).from_logits(torch.tensor([[0.0, float(np.log(3)), -np.inf]]))
    assert shares.tolist() == [pytest.approx([0.25, 0.75, 0.0])]
    values = NetworkPredictor(build(None, ("text",), regression=True), center=10.0, spread=4.0)
    assert values.from_logits(torch.tensor([[0.5], [-1.0]])).tolist() == [[12.0], [6.0]]


def test_subsets_are_what_a_masked_batch_gives_and_each_row_is_encoded_once() -> None:
    predictor = network(BOTH, ["photo", "text"])
    batch = make_batch(["photo", "text"], [[True, True], [True, False], [False, True], [False, False]])
    keeps = [["text"], ["photo", "text"], ["photo"], []]
    expected = [predictor(keep_only(batch, keep)) for keep in keeps]
    seen: list[int] = []
    for encoder in predictor.network.encoders:
        encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    for found, wanted in zip(predictor.subsets(batch, keeps), expected, strict=True):
        assert found == pytest.approx(wanted, abs=1e-6)
    assert seen == [2, 2]
    assert expected[3].tolist() == [pytest.approx(PRIOR.tolist())] * 4


@pytest.mark.parametrize(("plan", "names"), [(None, ("photo",)), (BOTH, ("photo", "text"))])
def test_a_part_of_a_network_says_what_the_whole_says_of_its_target(plan: str | None, names: tuple[str, ...]) -> None:
    whole, part = build(plan, names), build(plan, names, seed=1)
    spec = {**make_spec(plan, names), "outputs": 2}
    part = Network(spec, torch.tensor([0.5, 0.5])).eval()
    part.take_part(whole, slice(1, 3))
    batch = make_batch(names, [[True] * len(names)] * 4)
    torch.testing.assert_close(part(batch), whole(batch)[:, 1:])
    assert part.prior.tolist() == pytest.approx([np.log(0.5)] * 2)
