"""What a lesson is made of: targets and losses, tokens of rows, modality dropout."""

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.models.learning import (
    JointTarget,
    Share,
    Target,
    decided,
    draw_batches,
    draw_pass,
    draw_presence,
    encode_rows,
    twice,
)
from plait.models.network import Network, Parts
from tiny import make_spec, prepared_numbers

# modality dropout


def parts_of(presence: Tensor) -> Parts:
    """Return two tokens for each modality; the second is absent in every third row."""
    parts = {}
    for place, name in enumerate(("a", "b", "c")):
        there = presence[:, place : place + 1].expand(-1, 2).clone()
        there[::3, 1] = False
        parts[name] = (torch.zeros(len(presence), 2, 4), there)
    return parts


def test_dropout_draws_how_many_stay_evenly_and_then_which() -> None:
    parts = parts_of(torch.ones(30_000, 3, dtype=torch.bool))
    kept = draw_presence(parts, torch.Generator().manual_seed(0))
    there = torch.stack([kept[name][1].any(1) for name in "abc"], 1)
    sizes = there.sum(1).bincount(minlength=4) / 30_000
    assert sizes[0] == 0
    assert sizes[1:].tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
    single = there[there.sum(1) == 1].float().mean(0)
    assert single.tolist() == pytest.approx([1 / 3] * 3, abs=0.02)
    pairs = there[there.sum(1) == 2].float().mean(0)
    assert pairs.tolist() == pytest.approx([2 / 3] * 3, abs=0.02)


def test_dropout_counts_only_what_is_present() -> None:
    presence = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=torch.bool).repeat(4000, 1)
    kept = draw_presence(parts_of(presence), torch.Generator().manual_seed(1))
    there = torch.stack([kept[name][1].any(1) for name in "abc"], 1)
    assert not (there & ~presence).any()
    two, one, none = (there[start::3] for start in range(3))
    sizes = two.sum(1).bincount(minlength=3) / 4000
    assert sizes.tolist() == pytest.approx([0, 0.5, 0.5], abs=0.03)
    assert torch.equal(one, presence[1::3])  # the only one there always stays
    assert not none.any()


def test_dropout_keeps_tokens_and_draws_for_each_row_by_the_generator() -> None:
    parts = parts_of(torch.ones(300, 3, dtype=torch.bool))
    kept = draw_presence(parts, torch.Generator().manual_seed(2))
    again = draw_presence(parts, torch.Generator().manual_seed(2))
    for name in "abc":
        assert kept[name][0] is parts[name][0]
        assert torch.equal(kept[name][1], again[name][1])
        stays = kept[name][1].any(1)
        assert torch.equal(kept[name][1][stays], parts[name][1][stays])
        assert 0 < stays.sum() < 300


def test_dropout_does_not_depend_on_the_order_of_the_dict() -> None:
    """Else a resumed study, whose tokens another plan made, would draw other holes than an unbroken one."""
    parts = parts_of(torch.ones(50, 3, dtype=torch.bool))
    kept = draw_presence(parts, torch.Generator().manual_seed(3))
    turned = draw_presence({n: parts[n] for n in reversed(parts)}, torch.Generator().manual_seed(3))
    for name in "abc":
        assert torch.equal(kept[name][1], turned[name][1])


# losses


def test_the_losses_are_the_known_ones() -> None:
    logits, rows = torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([1, 0])
    target = Target(torch.tensor([0, 1]))
    assert float(target.loss(logits, rows)) == pytest.approx(np.log(2))
    losses, metric = target.measure(torch.tensor([[0.0, 2.0], [0.0, 2.0]]), rows)
    assert losses.tolist() == pytest.approx([np.log1p(np.exp(-2)), np.log1p(np.exp(2))], rel=1e-5)
    assert metric == 0.5
    sure = float(target.loss(torch.tensor([[-50.0, 50.0, -50.0], [50.0, -50.0, -50.0]]), rows))
    assert sure == pytest.approx(0.1 * 2 / 3 * 100, rel=1e-4)  # smoothed by 0.1: being sure is not free
    numbers = Target(torch.tensor([1.0, 3.0]), regression=True)
    assert float(numbers.loss(torch.tensor([[3.0], [1.5]]), rows)) == pytest.approx(0.5 * 0.25 / 2)
    errors, r2 = numbers.measure(torch.tensor([[3.0], [2.0]]), rows)
    assert errors.tolist() == [0.0, 1.0]
    assert r2 == 0.5


def test_a_row_counts_in_the_loss_what_it_says() -> None:
    outputs, rows = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.arange(2)
    each = [float(Target(torch.zeros(2, dtype=torch.int64)).loss(outputs[[k]], rows[[k]])) for k in range(2)]
    counted = Target(torch.zeros(2, dtype=torch.int64), counts=torch.tensor([1.5, 0.5]))
    assert float(counted.loss(outputs, rows)) == pytest.approx((1.5 * each[0] + 0.5 * each[1]) / 2)
    numbers = Target(torch.zeros(2), regression=True, counts=torch.tensor([1.5, 0.5]))
    assert float(numbers.loss(torch.tensor([[3.0], [0.0]]), rows)) == pytest.approx(1.5 * 2.5 / 2)


@pytest.mark.parametrize("regression", [False, True])
def test_one_pass_over_both_views_is_the_mean_of_two(regression: bool) -> None:
    torch.manual_seed(0)
    outputs = 1 if regression else 3
    prior = torch.zeros(1) if regression else torch.full((3,), 1 / 3)
    network = Network(make_spec("parallel(photo, sound, by=gate)", ("photo", "sound"), regression=regression), prior)
    network.eval()
    there = torch.rand(12, 2, 2) < 0.8
    parts = {name: (torch.randn(12, 2, 8), there[:, place]) for place, name in enumerate(("photo", "sound"))}
    other = draw_presence(parts, torch.Generator().manual_seed(1))
    values = torch.randn(12) if regression else torch.randint(0, outputs, (12,))
    target = Target(values, regression, None if regression else torch.tensor([0.5, 1.0, 2.0]))
    rows = torch.arange(12)
    apart = [target.loss(network.decide(part), rows) for part in (parts, other)]
    assert not torch.isclose(*apart)
    together = target.loss(network.decide(twice(parts, other)), rows.repeat(2))
    assert torch.isclose(together, (apart[0] + apart[1]) / 2, atol=1e-6)


# features encoded once


def test_encoded_rows_are_those_of_the_network_in_order() -> None:
    prepared, network = prepared_numbers(), Network(make_spec(None, ("tabular",)), torch.full((3,), 1 / 3)).eval()
    rows = np.array([5, 3, 9, 0, 31])
    found = encode_rows(network, prepared, rows, torch.device("cpu"), batch_size=2)
    tokens, present = found["tabular"]
    assert present[:, 0].tolist() == [True, False, True, True, True]
    expected, _ = network.encode(prepared.batch(rows))["tabular"]
    torch.testing.assert_close(tokens, expected)
    assert not tokens.requires_grad
    torch.testing.assert_close(decided(network, found, 5, batch_size=2), network(prepared.batch(rows)))


def test_passes_give_the_tokens_of_the_rows_asked_for() -> None:
    first = {"a": (torch.arange(3.0).reshape(3, 1, 1), torch.ones(3, 1, dtype=torch.bool))}
    second = {"a": (first["a"][0] + 10, first["a"][1])}
    places = torch.tensor([-1, 2, 0, -1, 1])  # rows 2, 4, 1 of the table
    passes = draw_pass([first, second], places, torch.Generator().manual_seed(0))
    seen = {tuple(passes(torch.tensor([4, 1]))["a"][0].flatten().tolist()) for _ in range(20)}
    assert seen == {(1.0, 2.0), (11.0, 12.0)}


def test_batches_hold_every_row_once() -> None:
    rows = np.array([3, 5, 8, 9, 11, 20, 21])
    batches = draw_batches(rows, 3, torch.Generator().manual_seed(0))
    assert [len(batch) for batch in batches] == [3, 2, 2]
    assert sorted(torch.cat(batches).tolist()) == rows.tolist()
    again = draw_batches(rows, 3, torch.Generator().manual_seed(0))
    assert all(torch.equal(one, other) for one, other in zip(batches, again, strict=True))


# several targets


def share(target: Target, outputs: slice, known: list[bool], prior_loss: float, labelled: float) -> Share:
    return Share(target, outputs, torch.tensor(known), prior_loss, labelled)


def test_several_targets_are_learned_by_what_their_priors_lose() -> None:
    classes = Target(torch.tensor([0, 1, -1]))
    numbers = Target(torch.tensor([0.0, 1.0, 3.0]), regression=True)
    joint = JointTarget(
        [
            share(classes, slice(0, 2), [True, True, False], 0.5, 2 / 3),
            share(numbers, slice(2, 3), [True, True, True], 2.0, 1.0),
        ]
    )
    outputs, rows = torch.tensor([[1.0, 0.0, 0.5], [0.0, 2.0, 1.0], [9.0, -9.0, 3.0]]), torch.arange(3)
    of_classes = torch.nn.functional.cross_entropy(outputs[:2, :2], torch.tensor([0, 1]))
    loss = joint.loss(outputs, rows)
    assert float(loss) == pytest.approx((float(of_classes) / 0.5 + (0.125 / 3) / 2.0) / 2)
    losses, gain = joint.measure(outputs, rows)
    each = torch.nn.functional.cross_entropy(outputs[:2, :2], torch.tensor([0, 1]), reduction="none")
    expected = [float(each[0]) * 1.5 / 0.5 / 2 + 0.25 / 2 / 2, float(each[1]) * 1.5 / 0.5 / 2, 0.0]
    assert losses.tolist() == pytest.approx(expected)
    assert gain == pytest.approx(1 - sum(expected) / 3)


def test_a_row_without_a_label_moves_no_head_of_its_target() -> None:
    joint = JointTarget([share(Target(torch.tensor([-1, 1])), slice(0, 2), [False, True], 1.0, 0.5)])
    outputs = torch.zeros(2, 2, requires_grad=True)
    joint.loss(outputs, torch.arange(2)).backward()
    assert outputs.grad is not None
    assert outputs.grad[0].tolist() == [0.0, 0.0]
    assert outputs.grad[1].tolist() == [0.5, -0.5]
    assert float(joint.loss(outputs.detach(), torch.tensor([0]))) == 0.0
    assert joint.measure(outputs.detach(), torch.tensor([0]))[0].tolist() == [0.0]
