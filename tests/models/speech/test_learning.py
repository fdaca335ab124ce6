"""Training a recogniser: a toy language of three tones, and the parts of the loop."""

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from plait.core.contract import Modality
from plait.errors import RequestError
from plait.kinds.tabular.prep import TabularPrep
from plait.models.rows import Prepared
from plait.models.speech.decode import Heard
from plait.models.speech.learning import (
    Recordings,
    SpeechRecipe,
    ctc_losses,
    draw_batches,
    errors_of,
    hear_rows,
    speech_lesson,
    usual_recipe,
)
from plait.models.speech.network import Recogniser
from plait.models.speech.units import Units
from plait.models.train import Outcome, train
from plait.models.views import View
from songs import sing_rows


def with_table(prepared: Prepared) -> Prepared:
    """Return the rows with a table of one number beside the sound."""
    numbers = {"age": [float(n % 7) for n in range(len(prepared))]}
    prep = TabularPrep().fitted(numbers, {"age": "number"})
    view = View(Modality("tabular", "tabular", ("age",)), prep, "tabular", {"age": "number"})
    inputs = {**prepared.inputs, "tabular": np.asarray(prep(numbers), np.float32)}
    cells = {**prepared.cells, "tabular": np.ones((len(prepared), 1), bool)}
    return Prepared([*prepared.views, view], inputs, cells, prepared.reasons)


def build(prepared: Prepared, units: Units, plan: str | None = None) -> Recogniser:
    views = [{"name": s.name, "kind": s.kind, "group": s.group, "columns": 1} for s in prepared.views]
    layouts = {s.group: s.layout() for s in prepared.views}
    spec = {"strands": views, "layouts": layouts, "plan": plan, "dim": 16, "units": units.size, "audio": "sound"}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Recogniser(spec)


def learn(
    network: Recogniser,
    recordings: Recordings,
    rows: np.ndarray,
    val: np.ndarray,
    recipe: SpeechRecipe,
    seed: int = 0,
    **options: Any,
) -> Outcome:
    return train(replace(speech_lesson(network, recordings, rows, val, recipe, seed=seed, name="sound"), **options))


def weights_of(network: Recogniser) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.heavy
def test_a_toy_language_is_learned() -> None:
    prepared, texts = sing_rows(200)
    units = Units.of([text for text in texts[:120] if text])
    network = build(prepared, units)
    events = []
    recordings, recipe = Recordings(prepared, texts, units), SpeechRecipe(6, 6e-3, 8, 0.05)
    outcome = learn(network, recordings, np.arange(120), np.arange(120, 160), recipe, callback=events.append)
    heard = hear_rows(network, prepared, np.arange(160, 200), units, 0.04)
    counted = np.array([errors_of(texts[160 + i] or "", h.text) for i, h in enumerate(heard) if h is not None])
    assert counted[:, 0].sum() / counted[:, 1].sum() < 0.2
    assert len(outcome.history) == len(events) == 6
    assert set(outcome.history[0]) == {"candidate", "epoch", "loss", "val_loss", "metric", "metric_name"}
    assert outcome.history[0]["candidate"] == "sound" and outcome.history[0]["metric_name"] == "wer"
    assert set(events[0]) == {"stage", "epoch", "epochs", "loss", "metric", "metric_name", "seconds_left"}
    assert outcome.loss == pytest.approx(outcome.history[-1]["val_loss"])


def test_same_seed_same_weights_and_other_modalities_take_part() -> None:
    prepared, texts = sing_rows(24)
    prepared = with_table(prepared)
    units = Units.of([text for text in texts if text])
    found = []
    for seed in (0, 0, 1):
        network = build(prepared, units, "parallel(sound, tabular, by=concat)")
        recipe = SpeechRecipe(1, 3e-3, 8, 0.05, drop=True)
        learn(network, Recordings(prepared, texts, units), np.arange(16), np.arange(16, 24), recipe, seed)
        found.append(weights_of(network))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert any(not torch.equal(found[0][name], found[2][name]) for name in found[0])
    assert not torch.equal(found[0]["fused_head.linear.weight"], torch.zeros_like(found[0]["fused_head.linear.weight"]))
    alone = hear_rows(network, prepared, np.arange(3), units, 0.04, keep=["sound"])
    assert all(isinstance(heard, Heard) for heard in alone)
    assert hear_rows(network, prepared, np.arange(3), units, 0.04, keep=["tabular"]) == [None] * 3


def test_rows_without_sound_or_transcript_are_passed_over() -> None:
    prepared, texts = sing_rows(16)
    prepared.cells["sound"][3] = False
    prepared.inputs["sound"][3] = np.nan
    texts[4], texts[5] = None, ""
    prepared.inputs["sound"][6:8] = 0  # silence
    units = Units.of([text for text in texts if text])
    network = build(prepared, units)
    recordings, val = Recordings(prepared, texts, units), np.arange(12, 16)
    outcome = learn(network, recordings, np.arange(12), val, SpeechRecipe(1, 1e-3, 4, 0.0))
    assert math.isfinite(outcome.loss)
    assert all(bool(torch.isfinite(value).all()) for value in network.state_dict().values())
    heard = hear_rows(network, prepared, np.array([2, 3, 4]), units, 0.04)
    assert heard[1] is None and heard[0] is not None and heard[2] is not None
    with pytest.raises(RequestError, match="takes rows with both a sound and a transcript"):
        learn(network, recordings, np.array([3, 4]), val, SpeechRecipe(1))


def test_training_ends_at_the_deadline_and_on_interrupt() -> None:
    prepared, texts = sing_rows(16)
    units = Units.of([text for text in texts if text])
    rows, val, recipe = np.arange(12), np.arange(12, 16), SpeechRecipe(50, 1e-3, 6, 0.0)
    recordings, deadline = Recordings(prepared, texts, units), time.monotonic() + 0.01
    outcome = learn(build(prepared, units), recordings, rows, val, recipe, deadline=deadline)
    assert outcome.stopped == "time" and len(outcome.history) == 1

    def interrupt(event: dict[str, object]) -> None:
        if event["epoch"] == 2:
            raise KeyboardInterrupt

    network = build(prepared, units)
    outcome = learn(network, recordings, rows, val, recipe, callback=interrupt)
    assert outcome.stopped == "interrupt" and len(outcome.history) == 2
    assert not network.training


def test_usual_recipes() -> None:
    few, many = usual_recipe(100, None, 64), usual_recipe(20_000, None, 64)
    assert (few.epochs, few.batch_size) == (58, 8)
    assert (many.epochs, many.batch_size) == (12, 32)
    assert usual_recipe(100, 3, 64).epochs == 3
    assert usual_recipe(20_000, None, 16).batch_size == 16


def test_ctc_losses_are_for_each_unit() -> None:
    half = torch.full((3, 2, 2), math.log(0.5))
    losses = ctc_losses(half, torch.tensor([2, 2, 0]), [[1], [], [1]])
    assert losses.tolist() == pytest.approx([-math.log(0.75), -math.log(0.25), 0.0])
    assert ctc_losses(half[:1], torch.tensor([2]), [[1, 1, 1]]).tolist() == [0.0]  # more than two frames can say


def test_batches_hold_every_row_once_and_similar_lengths() -> None:
    lengths = np.arange(1, 101)
    batches = draw_batches(np.arange(100), lengths, 10, torch.Generator().manual_seed(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(100))
    assert [len(batch) for batch in batches] == [10] * 10
    assert max(lengths[batch].max() - lengths[batch].min() for batch in batches) < 50


@pytest.mark.parametrize(
    ("truth", "heard", "expected"),
    [
        ("One, two", "one two", (0, 2, 0, 7)),
        ("one two three", "one too", (2, 3, 7, 13)),
        ("", "one", (1, 0, 3, 0)),
        ("你好", "你们好", (1, 2, 1, 2)),
    ],
)
def test_errors(truth: str, heard: str, expected: tuple[int, int, int, int]) -> None:
    assert errors_of(truth, heard) == expected


def test_errors_are_those_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    truth, heard = "the cat sat on the mat", "a cat sat the hat on"
    words, letters = jiwer.process_words(truth, heard), jiwer.process_characters(truth, heard)
    assert errors_of(truth, heard) == (
        words.substitutions + words.deletions + words.insertions,
        6,
        letters.substitutions + letters.deletions + letters.insertions,
        22,
    )
