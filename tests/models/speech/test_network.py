"""The recogniser: padding, absence, fusion with other modalities, and what it refuses."""

from typing import Any

import pytest
import torch

from plait.core.contract import Batch
from plait.errors import RequestError
from plait.models.speech.network import Recogniser, own_lengths
from tiny import DIM, LAYOUTS, STRANDS, draw_inputs

MELS, UNITS = 16, 5
SOUND = {**STRANDS["sound"], "group": "sound"}
LAYOUT = {"kind": "audio", "mels": MELS, "frames": 80}
PLANS = [
    "parallel(sound, text, tabular, by=concat)",
    "parallel(photo, sound, text, tabular, by=attention)",
    "sequential(sound, photo, text, tabular, by=film)",
    "tree((sound, photo), text, tabular, by=gate)",
]


def build(plan: str | None = None) -> Recogniser:
    views = [SOUND, *(STRANDS[name] for name in ("photo", "text", "tabular"))]
    layouts = {**LAYOUTS, "sound": LAYOUT}
    spec = {"strands": views, "layouts": layouts, "plan": plan, "dim": DIM, "units": UNITS, "audio": "sound"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Recogniser(spec)
        if network.fused_head is not None:  # begins at 0, which would hide a fault
            torch.nn.init.normal_(network.fused_head.linear.weight, std=0.3)
    return network.eval()


def sounds(lengths: list[int], time: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(lengths), MELS, time, generator=generator)
    for row, length in enumerate(lengths):
        x[row, :, length:] = 0
    return x


def batch_of(x: torch.Tensor, present: list[bool] | None = None, **others: Any) -> Batch:
    flags = torch.tensor(present or [True] * len(x))
    generator = torch.Generator().manual_seed(1)
    inputs = {name: draw_inputs(kind, len(x), generator) for name, kind in OTHERS.items()}
    there = {name: torch.tensor(others.get(name, [True] * len(x))) for name in OTHERS}
    return Batch({"sound": x, **inputs}, {"sound": flags, **there})


OTHERS = {"photo": "image", "text": "text", "tabular": "tabular"}


def test_every_frame_gets_log_probabilities() -> None:
    network = build()
    assert network.stride == 4 and network.names == ["sound"]
    said, lengths = network(batch_of(sounds([80, 41, 3], 80)))
    assert said.shape == (3, 20, UNITS)
    assert lengths.tolist() == [20, 11, 1]
    assert said[0].exp().sum(1).tolist() == pytest.approx([1.0] * 20, abs=1e-5)
    assert said[1, 11:].exp().tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0]] * 9  # after its end: nothing
    assert 3e5 < sum(p.numel() for p in network.parameters()) < 1e6


@pytest.mark.parametrize("plan", [None, PLANS[0]])
def test_padding_changes_nothing(plan: str | None) -> None:
    network = build(plan)
    x = sounds([33, 80, 58], 80)
    together, lengths = network(batch_of(x))
    padded, more = network(batch_of(torch.cat([x, torch.zeros(3, MELS, 57)], 2)))
    assert more.tolist() == lengths.tolist()
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(padded[row, :length], together[row, :length], atol=1e-4, rtol=0)
        if plan is None:
            alone, own = network(batch_of(x[row : row + 1, :, : own_lengths(x)[row]]))
            assert own.tolist() == [length]
            torch.testing.assert_close(alone[0], together[row, :length], atol=1e-4, rtol=0)


@pytest.mark.parametrize("plan", [None, *PLANS])
@pytest.mark.parametrize("training", [False, True])
def test_absent_sounds_reach_nothing(plan: str | None, training: bool) -> None:
    network = build(plan).train(training)
    x = sounds([40, 40, 60, 52], 60)
    outcomes = []
    for fill in (0.0, torch.nan):
        x[1] = fill
        network.zero_grad()
        with torch.random.fork_rng():
            torch.manual_seed(3)
            said, lengths = network(batch_of(x, [True, False, True, True]))
        said[..., 0].sum().backward()
        gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
        assert all(bool(torch.isfinite(g).all()) for g in gradients)
        outcomes.append((said.detach(), gradients))
        assert lengths.tolist() == [10, 0, 15, 13]
        assert said[1].exp().tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0]] * 15
    if not training:  # in training the first pass has moved the statistics of BatchNorm, not the output
        torch.testing.assert_close(outcomes[0], outcomes[1], atol=0, rtol=0)


@pytest.mark.parametrize("plan", PLANS)
def test_an_absent_other_modality_may_be_nan(plan: str) -> None:
    network = build(plan)
    there = {"photo": [True, False, True], "text": [False, False, True], "tabular": [True, False, True]}
    outcomes = []
    for fill in (0.0, torch.nan):
        batch = batch_of(sounds([40, 44, 60], 60), None, **there)
        for name in OTHERS:
            batch.inputs[name][~batch.present[name]] = fill
        network.zero_grad()
        said, _ = network(batch)
        said[..., 0].sum().backward()
        outcomes.append((said.detach(), [p.grad.clone() for p in network.parameters() if p.grad is not None]))
        assert all(bool(torch.isfinite(g).all()) for g in outcomes[-1][1])
    torch.testing.assert_close(outcomes[0], outcomes[1], atol=0, rtol=0)


def test_other_modalities_change_what_is_heard() -> None:
    network = build(PLANS[0])
    x = sounds([40, 40], 40)
    x[1] = x[0]
    said, _ = network(batch_of(x, None, text=[True, True], tabular=[True, False]))
    assert float((said[0] - said[1]).detach().abs().max()) > 1e-3


def test_no_sound_at_all() -> None:
    said, lengths = build(PLANS[0])(batch_of(sounds([40, 40], 40), [False, False]))
    assert lengths.tolist() == [0, 0]
    assert said[..., 0].tolist() == [[0.0] * 10] * 2


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("parallel(sound, text, by=vote)", "a recogniser cannot vote"),
        ("parallel(photo, text)", "the sound 'sound' is not in it"),
        ("parallel(sound, smell)", "there is no modality 'smell'"),
    ],
)
def test_plans_that_do_not_fit_are_refused(plan: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        build(plan)


def test_wrong_sounds_are_refused() -> None:
    with pytest.raises(RequestError, match=r"got an array of shape \(2, 9, 40\); expected \(batch, 16, time\)"):
        build()(batch_of(torch.zeros(2, 9, 40)))
    spec = {**build().spec, "audio": "photo"}
    with pytest.raises(RequestError, match="there is no sound 'photo' to recognise"):
        Recogniser(spec)
    spec = {**build().spec, "strands": [{**SOUND, "columns": 2}]}
    with pytest.raises(RequestError, match="'sound' has 2 columns; a recogniser hears one of them"):
        Recogniser(spec)
