"""The loop: its rate, its modality dropout, why it ends, and that it can be repeated."""

import json
import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from plait.models.learning import Target, draw_batches, encode_live, loss_of
from plait.models.network import Network
from plait.models.train import AdamW, Average, Lesson, Outcome, Recipe, clearly_worse, has_bfloat16, rate_at, train
from tiny import make_spec, prepared_numbers

ROWS, VAL = np.arange(24), np.arange(24, 32)


def keep(group: str, x: Tensor) -> Tensor:
    return x


PREPARED = prepared_numbers()
TARGET = Target(torch.from_numpy((np.nan_to_num(PREPARED.inputs["tabular"][:, 0]) > 0).astype(np.int64)))


def network_of(seed: int = 0, regression: bool = False) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        prior = torch.zeros(1) if regression else torch.tensor([0.4, 0.4, 0.2])
        return Network(make_spec(None, ("tabular",), regression=regression), prior)


def run(network: Network, recipe: Recipe = Recipe(3, 1e-2, 8), low: bool = False, **options: Any) -> Outcome:  # noqa: B008
    target, outputs, seed = options.pop("target", TARGET), options.pop("outputs", None), options.pop("seed", 1)
    generator, source = torch.Generator().manual_seed(seed), encode_live(network, PREPARED, keep, torch.device("cpu"))

    def outputs_of() -> Tensor:
        with torch.inference_mode():
            return network(PREPARED.batch(VAL))

    lesson = Lesson(
        network,
        recipe,
        ROWS,
        lambda rows, steps: draw_batches(rows, steps, generator),
        lambda rows: loss_of(rows, network, source, target, low=low),
        lambda: target.measure((outputs or outputs_of)(), torch.from_numpy(VAL)),
        target.metric_name,
        seed=seed,
        name="numbers",
        **options,
    )
    return train(lesson)


# the rate


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0.0, 0.04), (0.125, 0.52), (0.25, 1.0), (0.5, 0.75), (0.625, 0.5), (1.0, 1e-4)],
)
def test_the_rate_makes_one_cycle(progress: float, expected: float) -> None:
    assert rate_at(progress, Recipe(epochs=1, rate=1.0)) == pytest.approx(expected, abs=1e-9)
    assert rate_at(progress, Recipe(epochs=9, rate=2e-3)) == pytest.approx(2e-3 * expected, abs=1e-9)


def test_a_short_rise_ends_sooner() -> None:
    assert rate_at(0.1, Recipe(epochs=1, rate=1.0, warm=0.1)) == 1.0


def test_an_outcome_goes_through_json_even_where_it_is_not_finite() -> None:
    outcome = Outcome([{"epoch": 1, "val_loss": math.inf, "metric": None}], math.inf, 2.0, "early")
    told = json.loads(json.dumps(outcome.to_json(), allow_nan=False))
    assert told["loss"] is None
    assert Outcome.from_json(told) == outcome


# bfloat16


def test_in_bfloat16_weights_and_validation_stay_float32() -> None:
    seen = []

    def validate() -> Tensor:
        with torch.inference_mode():
            seen.append(network(PREPARED.batch(VAL)))
        return seen[-1]

    networks, losses = [], []
    for low in (False, True):
        network = network_of()
        losses.append(run(network, low=low, outputs=validate).loss)
        networks.append(torch.cat([p.detach().flatten() for p in network.parameters()]))
    assert {x.dtype for x in (*seen, *networks)} == {torch.float32}
    assert 0 < float((networks[0] - networks[1]).abs().max()) < 0.1
    assert losses[1] == pytest.approx(losses[0], abs=0.02)


@pytest.mark.parametrize(
    ("told", "expected"),
    [({"avx512_bf16": True}, True), ({"avx512_bf16": False, "amx_bf16": True}, True), ({"avx2": True}, False)],
)
def test_bfloat16_where_the_processor_has_it(
    told: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert has_bfloat16(torch.device("cpu")) is expected


# what is learned


def test_the_loop_learns_and_tells_of_each_epoch() -> None:
    events: list[dict[str, Any]] = []
    network = network_of()
    outcome = run(network, Recipe(30, 2e-2, 8, patience=30), callback=events.append)
    assert [e["epoch"] for e in outcome.history] == list(range(1, 31))
    assert outcome.history[-1]["loss"] < 0.7 * outcome.history[0]["loss"]
    assert max(e["metric"] for e in outcome.history) >= 0.85
    assert set(outcome.history[0]) == {"candidate", "epoch", "loss", "val_loss", "metric", "metric_name"}
    assert set(events[0]) == {"stage", "epoch", "epochs", "loss", "metric", "metric_name", "seconds_left"}
    assert (events[0]["stage"], events[0]["epochs"], events[0]["metric_name"]) == ("numbers", 30, "accuracy")
    assert events[-1]["seconds_left"] == 0.0
    assert outcome.stopped == ""
    assert not network.training


def validated(network: Network, states: list[dict[str, Tensor]], outputs: list[Tensor]) -> Any:
    """Return a validation that answers these outputs in turn and notes the weights it was asked about."""

    def validate() -> Tensor:
        states.append({n: v.clone() for n, v in network.state_dict().items()})
        return outputs[len(states) - 1]

    return validate


def same(network: Network, state: dict[str, Tensor]) -> bool:
    return all(torch.equal(v, state[n]) for n, v in network.state_dict().items())


def test_the_end_of_the_cycle_is_kept_unless_an_earlier_epoch_is_clearly_better() -> None:
    right = torch.eye(3)[TARGET.values[VAL]]
    for last, kept in ((right * 4.9, 2), (torch.zeros(len(VAL), 3), 1)):
        network, states = network_of(), []
        outcome = run(network, Recipe(3, 1e-2, 8), outputs=validated(network, states, [right, right * 5, last]))
        assert same(network, states[kept])
        assert not same(network, states[3 - kept])
        assert outcome.loss == pytest.approx(outcome.history[kept]["val_loss"])


def test_weights_that_came_good_stay_unless_they_are_beaten() -> None:
    right = torch.eye(3)[TARGET.values[VAL]]
    for outputs, kept in (([right * 5, right * 4.9, right * 4.9], 0), ([right * 4.9, right * 4.8, right * 5], 2)):
        network, states = network_of(), []
        answers = validated(network, states, outputs)
        outcome = run(network, Recipe(2, 1e-2, 8), outputs=answers, continued=True)
        assert same(network, states[kept])
        assert len(outcome.history) == 2


def test_as_many_epochs_as_are_known_are_taken_of_the_same_cycle_and_the_last_is_kept() -> None:
    good, bad = torch.eye(3)[TARGET.values[VAL]] * 4, torch.ones(8, 3)
    states: list[dict[str, Tensor]] = []
    network = network_of()
    found = run(network, Recipe(9, 1e-2, 8, patience=2), outputs=validated(network, states, [bad, good, bad, bad]))
    assert (found.stopped, len(found.history), found.epoch) == ("early", 4, 2)
    again, events = network_of(), list[dict[str, Any]]()
    told = [good, bad]  # which ends nothing, and chooses nothing
    outcome = run(again, Recipe(9, 1e-2, 8), outputs=validated(again, [], told), epochs=2, callback=events.append)
    assert (outcome.stopped, outcome.epoch, [event["epochs"] for event in events]) == ("", 2, [2, 2])
    assert same(again, states[1])
    assert same(network, states[1])


def test_weights_that_stayed_as_they_came_are_those_of_no_epoch() -> None:
    good, bad = torch.eye(3)[TARGET.values[VAL]] * 4, torch.ones(8, 3)
    network = network_of()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    outcome = run(network, Recipe(2, 1e-2, 8), continued=True, outputs=validated(network, [], [good, bad, bad]))
    assert (outcome.epoch, len(outcome.history)) == (0, 2)
    outcome = run(network, Recipe(2, 1e-2, 8), continued=True, outputs=validated(network, [], [bad]), epochs=0)
    assert (outcome.epoch, outcome.history) == (0, [])
    assert same(network, before)


def test_any_network_can_be_taught_any_lesson() -> None:
    """The loop knows neither rows nor what they hold: here a line through points."""
    line = torch.nn.Linear(1, 1)
    x, y = torch.linspace(-1, 1, 16)[:, None], 2 * torch.linspace(-1, 1, 16)[:, None] + 1

    def losses_of(rows: np.ndarray) -> Tensor:
        return (line(x[rows]) - y[rows]).flatten() ** 2

    lesson = Lesson(
        line,
        Recipe(200, 0.1, 4, decay=0.0),
        np.arange(12),
        np.array_split,
        lambda rows: losses_of(rows).mean(),
        lambda: (losses_of(np.arange(12, 16)).detach(), math.nan),
        "none",
        seed=0,
        name="line",
    )
    outcome = train(lesson)
    assert (line.weight.item(), line.bias.item()) == pytest.approx((2.0, 1.0), abs=0.01)
    assert outcome.history[-1]["metric"] is None
    assert outcome.loss < 1e-4


def test_clearly_worse_is_a_fifth_and_two_standard_errors() -> None:
    best = torch.full((100,), 1.0)
    assert not clearly_worse(best * 1.19, best)
    assert clearly_worse(best * 1.21, best)
    wild = best.clone()
    wild[0] += 30.0  # 0.3 worse on average, by one row only: the error of the mean is 0.3 too
    assert not clearly_worse(wild, best)


def test_validation_sees_the_average_of_the_weights_and_training_goes_on_from_the_last() -> None:
    network, states, raw = network_of(), [], []
    right = [torch.eye(3)[TARGET.values[VAL]]] * 3
    note = lambda event: raw.append({n: v.clone() for n, v in network.state_dict().items()})  # noqa: E731
    run(network, Recipe(3, 1e-2, 8), outputs=validated(network, states, right), callback=note)
    moved = [n for n, p in network.named_parameters() if p.requires_grad and not torch.equal(states[0][n], raw[0][n])]
    assert moved


def test_same_seed_same_weights_and_no_trace_in_the_global_generator() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = network_of()
    run(first)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    again, other = network_of(), network_of()
    run(again)
    run(other, seed=2)
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in first.state_dict().items())


def test_frozen_parts_stay_as_they_are() -> None:
    network = network_of()
    before = {n: p.clone() for n, p in network.named_parameters()}
    run(network, frozen=list(network.encoders))
    changed = {n for n, p in network.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {n for n in before if n.startswith("heads.")}


def test_numbers_are_learned_too() -> None:
    values = torch.from_numpy(np.nan_to_num(PREPARED.inputs["tabular"][:, 0]))
    network = network_of(regression=True)
    outcome = run(network, Recipe(30, 2e-2, 8, patience=30), target=Target(values, regression=True))
    assert outcome.history[0]["metric_name"] == "r2"
    assert max(e["metric"] for e in outcome.history) > 0.5


# why it ends


def test_it_stops_early_when_validation_no_longer_gets_better() -> None:
    network = network_of()
    said = iter([torch.eye(3)[TARGET.values[VAL]] * 5] + [torch.zeros(8, 3)] * 20)
    outcome = run(network, Recipe(20, 1e-2, 8, patience=4), outputs=lambda: next(said))
    assert outcome.stopped == "early"
    assert len(outcome.history) == 5


def test_patience_is_a_third_of_the_epochs_and_at_least_five() -> None:
    for epochs, expected in ((9, 6), (30, 11)):
        said = iter([torch.eye(3)[TARGET.values[VAL]] * 5] + [torch.zeros(8, 3)] * epochs)
        assert len(run(network_of(), Recipe(epochs, 1e-2, 24), outputs=lambda s=said: next(s)).history) == expected


def test_it_stops_when_it_is_behind() -> None:
    seen: list[tuple[int, float]] = []

    def behind(epoch: int, loss: float) -> bool:
        seen.append((epoch, loss))
        return epoch == 2

    outcome = run(network_of(), behind=behind)
    assert outcome.stopped == "behind"
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert seen[1][1] == min(e["val_loss"] for e in outcome.history)


def test_the_deadline_ends_it_with_something_learned() -> None:
    began = time.monotonic()
    outcome = run(network_of(), Recipe(100_000, 1e-2, 8, patience=100_000), deadline=began + 0.3)
    assert outcome.stopped == "time"
    assert len(outcome.history) >= 1
    assert time.monotonic() - began < 2.0


def test_a_deadline_in_the_past_still_gives_one_epoch() -> None:
    outcome = run(network_of(), deadline=time.monotonic() + 1e-6)
    assert outcome.stopped == "time"
    assert len(outcome.history) == 1


@pytest.mark.parametrize("at", [1, 3])
def test_an_interrupt_keeps_the_best_so_far(at: int) -> None:
    network, states = network_of(), []
    right = torch.eye(3)[TARGET.values[VAL]]

    def interrupt(event: dict[str, Any]) -> None:
        if event["epoch"] == at:
            raise KeyboardInterrupt

    said = [right * 5, right, right]
    outcome = run(network, Recipe(20, 1e-2, 8), callback=interrupt, outputs=validated(network, states, said))
    assert outcome.stopped == "interrupt"
    assert len(outcome.history) == at
    assert not network.training
    assert same(network, states[0])


def test_the_optimizer_takes_the_steps_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(shape, generator=generator).requires_grad_() for shape in ((4, 3), (3,))]
    theirs = [p.detach().clone().requires_grad_() for p in ours]
    unused = torch.zeros(2, requires_grad=True)
    decays = (0.3, 0.0)
    groups = [{"params": [p], "weight_decay": decay} for p, decay in zip(theirs, decays, strict=True)]
    optimizer = AdamW([([p, unused], decay) for p, decay in zip(ours, decays, strict=True)], 0.1)
    reference = torch.optim.AdamW(groups, lr=0.1, weight_decay=0.0)
    for step in range(4):
        x = torch.randn(5, 4, generator=generator)
        for weight, bias in (ours, theirs):
            torch.tanh(x @ weight + bias).sum().backward()
        optimizer.rate = reference.param_groups[0]["lr"] = reference.param_groups[1]["lr"] = 0.1 / (step + 1)
        optimizer.step()
        reference.step()
        reference.zero_grad()
    for p, q in zip(ours, theirs, strict=True):
        torch.testing.assert_close(p, q)
    assert unused.tolist() == [0.0, 0.0]


def test_the_average_begins_with_the_first_state_and_takes_in_a_share_of_each_later_one() -> None:
    network = torch.nn.BatchNorm1d(1)
    average = Average(network, 0.25)
    for value, mean in ((1.0, 10.0), (2.0, 20.0), (4.0, 40.0)):
        with torch.no_grad():
            network.weight.fill_(value)
            network.running_mean.fill_(mean)
            network.num_batches_tracked.add_(1)
        average.update()
    assert (network.weight.item(), network.running_mean.item()) == (4.0, 40.0)
    average.swap()  # 1, then 1.25, then 1.9375
    assert (network.weight.item(), network.running_mean.item()) == (1.9375, 19.375)
    average.swap()
    assert (network.weight.item(), network.running_mean.item()) == (4.0, 40.0)
    assert network.num_batches_tracked.item() == 3 and network.weight.requires_grad
